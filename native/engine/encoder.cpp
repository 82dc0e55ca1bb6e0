#include "engine/encoder.h"

#include <algorithm>
#include <cstring>

namespace squeezebert {

namespace {

/// Kernels may read so many rows past the last (see PackedRows).
constexpr int kSlackRows = 31;

/// Columns of the sums of several slices that are made at a time: 32 KiB of kBlockRows rows.
constexpr int kSlicedColumns = 8 * kPanel;

/// Rows of packed activations begin at cache lines of their own.
std::ptrdiff_t packed_stride(const Projection& projection) {
    return static_cast<std::ptrdiff_t>(projection.groups) * projection.padded_inputs *
           element_size(projection.precision);
}

FloatRows rows_from(const FloatRows& rows, int first, int count) {
    return {rows.data + first * rows.stride, rows.stride, count};
}

}  // namespace

Encoder::Encoder(const Model& model, const Batch& batch, const std::vector<int>* wanted, bool timed,
                 float* out)
    : model_(model),
      kernels_(model.kernels_),
      batch_(batch),
      wanted_(wanted),
      timed_(timed),
      out_(out),
      stride_(
          round_up(std::max(model.config().hidden_size, model.config().embedding_size), kPanel)),
      schedule_(make_schedule(batch, model.threads())),
      levels_done_(schedule_.together.blocks.size()) {}

StageSeconds Encoder::run(ThreadPool& pool, Workspace& workspace) {
    prepare(schedule_.together, workspace.together);
    for (Scratch& scratch : workspace.scratch) scratch.clock.start(false);
    const auto tasks = schedule_.alone.size() + schedule_.together.blocks.size();
    const int workers = static_cast<int>(std::min<std::size_t>(tasks, pool.threads()));
    // Every thread's memory is made before any begins: a helper cannot throw.
    for (int worker = 0; worker < workers; ++worker) {
        prepare(workspace.scratch[worker]);
        for (const Plan& plan : schedule_.alone) prepare(plan, workspace.alone[worker]);
    }
    pool.run(workers, [&](int worker) noexcept { work(worker, workspace); });
    StageSeconds seconds{};
    for (const Scratch& scratch : workspace.scratch) {
        for (int stage = 0; stage < kStages; ++stage)
            seconds[stage] += scratch.clock.seconds[stage];
    }
    return seconds;
}

void Encoder::work(int worker, Workspace& workspace) {
    Scratch& scratch = workspace.scratch[worker];
    const int levels = model_.config().num_hidden_layers + 1;
    kernels_.begin();
    scratch.clock.start(timed_);
    const auto alone = static_cast<std::int64_t>(schedule_.alone.size());
    for (std::int64_t next; (next = next_alone_.fetch_add(1)) < alone;) {
        const Plan& plan = schedule_.alone[next];
        States& states = workspace.alone[worker];
        prepare(plan, states);
        for (int level = 0; level < levels; ++level) {
            for (const Block& block : plan.blocks) do_block(plan, block, level, states, scratch);
        }
    }
    // In this order every item waits for items that have been claimed before it, so one thread
    // alone gets through as well.
    const Plan& plan = schedule_.together;
    const auto blocks = static_cast<std::int64_t>(plan.blocks.size());
    for (std::int64_t next; (next = next_together_.fetch_add(1)) < blocks * levels;) {
        const int level = static_cast<int>(next / blocks);
        const Block& block = plan.blocks[next % blocks];
        for (int other = block.needs_first; other <= block.needs_last; ++other) {
            wait_for(levels_done_[other], level);
        }
        scratch.clock.lap(Stage::waiting);
        do_block(plan, block, level, workspace.together, scratch);
        levels_done_[next % blocks].store(level + 1, std::memory_order_release);
    }
    kernels_.end();
}

void Encoder::prepare(const Plan& plan, States& states) const {
    const auto rows = static_cast<std::size_t>(plan.rows);
    states.x.reserve(rows * stride_);
    states.queries.reserve(rows * stride_);
    states.slots_before.clear();
    std::size_t slots = 0;
    for (const Block& block : plan.blocks) {
        for (const Piece& piece : block.pieces) {
            if (piece.position != 0) continue;
            states.slots_before.push_back(slots);
            slots += round_up(piece.length, kKeyAlignment);
        }
    }
    for (int parity = 0; parity < 2; ++parity) {
        states.keys[parity].reserve(model_.attention_.key_bytes(static_cast<int>(slots)));
        states.values[parity].reserve(model_.attention_.value_bytes(static_cast<int>(slots)));
    }
}

void Encoder::prepare(Scratch& scratch) const {
    const auto rows = static_cast<std::size_t>(kBlockRows);
    for (Buffer<float>* buffer : {&scratch.context, &scratch.product, &scratch.keys,
                                  &scratch.values, &scratch.chosen, &scratch.chosen_queries}) {
        buffer->reserve(rows * stride_);
    }
    const ScratchSizes& sizes = model_.scratch_sizes_;
    scratch.wide.reserve(rows * sizes.wide);
    scratch.packed.reserve((rows + kSlackRows) * sizes.packed);
    scratch.packed_slice.reserve((rows + kSlackRows) * sizes.packed_slice);
    scratch.scale.reserve(rows * sizes.scales);
    scratch.slice_scale.reserve(rows);
    scratch.attention.reserve(attention_scratch(model_.attention_));
}

void Encoder::do_block(const Plan& plan, const Block& block, int level, States& states,
                       Scratch& scratch) const {
    const int layers = model_.config().num_hidden_layers;
    const int hidden = model_.config().hidden_size;
    FloatRows x{states.x.data() + static_cast<std::ptrdiff_t>(block.first - plan.first) * stride_,
                stride_, block.rows};
    if (level == 0) {
        embed(block, x, scratch);
    } else if (level < layers || wanted_ == nullptr) {
        attend(plan, block, level - 1, states, scratch);
        finish_layer(level - 1, x, scratch);
    }
    if (level < layers) return start_layer(plan, block, level, x, states, scratch);

    int first = block.first;
    if (wanted_ != nullptr) {
        const auto begin = std::lower_bound(wanted_->begin(), wanted_->end(), block.first);
        const auto end = std::lower_bound(begin, wanted_->end(), block.first + block.rows);
        if (begin == end) return;
        first = static_cast<int>(begin - wanted_->begin());
        x = attend_chosen(plan, block, layers - 1, states, scratch, &*begin,
                          static_cast<int>(end - begin));
        finish_layer(layers - 1, x, scratch);
    }
    for (int row = 0; row < x.count; ++row) {
        std::memcpy(out_ + static_cast<std::ptrdiff_t>(first + row) * hidden,
                    x.data + row * x.stride, static_cast<std::size_t>(hidden) * sizeof(float));
    }
    scratch.clock.lap(Stage::other);
}

void Encoder::embed(const Block& block, const FloatRows& x, Scratch& scratch) const {
    const int size = model_.config().embedding_size;
    const bool bottleneck = model_.bottleneck_.has_value();
    const FloatRows out = bottleneck ? FloatRows{scratch.product.data(), stride_, block.rows} : x;
    int row = 0;
    for (const Piece& piece : block.pieces) {
        for (int at = 0; at < piece.rows; ++at, ++row) {
            float* to = out.data + row * out.stride;
            const int token = piece.first + at;
            const int type = batch_.token_type_ids == nullptr ? 0 : batch_.token_type_ids[token];
            model_.checkpoint_.word_embeddings().read_row(batch_.input_ids[token], to);
            const float* position =
                model_.positions_.data() + static_cast<std::ptrdiff_t>(piece.position + at) * size;
            const float* token_type =
                model_.token_types_.data() + static_cast<std::ptrdiff_t>(type) * size;
            for (int feature = 0; feature < size; ++feature) {
                to[feature] += position[feature] + token_type[feature];
            }
        }
    }
    const LayerNormWeights& norm = model_.checkpoint_.embedding_layer_norm();
    kernels_.layer_norm(out, {}, size, norm.weight.data(), norm.bias.data(),
                        model_.config().layer_norm_eps);
    if (bottleneck) {
        const Projection& up = model_.bottleneck_->view();
        project(up, pack(up, out, scratch), x);
    }
    scratch.clock.lap(Stage::embeddings);
}

void Encoder::start_layer(const Plan& plan, const Block& block, int layer, const FloatRows& x,
                          States& states, Scratch& scratch) const {
    const PackedLayer& weights = model_.layers_[layer];
    const FloatRows queries{
        states.queries.data() + static_cast<std::ptrdiff_t>(block.first - plan.first) * stride_,
        stride_, block.rows};
    const FloatRows keys{scratch.keys.data(), stride_, block.rows};
    const FloatRows values{scratch.values.data(), stride_, block.rows};
    const Projection* packed_for = nullptr;
    PackedRows packed{};
    for (const auto& [projection, out] : {std::pair{&weights.query.view(), &queries},
                                          {&weights.key.view(), &keys},
                                          {&weights.value.view(), &values}}) {
        // The three mostly take the same form of the same rows.
        if (packed_for == nullptr || packed_for->groups != projection->groups ||
            packed_for->slices != projection->slices ||
            packed_for->precision != projection->precision) {
            packed = pack(*projection, x, scratch);
            packed_for = projection;
        }
        project(*projection, packed, *out);
        scratch.clock.lap(Stage::query_key_value);
    }
    int row = 0;
    for (const Piece& piece : block.pieces) {
        kernels_.store_keys_values(model_.attention_, rows_from(keys, row, piece.rows),
                                   rows_from(values, row, piece.rows), piece.position,
                                   piece.position + piece.rows == piece.length,
                                   memory_of(plan, states, layer, piece));
        row += piece.rows;
    }
    scratch.clock.lap(Stage::attention);
}

KeysValues Encoder::memory_of(const Plan& plan, const States& states, int layer,
                              const Piece& piece) const {
    const int sequence = piece.sequence - plan.blocks.front().pieces.front().sequence;
    const int before = static_cast<int>(states.slots_before[sequence]);
    const auto& keys = states.keys[layer % 2];
    const auto& values = states.values[layer % 2];
    return {const_cast<std::byte*>(keys.data()) + model_.attention_.key_bytes(before),
            const_cast<std::byte*>(values.data()) + model_.attention_.value_bytes(before),
            round_up(piece.length, kKeyAlignment)};
}

void Encoder::attend(const Plan& plan, const Block& block, int layer, const States& states,
                     Scratch& scratch) const {
    const FloatRows queries{const_cast<float*>(states.queries.data()) +
                                static_cast<std::ptrdiff_t>(block.first - plan.first) * stride_,
                            stride_, block.rows};
    const FloatRows context{scratch.context.data(), stride_, block.rows};
    int row = 0;
    for (const Piece& piece : block.pieces) {
        attend_piece(piece, memory_of(plan, states, layer, piece),
                     rows_from(queries, row, piece.rows), rows_from(context, row, piece.rows),
                     scratch);
        row += piece.rows;
    }
    scratch.clock.lap(Stage::attention);
}

FloatRows Encoder::attend_chosen(const Plan& plan, const Block& block, int layer,
                                 const States& states, Scratch& scratch, const int* rows,
                                 int count) const {
    const FloatRows x{scratch.chosen.data(), stride_, count};
    const FloatRows queries{scratch.chosen_queries.data(), stride_, count};
    const FloatRows context{scratch.context.data(), stride_, count};
    const std::size_t bytes = static_cast<std::size_t>(stride_) * sizeof(float);
    for (int row = 0; row < count; ++row) {
        const std::ptrdiff_t from = static_cast<std::ptrdiff_t>(rows[row] - plan.first) * stride_;
        std::memcpy(x.data + row * stride_, states.x.data() + from, bytes);
        std::memcpy(queries.data + row * stride_, states.queries.data() + from, bytes);
    }
    int row = 0;
    for (const Piece& piece : block.pieces) {
        int end = row;
        while (end < count && rows[end] < piece.first + piece.rows) ++end;
        if (end > row) {
            attend_piece(piece, memory_of(plan, states, layer, piece),
                         rows_from(queries, row, end - row), rows_from(context, row, end - row),
                         scratch);
        }
        row = end;
    }
    scratch.clock.lap(Stage::attention);
    return x;
}

void Encoder::attend_piece(const Piece& piece, const KeysValues& memory, const FloatRows& queries,
                           const FloatRows& context, Scratch& scratch) const {
    for (int row = 0; row < queries.count; row += kQueryRows) {
        const int count = std::min(kQueryRows, queries.count - row);
        kernels_.attend(model_.attention_, rows_from(queries, row, count), memory, piece.length,
                        scratch.attention.data(), rows_from(context, row, count));
    }
}

void Encoder::finish_layer(int layer, const FloatRows& x, Scratch& scratch) const {
    const PackedLayer& weights = model_.layers_[layer];
    const EncoderConfig& config = model_.config();
    const FloatRows context{scratch.context.data(), stride_, x.count};
    const FloatRows product{scratch.product.data(), stride_, x.count};

    const PackedRows packed = pack(weights.post_attention.view(), context, scratch);
    project(weights.post_attention.view(), packed, product);
    scratch.clock.lap(Stage::post_attention);
    kernels_.layer_norm(x, product, config.hidden_size, weights.attention_layer_norm.weight,
                        weights.attention_layer_norm.bias, config.layer_norm_eps);
    scratch.clock.lap(Stage::layer_norm);
    feed_forward(weights, x, scratch);
    kernels_.layer_norm(x, product, config.hidden_size, weights.output_layer_norm.weight,
                        weights.output_layer_norm.bias, config.layer_norm_eps);
    scratch.clock.lap(Stage::layer_norm);
}

void Encoder::feed_forward(const PackedLayer& layer, const FloatRows& x, Scratch& scratch) const {
    // The wide layer is walked slice by slice: what the output projection scales together is made,
    // rounded and multiplied before the next slice is begun.
    const Projection& up = layer.intermediate.view();
    const Projection& down = layer.output.view();
    const Activation activation = model_.config().hidden_act;
    const PackedRows packed = pack(up, x, scratch);
    const int slice_inputs = down.inputs / down.slices;
    const int padded = down.padded_inputs / down.slices;
    const int width = model_.sliced_ ? slice_inputs : down.groups * down.inputs;
    const FloatRows wide{scratch.wide.data(), round_up(width, kPanel), x.count};
    PackedRows slice_rows{scratch.packed_slice.data(),
                          static_cast<std::ptrdiff_t>(padded) * element_size(down.precision),
                          scratch.slice_scale.data(), 1, x.count};
    if (!model_.sliced_) project_columns(up, packed, activation, 0, width, wide);
    for (int group = 0; group < down.groups; ++group) {
        for (int slice = 0; slice < down.slices; ++slice) {
            const int first = group * down.inputs + slice * slice_inputs;
            FloatRows part = wide;
            if (model_.sliced_) {
                project_columns(up, packed, activation, first, first + slice_inputs, wide);
            } else {
                part.data += first;
            }
            scratch.clock.lap(Stage::intermediate);
            kernels_.pack(down.precision, part, 1, slice_inputs, 1, slice_rows);
            scratch.clock.lap(Stage::rounding);
            const FloatRows out{scratch.product.data() + group * down.outputs, stride_, x.count};
            kernels_.project(down, {group, slice, 0, down.panels}, slice_rows,
                             slice == 0 ? Store::assign : Store::accumulate, Activation::none, out);
            scratch.clock.lap(Stage::output);
        }
    }
}

PackedRows Encoder::pack(const Projection& projection, const FloatRows& x, Scratch& scratch) const {
    const PackedRows packed{scratch.packed.data(), packed_stride(projection), scratch.scale.data(),
                            projection.groups * projection.slices, x.count};
    kernels_.pack(projection.precision, x, projection.groups, projection.inputs, projection.slices,
                  packed);
    scratch.clock.lap(Stage::rounding);
    return packed;
}

void Encoder::project(const Projection& projection, const PackedRows& x,
                      const FloatRows& out) const {
    project_columns(projection, x, Activation::none, 0, projection.groups * projection.outputs,
                    out);
}

void Encoder::project_columns(const Projection& projection, const PackedRows& x,
                              Activation activation, int first, int last,
                              const FloatRows& out) const {
    const int slices = projection.slices;
    const std::ptrdiff_t slice_bytes = static_cast<std::ptrdiff_t>(projection.padded_inputs) /
                                       slices * element_size(projection.precision);
    for (int column = first; column < last;) {
        const int group = column / projection.outputs;
        int end = std::min(last, (group + 1) * projection.outputs);
        // They should stay in the nearest cache from one slice to the next.
        if (slices > 1) end = std::min(end, column + kSlicedColumns);
        const int panel = column % projection.outputs / kPanel;
        const int panels = (end - column + kPanel - 1) / kPanel;
        for (int slice = 0; slice < slices; ++slice) {
            PackedRows rows = x;
            rows.data += (group * slices + slice) * slice_bytes;
            rows.scale += group * slices + slice;
            kernels_.project(projection, {group, slice, panel, panels}, rows,
                             slice == 0 ? Store::assign : Store::accumulate,
                             slice == slices - 1 ? activation : Activation::none,
                             {out.data + (column - first), out.stride, x.count});
        }
        column = end;
    }
}

}  // namespace squeezebert
