/// The kernels of AVX-VNNI on processors that have its instruction in AVX-512's encoding only;
/// where there is AVX-VNNI itself, test_kernels.cpp runs them as they are.
#if defined(__x86_64__)
#include <algorithm>

#include "kernels/dispatch.h"
#include "tests/kernel_row_checks.h"

namespace squeezebert {
const Kernels& kernels_avx_vnni_by_avx512();
}  // namespace squeezebert

namespace {

using namespace squeezebert;
using namespace squeezebert::tests;

const Kernels& table() {
    const auto& isas = available_isas();
    if (std::find(isas.begin(), isas.end(), Isa::avx512_vnni) == isas.end()) {
        SKIP("this processor has no AVX-512 VNNI");
    }
    return kernels_avx_vnni_by_avx512();
}

}  // namespace

TEST("avx_vnni: products of int8") { check_projections(table(), Precision::int8); }

TEST("avx_vnni: rounding") { check_packing(table(), Precision::int8); }

#endif
