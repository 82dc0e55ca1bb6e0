/// The kernels of AMX: with emulated tiles on any processor, and as they are compiled; on the
/// processor's own tiles where it has some, else with every instruction of theirs trapped.
#include <algorithm>
#include <optional>

#include "kernels/amx_halves.h"
#include "kernels/dispatch.h"
#include "tests/amx_emulation.h"
#include "tests/amx_trap.h"
#include "tests/half_emulation.h"
#include "tests/kernel_rounded_checks.h"

namespace squeezebert {
/// Absent where the compiler knows no AMX.
[[gnu::weak]] const Kernels& kernels_amx();
}  // namespace squeezebert

namespace {

using namespace squeezebert;
using namespace squeezebert::tests;

/// Probabilities in the order in which x86 packs words, as those of a table are.
struct PackedExponentials : PlainExponentials<true> {
    static constexpr bool kPackedOrder = true;

    static void put(const float* scores, Float shift, std::byte* to, Float& total) {
        std::byte plain[kKeyAlignment * 2];
        PlainExponentials<true>::put(scores, shift, plain, total);
        for (int pair = 0; pair < kKeyAlignment / 2; ++pair) {
            std::memcpy(to + 4 * line_of_pair<true>(pair), plain + 4 * pair, 4);
        }
    }
};

const Kernels& emulated() {
    static const Kernels table = [] {
        Kernels kernels = make_tile_table<EmulatedTiles>();
        kernels.project_packed =
            project_packed_by_halves<AmxInt8Dot<EmulatedTiles>, AmxBf16Dot<EmulatedTiles>,
                                     EmulatedHalves>;
        return kernels;
    }();
    return table;
}

/// Products of tiles that a check takes.
template <class Check>
long tile_products(const Check& check) {
    const long before = EmulatedTiles::state().products;
    check();
    CHECK(!EmulatedTiles::state().configured);
    return EmulatedTiles::state().products - before;
}

}  // namespace

TEST("amx: products of int8") {
    CHECK(tile_products([] { check_projections(emulated(), Precision::int8); }) > 0);
}

TEST("amx: products of bf16") {
    CHECK(tile_products([] { check_projections(emulated(), Precision::bf16); }) > 0);
}

TEST("amx: products that are rounded at once") {
    for (Precision precision : {Precision::int8, Precision::bf16}) {
        CHECK(tile_products([=] { check_rounded_projections(emulated(), precision); }) > 0);
    }
}

TEST("amx: float32 takes no tiles") {
    CHECK_EQUAL(tile_products([] { check_projections(emulated(), Precision::float32); }), 0L);
}

TEST("amx: rounding") {
    for (Precision precision : all_precisions()) check_packing(emulated(), precision);
}

TEST("amx: attention in bf16") {
    CHECK(tile_products([] { check_attentions(emulated(), Precision::bf16); }) > 0);
}

TEST("amx: attention with values in packed order") {
    Kernels packed = emulated();
    packed.store_keys_values = store_keys_values<PackedExponentials::kPackedOrder>;
    packed.attend = attend<AmxBf16Dot<EmulatedTiles>, PackedExponentials>;
    const Begun begun(packed);
    for (int length : {1, 15, 33, 64, 129, 300}) {
        check_attention(packed, {2, 64, Precision::bf16}, length, 1.0f, {2, 17, 32});
    }
}

TEST("amx: GELU by halves") { check_gelu_by_halves(emulated()); }

TEST("amx: 33 rows and 3 panels in blocks of 2 x 2 tiles") {
    constexpr int kInputs = 128, kOutputs = 40;
    Random random(1);
    const Layer layer(Precision::int8, 1, kInputs, kOutputs, 1, random.vector(kInputs * kOutputs),
                      random.vector(kOutputs));
    std::vector<float> x = random.vector(kMostRows * kInputs);
    Packed packed(emulated(), layer, {x.data(), kInputs, kMostRows});
    GuardedRows out(kMostRows, kOutputs, 0);
    const long products = tile_products([&] {
        const Begun begun(emulated());
        project_all(emulated(), layer, packed, 0, kMostRows, Store::assign, Activation::none, 3,
                    out);
    });
    // 2 steps; rows 32 + 1, so 3 tiles high; panels 3 wide.
    CHECK_EQUAL(products, 2L * 3 * 3);
}

TEST("amx: operations of the peak") {
    const Begun begun(emulated());
    for (Precision precision : {Precision::int8, Precision::bf16}) {
        const long before = EmulatedTiles::state().products;
        const double operations = emulated().peak(precision, 5);
        const double products = static_cast<double>(EmulatedTiles::state().products - before);
        CHECK_EQUAL(operations, products * 2 * 16 * 16 * (64 / element_size(precision)));
        CHECK_EQUAL(products, 20.0);
    }
}

TEST("amx: tiles without a configuration are refused") {
    CHECK_THROWS(EmulatedTiles::zero(0), "configured");
    const Begun begun(emulated());
    CHECK_THROWS(EmulatedTiles::dot_int8(0, 0, 1), "sum != left");
    EmulatedTiles::state().tiles[4].rows = 8;
    CHECK_THROWS(EmulatedTiles::dot_int8(0, 4, 6), "rows");
}

#if defined(__x86_64__) && defined(__linux__)
namespace {

bool runs_here(Isa isa) {
    const auto& available = available_isas();
    return std::find(available.begin(), available.end(), isa) != available.end();
}

}  // namespace

TEST("amx: the instructions themselves, trapped or not") {
    if (&kernels_amx == nullptr) SKIP("built without AMX");
    if (!runs_here(Isa::avx512_bf16)) SKIP("the instructions around those of AMX are AVX-512's");
    std::optional<TrappedTiles> trapped;
    if (!runs_here(Isa::amx)) trapped.emplace();
    const Kernels& kernels = kernels_amx();
    double operations[2];
    {
        const Begun begun(emulated());
        operations[0] = emulated().peak(Precision::int8, 1);
        operations[1] = emulated().peak(Precision::bf16, 1);
    }
    const long emulations = tile_products([&] {
        const Begun begun(kernels);
        for (Precision precision : {Precision::int8, Precision::bf16}) {
            for (int outputs : {5, 16, 40, 64, 80}) {
                check_projection(kernels, precision, {2, 130, outputs, 1}, Store::assign,
                                 Activation::gelu);
                check_projection(kernels, precision, {1, 192, outputs, 3}, Store::accumulate,
                                 Activation::none);
            }
            CHECK_EQUAL(kernels.peak(precision, 1), operations[precision == Precision::bf16]);
        }
        for (int length : {1, 33, 300}) {
            check_attention(kernels, {2, 80, Precision::bf16}, length, 1.0f, {2, 17, 32});
        }
    });
    // A processor that has tiles does all with them.
    CHECK_EQUAL(emulations > 0, trapped.has_value());
}

TEST("amx: everything on the processor's own tiles") {
    if (!runs_here(Isa::amx)) SKIP("this processor, build or system has no AMX");
    const Kernels& own = kernels(Isa::amx);
    for (Precision precision : all_precisions()) {
        check_projections(own, precision);
        check_packing(own, precision);
        check_activations(own, precision);
    }
    check_attentions(own, Precision::bf16);
    check_attentions(own, Precision::float32);
    check_layer_norms(own);
    for (Precision precision : all_precisions()) check_rounded_projections(own, precision);
    check_gelu_by_halves(own);
}
#endif
