/// Plain C++ with vectors of four: runs everywhere, and is what the others are tested against.
#include "kernels/table.h"
#include "kernels/wide_int8.h"

namespace squeezebert {

const Kernels& kernels_portable() {
    static constexpr Kernels table = make_table<WideInt8Dot, WidenedBf16Dot, false>();
    return table;
}

}  // namespace squeezebert
