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

/// 2 * kLanes floats as kLanes pairs of bfloat16; what lies past `count` is 0.
inline Unsigned read_bf16_pairs(const float* x, int count) {
    std::byte halves[kLanes * 4];
    for (int half = 0; half < 2; ++half) {
        const int rest = count - half * kLanes;
        const Float value = rest > 0 ? load_first(x + half * kLanes, rest) : Float{};
        store_bf16(halves + half * kLanes * 2, value);
    }
    return load_as<Unsigned>(halves);
}

inline void store_keys(const AttentionShape& shape, const FloatRows& keys, int position,
                       const KeysValues& out) {
    const int size = element_size(shape.precision);
    const std::size_t panel_bytes = static_cast<std::size_t>(shape.padded_head()) * kPanel * size;
    const int words = shape.padded_head() * size / 4;
    for (int head = 0; head < shape.heads; ++head) {
        std::byte* panels = out.keys + shape.key_bytes(out.slots) / shape.heads * head;
        for (int row = 0; row < keys.count; row += kPanel) {
            const float* from = keys.data + row * keys.stride + head * shape.head_size;
            std::byte* panel = panels + (position + row) / kPanel * panel_bytes;
            const auto read = [&](int at, int word) {
                const float* x = from + at * keys.stride;
                if (shape.precision == Precision::bf16) {
                    const int rest = shape.head_size - 2 * word;
                    return rest > 0 ? read_bf16_pairs(x + 2 * word, rest) : Unsigned{};
                }
                const int rest = shape.head_size - word;
                return rest > 0 ? reinterpret_cast<Unsigned>(load_first(x + word, rest))
                                : Unsigned{};
            };
            write_panel(read, keys.count - row, words, panel);
        }
    }
}

inline void store_values(const AttentionShape& shape, const FloatRows& values, int position,
                         bool last, const KeysValues& out) {
    const int step = inputs_per_step(shape.precision);
    // Up to the end of the last block of keys, zeros: probabilities there are 0, but 0 times
    // whatever was in memory need not be.
    const int end = last ? round_up(position + values.count, kKeyAlignment) : position + values.count;
    const std::size_t panel_bytes = static_cast<std::size_t>(out.slots) * kPanel *
                                    element_size(shape.precision);
    for (int head = 0; head < shape.heads; ++head) {
        for (int panel = 0; panel < shape.value_panels(); ++panel) {
            std::byte* to = out.values + (static_cast<std::size_t>(head) * shape.value_panels() +
                                          panel) * panel_bytes;
            const int columns = shape.head_size - panel * kPanel;
            const float* from = values.data + head * shape.head_size + panel * kPanel;
            const auto read = [&](int row, int part) {
                const int rest = columns - part * kLanes;
                return row < values.count && rest > 0
                           ? load_first(from + row * values.stride + part * kLanes, rest)
                           : Float{};
            };
            for (int row = 0; row < end - position; row += step) {
                std::byte* words = to + static_cast<std::ptrdiff_t>(position + row) / step * kPanel * 4;
                for (int part = 0; part < kParts; ++part) {
                    Unsigned word = reinterpret_cast<Unsigned>(read(row, part));
                    if (step == 2) {
                        word = (round_to_bf16(read(row, part)) >> 16) |
                               round_to_bf16(read(row + 1, part));
                    }
                    std::memcpy(words + part * kLanes * 4, &word, sizeof word);
                }
            }
        }
    }
}

inline void store_keys_values(const AttentionShape& shape, const FloatRows& keys,
                              const FloatRows& values, int position, bool last,
                              const KeysValues& out) {
    store_keys(shape, keys, position, out);
    store_values(shape, values, position, last, out);
}

/// Turns rows of scores into unnormalised probabilities, packed for the product with the values,
/// one block of keys after the other. To the base 2, because exp2 is what there is; queries come
/// multiplied accordingly. Each call gives what earlier sums must be multiplied by, now that the
/// largest score is known better.
struct RunningSoftmax {
    float largest = kMasked;
    float sum = 0.0f;

