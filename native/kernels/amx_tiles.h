/// The processor's tile instructions, as kernels/amx.h wants them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/amx.h"

namespace squeezebert {
namespace {

/// The tile instructions. In assembly, because intrinsics of GCC don't tell that they read memory
/// (stores before them get lost), and cannot take a tile's number from a template.
struct AmxTiles {
    /// LDTILECFG's operand.
    struct alignas(64) Configuration {
        std::uint8_t palette = 1;
        std::uint8_t start_row = 0;
        std::uint8_t reserved[14] = {};
        std::uint16_t row_bytes[16] = {};
        std::uint8_t rows[16] = {};
    };

    static void begin() {
        // Another library may have left its own on this thread.
        Configuration configuration;
        for (int tile = 0; tile < 8; ++tile) {
            configuration.row_bytes[tile] = kTileBytes;
            configuration.rows[tile] = kTile;
        }
        __asm__ __volatile__("ldtilecfg %0" : : "m"(configuration));
    }
    static void end() { __asm__ __volatile__("tilerelease"); }
    static void settle() { __asm__ __volatile__("" : : : "memory"); }

    template <int kNumber>
    static void zero() {
        __asm__ __volatile__("tilezero %%tmm%c0" : : "i"(kNumber));
    }
    template <int kNumber, bool kStream>
    static void load(const std::byte* from, std::ptrdiff_t stride) {
        if constexpr (kStream) {
            __asm__ __volatile__("tileloaddt1 (%0,%1,1), %%tmm%c2"
                                 :
                                 : "r"(from), "r"(stride), "i"(kNumber));
        } else {
            __asm__ __volatile__("tileloadd (%0,%1,1), %%tmm%c2"
                                 :
                                 : "r"(from), "r"(stride), "i"(kNumber));
        }
    }
    template <int kNumber>
    static void store(void* to, std::ptrdiff_t stride) {
        __asm__ __volatile__("tilestored %%tmm%c2, (%0,%1,1)"
                             :
                             : "r"(to), "r"(stride), "i"(kNumber)
                             : "memory");
    }
    template <int kSum, int kLeft, int kRight>
    static void dot_int8() {
        __asm__ __volatile__("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0"
                             :
                             : "i"(kSum), "i"(kLeft), "i"(kRight));
    }
    template <int kSum, int kLeft, int kRight>
    static void dot_bf16() {
        __asm__ __volatile__("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0"
                             :
                             : "i"(kSum), "i"(kLeft), "i"(kRight));
    }
};

}  // namespace
}  // namespace squeezebert
