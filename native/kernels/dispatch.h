/// Which instruction sets there are, and the table of functions of each. This is compiled for the
/// platform's plain processor, so it can be asked anywhere.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "kernels/kernels.h"

namespace squeezebert {

/// Best first on the processors that have several of them.
enum class Isa : std::uint8_t {
    amx,           ///< x86-64: avx512_bf16, and AMX tiles of int8 and bfloat16
    avx512_bf16,   ///< x86-64: avx512_vnni, and products of bfloat16
    avx512_vnni,   ///< x86-64: AVX-512 F, BW, DQ, VL and VNNI
    avx_vnni,      ///< x86-64: avx2, and VNNI in its vectors of 32 bytes
    avx2,          ///< x86-64: AVX2, FMA and F16C
    neon_i8mm,     ///< ARM64: neon_dotprod, and products of small int8 matrices
    neon_dotprod,  ///< ARM64: neon, and dot products of int8
    neon,          ///< ARM64
    portable,      ///< any processor
};

constexpr std::array<Isa, 9> kAllIsas = {Isa::amx,          Isa::avx512_bf16, Isa::avx512_vnni,
                                         Isa::avx_vnni,     Isa::avx2,        Isa::neon_i8mm,
                                         Isa::neon_dotprod, Isa::neon,        Isa::portable};

/// As SQUEEZEBERT_ISA and every report spell it.
const char* name(Isa isa);

/// The one of that name; none where no instruction set is called so.
std::optional<Isa> isa_named(std::string_view name);

/// Those that are compiled in and that this processor and its operating system run, best first;
/// `portable` is always among them. The first call asks Linux for the use of AMX.
const std::vector<Isa>& available_isas();

/// The best of them, or the one that SQUEEZEBERT_ISA names. Throws Error (invalid input) where that
/// isn't available.
Isa choose_isa();

/// Throws Error (invalid input) for one that isn't available.
const Kernels& kernels(Isa isa);

/// What an x86-64 processor says of itself (CPUID), and which registers the operating system keeps
/// for a process (XCR0; 0 where it cannot be read).
struct X86Registers {
    std::uint32_t leaf1_ecx = 0;
    std::uint32_t leaf7_ebx = 0, leaf7_ecx = 0, leaf7_edx = 0;
    std::uint32_t leaf7_1_eax = 0;  ///< subleaf 1
    std::uint64_t xcr0 = 0;
};

/// Whether such a processor runs an instruction set; AMX wants a permission as well. False for all
/// that aren't x86-64's.
bool x86_runs(Isa isa, const X86Registers& registers);

/// Whether it has AVX512-FP16 and VBMI, as all that have AMX do.
bool x86_has_fp16_and_vbmi(const X86Registers& registers);
/// The same of this processor.
bool has_fp16_and_vbmi() noexcept;
/// Puts what wants them into AMX's table (amx_fp16.cpp). Neither throws: amx.cpp would get a weak
/// symbol for the way out (tests/weak_symbols.py).
void add_amx_fp16(Kernels& kernels) noexcept;

// Each is defined in the file of its name, where that is compiled in.
const Kernels& kernels_amx();
const Kernels& kernels_avx512_bf16();
const Kernels& kernels_avx512_vnni();
const Kernels& kernels_avx_vnni();
const Kernels& kernels_avx2();
const Kernels& kernels_neon_i8mm();
const Kernels& kernels_neon_dotprod();
const Kernels& kernels_neon();
const Kernels& kernels_portable();

}  // namespace squeezebert
