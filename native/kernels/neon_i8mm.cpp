/// 64-bit ARM with products of small int8 matrices.
#include "kernels/neon.h"
#include "kernels/table.h"

namespace squeezebert {

const Kernels& kernels_neon_i8mm() {
    static constexpr Kernels table = make_table<I8mmInt8Dot, WidenedBf16Dot, false>();
    return table;
}

}  // namespace squeezebert
