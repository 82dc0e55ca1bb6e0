/// Keys and values of a sequence in panels: what the products of attention multiply.
#pragma once

#include "kernels/rows.h"

namespace squeezebert {
namespace {

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
    return reinterpret_cast<Unsigned>(_mm512_permutexvar_epi16(_mm512_load_si512(kOrder), halves));
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
                store_keys<kBf16>(
                    shape, key, keys.count - row,
                    out.keys + head * key_bytes + token * shape.padded_head() * (kBf16 ? 2 : 4));
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

}  // namespace
}  // namespace squeezebert
