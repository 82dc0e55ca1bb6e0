#include "engine/model.h"

#include <algorithm>
#include <string>

#include "engine/encoder.h"
#include "engine/error.h"
#include "engine/outliers.h"

namespace squeezebert {

namespace {

/// A table of float32, row after row.
std::vector<float> read_table(const Matrix& matrix) {
    std::vector<float> table(static_cast<std::size_t>(matrix.rows * matrix.columns));
    for (std::int64_t row = 0; row < matrix.rows; ++row) {
        matrix.read_row(row, table.data() + row * matrix.columns);
    }
    return table;
}

/// Of the feed-forward network's second projection: so wide a part of a block of rows stays in the
/// cache between the two projections.
constexpr int kWidestSlice = 1024;

/// Of int8 products of a dense layer whose inputs have features that stick out: one scale for all
/// of a token's features would leave most of them few steps (docs/quantization.md).
constexpr int kWidestOutlierSlice = 128;

PackedProjection pack(const LinearWeights& linear, Precision precision) {
    return PackedProjection(linear.weight, linear.bias, precision);
}

PackedProjection pack_sliced(const LinearWeights& linear, Precision precision, int widest) {
    return PackedProjection(linear.weight, linear.bias, precision,
                            count_slices(static_cast<int>(linear.weight.columns), widest));
}

[[noreturn]] void refuse(const std::string& what, const char* hint = "") {
    throw Error(ErrorKind::invalid_input, what, hint);
}

std::string between(std::int64_t low, std::int64_t high) {
    return std::to_string(low) + " to " + std::to_string(high);
}

}  // namespace

PackedLayer pack_layer(const Checkpoint& checkpoint, int index, const Precisions& precisions) {
    const LayerWeights& weights = checkpoint.layer(index);
    const bool outliers = expected_peak(checkpoint) > kMildPeak;
    // Of what a LayerNorm gives. Groups have a scale each already.
    const auto pack_normalized = [&](const LinearWeights& linear, Precision precision) {
        const bool divided = outliers && precision == Precision::int8 && linear.weight.groups == 1;
        return divided ? pack_sliced(linear, precision, kWidestOutlierSlice)
                       : pack(linear, precision);
    };
    const auto view = [](const LayerNormWeights& norm) {
        return LayerNormView{norm.weight.data(), norm.bias.data()};
    };
    return {pack_normalized(weights.query, precisions.query),
            pack_normalized(weights.key, precisions.key),
            pack_normalized(weights.value, precisions.value),
            pack(weights.post_attention, precisions.post_attention),
            pack_normalized(weights.intermediate, precisions.intermediate),
            pack_sliced(weights.output, precisions.output, kWidestSlice),
            view(weights.attention_layer_norm),
            view(weights.output_layer_norm)};
}

Model::Model(const ModelFiles& files, const PrecisionWishes& wishes, int threads)
    : checkpoint_(Checkpoint::open(files)),
      precisions_(choose_precisions(checkpoint_, wishes)),
      isa_(choose_isa()),
      kernels_(kernels(isa_)),
      pool_(threads),
      workspaces_(std::make_unique<Workspaces>()) {
    const EncoderConfig& config = checkpoint_.config();
    attention_.heads = config.num_attention_heads;
    attention_.head_size = config.head_size();
    attention_.precision = kernels_.attention_precision(precisions_.query);
    for (int index = 0; index < config.num_hidden_layers; ++index) {
        layers_.push_back(pack_layer(checkpoint_, index, precisions_));
    }
    positions_ = read_table(checkpoint_.position_embeddings());
    token_types_ = read_table(checkpoint_.token_type_embeddings());
    if (const auto& linear = checkpoint_.bottleneck()) {
        bottleneck_ = pack(*linear, precisions_.bottleneck);
    }
    if (const auto& linear = checkpoint_.pooler()) pooler_ = pack(*linear, Precision::float32);
    if (const auto& linear = checkpoint_.classifier()) {
        classifier_ = pack(*linear, Precision::float32);
    }
    if (const auto& head = checkpoint_.masked_lm()) {
        transform_ = pack(head->transform, Precision::float32);
        vocabulary_ = pack(head->decoder, precisions_.vocabulary);
    }
    measure_scratch();
}

Model::~Model() = default;

void Model::measure_scratch() {
    const auto add = [&](const Projection& shape) {
        const auto groups = static_cast<std::size_t>(shape.groups);
        scratch_sizes_.scales = std::max(scratch_sizes_.scales, groups * shape.slices);
        scratch_sizes_.packed = std::max(
            scratch_sizes_.packed, groups * shape.padded_inputs * element_size(shape.precision));
    };
    if (bottleneck_) add(bottleneck_->view());
    // Layers differ in their slices.
    for (const PackedLayer& layer : layers_) {
        for (const PackedProjection* projection :
             {&layer.query, &layer.key, &layer.value, &layer.post_attention, &layer.intermediate}) {
            add(projection->view());
        }
    }
    // The feed-forward network's second projection is the same in all.
    const Projection& up = layers_.front().intermediate.view();
    const Projection& down = layers_.front().output.view();
    const int slice_inputs = down.inputs / down.slices;
    // A slice must begin and end where panels of the intermediate projection do.
    sliced_ = up.outputs % kPanel == 0 && slice_inputs % kPanel == 0;
    scratch_sizes_.wide = round_up(sliced_ ? slice_inputs : down.groups * down.inputs, kPanel);
    scratch_sizes_.packed_slice =
        static_cast<std::size_t>(down.padded_inputs) / down.slices * element_size(down.precision);
}

void Model::check(const Batch& batch) const {
    checkpoint_.check_unchanged();
    const EncoderConfig& config = checkpoint_.config();
    if (batch.sequences < 0) refuse("there are " + std::to_string(batch.sequences) + " sequences");
    if (batch.sequences > 0 && batch.cu_seqlens[0] != 0) {
        refuse("cu_seqlens begins with " + std::to_string(batch.cu_seqlens[0]) + ", expected 0");
    }
    for (int sequence = 0; sequence < batch.sequences; ++sequence) {
        const std::int64_t length =
            static_cast<std::int64_t>(batch.cu_seqlens[sequence + 1]) - batch.cu_seqlens[sequence];
        if (length < 1 || length > config.max_position_embeddings) {
            refuse("sequence " + std::to_string(sequence) + " has " + std::to_string(length) +
                       " tokens, but the model takes " + between(1, config.max_position_embeddings),
                   length < 1 ? "cu_seqlens must rise; leave empty texts out"
                              : "cut the text or lower max_length");
        }
    }
    for (int token = 0; token < batch.tokens(); ++token) {
        const int id = batch.input_ids[token];
        if (id < 0 || id >= config.vocab_size) {
            refuse("input_ids[" + std::to_string(token) + "] is " + std::to_string(id) +
                       ", but the model has embeddings for " + between(0, config.vocab_size - 1),
                   "the tokenizer of another model was used");
        }
        const int type = batch.token_type_ids == nullptr ? 0 : batch.token_type_ids[token];
        if (type < 0 || type >= config.type_vocab_size) {
            refuse("token_type_ids[" + std::to_string(token) + "] is " + std::to_string(type) +
                   ", but the model has types " + between(0, config.type_vocab_size - 1));
        }
    }
}

void Model::check_positions(const Batch& batch, const std::int64_t* positions,
                            std::int64_t count) const {
    for (std::int64_t index = 0; index < count; ++index) {
        if (positions[index] < 0 || positions[index] >= batch.tokens()) {
            refuse("positions[" + std::to_string(index) + "] is " +
                   std::to_string(positions[index]) + ", but the batch has tokens " +
                   between(0, batch.tokens() - 1));
        }
    }
}

StageSeconds Model::run(const Batch& batch, const std::vector<int>* wanted, bool timed,
                        float* out) const {
    if (batch.sequences == 0) return {};
    Encoder encoder(*this, batch, wanted, timed, out);
    auto workspace = workspaces_->take(threads());
    const StageSeconds seconds = encoder.run(pool_, *workspace);
    workspaces_->give_back(std::move(workspace));
    return seconds;
}

void Model::encode(const Batch& batch, float* out) const {
    check(batch);
    run(batch, nullptr, false, out);
}

StageSeconds Model::profile(const Batch& batch, float* out) const {
    check(batch);
    return run(batch, nullptr, true, out);
}

void Model::mean_pooled(const Batch& batch, float* out) const {
    check(batch);
    const int hidden = config().hidden_size;
    std::vector<float> states(static_cast<std::size_t>(batch.tokens()) * hidden);
    run(batch, nullptr, false, states.data());
    for (int sequence = 0; sequence < batch.sequences; ++sequence) {
        const int first = batch.cu_seqlens[sequence];
        const int last = batch.cu_seqlens[sequence + 1];
        float* to = out + static_cast<std::size_t>(sequence) * hidden;
        std::fill_n(to, hidden, 0.0F);
        for (int row = first; row < last; ++row) {
            const float* from = states.data() + static_cast<std::size_t>(row) * hidden;
            for (int feature = 0; feature < hidden; ++feature) to[feature] += from[feature];
        }
        const float factor = 1.0F / static_cast<float>(last - first);
        for (int feature = 0; feature < hidden; ++feature) to[feature] *= factor;
    }
}

}  // namespace squeezebert
