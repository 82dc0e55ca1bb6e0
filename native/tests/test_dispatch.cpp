#include "kernels/dispatch.h"

#include <algorithm>
#include <string>

#include "tests/check.h"
#include "tests/environment.h"

namespace {

using squeezebert::available_isas;
using squeezebert::choose_isa;
using squeezebert::Isa;
using squeezebert::isa_named;
using squeezebert::kAllIsas;
using squeezebert::x86_runs;
using squeezebert::X86Registers;
using squeezebert::tests::Environment;

constexpr const char* kVariable = "SQUEEZEBERT_ISA";

bool is_available(Isa isa) {
    const auto& all = available_isas();
    return std::find(all.begin(), all.end(), isa) != all.end();
}

/// A processor with AMX, as cpuid(1) and cpuid(7) tell of one, under a system that keeps its tiles.
X86Registers sapphire_rapids() {
    X86Registers registers;
    registers.leaf1_ecx = 0x7ffefbff;
    registers.leaf7_ebx = 0xf1bf07ab;
    registers.leaf7_ecx = 0x1b415f6e;
    registers.leaf7_edx = 0xffdd4432;
    registers.leaf7_1_eax = 0x00001c30;
    registers.xcr0 = 0x602e7;
    return registers;
}

/// The instruction sets that run, best first, as one text.
std::string runs(const X86Registers& registers) {
    std::string text;
    for (const Isa isa : kAllIsas) {
        if (x86_runs(isa, registers)) text += std::string(name(isa)) + " ";
    }
    return text;
}

}  // namespace

TEST("dispatch: names lead back to their instruction sets") {
    for (const Isa isa : kAllIsas) {
        const auto found = isa_named(name(isa));
        CHECK(found.has_value());
        CHECK_EQUAL(*found, isa);
    }
    for (const char* none : {"", "AVX2", "avx", "avx2 ", "sse"}) CHECK(!isa_named(none));
}

TEST("dispatch: what is available is in order, without repetition, and ends in portable") {
    const auto& all = available_isas();
    CHECK_EQUAL(all.back(), Isa::portable);
    for (std::size_t i = 1; i < all.size(); ++i) CHECK(all[i - 1] < all[i]);
}

TEST("dispatch: the best is chosen unless SQUEEZEBERT_ISA names another") {
    {
        const Environment unset(kVariable, nullptr);
        CHECK_EQUAL(choose_isa(), available_isas().front());
        const Environment empty(kVariable, "");
        CHECK_EQUAL(choose_isa(), available_isas().front());
    }
    for (const Isa isa : available_isas()) {
        const Environment forced(kVariable, name(isa));
        CHECK_EQUAL(choose_isa(), isa);
    }
}

TEST("dispatch: what cannot be had is refused by name, and what can is listed") {
    const Environment unknown(kVariable, "sse9");
    CHECK_THROWS(choose_isa(), "SQUEEZEBERT_ISA is \"sse9\", which is no instruction set's name");
    CHECK_THROWS(choose_isa(), "portable");
    for (const Isa isa : kAllIsas) {
        if (is_available(isa)) continue;
        const Environment missing(kVariable, name(isa));
        CHECK_THROWS(choose_isa(), "this processor or this build cannot run");
        CHECK_THROWS(choose_isa(), name(available_isas().front()));
        CHECK_THROWS(squeezebert::kernels(isa), name(isa));
    }
}

TEST("dispatch: every available instruction set has a full table") {
    for (const Isa isa : available_isas()) {
        const squeezebert::Kernels& table = squeezebert::kernels(isa);
        CHECK(table.begin && table.end && table.attention_precision && table.pack && table.project);
        CHECK(table.project_bf16 && table.project_packed && table.block_rows > 0);
        CHECK(table.store_keys_values && table.attend && table.layer_norm && table.peak);
    }
}

TEST("dispatch: x86 processors and systems of several ages") {
    const X86Registers newest = sapphire_rapids();
    CHECK_EQUAL(runs(newest), "amx avx512_bf16 avx512_vnni avx_vnni avx2 ");
    CHECK_EQUAL(runs(X86Registers()), "");

    X86Registers no_tiles = newest;  // an older Linux, or a virtual machine that hides them
    no_tiles.xcr0 = 0x2e7;
    CHECK_EQUAL(runs(no_tiles), "avx512_bf16 avx512_vnni avx_vnni avx2 ");
    X86Registers tiles_of_int8_only = newest;
    tiles_of_int8_only.leaf7_edx &= ~(1u << 22);
    CHECK_EQUAL(runs(tiles_of_int8_only), "avx512_bf16 avx512_vnni avx_vnni avx2 ");

    CHECK(x86_has_fp16_and_vbmi(newest));
    X86Registers no_fp16 = newest;
    no_fp16.leaf7_edx &= ~(1u << 23);
    CHECK(!x86_has_fp16_and_vbmi(no_fp16));
    X86Registers no_vbmi = newest;
    no_vbmi.leaf7_ecx &= ~(1u << 1);
    CHECK(!x86_has_fp16_and_vbmi(no_vbmi));
    CHECK_EQUAL(runs(no_fp16), runs(newest));

    X86Registers no_zmm = newest;  // a system that keeps AVX's registers alone
    no_zmm.xcr0 = 0x7;
    CHECK_EQUAL(runs(no_zmm), "avx_vnni avx2 ");
    X86Registers no_avx = newest;
    no_avx.xcr0 = 0x3;
    CHECK_EQUAL(runs(no_avx), "");

    X86Registers alder_lake = newest;  // AVX-512 fused off
    alder_lake.leaf7_ebx &= ~(1u << 16 | 1u << 17 | 1u << 30 | 1u << 31);
    alder_lake.leaf7_ecx &= ~(1u << 11);
    alder_lake.xcr0 = 0x207;
    CHECK_EQUAL(runs(alder_lake), "avx_vnni avx2 ");

    X86Registers cascade_lake = newest;
    cascade_lake.leaf7_1_eax = 0;
    CHECK_EQUAL(runs(cascade_lake), "avx512_vnni avx2 ");
    X86Registers skylake_server = cascade_lake;
    skylake_server.leaf7_ecx &= ~(1u << 11);
    CHECK_EQUAL(runs(skylake_server), "avx2 ");

    for (const unsigned bit : {12u, 28u, 29u}) {  // FMA, AVX, F16C
        X86Registers without = newest;
        without.leaf1_ecx &= ~(1u << bit);
        CHECK_EQUAL(runs(without), "");
    }
    X86Registers sandy_bridge = newest;
    sandy_bridge.leaf7_ebx &= ~(1u << 5);
    CHECK_EQUAL(runs(sandy_bridge), "");
}
