/// Plain C++ with vectors of four: runs everywhere, and is what the others are tested against.
#include "kernels/table.h"

namespace squeezebert {
namespace {

struct PortableInt8Dot : Int8Sums<0> {
    static constexpr int kRows = 4;
    static constexpr int kPanels = 1;

    static Int add(Int sum, Int input, Int weights) {
        // Each byte of a word, sign-extended, in turn.
        for (int shift = 24; shift >= 0; shift -= 8) {
            sum += ((input << shift) >> 24) * ((weights << shift) >> 24);
        }
        return sum;
    }
};

}  // namespace

const Kernels& kernels_portable() {
    static constexpr Kernels table = make_table<PortableInt8Dot, WidenedBf16Dot, false>();
    return table;
}

}  // namespace squeezebert
