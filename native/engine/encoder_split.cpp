/// A short batch on several threads, each of which has its columns of every projection.
///
/// By rows, every thread would read all weights for a few rows, and with fast products that is what
/// it waits for. Groups make the division natural: a thread's groups of queries, keys and values
/// are its heads, and its groups of the feed-forward network need no other's.
#include <algorithm>
#include <cstring>

#include "engine/encoder.h"
#include "engine/row_layout.h"

namespace squeezebert {

namespace {

/// A batch of more rows is worth reading all weights for on each thread.
constexpr int kSplitRows = 32;

/// A layer of fewer bytes is read too fast to pay for its steps' waiting, on a busy machine above
/// all. A browser's threads are left as they were measured there: each has rows.
#if defined(__wasm__)
constexpr std::size_t kSplitBytes = ~std::size_t{0};
#else
constexpr std::size_t kSplitBytes = 384 * 1024;
#endif

std::size_t weight_bytes(const PackedLayer& layer) {
    std::size_t bytes = 0;
    for (const PackedProjection* packed :
         {&layer.query, &layer.key, &layer.value, &layer.post_attention, &layer.intermediate,
          &layer.output}) {
        const Projection& projection = packed->view();
        bytes += static_cast<std::size_t>(projection.groups) * projection.panels * kPanel *
                 projection.padded_inputs * element_size(projection.precision);
    }
    return bytes;
}

/// Rows or columns [first, last).
struct Share {
    int first, last;
    int count() const { return last - first; }
};

/// A part's share, in multiples of `unit`.
Share share_of(int count, int part, int parts, int unit) {
    const int each = round_up((count + parts - 1) / parts, unit);
    return {std::min(part * each, count), std::min((part + 1) * each, count)};
}

}  // namespace

bool Encoder::can_split() const {
    const int parts = model_.threads();
    const Plan& plan = schedule_.together;
    const EncoderConfig& config = model_.config();
    if (parts < 2 || plan.rows == 0 || plan.rows > kSplitRows ||
        weight_bytes(model_.layers_.front()) < kSplitBytes || !model_.sliced_ ||
        config.num_attention_heads % parts != 0 || config.hidden_size % (parts * kPanel) != 0) {
        return false;
    }
    const auto suits = [&](const PackedLayer& layer) {
        const Projection& query = layer.query.view();
        const Projection& post = layer.post_attention.view();
        const auto same = [&](const PackedProjection& other) {
            return Packing(other.view()) == Packing(query);
        };
        return query.groups % parts == 0 && query.slices == 1 && same(layer.key) &&
               same(layer.value) && post.slices == 1 && post.outputs % kPanel == 0 &&
               layer.output.view().groups % parts == 0;
    };
    return std::all_of(model_.layers_.begin(), model_.layers_.end(), suits);
}

void Encoder::prepare_split(States& states) const {
    const auto rows = static_cast<std::size_t>(schedule_.together.rows);
    const ScratchSizes& sizes = model_.scratch_sizes_;
    states.context.reserve(rows * stride_);
    states.chosen.reserve(rows * stride_);
    states.packed.reserve((rows + kSlackRows) * row_stride(sizes.packed));
    states.scale.reserve(rows * sizes.scales);
}

PackedRows Encoder::packed_together(const Projection& projection, States& states) const {
    return {states.packed.data(), packed_stride(projection), states.scale.data(),
            projection.groups * projection.slices, schedule_.together.rows};
}

std::pair<int, int> Encoder::wanted_range() const {
    const Plan& plan = schedule_.together;
    const auto first = std::lower_bound(wanted_->begin(), wanted_->end(), plan.first);
    const auto last = std::lower_bound(first, wanted_->end(), plan.first + plan.rows);
    return {static_cast<int>(first - wanted_->begin()), static_cast<int>(last - wanted_->begin())};
}

FloatRows Encoder::rows_after(int layer, States& states) const {
    if (wanted_ == nullptr || layer < model_.config().num_hidden_layers - 1) {
        return {states.x.data(), stride_, schedule_.together.rows};
    }
    const auto [first, last] = wanted_range();
    return {states.chosen.data(), stride_, last - first};
}

void Encoder::work_split(States& states, Scratch& scratch) {
    const int parts = model_.threads();
    const std::int64_t steps = 1 + kSteps * model_.config().num_hidden_layers;
    for (std::int64_t next; (next = next_together_.fetch_add(1)) < steps * parts;) {
        const int step = static_cast<int>(next / parts), part = static_cast<int>(next % parts);
        wait_for(parts_done_, static_cast<std::int64_t>(step) * parts);
        scratch.clock.lap(Stage::waiting);
        if (step == 0) {
            embed_part(part, states, scratch);
        } else {
            do_step((step - 1) / kSteps, (step - 1) % kSteps, part, states, scratch);
        }
        parts_done_.fetch_add(1, std::memory_order_release);
    }
}

void Encoder::embed_part(int part, States& states, Scratch& scratch) const {
    const Plan& plan = schedule_.together;
    const Projection& query = model_.layers_.front().query.view();
    for (std::size_t index = part; index < plan.blocks.size(); index += model_.threads()) {
        const Block& block = plan.blocks[index];
        const int row = block.first - plan.first;
        const FloatRows x{states.x.data() + static_cast<std::ptrdiff_t>(row) * stride_, stride_,
                          block.rows};
        embed(block, x, scratch);
        kernels_.pack(Packing(query), x,
                      rows_from(packed_together(query, states), row, block.rows));
        scratch.clock.lap(Stage::rounding);
    }
}

void Encoder::do_step(int layer, int step, int part, States& states, Scratch& scratch) const {
    const int parts = model_.threads();
    const PackedLayer& weights = model_.layers_[layer];
    const Projection& post = weights.post_attention.view();
    const Projection& up = weights.intermediate.view();
    const FloatRows x = rows_after(layer, states);
    const Share rows = share_of(x.count, part, parts, kPanel);
    const FloatRows own = rows_from(x, rows.first, rows.count());
    const auto packed_for = [&](const Projection& projection) {
        PackedRows packed = packed_together(projection, states);
        packed.count = x.count;
        return packed;
    };
    const auto own_packed = [&](const Projection& projection) {
        return rows_from(packed_together(projection, states), rows.first, rows.count());
    };
    switch (step) {
        case 0:
            return attend_part(layer, part, states, scratch);
        case 1: {
            const FloatRows context{states.context.data(), stride_, x.count};
            kernels_.pack(Packing(post), rows_from(context, rows.first, rows.count()),
                          own_packed(post));
            return scratch.clock.lap(Stage::rounding);
        }
        case 2: {
            const Share columns = share_of(model_.config().hidden_size, part, parts, kPanel);
            project_columns(post, packed_for(post), Store::add, Activation::none, columns.first,
                            columns.last, {x.data + columns.first, x.stride, x.count});
            return scratch.clock.lap(Stage::post_attention);
        }
        case 3:
            return normalize(own, weights.attention_layer_norm, &up, own_packed(up), scratch);
        case 4: {
            const int groups = weights.output.view().groups / parts;
            return feed_forward(weights, x, packed_for(up), part * groups, (part + 1) * groups,
                                scratch);
        }
        default:
            break;
    }
    if (layer + 1 < model_.config().num_hidden_layers) {
        const Projection& next = model_.layers_[layer + 1].query.view();
        return normalize(own, weights.output_layer_norm, &next, own_packed(next), scratch);
    }
    normalize(own, weights.output_layer_norm, nullptr, {}, scratch);
    const int first = wanted_ == nullptr ? schedule_.together.first : wanted_range().first;
    write_out(own, first + rows.first);
    scratch.clock.lap(Stage::other);
}

void Encoder::attend_part(int layer, int part, States& states, Scratch& scratch) const {
    const Plan& plan = schedule_.together;
    const PackedLayer& weights = model_.layers_[layer];
    AttentionShape shape = model_.attention_;
    shape.heads /= model_.threads();
    const int first_head = part * shape.heads;
    const std::ptrdiff_t column = static_cast<std::ptrdiff_t>(first_head) * shape.head_size;
    const auto own_heads = [&](const PackedRows& rows) {
        PackedRows own = rows;
        own.data += column * element_size(shape.precision);
        return own;
    };
    const auto own_memory = [&](const Piece& piece) {
        KeysValues memory = memory_of(plan, states, layer, piece);
        memory.keys += shape.key_bytes(memory.slots) * part;
        memory.values += shape.value_bytes(memory.slots) * part;
        return memory;
    };

    const PackedRows queries{states.queries.data(), heads_stride_, nullptr, 0, plan.rows};
    const PackedRows keys{scratch.passing.data(), heads_stride_, nullptr, 0, plan.rows};
    PackedRows values = keys;
    values.data += plan.rows * heads_stride_;
    for (const auto& [projection, out] : {std::pair{&weights.query.view(), &queries},
                                          {&weights.key.view(), &keys},
                                          {&weights.value.view(), &values}}) {
        const bool scaled = out == &queries && shape.precision == Precision::bf16;
        const int groups = projection->groups / model_.threads();
        project_heads(*projection, packed_together(*projection, states),
                      scaled ? score_scale(shape.head_size) : 1.0F, part * groups,
                      (part + 1) * groups, *out, scratch);
    }
    scratch.clock.lap(Stage::query_key_value);

    for (const Block& block : plan.blocks) {
        for (const Piece& piece : block.pieces) {
            const int row = piece.first - plan.first;
            kernels_.store_keys_values(shape, own_heads(rows_from(keys, row, piece.rows)),
                                       own_heads(rows_from(values, row, piece.rows)),
                                       piece.position, piece.position + piece.rows == piece.length,
                                       own_memory(piece));
        }
    }
    const FloatRows context{states.context.data() + column, stride_, plan.rows};
    const auto attend_rows = [&](const Piece& piece, int row, int count, int to) {
        kernels_.attend(shape, own_heads(rows_from(queries, row, count)), own_memory(piece),
                        piece.length, scratch.attention.data(), rows_from(context, to, count));
    };
    const bool all = wanted_ == nullptr || layer + 1 < model_.config().num_hidden_layers;
    int chosen = all ? 0 : wanted_range().first;
    const int first_chosen = chosen, last_chosen = all ? 0 : wanted_range().second;
    for (const Block& block : plan.blocks) {
        for (const Piece& piece : block.pieces) {
            const int row = piece.first - plan.first;
            if (all) {
                attend_rows(piece, row, piece.rows, row);
                continue;
            }
            // Each wanted row by itself, with its share of the residual.
            for (; chosen < last_chosen && (*wanted_)[chosen] < piece.first + piece.rows;
                 ++chosen) {
                const int from = (*wanted_)[chosen] - plan.first, to = chosen - first_chosen;
                attend_rows(piece, from, 1, to);
                std::memcpy(
                    states.chosen.data() + to * static_cast<std::ptrdiff_t>(stride_) + column,
                    states.x.data() + from * static_cast<std::ptrdiff_t>(stride_) + column,
                    static_cast<std::size_t>(shape.heads) * shape.head_size * sizeof(float));
            }
        }
    }
    scratch.clock.lap(Stage::attention);
}

}  // namespace squeezebert
