/// Products of rows with panels of weights, written once over a Dot policy: what one instruction
/// set multiplies and adds of one precision.
///
/// A Dot has
///   Sum, Weights     a vector of running sums (Float, or Int where there are scales), and of what
///                    they are made
///   kRows, kPanels   the tile that fits the registers
///   kInputBytes, kPartBytes   of a step: of one row, and of a vector's share of a panel
///   first(panels, panel, part)                    the sums at the start
///   load_weights(at), load_input(at)              a row's step is broadcast to all lanes
///   add(sum, input, weights)                      sum + input * weights, lane by lane
/// or, where a lane of a vector can be an operand, kStepsAtOnce > 1 and
///   Input            so many steps of a row: what load_input() gives
///   add_lane<kLane>(sum, input, weights)          sum + input's step kLane * weights
/// or, where it is done quite differently, kTiled and
///   multiply(rows, panels, epilogue)
///
/// An Epilogue takes the outputs: its column(panel) has those of a panel's,
///   base(row, part)       what is added to sums: a Float, or Nothing
///   put(row, values)      the kPanel outputs of a row
/// and where kPairs, for two panels side by side,
///   put_pair(row, first, second)    of a row, where a panel is a vector
/// or, where kPlain, outputs of a Dot with float32 sums go to its at(row, panel), rows kStride
/// floats apart; a kTiled Dot may write up to 31 rows after the last.
#pragma once

#include <type_traits>

#include "kernels/vector.h"

namespace squeezebert {
namespace {

/// Panels of one group over one slice of its inputs.
struct Panels {
    const std::byte* weight;
    std::ptrdiff_t stride;  ///< bytes from one panel to the next
    int steps;              ///< of the inputs
    int count;
    const float* scale;          ///< (count, kPanel); int8 only
    const std::int32_t* offset;  ///< (count, kPanel); int8 only
    bool far;                    ///< whether they come from a distant cache: a model's weights
};

struct Rows {
    const std::byte* data;
    std::ptrdiff_t stride;  ///< bytes
    int count;
    const float* scale;  ///< int8 only
    std::ptrdiff_t scale_stride;
};

template <class Dot, int R, int P>
using Tile = typename Dot::Sum[R][P * kParts];

/// One step of each row and panel. The fewer operands of the two are loaded first and kept.
template <class Dot, int R, int P>
inline void add_step(const std::byte* x, std::ptrdiff_t x_stride, const std::byte* w,
                     std::ptrdiff_t w_stride, Tile<Dot, R, P>& sums) {
    constexpr int columns = P * kParts;
    const auto weights_of = [&](int i) {
        return Dot::load_weights(w + i / kParts * w_stride + i % kParts * Dot::kPartBytes);
    };
    if constexpr (columns < R) {
        typename Dot::Weights weights[columns];
#pragma GCC unroll 16
        for (int i = 0; i < columns; ++i) weights[i] = weights_of(i);
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) {
            const auto input = Dot::load_input(x + r * x_stride);
#pragma GCC unroll 16
            for (int i = 0; i < columns; ++i) sums[r][i] = Dot::add(sums[r][i], input, weights[i]);
        }
    } else {
        decltype(Dot::load_input(x)) inputs[R];
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) inputs[r] = Dot::load_input(x + r * x_stride);
#pragma GCC unroll 16
        for (int i = 0; i < columns; ++i) {
            const auto weights = weights_of(i);
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r) sums[r][i] = Dot::add(sums[r][i], inputs[r], weights);
        }
    }
}

/// The steps from kLane on of inputs that were loaded together.
template <class Dot, int R, int P, int kLane = 0>
inline void add_lanes(const typename Dot::Input (&inputs)[R], const std::byte* w,
                      std::ptrdiff_t w_stride, Tile<Dot, R, P>& sums) {
    if constexpr (kLane < Dot::kStepsAtOnce) {
#pragma GCC unroll 16
        for (int i = 0; i < P * kParts; ++i) {
            const auto weights =
                Dot::load_weights(w + i / kParts * w_stride + i % kParts * Dot::kPartBytes);
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r) {
                sums[r][i] = Dot::template add_lane<kLane>(sums[r][i], inputs[r], weights);
            }
        }
        add_lanes<Dot, R, P, kLane + 1>(inputs, w + kParts * Dot::kPartBytes, w_stride, sums);
    }
}

