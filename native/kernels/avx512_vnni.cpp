/// AVX-512 with VNNI (Ice Lake, Cascade Lake and later; AMD from Zen 4).
#include "kernels/avx512.h"
#include "kernels/table.h"

namespace squeezebert {

const Kernels& kernels_avx512_vnni() {
    static constexpr Kernels table = make_table<VnniInt8Dot, WidenedBf16Dot, false>();
    return table;
}

}  // namespace squeezebert
