/// AVX-512 with VNNI and BF16 (Cooper Lake, Sapphire Rapids; AMD from Zen 4).
#include "kernels/avx512.h"
#include "kernels/table.h"

namespace squeezebert {

const Kernels& kernels_avx512_bf16() {
    static constexpr Kernels table = make_table<VnniInt8Dot, Avx512Bf16Dot, true>();
    return table;
}

}  // namespace squeezebert