/// Adds the products of a tile of outputs, whose sums stay in registers while the inputs stream by,
/// to what they are at the `first`; its rows are `first_stride` apart.
/// Unrolled by pragma: a loop left over the sums would keep them in memory.
template <class Dot, int R, int P>
[[gnu::noinline]] void add_products(const std::byte* x, std::ptrdiff_t x_stride, const std::byte* w,
                                    std::ptrdiff_t w_stride, int steps,
                                    const typename Dot::Sum* first, int first_stride,
                                    typename Dot::Sum* sums, int sums_stride) {
    Tile<Dot, R, P> tile;
#pragma GCC unroll 64
    for (int i = 0; i < R * P * kParts; ++i) {
        tile[i / (P * kParts)][i % (P * kParts)] =
            first[i / (P * kParts) * first_stride + i % (P * kParts)];
    }
    for (int step = 0; step < steps; step += Dot::kStepsAtOnce) {
        if constexpr (Dot::kStepsAtOnce == 1) {
            add_step<Dot, R, P>(x, x_stride, w, w_stride, tile);
        } else {
            typename Dot::Input inputs[R];
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r) inputs[r] = Dot::load_input(x + r * x_stride);
            add_lanes<Dot, R, P>(inputs, w, w_stride, tile);
        }
        x += Dot::kStepsAtOnce * Dot::kInputBytes;
        w += Dot::kStepsAtOnce * kParts * Dot::kPartBytes;
    }
#pragma GCC unroll 64
    for (int i = 0; i < R * P * kParts; ++i) {
        sums[i / (P * kParts) * sums_stride + i % (P * kParts)] =
            tile[i / (P * kParts)][i % (P * kParts)];
    }
}

/// What epilogues add that add nothing.
struct Nothing {};
inline Float plus(Float a, Float b) { return a + b; }
inline Float plus(Float a, Nothing) { return a; }

/// Gives `count` rows of a panel's sums, sum_at(0, part) and so on, to the epilogue.
template <class Dot, class SumAt, class Epilogue>
inline void finish_panel(const Rows& rows, int row, int count, const Panels& panels, int panel,
                         const SumAt& sum_at, const Epilogue& epilogue) {
    const auto column = epilogue.column(panel);
    constexpr bool kScaled = std::is_same_v<typename Dot::Sum, Int>;
    const std::ptrdiff_t stride = rows.scale_stride;
    const float* row_scale = kScaled ? rows.scale + row * stride : nullptr;
    const float* panel_scale = kScaled ? panels.scale + panel * kPanel : nullptr;
    for (int r = 0; r < count; ++r) {
        Float values[kParts];
        for (int part = 0; part < kParts; ++part) {
            const auto base = column.base(row + r, part);
            if constexpr (kScaled) {
                const Float scaled = to_float(sum_at(r, part)) * row_scale[r * stride];
                values[part] = multiply_add(scaled, load(panel_scale + part * kLanes), base);
            } else {
                values[part] = plus(sum_at(r, part), base);
            }
        }
        column.put(row + r, values);
    }
}

/// Gives a tile's sums to the epilogue. Never inlined, because there are many sizes of tiles.
template <class Dot, class Epilogue>
[[gnu::noinline]] void finish_tile(const Rows& rows, int row, int count, const Panels& panels,
                                   int panel, int width, const typename Dot::Sum* sums,
                                   const Epilogue& epilogue) {
    for (int p = 0; p < width; ++p) {
        const auto sum_at = [=](int r, int part) { return sums[(r * width + p) * kParts + part]; };
        finish_panel<Dot>(rows, row, count, panels, panel + p, sum_at, epilogue);
    }
}

/// kRows x kPanels outputs at a time.
template <class Dot, int R, int P, class Epilogue>
inline void multiply_tile(const Rows& rows, int row, const Panels& panels, int panel,
                          Epilogue& epilogue) {
    typename Dot::Sum first[P * kParts];
    for (int i = 0; i < P * kParts; ++i) {
        first[i] = Dot::first(panels, panel + i / kParts, i % kParts);
    }
    const std::byte* x = rows.data + row * rows.stride;
    const std::byte* w = panels.weight + panel * panels.stride;
    if constexpr (Epilogue::kPlain) {
        auto* sums = reinterpret_cast<typename Dot::Sum*>(epilogue.at(row, panel));
        add_products<Dot, R, P>(x, rows.stride, w, panels.stride, panels.steps, first, 0, sums,
                                Epilogue::kStride / kLanes);
    } else {
        Tile<Dot, R, P> sums;
        add_products<Dot, R, P>(x, rows.stride, w, panels.stride, panels.steps, first, 0, sums[0],
                                P * kParts);
        finish_tile<Dot>(rows, row, R, panels, panel, P, sums[0], epilogue);
    }
}

/// The rows that are left over from whole tiles, in a tile of their own height.
template <class Dot, int R, int P, class Epilogue>
inline void multiply_rest(const Rows& rows, int row, const Panels& panels, int panel,
                          Epilogue& epilogue) {
    if constexpr (R > 0) {
        if (rows.count - row == R) {
            multiply_tile<Dot, R, P>(rows, row, panels, panel, epilogue);
        } else {
            multiply_rest<Dot, R - 1, P>(rows, row, panels, panel, epilogue);
        }
    }
}

template <class Dot, int P, class Epilogue>
inline void multiply_panels(const Rows& rows, const Panels& panels, int panel, Epilogue& epilogue) {
    int row = 0;
    for (; row + Dot::kRows <= rows.count; row += Dot::kRows) {
        multiply_tile<Dot, Dot::kRows, P>(rows, row, panels, panel, epilogue);
    }
    multiply_rest<Dot, Dot::kRows - 1, P>(rows, row, panels, panel, epilogue);
}

