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

/// kLanes words of a row that has so many bytes left; what lies past them is 0.
inline Unsigned read_words(const std::byte* from, int bytes) {
    constexpr int kBytes = kLanes * 4;
    if (bytes >= kBytes) return load_as<Unsigned>(from);
    Unsigned words{};
    if (bytes > 0) std::memcpy(&words, from, static_cast<std::size_t>(bytes));
    return words;
}

/// kLanes bfloat16 in the lower halves of words; what lies past `count` is 0.
inline Unsigned read_halves(const std::byte* from, int count) {
    using Halves = std::uint16_t __attribute__((vector_size(kLanes * 2)));
    Halves halves{};
    if (count >= kLanes) {
        std::memcpy(&halves, from, sizeof halves);
    } else if (count > 0) {
        std::memcpy(&halves, from, static_cast<std::size_t>(count) * 2);
    }
    return __builtin_convertvector(halves, Unsigned);
}

/// One head's keys of kPanel tokens (x.count are there) as a panel; `x` has the head's columns.
inline void store_keys(const AttentionShape& shape, const PackedRows& x, std::byte* panel) {
    const int size = element_size(shape.precision), bytes = shape.head_size * size;
    const auto read = [&](int row, int word) {
        return read_words(x.data + row * x.stride + word * 4, bytes - word * 4);
    };
    write_panel(read, x.count, shape.padded_head() * size / 4, panel);
}

/// Of each kKeyAlignment values of bfloat16, the line of a panel where a pair of tokens stands.
template <bool kPackedOrder>
constexpr int line_of_pair(int pair) {
    // As x86 packs two vectors of 16 words: four of the one, four of the other, quarter by quarter.
    return kPackedOrder ? pair % 8 / 2 * 4 + pair % 2 + pair / 8 * 2 : pair;
}

/// A head's values of kPanel tokens from `token` on, in the panel whose first line is given; what
/// isn't there is 0.
template <bool kPackedOrder>
inline void store_values(Precision precision, const PackedRows& x, int columns, int token,
                         std::byte* panel) {
    const int size = element_size(precision);
    const bool whole = x.count >= kPanel && columns >= kPanel;
    if (precision == Precision::float32) {
        for (int row = 0; row < kPanel; ++row) {
            for (int part = 0; part < kParts; ++part) {
                const int rest = row < x.count ? (columns - part * kLanes) * size : 0;
                const Unsigned words =
                    read_words(x.data + row * x.stride + part * kLanes * size, rest);
                std::memcpy(panel + ((token + row) * kParts + part) * sizeof words, &words,
                            sizeof words);
            }
        }
        return;
    }
    for (int row = 0; row < kPanel; row += 2) {
        const int pair = (token % kKeyAlignment + row) / 2;
        std::byte* line = panel + (token / kKeyAlignment * (kKeyAlignment / 2) +
                                   line_of_pair<kPackedOrder>(pair)) *
                                      kPanel * 4;
        for (int part = 0; part < kParts; ++part) {
            const std::byte* from = x.data + row * x.stride + part * kLanes * size;
            const int rest = whole ? kLanes : columns - part * kLanes;
            const Unsigned words =
                read_halves(from, whole || row < x.count ? rest : 0) |
                read_halves(from + x.stride, whole || row + 1 < x.count ? rest : 0) << 16;
            std::memcpy(line + part * sizeof words, &words, sizeof words);
        }
    }
}

/// kPanel tokens of all heads at a time: what is read of a row stands together.
template <bool kPackedOrder>
void store_keys_values(const AttentionShape& shape, const PackedRows& keys,
                       const PackedRows& values, int position, bool last, const KeysValues& out) {
    const int size = element_size(shape.precision);
    const std::ptrdiff_t key_bytes = shape.key_bytes(out.slots) / shape.heads;
    const std::ptrdiff_t value_bytes = static_cast<std::ptrdiff_t>(out.slots) * kPanel * size;
    // Up to the end of the last block of keys, zeros: probabilities there are 0, but 0 times
    // whatever was in memory need not be.
    const int end = last ? round_up(position + keys.count, kKeyAlignment) - position : keys.count;
    for (int row = 0; row < end; row += kPanel) {
        const std::ptrdiff_t token = position + row;
        const int count = keys.count - row;
        for (int head = 0; head < shape.heads; ++head) {
            const int column = head * shape.head_size * size;
            const PackedRows key{keys.data + row * keys.stride + column, keys.stride, nullptr, 0,
                                 count};
            if (count > 0) {
                store_keys(shape, key,
                           out.keys + head * key_bytes + token * shape.padded_head() * size);
            }
            for (int panel = 0; panel < shape.value_panels(); ++panel) {
                const int first = panel * kPanel;
                const PackedRows value{values.data + row * values.stride + column + first * size,
                                       values.stride, nullptr, 0, count};
                store_values<kPackedOrder>(
                    shape.precision, value, shape.head_size - first, static_cast<int>(token),
                    out.values + (head * shape.value_panels() + panel) * value_bytes);
            }
        }
    }
}

}  // namespace
}  // namespace squeezebert
