#include "engine/encoder.h"

#include <algorithm>
#include <cstring>

#include "engine/row_layout.h"

namespace squeezebert {

Encoder::Encoder(const Model& model, const Batch& batch, const std::vector<int>* wanted, bool timed,
                 float* out)
    : model_(model),
      kernels_(model.kernels_),
      batch_(batch),
      wanted_(wanted),
      timed_(timed),
      out_(out),
      stride_(static_cast<int>(
          row_stride(std::max(model.config().hidden_size, model.config().embedding_size) *
                     static_cast<std::ptrdiff_t>(sizeof(float))) /
          static_cast<std::ptrdiff_t>(sizeof(float)))),
      heads_stride_(row_stride(round_up(model.config().hidden_size, kInputAlignment) *
                               element_size(model.attention_.precision))),
      schedule_(make_schedule(batch, model.threads(), model.kernels_.block_rows)),
      split_(can_split()),
      levels_done_(schedule_.together.blocks.size()) {}

StageSeconds Encoder::run(ThreadPool& pool, Workspace& workspace) {
    prepare(schedule_.together, workspace.together);
    if (split_) prepare_split(workspace.together);
    for (Scratch& scratch : workspace.scratch) scratch.clock.start(false);
    const auto tasks = schedule_.alone.size() + schedule_.together.blocks.size();
    const int workers =
        split_ ? pool.threads() : static_cast<int>(std::min<std::size_t>(tasks, pool.threads()));
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
    if (split_) {
        work_split(workspace.together, scratch);
        kernels_.end();
        return;
    }
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
    states.queries.reserve((rows + kSlackRows) * heads_stride_);
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
    const auto rows = static_cast<std::size_t>(kernels_.block_rows);
    for (Buffer<float>* buffer : {&scratch.product, &scratch.chosen}) {
        buffer->reserve(rows * stride_);
    }
    scratch.chosen_queries.reserve((rows + kSlackRows) * heads_stride_);
    const ScratchSizes& sizes = model_.scratch_sizes_;
    scratch.passing.reserve(rows *
                            std::max({static_cast<std::ptrdiff_t>(stride_ * sizeof(float)),
                                      2 * heads_stride_, row_stride(sizes.wide * sizeof(float))}));
    scratch.packed.reserve((rows + kSlackRows) * row_stride(sizes.packed));
    scratch.packed_slice.reserve((rows + kSlackRows) * row_stride(sizes.packed_slice));
    scratch.scale.reserve(rows * sizes.scales);
    scratch.slice_scale.reserve(rows);
    scratch.attention.reserve(attention_scratch(model_.attention_));
}

void Encoder::do_block(const Plan& plan, const Block& block, int level, States& states,
                       Scratch& scratch) const {
    const int layers = model_.config().num_hidden_layers;
    FloatRows x{states.x.data() + static_cast<std::ptrdiff_t>(block.first - plan.first) * stride_,
                stride_, block.rows};
    if (level == 0) {
        embed(block, x, scratch);
        const Projection& query = model_.layers_.front().query.view();
        pack(query, x, scratch);
    } else if (level < layers || wanted_ == nullptr) {
        attend(plan, block, level - 1, states, scratch);
        finish_layer(level - 1, x, level < layers, scratch);
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
        finish_layer(layers - 1, x, false, scratch);
    }
    write_out(x, first);
    scratch.clock.lap(Stage::other);
}

void Encoder::write_out(const FloatRows& x, int first) const {
    const int hidden = model_.config().hidden_size;
    for (int row = 0; row < x.count; ++row) {
        std::memcpy(out_ + static_cast<std::ptrdiff_t>(first + row) * hidden,
                    x.data + row * x.stride, static_cast<std::size_t>(hidden) * sizeof(float));
    }
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
    kernels_.layer_norm(out, size, norm.weight.data(), norm.bias.data(),
                        model_.config().layer_norm_eps, nullptr, {});
    if (bottleneck) {
        const Projection& up = model_.bottleneck_->view();
        project(up, pack(up, out, scratch), x);
    }
    scratch.clock.lap(Stage::embeddings);
}

void Encoder::start_layer(const Plan& plan, const Block& block, int layer, const FloatRows& x,
                          States& states, Scratch& scratch) const {
    const PackedLayer& weights = model_.layers_[layer];
    const PackedRows queries = queries_of(plan, block, states);
    const PackedRows keys{scratch.passing.data(), heads_stride_, nullptr, 0, block.rows};
    PackedRows values = keys;
    values.data += block.rows * heads_stride_;
    // The three mostly take the same form of the same rows, that of the query at first.
    const Projection* packed_for = &weights.query.view();
    for (const auto& [projection, out] : {std::pair{&weights.query.view(), &queries},
                                          {&weights.key.view(), &keys},
                                          {&weights.value.view(), &values}}) {
        if (!(Packing(*packed_for) == Packing(*projection))) {
            pack(*projection, x, scratch);
            packed_for = projection;
        }
        const bool scaled = out == &queries && model_.attention_.precision == Precision::bf16;
        project_heads(*projection, packed_rows(*projection, x.count, scratch),
                      scaled ? score_scale(model_.attention_.head_size) : 1.0F, 0,
                      projection->groups, *out, scratch);
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

PackedRows Encoder::queries_of(const Plan& plan, const Block& block, const States& states) const {
    return {const_cast<std::byte*>(states.queries.data()) +
                static_cast<std::ptrdiff_t>(block.first - plan.first) * heads_stride_,
            heads_stride_, nullptr, 0, block.rows};
}

KeysValues Encoder::memory_of(const Plan& plan, const States& states, int layer,
                              const Piece& piece) const {
    const int sequence = piece.sequence - plan.blocks.front().pieces.front().sequence;
    const int before = static_cast<int>(states.slots_before[sequence]);
    // Of a single block, or where all wait for all, nobody reads another layer's any more.
    const bool alone = plan.blocks.size() == 1 || (split_ && &plan == &schedule_.together);
    const int parity = alone ? 0 : layer % 2;
    const auto& keys = states.keys[parity];
    const auto& values = states.values[parity];
    return {const_cast<std::byte*>(keys.data()) + model_.attention_.key_bytes(before),
            const_cast<std::byte*>(values.data()) + model_.attention_.value_bytes(before),
            round_up(piece.length, kKeyAlignment)};
}

FloatRows Encoder::context_rows(int count, Scratch& scratch) const {
    return {reinterpret_cast<float*>(scratch.passing.data()), stride_, count};
}

void Encoder::attend(const Plan& plan, const Block& block, int layer, const States& states,
                     Scratch& scratch) const {
    const PackedRows queries = queries_of(plan, block, states);
    const FloatRows context = context_rows(block.rows, scratch);
    int row = 0;
    for (const Piece& piece : block.pieces) {
        kernels_.attend(model_.attention_, rows_from(queries, row, piece.rows),
                        memory_of(plan, states, layer, piece), piece.length,
                        scratch.attention.data(), rows_from(context, row, piece.rows));
        row += piece.rows;
    }
    scratch.clock.lap(Stage::attention);
}

FloatRows Encoder::attend_chosen(const Plan& plan, const Block& block, int layer,
                                 const States& states, Scratch& scratch, const int* rows,
                                 int count) const {
    const FloatRows x{scratch.chosen.data(), stride_, count};
    const PackedRows queries{scratch.chosen_queries.data(), heads_stride_, nullptr, 0, count};
    const FloatRows context = context_rows(count, scratch);
    for (int row = 0; row < count; ++row) {
        const std::ptrdiff_t from = rows[row] - plan.first;
        std::memcpy(x.data + row * stride_, states.x.data() + from * stride_,
                    static_cast<std::size_t>(stride_) * sizeof(float));
        std::memcpy(queries.data + row * heads_stride_,
                    states.queries.data() + from * heads_stride_,
                    static_cast<std::size_t>(heads_stride_));
    }
    int row = 0;
    for (const Piece& piece : block.pieces) {
        int end = row;
        while (end < count && rows[end] < piece.first + piece.rows) ++end;
        if (end > row) {
            kernels_.attend(model_.attention_, rows_from(queries, row, end - row),
                            memory_of(plan, states, layer, piece), piece.length,
                            scratch.attention.data(), rows_from(context, row, end - row));
        }
        row = end;
    }
    scratch.clock.lap(Stage::attention);
    return x;
}

void Encoder::finish_layer(int layer, const FloatRows& x, bool more, Scratch& scratch) const {
    const PackedLayer& weights = model_.layers_[layer];
    const Projection& up = weights.intermediate.view();
    const FloatRows context = context_rows(x.count, scratch);
    project(weights.post_attention.view(), pack(weights.post_attention.view(), context, scratch), x,
            Store::add);
    scratch.clock.lap(Stage::post_attention);
    normalize(x, weights.attention_layer_norm, &up, packed_rows(up, x.count, scratch), scratch);
    feed_forward(weights, x, packed_rows(up, x.count, scratch), 0, weights.output.view().groups,
                 scratch);
    const Projection& next = model_.layers_[more ? layer + 1 : layer].query.view();
    normalize(x, weights.output_layer_norm, more ? &next : nullptr,
              packed_rows(next, x.count, scratch), scratch);
}

void Encoder::normalize(const FloatRows& x, const LayerNormView& norm, const Projection* next,
                        const PackedRows& packed, Scratch& scratch) const {
    const EncoderConfig& config = model_.config();
    if (next == nullptr) {
        kernels_.layer_norm(x, config.hidden_size, norm.weight, norm.bias, config.layer_norm_eps,
                            nullptr, {});
    } else {
        const Packing packing(*next);
        kernels_.layer_norm(x, config.hidden_size, norm.weight, norm.bias, config.layer_norm_eps,
                            &packing, packed);
    }
    scratch.clock.lap(Stage::layer_norm);
}

void Encoder::feed_forward(const PackedLayer& layer, const FloatRows& x, const PackedRows& packed,
                           int first_group, int last_group, Scratch& scratch) const {
    // The wide layer is walked slice by slice: what the output projection scales together is made,
    // rounded and multiplied before the next slice is begun.
    const Projection& up = layer.intermediate.view();
    const Projection& down = layer.output.view();
    const Activation activation = model_.config().hidden_act;
    const int slice_inputs = down.inputs / down.slices;
    const int padded = down.padded_inputs / down.slices;
    const int width = model_.sliced_ ? slice_inputs : down.groups * down.inputs;
    const FloatRows wide{reinterpret_cast<float*>(scratch.passing.data()),
                         row_stride(static_cast<std::ptrdiff_t>(width) * 4) / 4, x.count};
    PackedRows slice_rows{
        scratch.packed_slice.data(),
        row_stride(static_cast<std::ptrdiff_t>(padded) * element_size(down.precision)),
        scratch.slice_scale.data(), 1, x.count};
    if (!model_.sliced_) {
        project_columns(up, packed, Store::assign, activation, 0, width, wide);
    }
    for (int group = first_group; group < last_group; ++group) {
        for (int slice = 0; slice < down.slices; ++slice) {
            const int first = group * down.inputs + slice * slice_inputs;
            if (model_.sliced_) {
                kernels_.project_packed(up, first, first + slice_inputs, packed, activation, wide,
                                        down.precision, slice_rows);
            } else {
                kernels_.pack({down.precision, 1, slice_inputs, 1},
                              {wide.data + first, wide.stride, x.count}, slice_rows);
            }
            scratch.clock.lap(Stage::intermediate);
            kernels_.project(down, {group, slice, 0, down.panels}, slice_rows,
                             slice == 0 ? Store::add : Store::accumulate, Activation::none,
                             {x.data + group * down.outputs, x.stride, x.count});
            scratch.clock.lap(Stage::output);
        }
    }
}

}  // namespace squeezebert
