/// AVX2 with AVX-VNNI (Intel from Alder Lake, AMD from Zen 5).
#include "kernels/avx_vnni.h"
#include "kernels/table.h"

namespace squeezebert {
namespace {

struct AvxVnni {
    static __m256i multiply_add(__m256i sum, __m256i unsigned_bytes, __m256i signed_bytes) {
        return _mm256_dpbusd_avx_epi32(sum, unsigned_bytes, signed_bytes);
    }
};

}  // namespace

const Kernels& kernels_avx_vnni() {
    static constexpr Kernels table = make_table<YmmVnniInt8Dot<AvxVnni>, WidenedBf16Dot, false>();
    return table;
}

}  // namespace squeezebert
