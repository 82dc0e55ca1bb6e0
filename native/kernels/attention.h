/// Softmax attention with the keys and values of a sequence in panels, so that both products are
/// the same as a projection's.
#pragma once

#include "kernels/keys_values.h"
#include "kernels/project.h"

namespace squeezebert {
namespace {

constexpr float kMasked = -1e30f;  // finite, so that nothing becomes NaN

/// Softmax over blocks of keys, one after the other, for up to kQueryRows queries. To the base 2,
/// because exp2 is what there is; queries come multiplied accordingly.
struct RunningSoftmax {
    alignas(64) float largest[kQueryRows];     ///< of the scores up to now
    alignas(64) float sum[kQueryRows];         ///< of exp2(score - largest)
    alignas(64) float correction[kQueryRows];  ///< for sums before the last block: their factor

    RunningSoftmax() {
        for (int row = 0; row < kQueryRows; ++row) {
            largest[row] = kMasked;
            sum[row] = correction[row] = 0.0f;
        }
    }

    /// Turns `count` scores of each row, rows kKeyBlock apart, into exp2(score - largest), padded
    /// with zeros, in the form of the product with the values.
    template <bool kBf16>
    void add(float* scores, int rows, int count, int padded, std::byte* out) {
        const int whole = round_up(count, kLanes);
        alignas(64) float top[kQueryRows] = {};
        for (int row = 0; row < rows; ++row) {
            float* from = scores + row * kKeyBlock;
            if (count < whole) {
                float* last = from + whole - kLanes;
                store(last, first_or(load(last), kLanes - (whole - count), kMasked));
            }
            Float most = load(from);
            for (int at = kLanes; at < whole; at += kLanes) most = max(most, load(from + at));
            top[row] = squeezebert::largest(most);
        }
        for (int row = 0; row < kQueryRows; row += kLanes) {
            const Float before = load(largest + row);
            const Float now = max(before, load(top + row));
            store(correction + row, exp2(before - now));
            store(largest + row, now);
        }
        const int size = kBf16 ? 2 : 4;
        for (int row = 0; row < rows; ++row) {
            const float* from = scores + row * kKeyBlock;
            std::byte* to = out + row * kKeyBlock * size;
            const Float shift = broadcast(largest[row]);
            Float total{};
            for (int at = 0; at < whole; at += kLanes) {
                const Float p = exp2<kBf16>(load(from + at) - shift);
                total += p;
                if constexpr (kBf16) {
                    store_bf16(to + 2 * at, p);
                } else {
                    store(reinterpret_cast<float*>(to) + at, p);
                }
            }
            if (whole < padded) std::memset(to + size * whole, 0, size * (padded - whole));
            sum[row] = sum[row] * correction[row] + squeezebert::sum(total);
        }
    }
};

/// Scores of one block of keys.
struct StoreScores {
    static constexpr bool kPlain = true;
    static constexpr int kStride = kKeyBlock;
    float* scores;

    float* at(int row, int panel) const { return scores + row * kStride + panel * kPanel; }
};

/// Adds a block's share to the context; after the last block, divides by the probabilities' sum.
struct AddContext {
    static constexpr bool kPlain = false;
    FloatRows sums;           ///< of the blocks before
    const float* correction;  ///< what they are multiplied by; null for the first block
    FloatRows out;            ///< the context itself
    int columns;              ///< of `out`
    const float* total;       ///< sums of probabilities; null before the last block

    struct Column {
        PanelOfRows sums, out;
        const float* correction;
        const float* total;

