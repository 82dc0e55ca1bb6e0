/// The most that a Dot can multiply and add: the inner loop of a product without its loads.
#pragma once

#include <type_traits>

#include "kernels/matmul.h"

namespace squeezebert {
namespace {

/// Tells the compiler that a value in a register has changed, without doing anything: products of
/// it cannot be taken out of the loop, or shared.
template <class Vector>
inline void renew(Vector& value) {
#if defined(__AVX512F__)
    __asm__ __volatile__("" : "+v"(value));
#elif defined(__x86_64__)
    __asm__ __volatile__("" : "+x"(value));
#elif defined(__aarch64__)
    __asm__ __volatile__("" : "+w"(value));
#else
    __asm__ __volatile__("" : "+m"(value));
#endif
}
inline void renew(WidenedBf16Dot::Pair& value) {
    renew(value.low);
    renew(value.high);
}

/// Tells the compiler that a value is read, so it must be computed.
template <class Value>
inline void use(Value value) {
    __asm__ __volatile__("" : : "m"(value));
}

/// Fills registers with the number 1, in the pattern of its precision. Whole numbers get bytes of 1
/// whatever their width: their sums then have room for 16,000 rounds at least.
template <class Sum>
struct Ones {
    explicit Ones(Precision precision) {
        constexpr std::uint8_t one_in_float[] = {0x00, 0x00, 0x80, 0x3f};
        const std::size_t size = precision == Precision::bf16 ? 2 : 4;
        for (std::size_t i = 0; i < sizeof bytes; ++i) {
            bytes[i] = std::byte{std::is_same_v<Sum, Float> ? one_in_float[4 - size + i % size]
                                                            : std::uint8_t{1}};
        }
    }
    alignas(64) std::byte bytes[64];
};

/// Multiplies and adds in the tile of registers that a product uses; returns the operations done.
template <class Dot>
double peak_of_dot(Precision precision, std::int64_t iterations) {
    if constexpr (Dot::kTiled) {
        return Dot::peak(iterations);
    } else {
        constexpr int kColumns = Dot::kPanels * kParts;
        const Ones<typename Dot::Sum> ones(precision);
        typename Dot::Weights weights[kColumns];
#pragma GCC unroll 16
        for (int column = 0; column < kColumns; ++column) {
            weights[column] = Dot::load_weights(ones.bytes);
            renew(weights[column]);
        }
        auto input = Dot::load_input(ones.bytes);
        typename Dot::Sum sums[Dot::kRows][kColumns] = {};
        for (std::int64_t iteration = 0; iteration < iterations; ++iteration) {
#pragma GCC unroll 16
            for (int row = 0; row < Dot::kRows; ++row) {
                renew(input);
#pragma GCC unroll 16
                for (int column = 0; column < kColumns; ++column) {
                    auto& sum = sums[row][column];
                    if constexpr (Dot::kStepsAtOnce > 1) {
                        sum = Dot::template add_lane<0>(sum, input, weights[column]);
                    } else {
                        sum = Dot::add(sum, input, weights[column]);
                    }
                }
            }
        }
#pragma GCC unroll 64
        for (int i = 0; i < Dot::kRows * kColumns; ++i) use(sums[i / kColumns][i % kColumns]);
        constexpr int kOutputs = Dot::kRows * Dot::kPanels * kPanel;
        return 2.0 * inputs_per_step(precision) * kOutputs * static_cast<double>(iterations);
    }
}

/// The table's entry.
template <class Int8Dot, class Bf16Dot>
double peak(Precision precision, std::int64_t iterations) {
    switch (precision) {
        case Precision::int8:
            return peak_of_dot<Int8Dot>(precision, iterations);
        case Precision::bf16:
            return peak_of_dot<Bf16Dot>(precision, iterations);
        case Precision::float32:
            return peak_of_dot<FloatDot>(precision, iterations);
    }
    return 0;
}

}  // namespace
}  // namespace squeezebert
