/// The int8 Dot of vpdpbusd in vectors of 32 bytes.
#pragma once

#include "kernels/matmul.h"

namespace squeezebert {
namespace {

/// Activations are unsigned, so they are kept with 128 added. `Instruction` is vpdpbusd in either
/// of its two encodings: AVX-VNNI's, or AVX-512VL's, with which processors without AVX-VNNI can
/// test everything around it.
template <class Instruction>
struct YmmVnniInt8Dot : Int8Sums<128> {
    static constexpr int kRows = 6;
    static constexpr int kPanels = 1;

    static Int add(Int sum, Int input, Int weights) {
        return reinterpret_cast<Int>(Instruction::multiply_add(reinterpret_cast<__m256i>(sum),
                                                               reinterpret_cast<__m256i>(input),
                                                               reinterpret_cast<__m256i>(weights)));
    }
};

}  // namespace
}  // namespace squeezebert
