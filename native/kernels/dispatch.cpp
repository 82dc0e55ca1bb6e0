#include "kernels/dispatch.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "engine/error.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if defined(__linux__) && defined(__aarch64__)
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace squeezebert {
namespace {

/// An instruction set that is compiled in: the build defines SQUEEZEBERT_HAS_... for each.
struct Compiled {
    Isa isa;
    const Kernels& (*table)();
};

constexpr Compiled kCompiled[] = {
#if defined(SQUEEZEBERT_HAS_AMX)
    {Isa::amx, kernels_amx},
#endif
#if defined(SQUEEZEBERT_HAS_AVX512_BF16)
    {Isa::avx512_bf16, kernels_avx512_bf16},
#endif
#if defined(SQUEEZEBERT_HAS_AVX512_VNNI)
    {Isa::avx512_vnni, kernels_avx512_vnni},
#endif
#if defined(SQUEEZEBERT_HAS_AVX_VNNI)
    {Isa::avx_vnni, kernels_avx_vnni},
#endif
#if defined(SQUEEZEBERT_HAS_AVX2)
    {Isa::avx2, kernels_avx2},
#endif
#if defined(SQUEEZEBERT_HAS_NEON_I8MM)
    {Isa::neon_i8mm, kernels_neon_i8mm},
#endif
#if defined(SQUEEZEBERT_HAS_NEON_DOTPROD)
    {Isa::neon_dotprod, kernels_neon_dotprod},
#endif
#if defined(SQUEEZEBERT_HAS_NEON)
    {Isa::neon, kernels_neon},
#endif
    {Isa::portable, kernels_portable},
};

#if defined(__x86_64__)

X86Registers read_registers() {
    X86Registers registers;
    std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0) {
        registers.leaf1_ecx = ecx;
        constexpr std::uint32_t osxsave = 1u << 27;
        if ((ecx & osxsave) != 0) {
            std::uint32_t low = 0, high = 0;
            __asm__ __volatile__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
            registers.xcr0 = std::uint64_t{high} << 32 | low;
        }
    }
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0) {
        const std::uint32_t last_subleaf = eax;
        registers.leaf7_ebx = ebx;
        registers.leaf7_ecx = ecx;
        registers.leaf7_edx = edx;
        if (last_subleaf >= 1 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0) {
            registers.leaf7_1_eax = eax;
        }
    }
    return registers;
}

/// Linux gives a process the 8 KB of tile registers only when asked; once is enough for all of its
/// threads. Refused where a signal stack is too small to hold them.
bool tiles_granted() {
#if defined(__linux__)
    constexpr long request_permission = 0x1023;  // ARCH_REQ_XCOMP_PERM
    constexpr long tile_data = 18;               // XFEATURE_XTILEDATA
    return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
    return false;
#endif
}

const X86Registers& own_registers() {
    static const X86Registers registers = read_registers();
    return registers;
}

bool runs_here(Isa isa) {
    const X86Registers& registers = own_registers();
    return x86_runs(isa, registers) && (isa != Isa::amx || tiles_granted());
}

#elif defined(__aarch64__)

struct ArmFeatures {
    bool dotprod = false;
    bool i8mm = false;
};

ArmFeatures read_features() {
    ArmFeatures features;
#if defined(__linux__)
    features.dotprod = (getauxval(AT_HWCAP) >> 20 & 1) != 0;  // HWCAP_ASIMDDP
    features.i8mm = (getauxval(AT_HWCAP2) >> 13 & 1) != 0;    // HWCAP2_I8MM
#elif defined(__APPLE__)
    const auto has = [](const char* feature) {
        int value = 0;
        std::size_t bytes = sizeof(value);
        return sysctlbyname(feature, &value, &bytes, nullptr, 0) == 0 && value != 0;
    };
    features.dotprod = has("hw.optional.arm.FEAT_DotProd");
    features.i8mm = has("hw.optional.arm.FEAT_I8MM");
#endif
    return features;
}

bool runs_here(Isa isa) {
    static const ArmFeatures features = read_features();
    switch (isa) {
        case Isa::neon_i8mm:
            return features.dotprod && features.i8mm;
        case Isa::neon_dotprod:
            return features.dotprod;
        default:
            return isa == Isa::neon;  // every 64-bit ARM processor has it
    }
}

#else

bool runs_here(Isa) { return false; }

#endif

