/// Softmax attention with the keys and values of a sequence in panels, so that both products are
/// the same as a projection's.
#pragma once

#include "kernels/rows.h"

namespace squeezebert {
namespace {

constexpr float kMasked = -1e30f;  // finite, so that nothing becomes NaN

/// Writes `count` (at most kPanel) rows of `width` words as a panel: word by word, 16 rows beside
/// one another. Rows that are not there become 0.
template <class ReadRow>
inline void write_panel(ReadRow read, int count, int words, std::byte* panel) {
    for (int first = 0; first < words; first += kLanes) {
        for (int part = 0; part < kParts; ++part) {
            Unsigned rows[kLanes];
            for (int lane = 0; lane < kLanes; ++lane) {
                const int row = part * kLanes + lane;
                rows[lane] = row < count ? read(row, first) : Unsigned{};
            }
            transpose(rows);
            for (int word = 0; word < kLanes; ++word) {
                std::memcpy(panel + ((first + word) * kPanel + part * kLanes) * 4, &rows[word],
                            sizeof(Unsigned));
            }
        }
    }
}

/// Words whose lower and upper halves are a and b as bfloat16.
inline Unsigned pair_bf16(Float a, Float b) {
#if defined(__AVX512BF16__)
    alignas(64) static constexpr std::uint16_t kOrder[] = {
        0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
        8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    const auto halves = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(b, a));
    return reinterpret_cast<Unsigned>(
        _mm512_permutexvar_epi16(_mm512_load_si512(kOrder), halves));
#else
    return (round_to_bf16(a) >> 16) | round_to_bf16(b);
#endif
}

/// 2 * kLanes floats as kLanes pairs of bfloat16; what lies past `count` is 0.
inline Unsigned read_bf16_pairs(const float* x, int count) {
    const Float first = load_first(x, count);
    const Float second = count > kLanes ? load_first(x + kLanes, count - kLanes) : Float{};
#if defined(__AVX512BF16__)
    return reinterpret_cast<Unsigned>(_mm512_cvtne2ps_pbh(second, first));
#else
    return pair_bf16(even_lanes(first, second), odd_lanes(first, second));
#endif
}

/// One head's keys of kPanel tokens (`count` are there) as a panel; `x` has the head's columns.
template <bool kBf16>
inline void store_keys(const AttentionShape& shape, const FloatRows& x, int count,
                       std::byte* panel) {
    const int size = shape.head_size;
    const auto read = [&](int row, int word) {
        const float* from = x.data + row * x.stride;
        if constexpr (kBf16) {
            return 2 * word < size ? read_bf16_pairs(from + 2 * word, size - 2 * word) : Unsigned{};
        } else {
            return word < size ? reinterpret_cast<Unsigned>(load_first(from + word, size - word))
                               : Unsigned{};
        }
    };
    write_panel(read, count, shape.padded_head() / (kBf16 ? 2 : 1), panel);
}

/// One panel of a head's values, of kPanel tokens; what isn't there is 0.
template <bool kBf16>
inline void store_values(const FloatRows& x, int count, int columns, std::byte* words) {
    for (int row = 0; row < kPanel; row += kBf16 ? 2 : 1) {
        for (int part = 0; part < kParts; ++part, words += sizeof(Unsigned)) {
            const int rest = columns - part * kLanes;
            const auto read = [&](int at) {
                const float* from = x.data + at * x.stride + part * kLanes;
                return at < count && rest > 0 ? load_first(from, rest) : Float{};
            };
            Unsigned word;
            if constexpr (kBf16) {
                word = pair_bf16(read(row), read(row + 1));
            } else {
                word = reinterpret_cast<Unsigned>(read(row));
            }
            std::memcpy(words, &word, sizeof word);
        }
    }
}

/// kPanel tokens of all heads at a time: what is read of a row stands together.
template <bool kBf16>
void store_keys_values_as(const AttentionShape& shape, const FloatRows& keys,
                          const FloatRows& values, int position, bool last, const KeysValues& out) {
    const int token_bytes = kPanel * (kBf16 ? 2 : 4);
    const std::ptrdiff_t key_bytes = shape.key_bytes(out.slots) / shape.heads;
    const std::ptrdiff_t value_bytes = static_cast<std::ptrdiff_t>(out.slots) * token_bytes;
    // Up to the end of the last block of keys, zeros: probabilities there are 0, but 0 times
    // whatever was in memory need not be.
    const int end = last ? round_up(position + keys.count, kKeyAlignment) - position : keys.count;
    for (int row = 0; row < end; row += kPanel) {
        const std::ptrdiff_t token = position + row;
        for (int head = 0; head < shape.heads; ++head) {
            const int column = head * shape.head_size;
            const FloatRows key{keys.data + row * keys.stride + column, keys.stride, 0};
            if (row < keys.count) {
                store_keys<kBf16>(shape, key, keys.count - row,
                                  out.keys + head * key_bytes +
                                      token * shape.padded_head() * (kBf16 ? 2 : 4));
            }
            for (int panel = 0; panel < shape.value_panels(); ++panel) {
                const int first = panel * kPanel;
                const FloatRows value{values.data + row * values.stride + column + first,
                                      values.stride, 0};
                store_values<kBf16>(value, values.count - row, shape.head_size - first,
                                    out.values +
                                        (head * shape.value_panels() + panel) * value_bytes +
                                        token * token_bytes);
            }
        }
    }
}

inline void store_keys_values(const AttentionShape& shape, const FloatRows& keys,
                              const FloatRows& values, int position, bool last,
                              const KeysValues& out) {
    if (shape.precision == Precision::bf16) {
        store_keys_values_as<true>(shape, keys, values, position, last, out);
    } else {
        store_keys_values_as<false>(shape, keys, values, position, last, out);
    }
}

/// Softmax over blocks of keys, one after the other, for up to kQueryRows queries. To the base 2,
/// because exp2 is what there is; queries come multiplied accordingly.
struct RunningSoftmax {
    alignas(64) float largest[kQueryRows];     ///< of the scores up to now
    alignas(64) float sum[kQueryRows];         ///< of exp2(score - largest)
    alignas(64) float correction[kQueryRows];  ///< what sums before the last block are multiplied by

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
                    value = multiply_add(load(sums.at(row, part)), broadcast(correction[row]), value);
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
