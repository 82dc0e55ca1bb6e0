/// Every instruction set that this machine runs, held against the naive reference.
#include "kernels/dispatch.h"
#include "tests/kernel_rounded_checks.h"

namespace {

using namespace squeezebert;
using namespace squeezebert::tests;

/// Runs a check on each table; a failure names the instruction set.
template <class Check>
void on_each(const Check& check) {
    for (Isa isa : available_isas()) {
        try {
            check(kernels(isa));
        } catch (const Failure& failure) {
            throw Failure(std::string(name(isa)) + ": " + failure.what());
        }
    }
}

}  // namespace

TEST("kernels: products of int8") {
    on_each([](const Kernels& kernels) { check_projections(kernels, Precision::int8); });
}

TEST("kernels: products of bf16") {
    on_each([](const Kernels& kernels) { check_projections(kernels, Precision::bf16); });
}

TEST("kernels: products of float32") {
    on_each([](const Kernels& kernels) { check_projections(kernels, Precision::float32); });
}

TEST("kernels: products that are rounded at once") {
    on_each([](const Kernels& kernels) {
        for (Precision precision : all_precisions()) check_rounded_projections(kernels, precision);
    });
}

TEST("kernels: activations") {
    on_each([](const Kernels& kernels) {
        for (Precision precision : all_precisions()) check_activations(kernels, precision);
    });
}

TEST("kernels: rounding") {
    on_each([](const Kernels& kernels) {
        for (Precision precision : all_precisions()) check_packing(kernels, precision);
    });
}

TEST("kernels: attention in bf16") {
    on_each([](const Kernels& kernels) { check_attentions(kernels, Precision::bf16); });
}

TEST("kernels: attention in float32") {
    on_each([](const Kernels& kernels) { check_attentions(kernels, Precision::float32); });
}

TEST("kernels: sums of exponentials") {
    on_each([](const Kernels& kernels) { check_sums_of_exponentials(kernels); });
}

TEST("kernels: LayerNorm") {
    on_each([](const Kernels& kernels) { check_layer_norms(kernels); });
}

TEST("kernels: a precision for attention that attend() takes") {
    on_each([](const Kernels& kernels) {
        CHECK(kernels.attention_precision(Precision::float32) == Precision::float32);
        for (Precision precision : {Precision::int8, Precision::bf16}) {
            CHECK(kernels.attention_precision(precision) != Precision::int8);
        }
    });
}
