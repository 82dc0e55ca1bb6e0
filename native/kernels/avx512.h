/// The Dots of AVX-512's VNNI and BF16 extensions.
#pragma once

#include "kernels/matmul.h"

namespace squeezebert {
namespace {

/// vpdpbusd multiplies unsigned by signed bytes, so activations are kept with 128 added.
struct VnniInt8Dot : Int8Sums<128> {
    static constexpr int kRows = 8;
    static constexpr int kPanels = 3;

    static Int add(Int sum, Int input, Int weights) {
        return reinterpret_cast<Int>(_mm512_dpbusd_epi32(reinterpret_cast<__m512i>(sum),
                                                         reinterpret_cast<__m512i>(input),
                                                         reinterpret_cast<__m512i>(weights)));
    }
};

#if defined(__AVX512BF16__)
struct Avx512Bf16Dot : FloatSums {
    using Weights = Int;
    static constexpr bool kTiled = false;
    static constexpr int kStepsAtOnce = 1;
    static constexpr int kRows = 8;
    static constexpr int kPanels = 3;
    static constexpr int kInputBytes = 4;
    static constexpr int kPartBytes = kLanes * 4;

    static Int load_weights(const std::byte* at) { return load_as<Int>(at); }
    static Int load_input(const std::byte* at) { return broadcast(load_as<std::int32_t>(at)); }
    static Float add(Float sum, Int input, Int weights) {
        return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(input),
                                reinterpret_cast<__m512bh>(weights));
    }
};
#endif

}  // namespace
}  // namespace squeezebert