/// Gives the outputs of all rows and panels to the epilogue.
template <class Dot, class Epilogue>
inline void multiply(const Rows& rows, const Panels& panels, Epilogue epilogue) {
    if constexpr (Dot::kTiled) {
        Dot::multiply(rows, panels, epilogue);
    } else {
        int panel = 0, left = panels.count;
        // A panel left alone would make a poor tile.
        constexpr int kPoor = Dot::kPanels > 2 ? Dot::kPanels + 1 : 0;
        for (; left >= Dot::kPanels && left != kPoor; left -= Dot::kPanels, panel += Dot::kPanels) {
            multiply_panels<Dot, Dot::kPanels>(rows, panels, panel, epilogue);
        }
        if constexpr (Dot::kPanels > 2) {
            for (; left >= 2; left -= 2, panel += 2) {
                multiply_panels<Dot, 2>(rows, panels, panel, epilogue);
            }
        }
        for (; left > 0; --left, ++panel) multiply_panels<Dot, 1>(rows, panels, panel, epilogue);
    }
}

// --- the Dots that need no special instruction ------------------------------------------------

/// What all Dots share whose sums are float32.
struct FloatSums {
    using Sum = Float;
    static Float first(const Panels&, int, int) { return Float{}; }
};

/// float32: a lane multiplies one input.
struct FloatDot : FloatSums {
    using Weights = Float;
    using Input = Float;
    static constexpr bool kTiled = false;
    static constexpr int kStepsAtOnce = kLaneOperands ? kLanes : 1;
    static constexpr int kRows = kLanes > 4 ? 6 : kRegisters == 16 ? 2 : 4;
    static constexpr int kPanels = kLanes == 16 ? 4 : 1;
    static constexpr int kInputBytes = 4;
    static constexpr int kPartBytes = kLanes * 4;

    static Float load_weights(const std::byte* at) { return load_as<Float>(at); }
    static Float load_input(const std::byte* at) {
        return kStepsAtOnce == 1 ? broadcast(load_as<float>(at)) : load_as<Float>(at);
    }
    static Float add(Float sum, Float input, Float weights) {
        return multiply_add(input, weights, sum);
    }
    template <int kLane>
    static Float add_lane(Float sum, Float input, Float weights) {
        return multiply_add_lane<kLane>(weights, input, sum);
    }
};

/// bfloat16 where the processor multiplies only float32: each half of a word is widened.
struct WidenedBf16Dot : FloatSums {
    struct Pair {
        Float low, high;
    };
    using Weights = Pair;
    using Input = Pair;
    static constexpr bool kTiled = false;
    static constexpr int kStepsAtOnce = kLaneOperands ? kLanes : 1;
    static constexpr int kRows = kLanes == 16 ? 6 : kLanes == 4 && kRegisters == 16 ? 2 : 4;
    static constexpr int kPanels = kLanes == 16 ? 3 : 1;
    static constexpr int kInputBytes = 4;
    static constexpr int kPartBytes = kLanes * 4;

    static Pair widen(Int words) {
        return {from_bits(words << 16), from_bits(words & static_cast<int>(0xffff0000))};
    }
    static Pair load_weights(const std::byte* at) { return widen(load_as<Int>(at)); }
    static Pair load_input(const std::byte* at) {
        return widen(kStepsAtOnce == 1 ? broadcast_word(at) : load_as<Int>(at));
    }
    static Float add(Float sum, Pair input, Pair weights) {
        sum = multiply_add(input.low, weights.low, sum);
        return multiply_add(input.high, weights.high, sum);
    }
    template <int kLane>
    static Float add_lane(Float sum, Pair input, Pair weights) {
        sum = multiply_add_lane<kLane>(weights.low, input.low, sum);
        return multiply_add_lane<kLane>(weights.high, input.high, sum);
    }
};

/// What all int8 Dots share: exact sums in int32, scaled at the end. kOffset is added to
/// activations where an instruction wants them unsigned; a panel's offset takes it off again.
template <int kOffset>
struct Int8Sums {
    using Sum = Int;
    using Weights = Int;
    static constexpr bool kTiled = false;
    static constexpr int kStepsAtOnce = 1;
    static constexpr int kActivationOffset = kOffset;
    static constexpr int kInputBytes = 4;
    static constexpr int kPartBytes = kLanes * 4;

    static Int first(const Panels& panels, int panel, int part) {
        if constexpr (kOffset == 0) return Int{};
        return load_as<Int>(panels.offset + panel * kPanel + part * kLanes);
    }
    static Int load_weights(const std::byte* at) { return load_as<Int>(at); }
    static Int load_input(const std::byte* at) { return broadcast_word(at); }
};

}  // namespace
}  // namespace squeezebert
