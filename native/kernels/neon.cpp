/// 64-bit ARM as it has been from the start (Cortex-A53, A72).
#include "kernels/neon.h"
#include "kernels/table.h"

namespace squeezebert {

const Kernels& kernels_neon() {
    static constexpr Kernels table = make_table<NeonInt8Dot, WidenedBf16Dot, false>();
    return table;
}

}  // namespace squeezebert