        Nothing base(int, int) const { return {}; }
        [[gnu::always_inline]] void put(int row, const Float* values) const {
            for (int part = 0; part < kParts; ++part) {
                Float value = values[part];
                if (correction != nullptr) {
                    const Float before = load(sums.at(row, part));
                    value = multiply_add(before, broadcast(correction[row]), value);
                }
                if (total == nullptr) {
                    store(sums.at(row, part), value);
                } else {
                    out.set(row, part, value * (1.0f / total[row]));
                }
            }
        }
    };
    Column column(int panel) const {
        return {panel_of(sums, columns, panel), panel_of(out, columns, panel), correction, total};
    }
};

/// One head of a query times `scale`, so that its products are the scores that exp2 takes.
template <bool kBf16>
inline void pack_query(const float* x, int count, float scale, int padded, std::byte* out) {
    for_each_vector(x, count, [&](int at, Float value) {
        if constexpr (kBf16) {
            store_bf16(out + 2 * at, value * scale);
        } else {
            store(reinterpret_cast<float*>(out) + at, value * scale);
        }
    });
    const int size = kBf16 ? 2 : 4, done = round_up(count, kLanes);
    if (done < padded) {
        std::memset(out + size * done, 0, static_cast<std::size_t>(padded - done) * size);
    }
}

template <class Dot, bool kBf16>
void attend_with(const AttentionShape& shape, const FloatRows& queries, const KeysValues& memory,
                 int length, float* scratch, const FloatRows& out) {
    const int size = kBf16 ? 2 : 4;
    const int padded = shape.padded_head();
    const float scale = 1.4426950408889634f / __builtin_sqrtf(static_cast<float>(shape.head_size));
    float* scores = scratch;
    auto* probabilities = reinterpret_cast<std::byte*>(scores + kQueryRows * kKeyBlock);
    auto* query = probabilities + kQueryRows * kKeyBlock * 4;
    const FloatRows sums{reinterpret_cast<float*>(query + kQueryRows * padded * 4),
                         shape.value_panels() * kPanel, queries.count};

    for (int head = 0; head < shape.heads; ++head) {
        for (int row = 0; row < queries.count; ++row) {
            pack_query<kBf16>(queries.data + row * queries.stride + head * shape.head_size,
                              shape.head_size, scale, padded, query + row * padded * size);
        }
        RunningSoftmax softmax;
        const std::byte* keys = memory.keys + shape.key_bytes(memory.slots) / shape.heads * head;
        const std::byte* values =
            memory.values + shape.value_bytes(memory.slots) / shape.heads * head;
        AddContext add{sums, nullptr, out, shape.head_size, nullptr};
        add.out.data += head * shape.head_size;
        for (int first = 0; first < length; first += kKeyBlock) {
            const int count = length - first < kKeyBlock ? length - first : kKeyBlock;
            const int used = round_up(count, kKeyAlignment);

            Panels panels{};
            panels.stride = static_cast<std::ptrdiff_t>(padded) * kPanel * size;
            panels.weight = keys + first / kPanel * panels.stride;
            panels.steps = padded * size / 4;
            panels.count = (count + kPanel - 1) / kPanel;
            Rows rows{query, static_cast<std::ptrdiff_t>(padded) * size, queries.count, nullptr, 0};
            multiply<Dot>(rows, panels, StoreScores{scores});

            softmax.template add<kBf16>(scores, queries.count, count, used, probabilities);

            panels.stride = static_cast<std::ptrdiff_t>(memory.slots) * kPanel * size;
            panels.weight = values + static_cast<std::ptrdiff_t>(first) * kPanel * size;
            panels.steps = used * size / 4;
            panels.count = shape.value_panels();
            rows.data = probabilities;
            rows.stride = kKeyBlock * size;
            if (first > 0) add.correction = softmax.correction;
            if (first + kKeyBlock >= length) add.total = softmax.sum;
            multiply<Dot>(rows, panels, add);
        }
    }
}

template <class Bf16Dot>
void attend(const AttentionShape& shape, const FloatRows& queries, const KeysValues& memory,
            int length, float* scratch, const FloatRows& out) {
    if (shape.precision == Precision::bf16) {
        attend_with<Bf16Dot, true>(shape, queries, memory, length, scratch, out);
    } else {
        attend_with<FloatDot, false>(shape, queries, memory, length, scratch, out);
    }
}

}  // namespace
}  // namespace squeezebert
