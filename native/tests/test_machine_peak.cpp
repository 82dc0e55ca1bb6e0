#include "engine/machine_peak.h"

#include <cmath>
#include <limits>

#include "tests/check.h"

namespace {

using squeezebert::available_isas;
using squeezebert::Isa;
using squeezebert::kernels;
using squeezebert::peak_giga_operations_per_second;
using squeezebert::Precision;
using squeezebert::read_gigabytes_per_second;

constexpr Precision kPrecisions[] = {Precision::int8, Precision::bf16, Precision::float32};

bool is_positive(double value) { return std::isfinite(value) && value > 0; }

}  // namespace

TEST("machine peak: operations are counted by whole outputs and in proportion") {
    for (const Isa isa : available_isas()) {
        const squeezebert::Kernels& table = kernels(isa);
        table.begin();
        for (const Precision precision : kPrecisions) {
            const double one = table.peak(precision, 1);
            const double outputs = one / (2 * squeezebert::inputs_per_step(precision));
            CHECK(one > 0);
            CHECK_EQUAL(std::fmod(outputs, squeezebert::kPanel), 0.0);
            CHECK_EQUAL(table.peak(precision, 1000), 1000 * one);
            CHECK_EQUAL(table.peak(precision, 0), 0.0);
        }
        table.end();
    }
}

TEST("machine peak: every instruction set and precision, on one thread and on several") {
    for (const Isa isa : available_isas()) {
        for (const Precision precision : kPrecisions) {
            for (const int threads : {1, 3}) {
                CHECK(is_positive(peak_giga_operations_per_second(isa, precision, threads, 1e-3)));
            }
        }
    }
}

TEST("machine peak: reading buffers of any size") {
    for (const std::size_t bytes : {0u, 1u, 255u, 8192u, 100000u, 3u << 20}) {
        CHECK(is_positive(read_gigabytes_per_second(bytes, 2, 1e-3)));
    }
}

TEST("machine peak: a roof for memory stands last, and sizes double") {
    const auto roofs = squeezebert::read_roofs(2, 1e-3);
    CHECK_EQUAL(roofs.back().level, 0);
    for (std::size_t i = 0; i < roofs.size(); ++i) {
        CHECK(is_positive(roofs[i].gigabytes_per_second));
        if (i > 0) CHECK(roofs[i].bytes > roofs[i - 1].bytes);
    }
    for (const int threads : {1, 2, 64, 1024}) {
        const auto sizes = squeezebert::sweep_sizes(threads);
        CHECK_EQUAL(sizes.front(), 8192u);
        for (std::size_t i = 1; i < sizes.size(); ++i) CHECK_EQUAL(sizes[i], 2 * sizes[i - 1]);
    }
}

TEST("machine peak: what makes no sense is refused") {
    const Isa isa = Isa::portable;
    for (const int threads : {0, -1, 1025}) {
        CHECK_THROWS(peak_giga_operations_per_second(isa, Precision::int8, threads, 1e-3),
                     "threads is " + std::to_string(threads));
        CHECK_THROWS(read_gigabytes_per_second(8192, threads, 1e-3), "threads is");
        CHECK_THROWS(squeezebert::read_roofs(threads, 1e-3), "threads is");
        CHECK_THROWS(squeezebert::sweep_sizes(threads), "threads is");
    }
    for (const double seconds : {0.0, -1.0, 61.0, std::numeric_limits<double>::quiet_NaN()}) {
        CHECK_THROWS(peak_giga_operations_per_second(isa, Precision::int8, 1, seconds),
                     "seconds is");
        CHECK_THROWS(read_gigabytes_per_second(8192, 1, seconds), "seconds is");
    }
}
