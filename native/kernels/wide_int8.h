/// int8 where bytes cannot be multiplied four at a time and exactly, but pairs of int16 can.
#pragma once

#include "kernels/peak.h"

namespace squeezebert {
namespace {

/// What widened rows and panels are multiplied with: two inputs a lane.
struct PairsDot : Int8Sums<0> {
    // Half of the registers hold sums; weights, an input and a product want the others.
    static constexpr int kRows = kRegisters / 2 / kParts;
    static constexpr int kPanels = 1;

    static Int add(Int sum, Int input, Int weights) { return sum + multiply_pairs(input, weights); }
};

/// Widening takes as long as multiplying, so it is done once for a block of rows and once for a
/// panel, into buffers that stay in the nearest caches. A step of inputs a, b, c, d becomes two
/// steps, a, c and b, d: that takes no shuffle.
struct WideInt8Dot : Int8Sums<0> {
    static constexpr bool kTiled = true;
    static constexpr int kBlockRows = 32;
    static constexpr int kBlockSteps = 192;  ///< of four inputs: SqueezeBERT's 768 at once

    struct Pair {
        Int first, second;
    };
    static Pair widen(Int words) {
        using Short = std::int16_t __attribute__((vector_size(kLanes * 4)));
        const auto bytes = reinterpret_cast<Short>(words);
        return {reinterpret_cast<Int>(bytes << 8 >> 8), reinterpret_cast<Int>(bytes >> 8)};
    }

    static void widen_row(const std::byte* row, int steps, std::int32_t* wide) {
        for (int step = 0; step < steps; step += kLanes) {
            const Pair pair = widen(load_as<Int>(row + step * kInputBytes));
            const Int low = interleave_low(pair.first, pair.second);
            const Int high = interleave_high(pair.first, pair.second);
            std::memcpy(wide + 2 * step, &low, sizeof low);
            std::memcpy(wide + 2 * step + kLanes, &high, sizeof high);
        }
    }

    static void widen_panel(const std::byte* panel, int steps, Int* wide) {
        for (int step = 0; step < steps; ++step) {
            for (int part = 0; part < kParts; ++part) {
                const Pair pair = widen(load_as<Int>(panel + (step * kParts + part) * kPartBytes));
                wide[2 * step * kParts + part] = pair.first;
                wide[(2 * step + 1) * kParts + part] = pair.second;
            }
        }
    }

    /// Adds the products of as many rows as fit a tile, or of the `count` that are left.
    template <int R>
    static void add_tile(const std::int32_t* rows, const Int* panel, int steps, int count,
                         Int (*sums)[kParts]) {
        if constexpr (R > 1) {
            if (count < R) return add_tile<R - 1>(rows, panel, steps, count, sums);
        }
        constexpr std::ptrdiff_t stride = 2 * kBlockSteps * sizeof(std::int32_t);
        add_products<PairsDot, R, 1>(reinterpret_cast<const std::byte*>(rows), stride,
                                     reinterpret_cast<const std::byte*>(panel), 0, 2 * steps, sums);
    }

    template <class Epilogue>
    static void multiply(const Rows& rows, const Panels& panels, Epilogue& epilogue) {
        alignas(64) std::int32_t wide_rows[kBlockRows][2 * kBlockSteps];
        alignas(64) Int wide_panel[2 * kBlockSteps * kParts];
        alignas(64) Int sums[kBlockRows][kParts];
        for (int first = 0; first < rows.count; first += kBlockRows) {
            const int count = rows.count - first < kBlockRows ? rows.count - first : kBlockRows;
            int widened = -1;
            for (int panel = 0; panel < panels.count; ++panel) {
                std::memset(sums, 0, sizeof sums);
                for (int step = 0; step < panels.steps; step += kBlockSteps) {
                    const int rest = panels.steps - step;
                    const int steps = rest < kBlockSteps ? rest : kBlockSteps;
                    for (int row = 0; row < count && widened != step; ++row) {
                        widen_row(rows.data + (first + row) * rows.stride + step * kInputBytes,
                                  steps, wide_rows[row]);
                    }
                    widened = step;
                    widen_panel(panels.weight + panel * panels.stride + step * kParts * kPartBytes,
                                steps, wide_panel);
                    for (int row = 0; row < count; row += PairsDot::kRows) {
                        add_tile<PairsDot::kRows>(wide_rows[row], wide_panel, steps, count - row,
                                                  sums + row);
                    }
                }
                for (int row = 0; row < count; ++row) {
                    const float row_scale = rows.scale[(first + row) * rows.scale_stride];
                    Float values[kParts];
                    for (int part = 0; part < kParts; ++part) {
                        values[part] = finish(sums[row][part], row_scale, panels, panel, part);
                    }
                    epilogue(first + row, panel, values);
                }
            }
        }
    }

    /// Two inputs a word, as in bf16.
    static double peak(std::int64_t iterations) {
        return peak_of_dot<PairsDot>(Precision::bf16, iterations);
    }
};

}  // namespace
}  // namespace squeezebert
