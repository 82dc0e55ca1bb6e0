/// The kernels of AVX-VNNI with AVX-512VL's encoding of their one instruction. The build compiles
/// this file, which is of no use but to test_avx_vnni.cpp, for AVX2; on other processors it is
/// empty.
#if defined(__AVX2__)
#include "kernels/avx_vnni.h"
#include "kernels/table.h"

namespace squeezebert {
namespace {

struct Avx512Vnni {
    static __m256i multiply_add(__m256i sum, __m256i unsigned_bytes, __m256i signed_bytes) {
        __asm__("%{evex%} vpdpbusd %2, %1, %0"
                : "+x"(sum)
                : "x"(unsigned_bytes), "x"(signed_bytes));
        return sum;
    }
};

}  // namespace

const Kernels& kernels_avx_vnni_by_avx512() {
    static constexpr Kernels table =
        make_table<YmmVnniInt8Dot<Avx512Vnni>, WidenedBf16Dot, false>();
    return table;
}

}  // namespace squeezebert
#endif
