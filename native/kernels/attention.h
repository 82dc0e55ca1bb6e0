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
    template <class Exponentials>
    void add(float* scores, int rows, int count, int padded, std::byte* out) {
        for (int first = 0; first < rows; first += kLanes) {
            const int height = rows - first < kLanes ? rows - first : kLanes;
            Float most[kLanes], total[kLanes];
            for (int row = 0; row < kLanes; ++row) {
                most[row] = broadcast(kMasked);
                total[row] = Float{};
            }
            for (int row = 0; row < height; ++row) {
                float* from = scores + (first + row) * kKeyBlock;
                for (int at = count / kLanes * kLanes; at < padded; at += kLanes) {
                    store(from + at, first_or(load(from + at), count - at, kMasked));
                }
                for (int at = 0; at < padded; at += kLanes) {
                    most[row] = max(most[row], load(from + at));
                }
            }
            const Float before = load(largest + first);
            const Float now =
                max(before, reduce_rows(most, [](Float a, Float b) { return max(a, b); }));
            const Float factor = exp2(before - now);
            store(largest + first, now);
            store(correction + first, factor);
            for (int row = 0; row < height; ++row) {
                const float* from = scores + (first + row) * kKeyBlock;
                std::byte* to = out + (first + row) * kKeyBlock * Exponentials::kSize;
                const Float shift = broadcast(largest[first + row]);
                for (int at = 0; at < padded; at += kKeyAlignment) {
                    Exponentials::put(from + at, shift, to + at * Exponentials::kSize, total[row]);
                }
            }
            const Float totals = reduce_rows(total, [](Float a, Float b) { return a + b; });
            store(sum + first, multiply_add(load(sum + first), factor, totals));
        }
    }

    /// What makes probabilities of exponentials, once all blocks are added.
    const float* factors() {
        for (int row = 0; row < kQueryRows; row += kLanes) {
            store(sum + row, broadcast(1.0f) / load(sum + row));
        }
        return sum;
    }
};

/// exp2(score - shift) of kKeyAlignment scores, added to `total`, as the product with the values
/// takes them.
template <bool kBf16>
struct PlainExponentials {
    static constexpr int kSize = kBf16 ? 2 : 4;
    static constexpr bool kPackedOrder = false;

