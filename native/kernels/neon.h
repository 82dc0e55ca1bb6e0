/// The int8 Dots of 64-bit ARM: with multiplications of bytes alone, with dot products of four
/// (2017 on: Cortex-A55, A75) and with products of 2 x 8 and 8 x 2 (2021 on: Cortex-A510, A710;
/// Neoverse V1; Apple M2). float32 and bf16 are those of matmul.h.
#pragma once

#include "kernels/blocked_int8.h"

namespace squeezebert {
namespace {

inline int8x16_t as_bytes(Int words) { return reinterpret_cast<int8x16_t>(words); }

/// Two products add up to at most 2 * 127 * 127, which int16 holds.
struct NeonInt8Dot : Int8Sums<0> {
    static constexpr int kRows = 4;
    static constexpr int kPanels = 1;

    static Int add(Int sum, Int input, Int weights) {
        const int8x16_t x = as_bytes(input), w = as_bytes(weights);
        const int16x8_t low = vmull_s8(vget_low_s8(x), vget_low_s8(w));
        return vpadalq_s16(sum, vpaddq_s16(low, vmull_high_s8(x, w)));
    }
};

#if defined(__ARM_FEATURE_DOTPROD)
struct DotprodInt8Dot : Int8Sums<0> {
    using Input = Int;
    static constexpr int kStepsAtOnce = 4;
    static constexpr int kRows = 4;
    static constexpr int kPanels = 1;

    static Int load_input(const std::byte* at) { return load_as<Int>(at); }
    template <int kLane>
    static Int add_lane(Int sum, Int input, Int weights) {
        return vdotq_laneq_s32(sum, as_bytes(weights), as_bytes(input), kLane);
    }
};
#endif

#if defined(__ARM_FEATURE_MATMUL_INT8)
/// Two steps of two rows times two steps of two outputs: four sums in a vector. Rows are arranged
/// in pairs, outputs too: two steps of one, then two steps of the other.
struct I8mmForm {
    static constexpr int kStepBytes = 4;
    static constexpr int kBlockSteps = 256;  ///< of four inputs
    static constexpr int kTileRows = 4;
    static constexpr int kPairBytes = 2 * kBlockSteps * kStepBytes;
    static constexpr int kVectors = kPanel / 2;  ///< of two outputs

    static int64x2_t load_steps(const std::byte* at) { return load_as<int64x2_t>(at); }

    static void arrange_rows(const std::byte* rows, std::ptrdiff_t stride, int count, int steps,
                             std::byte* out) {
        for (int row = 0; row < count; row += 2) {
            const std::byte* upper = rows + row * stride;
            // Where the last row has no partner it is its own.
            const std::byte* lower = row + 1 < count ? upper + stride : upper;
            std::byte* to = out + row / 2 * kPairBytes;
            for (int step = 0; step < steps; step += 4) {
                const int64x2_t a = load_steps(upper + step * 4), b = load_steps(lower + step * 4);
                const int64x2_t pairs[] = {vzip1q_s64(a, b), vzip2q_s64(a, b)};
                std::memcpy(to + step * 8, pairs, sizeof pairs);
            }
        }
    }

    static void arrange_panel(const std::byte* panel, int steps, std::byte* out) {
        for (int step = 0; step < steps; step += 2) {
            for (int part = 0; part < kParts; ++part) {
                const std::byte* from = panel + (step * kParts + part) * sizeof(Int);
                const Int a = load_as<Int>(from), b = load_as<Int>(from + kParts * sizeof(Int));
                const Int pairs[] = {vzip1q_s32(a, b), vzip2q_s32(a, b)};
                std::memcpy(out + (step * kParts + 2 * part) * sizeof(Int), pairs, sizeof pairs);
            }
        }
    }

    template <int kPairs = kTileRows / 2>
    static void add_tile(const std::byte* rows, const std::byte* panel, int steps, int count,
                         Int (*sums)[kParts]) {
        if constexpr (kPairs > 1) {
            if (count <= 2 * (kPairs - 1)) {
                return add_tile<kPairs - 1>(rows, panel, steps, count, sums);
            }
        }
        Int tile[kPairs][kVectors];
#pragma GCC unroll 64
        for (int i = 0; i < kPairs * kVectors; ++i) {
            tile[i / kVectors][i % kVectors] = sums[i / kParts][i % kParts];
        }
        for (int step = 0; step < steps; step += 2) {
            int8x16_t inputs[kPairs];
#pragma GCC unroll 16
            for (int pair = 0; pair < kPairs; ++pair) {
                inputs[pair] = load_as<int8x16_t>(rows + pair * kPairBytes + step * 8);
            }
#pragma GCC unroll 16
            for (int i = 0; i < kVectors; ++i) {
                const auto weights = load_as<int8x16_t>(panel + (step * kParts + i) * sizeof(Int));
#pragma GCC unroll 16
                for (int pair = 0; pair < kPairs; ++pair) {
                    tile[pair][i] = vmmlaq_s32(tile[pair][i], inputs[pair], weights);
                }
            }
        }
#pragma GCC unroll 64
        for (int i = 0; i < kPairs * kVectors; ++i) {
            sums[i / kParts][i % kParts] = tile[i / kVectors][i % kVectors];
        }
    }

    /// A pair's sums stand in the places of both rows, the upper row's in the lower halves.
    static Int sum(const Int (*sums)[kParts], int row, int part) {
        const Int* pair = sums[row - row % 2] + 2 * part;
        const auto a = reinterpret_cast<int64x2_t>(pair[0]);
        const auto b = reinterpret_cast<int64x2_t>(pair[1]);
        return reinterpret_cast<Int>(row % 2 == 0 ? vzip1q_s64(a, b) : vzip2q_s64(a, b));
    }

    static double peak(std::int64_t iterations) {
        Int sums[kTileRows * kParts] = {};
        int8x16_t input = vdupq_n_s8(1), weights = vdupq_n_s8(1);
        for (std::int64_t iteration = 0; iteration < iterations; ++iteration) {
            renew(input);
#pragma GCC unroll 64
            for (int i = 0; i < kTileRows * kParts; ++i) {
                sums[i] = vmmlaq_s32(sums[i], input, weights);
            }
        }
#pragma GCC unroll 64
        for (int i = 0; i < kTileRows * kParts; ++i) use(sums[i]);
        return 2.0 * 8 * 4 * kTileRows * kParts * static_cast<double>(iterations);
    }
};

using I8mmInt8Dot = BlockedInt8Dot<I8mmForm>;
#endif

}  // namespace
}  // namespace squeezebert
