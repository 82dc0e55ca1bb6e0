/// 64-bit ARM with dot products of int8.
#include "kernels/neon.h"
#include "kernels/table.h"

namespace squeezebert {

const Kernels& kernels_neon_dotprod() {
    static constexpr Kernels table = make_table<DotprodInt8Dot, WidenedBf16Dot, false>();
    return table;
}

}  // namespace squeezebert
