/// AVX2 with FMA (Intel from Haswell, AMD from Excavator).
#include "kernels/table.h"
#include "kernels/wide_int8.h"

namespace squeezebert {

const Kernels& kernels_avx2() {
    static constexpr Kernels table = make_table<WideInt8Dot, WidenedBf16Dot, false>();
    return table;
}

}  // namespace squeezebert