    template <bool kBf16>
    float add(float* scores, int count, int padded, std::byte* out) {
        Float most = broadcast(kMasked);
        const int whole = round_up(count, kLanes);
        for (int at = count; at < whole; ++at) scores[at] = kMasked;
        for (int at = 0; at < whole; at += kLanes) most = max(most, load(scores + at));
        const float before = largest;
        const float top = squeezebert::largest(most);
        largest = top > before ? top : before;
        const Float shift = broadcast(largest);
        Float total{};
        for (int at = 0; at < whole; at += kLanes) {
            const Float p = exp2<kBf16>(load(scores + at) - shift);
            total += p;
            if constexpr (kBf16) {
                store_bf16(out + 2 * at, p);
            } else {
                store(reinterpret_cast<float*>(out) + at, p);
            }
        }
        const int size = kBf16 ? 2 : 4;
        if (whole < padded) {
            std::memset(out + size * whole, 0, static_cast<std::size_t>(padded - whole) * size);
        }
        const float correction = exp2(broadcast(before - largest))[0];
        sum = sum * correction + squeezebert::sum(total);
        return correction;
    }
};

/// Scores of one block of keys, rows kKeyBlock apart.
struct StoreScores {
    float* scores;
    void operator()(int row, int panel, const Float* values) const {
        for (int part = 0; part < kParts; ++part) {
            store(scores + row * kKeyBlock + panel * kPanel + part * kLanes, values[part]);
        }
    }
};

/// Adds a block's share to the context, whose rows are `width` apart; what was there is first
/// multiplied by the row's correction.
struct AddContext {
    float* context;
    int width;
    const float* corrections;
    void operator()(int row, int panel, const Float* values) const {
        float* to = context + row * width + panel * kPanel;
        const Float correction = broadcast(corrections[row]);
        for (int part = 0; part < kParts; ++part) {
            const Float sum = multiply_add(load(to + part * kLanes), correction, values[part]);
            store(to + part * kLanes, sum);
        }
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
    const int width = shape.value_panels() * kPanel;
    const float scale = 1.4426950408889634f / __builtin_sqrtf(static_cast<float>(shape.head_size));
    float* scores = scratch;
    auto* probabilities = reinterpret_cast<std::byte*>(scores + kQueryRows * kKeyBlock);
    auto* query = probabilities + kQueryRows * kKeyBlock * 4;
    float* context = reinterpret_cast<float*>(query + kQueryRows * padded * 4);
    float* corrections = context + kQueryRows * padded;

    for (int head = 0; head < shape.heads; ++head) {
        for (int row = 0; row < queries.count; ++row) {
            const float* from = queries.data + row * queries.stride + head * shape.head_size;
            std::byte* to = query + row * padded * size;
            pack_query<kBf16>(from, shape.head_size, scale, padded, to);
            for (int at = 0; at < width; ++at) context[row * width + at] = 0.0f;
        }
        RunningSoftmax softmax[kQueryRows];
        const std::byte* keys = memory.keys + shape.key_bytes(memory.slots) / shape.heads * head;
        const std::byte* values = memory.values + shape.value_bytes(memory.slots) / shape.heads * head;
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

            for (int row = 0; row < queries.count; ++row) {
                corrections[row] = softmax[row].template add<kBf16>(
                    scores + row * kKeyBlock, count, used, probabilities + row * kKeyBlock * size);
            }

            panels.stride = static_cast<std::ptrdiff_t>(memory.slots) * kPanel * size;
            panels.weight = values + static_cast<std::ptrdiff_t>(first) * kPanel * size;
            panels.steps = used * size / 4;
            panels.count = shape.value_panels();
            rows.data = probabilities;
            rows.stride = kKeyBlock * size;
            multiply<Dot>(rows, panels, AddContext{context, width, corrections});
        }
        for (int row = 0; row < queries.count; ++row) {
            const Float factor = broadcast(1.0f / softmax[row].sum);
            float* to = out.data + row * out.stride + head * shape.head_size;
            for_each_vector(context + row * width, shape.head_size, [&](int at, Float value) {
                store_first(to + at, value * factor, shape.head_size - at);
            });
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
