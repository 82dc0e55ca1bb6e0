/// AMX: tiles of int8 and bfloat16 (Intel from Sapphire Rapids); all else as AVX-512.
#include "kernels/amx_tiles.h"
#include "kernels/dispatch.h"

namespace squeezebert {

const Kernels& kernels_amx() {
    static const Kernels table = [] {
        Kernels kernels = make_tile_table<AmxTiles>();
#if defined(SQUEEZEBERT_HAS_AMX_FP16)
        if (has_fp16_and_vbmi()) add_amx_fp16(kernels);
#endif
        return kernels;
    }();
    return table;
}

}  // namespace squeezebert
