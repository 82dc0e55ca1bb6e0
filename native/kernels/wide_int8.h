/// int8 where bytes cannot be multiplied four at a time and exactly, but pairs of int16 can.
#pragma once

#include "kernels/blocked_int8.h"

namespace squeezebert {
namespace {

/// What widened rows and panels are multiplied with: two inputs a lane.
struct PairsDot : Int8Sums<0> {
    // Half of the registers hold sums; weights, an input and a product want the others.
    static constexpr int kRows = kRegisters / 2 / kParts;
    static constexpr int kPanels = 1;

    static Int add(Int sum, Int input, Int weights) { return sum + multiply_pairs(input, weights); }
};

/// A step of inputs a, b, c, d becomes two steps, a, c and b, d: that takes no shuffle.
struct WideForm {
    static constexpr int kStepBytes = 8;
    static constexpr int kBlockSteps = 192;  ///< of four inputs: SqueezeBERT's 768 at once
    static constexpr int kTileRows = PairsDot::kRows;

    struct Pair {
        Int first, second;
    };
    static Pair widen(Int words) {
        using Short = std::int16_t __attribute__((vector_size(kLanes * 4)));
        const auto bytes = reinterpret_cast<Short>(words);
        return {reinterpret_cast<Int>(bytes << 8 >> 8), reinterpret_cast<Int>(bytes >> 8)};
    }

    static void arrange_rows(const std::byte* rows, std::ptrdiff_t stride, int count, int steps,
                             std::byte* out) {
        for (int row = 0; row < count; ++row) {
            std::byte* to = out + row * kBlockSteps * kStepBytes;
            for (int step = 0; step < steps; step += kLanes) {
                const Pair pair = widen(load_as<Int>(rows + row * stride + step * 4));
                const Int low = interleave_low(pair.first, pair.second);
                const Int high = interleave_high(pair.first, pair.second);
                std::memcpy(to + step * kStepBytes, &low, sizeof low);
                std::memcpy(to + step * kStepBytes + sizeof low, &high, sizeof high);
            }
        }
    }

    static void arrange_panel(const std::byte* panel, int steps, std::byte* out) {
        for (int step = 0; step < steps; ++step) {
            for (int part = 0; part < kParts; ++part) {
                const int at = (step * kParts + part) * PairsDot::kPartBytes;
                const Pair pair = widen(load_as<Int>(panel + at));
                std::byte* to = out + at + step * kParts * PairsDot::kPartBytes;
                std::memcpy(to, &pair.first, sizeof pair.first);
                std::memcpy(to + kParts * PairsDot::kPartBytes, &pair.second, sizeof pair.second);
            }
        }
    }

    template <int R = kTileRows>
    static void add_tile(const std::byte* rows, const std::byte* panel, int steps, int count,
                         Int (*sums)[kParts]) {
        if constexpr (R > 1) {
            if (count < R) return add_tile<R - 1>(rows, panel, steps, count, sums);
        }
        add_products<PairsDot, R, 1>(rows, kBlockSteps * kStepBytes, panel, 0, 2 * steps, sums[0],
                                     kParts, sums[0], kParts);
    }

    static Int sum(const Int (*sums)[kParts], int row, int part) { return sums[row][part]; }

    /// Two inputs a word, as in bf16.
    static double peak(std::int64_t iterations) {
        return peak_of_dot<PairsDot>(Precision::bf16, iterations);
    }
};

using WideInt8Dot = BlockedInt8Dot<WideForm>;

}  // namespace
}  // namespace squeezebert