std::string names(const std::vector<Isa>& isas) {
    std::string text;
    for (const Isa isa : isas) {
        text += (text.empty() ? "" : ", ") + std::string(name(isa));
    }
    return text;
}

bool is_available(Isa isa) {
    const std::vector<Isa>& all = available_isas();
    return std::find(all.begin(), all.end(), isa) != all.end();
}

}  // namespace

const char* name(Isa isa) {
    constexpr const char* names[] = {"amx",       "avx512_bf16",  "avx512_vnni", "avx_vnni", "avx2",
                                     "neon_i8mm", "neon_dotprod", "neon",        "portable"};
    static_assert(std::size(names) == kAllIsas.size());
    return names[static_cast<std::size_t>(isa)];
}

std::optional<Isa> isa_named(std::string_view text) {
    for (const Isa isa : kAllIsas) {
        if (text == name(isa)) {
            return isa;
        }
    }
    return std::nullopt;
}

bool x86_runs(Isa isa, const X86Registers& registers) {
    const auto all = [](std::uint64_t word, std::uint64_t bits) { return (word & bits) == bits; };
    // XCR0: 1 SSE, 2 AVX, 5 to 7 AVX-512's masks and registers, 17 and 18 the tiles.
    const bool avx2 = all(registers.xcr0, 0x6) &&
                      all(registers.leaf1_ecx, 1u << 12 | 1u << 28 | 1u << 29) &&  // FMA, AVX, F16C
                      all(registers.leaf7_ebx, 1u << 5);                           // AVX2
    const bool avx512 =
        avx2 && all(registers.xcr0, 0xe0) &&
        all(registers.leaf7_ebx, 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31) &&  // F, DQ, BW, VL
        all(registers.leaf7_ecx, 1u << 11);                                     // VNNI
    const bool bf16 = avx512 && all(registers.leaf7_1_eax, 1u << 5);
    switch (isa) {
        case Isa::amx:
            return bf16 && all(registers.xcr0, 0x60000) &&
                   all(registers.leaf7_edx, 1u << 22 | 1u << 24 | 1u << 25);  // BF16, TILE, INT8
        case Isa::avx512_bf16:
            return bf16;
        case Isa::avx512_vnni:
            return avx512;
        case Isa::avx_vnni:
            return avx2 && all(registers.leaf7_1_eax, 1u << 4);
        case Isa::avx2:
            return avx2;
        default:
            return false;
    }
}

bool x86_has_fp16_and_vbmi(const X86Registers& registers) {
    return x86_runs(Isa::avx512_bf16, registers) && (registers.leaf7_edx & 1u << 23) != 0 &&
           (registers.leaf7_ecx & 1u << 1) != 0;
}

bool has_fp16_and_vbmi() noexcept {
#if defined(__x86_64__)
    return x86_has_fp16_and_vbmi(own_registers());
#else
    return false;
#endif
}

const std::vector<Isa>& available_isas() {
    // Never destroyed: threads may go on while the process ends.
    static const std::vector<Isa>& available = *[] {
        auto* found = new std::vector<Isa>;
        std::vector<Isa>& runnable = *found;
        for (const Compiled& compiled : kCompiled) {
            if (compiled.isa == Isa::portable || runs_here(compiled.isa)) {
                runnable.push_back(compiled.isa);
            }
        }
        return found;
    }();
    return available;
}

Isa choose_isa() {
    const char* wanted = std::getenv("SQUEEZEBERT_ISA");
    if (wanted == nullptr || *wanted == '\0') {
        return available_isas().front();
    }
    const std::optional<Isa> isa = isa_named(wanted);
    if (!isa || !is_available(*isa)) {
        throw Error(
            ErrorKind::invalid_input,
            "SQUEEZEBERT_ISA is \"" + std::string(wanted) + "\", which " +
                (isa ? "this processor or this build cannot run" : "is no instruction set's name") +
                "; expected one of " + names(available_isas()),
            "unset it to use the best");
    }
    return *isa;
}

const Kernels& kernels(Isa isa) {
    for (const Compiled& compiled : kCompiled) {
        if (compiled.isa == isa && is_available(isa)) {
            return compiled.table();
        }
    }
    throw Error(ErrorKind::invalid_input,
                std::string("this processor or this build cannot run the instruction set ") +
                    name(isa) + "; expected one of " + names(available_isas()));
}

}  // namespace squeezebert