    static void put(const float* scores, Float shift, std::byte* to, Float& total) {
        for (int at = 0; at < kKeyAlignment; at += kLanes) {
            const Float p = exp2<kBf16>(load(scores + at) - shift);
            total += p;
            if constexpr (kBf16) {
                store_bf16(to + 2 * at, p);
            } else {
                store(reinterpret_cast<float*>(to) + at, p);
            }
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
    static constexpr bool kPairs = false;
    FloatRows sums;           ///< of the blocks before
    const float* correction;  ///< what they are multiplied by; null for the first block
    FloatRows out;            ///< the context itself
    int columns;              ///< of `out`
    const float* factors;     ///< of the rows' sums at last; null before the last block

    struct Column {
        PanelOfRows sums, out;
        const float* correction;
        const float* factors;

        Nothing base(int, int) const { return {}; }
        [[gnu::always_inline]] void put(int row, const Float* values) const {
            for (int part = 0; part < kParts; ++part) {
                Float value = values[part];
                if (correction != nullptr) {
                    const Float before = load(sums.at(row, part));
                    value = multiply_add(before, broadcast(correction[row]), value);
                }
                if (factors == nullptr) {
                    store(sums.at(row, part), value);
                } else {
                    out.set(row, part, value * broadcast(factors[row]));
                }
            }
        }
    };
    Column column(int panel) const {
        return {panel_of(sums, columns, panel), panel_of(out, columns, panel), correction, factors};
    }
};

/// One head of a query so that its products are the scores that exp2 takes: of float32 times
/// `scale`, as those of bfloat16 are already.
template <bool kBf16>
inline void pack_query(const std::byte* x, int count, float scale, int padded, std::byte* out) {
    const int size = kBf16 ? 2 : 4;
    int done = count;
    if constexpr (kBf16) {
        std::memcpy(out, x, static_cast<std::size_t>(count) * 2);
    } else {
        for_each_vector(reinterpret_cast<const float*>(x), count, [&](int at, Float value) {
            store(reinterpret_cast<float*>(out) + at, value * scale);
        });
        done = round_up(count, kLanes);
    }
    if (done < padded) {
        std::memset(out + size * done, 0, static_cast<std::size_t>(padded - done) * size);
    }
}

/// One head of at most kQueryRows queries, where they stand, and of the context; `keys` and
/// `values` are the head's.
template <class Dot, class Exponentials>
inline void attend_head(const AttentionShape& shape, const PackedRows& queries,
                        const KeysValues& memory, int length, float* scratch,
                        const FloatRows& out) {
    constexpr int size = Exponentials::kSize;
    constexpr bool kBf16 = size == 2;
    const int padded = shape.padded_head();
    float* scores = scratch;
    auto* probabilities = reinterpret_cast<std::byte*>(scores + kQueryRows * kKeyBlock);
    auto* query = probabilities + kQueryRows * kKeyBlock * 4;
    const FloatRows sums{reinterpret_cast<float*>(query + kQueryRows * padded * 4),
                         shape.value_panels() * kPanel, queries.count};

    Rows query_rows{queries.data, queries.stride, queries.count, nullptr, 0};
    // Of bfloat16 whole heads are multiplied where they stand.
    if (!kBf16 || shape.head_size != padded) {
        const float scale = score_scale(shape.head_size);
        for (int row = 0; row < queries.count; ++row) {
            pack_query<kBf16>(query_rows.data + row * query_rows.stride, shape.head_size, scale,
                              padded, query + row * padded * size);
        }
        query_rows.data = query;
        query_rows.stride = static_cast<std::ptrdiff_t>(padded) * size;
    }
    RunningSoftmax softmax;
    AddContext add{sums, nullptr, out, shape.head_size, nullptr};
    for (int first = 0; first < length; first += kKeyBlock) {
        const int count = length - first < kKeyBlock ? length - first : kKeyBlock;
        const int used = round_up(count, kKeyAlignment);

        Panels panels{};
        panels.stride = static_cast<std::ptrdiff_t>(padded) * kPanel * size;
        panels.weight = memory.keys + first / kPanel * panels.stride;
        panels.steps = padded * size / 4;
        panels.count = (count + kPanel - 1) / kPanel;
        multiply<Dot>(query_rows, panels, StoreScores{scores});

        softmax.template add<Exponentials>(scores, queries.count, count, used, probabilities);

        panels.stride = static_cast<std::ptrdiff_t>(memory.slots) * kPanel * size;
        panels.weight = memory.values + static_cast<std::ptrdiff_t>(first) * kPanel * size;
        panels.steps = used * size / 4;
        panels.count = shape.value_panels();
        const Rows rows{probabilities, kKeyBlock * size, queries.count, nullptr, 0};
        if (first > 0) add.correction = softmax.correction;
        if (first + kKeyBlock >= length) add.factors = softmax.factors();
        multiply<Dot>(rows, panels, add);
    }
}

/// Head by head, so that one's keys and values stay in the cache for all queries.
template <class Dot, class Exponentials>
void attend_with(const AttentionShape& shape, const PackedRows& queries, const KeysValues& memory,
                 int length, float* scratch, const FloatRows& out) {
    for (int head = 0; head < shape.heads; ++head) {
        const int column = head * shape.head_size;
        const KeysValues of_head{
            memory.keys + shape.key_bytes(memory.slots) / shape.heads * head,
            memory.values + shape.value_bytes(memory.slots) / shape.heads * head, memory.slots};
        for (int row = 0; row < queries.count; row += kQueryRows) {
            const int count = queries.count - row < kQueryRows ? queries.count - row : kQueryRows;
            attend_head<Dot, Exponentials>(
                shape,
                {queries.data + row * queries.stride + column * Exponentials::kSize, queries.stride,
                 nullptr, 0, count},
                of_head, length, scratch,
                {out.data + row * out.stride + column, out.stride, count});
        }
    }
}

/// Exponentials are those of bfloat16.
template <class Bf16Dot, class Exponentials>
void attend(const AttentionShape& shape, const PackedRows& queries, const KeysValues& memory,
            int length, float* scratch, const FloatRows& out) {
    if (shape.precision == Precision::bf16) {
        attend_with<Bf16Dot, Exponentials>(shape, queries, memory, length, scratch, out);
    } else {
        attend_with<FloatDot, PlainExponentials<false>>(shape, queries, memory, length, scratch,
                                                        out);
    }
}

}  // namespace
}  // namespace squeezebert
