/// What every table of kernels must do: projections whose outputs are rounded at once.
#pragma once

#include <string>
#include <vector>

#include "tests/kernel_row_checks.h"

namespace squeezebert::tests {

/// project_bf16() is project() rounded, and project_packed() project() packed: but that it may go
/// by way of halves, so that a step of int8 is one off here and there.
inline void check_rounded_projection(const Kernels& kernels, Precision precision,
                                     const ProjectionSizes& sizes, Activation activation) {
    const auto [groups, inputs, outputs, slices] = sizes;
    const std::string where = std::to_string(groups) + " groups " + std::to_string(inputs) +
                              " -> " + std::to_string(outputs) + ", " + std::to_string(slices) +
                              " slices, precision " + shown(precision);
    constexpr int kRows = 21;
    constexpr float kFactor = 0.3f;
    const int columns = groups * outputs;
    Random random(inputs + outputs);
    const Layer layer(precision, groups, inputs, outputs, slices,
                      random.vector(static_cast<std::size_t>(columns) * inputs,
                                    1.5f / std::sqrt(static_cast<float>(inputs))),
                      random.vector(columns));
    const Projection& p = layer.projection();
    const std::vector<float> x = random.vector(static_cast<std::size_t>(kRows) * groups * inputs);
    Packed packed(kernels, layer, {const_cast<float*>(x.data()), groups * inputs, kRows});
    GuardedRows expected(kRows, columns, 0);
    project_all(kernels, layer, packed, 0, kRows, Store::assign, Activation::none, p.panels,
                expected);

    if (slices == 1) {
        const std::ptrdiff_t stride = columns * 2 + 2;
        std::vector<std::uint16_t> halves((kRows + 1) * stride / 2, 0xabcd);
        for (int group = groups - 1; group >= 0; --group) {
            const ProjectionPart part{group, 0, 0, p.panels};
            kernels.project_bf16(p, part, packed.rows(0, kRows, group), kFactor,
                                 {reinterpret_cast<std::byte*>(halves.data() + group * outputs),
                                  stride, nullptr, 0, kRows});
        }
        for (int row = 0; row <= kRows; ++row) {
            for (int i = 0; i < stride / 2; ++i) {
                const bool there = row < kRows && i < columns;
                const int received = halves[row * stride / 2 + i];
                const int wanted =
                    there ? static_cast<int>(
                                bits_of(round_to_bf16(expected.at(row)[i] * kFactor)) >> 16)
                          : 0xabcd;
                check_equal(received, wanted, {__FILE__, __LINE__, where.c_str()});
            }
        }
    }
    if (outputs % kPanel != 0) return;

    project_all(kernels, layer, packed, 0, kRows, Store::assign, activation, p.panels, expected);
    // All columns but those of the first panel and the last.
    const int first = columns > 2 * kPanel ? kPanel : 0;
    const int last = columns > 2 * kPanel ? columns - kPanel : columns, width = last - first;
    for (Precision rounded : {precision, Precision::int8}) {
        const std::ptrdiff_t row_bytes = round_up(width, kInputAlignment) * element_size(rounded);
        const auto pack_columns = [&](int from, int count, Aligned<std::byte>& out,
                                      std::vector<float>& scales) {
            Aligned<float> scratch(static_cast<std::size_t>(count) * round_up(width, kPanel));
            PackedRows rows = packed.rows(from, count);
            kernels.project_packed(
                p, first, last, rows, activation, {scratch.data(), round_up(width, kPanel), count},
                rounded,
                {out.data() + from * row_bytes, row_bytes, scales.data() + from, 1, count});
        };
        Aligned<std::byte> together(kRows * row_bytes), alone(kRows * row_bytes),
            apart(kRows * row_bytes);
        std::vector<float> scales(kRows, 1), scales_alone(kRows, 1), scales_apart(kRows, 1);
        pack_columns(0, kRows, together, scales);
        for (int row = 0; row < kRows; ++row) pack_columns(row, 1, alone, scales_alone);
        CHECK(std::memcmp(together.data(), alone.data(), together.size()) == 0);
        CHECK(scales == scales_alone);
        kernels.pack({rounded, 1, width, 1}, expected.rows(0, kRows, first),
                     {apart.data(), row_bytes, scales_apart.data(), 1, kRows});
        float nought = 0, scale;
        Aligned<std::byte> zero(kInputAlignment * 4);
        kernels.pack({rounded, 1, 1, 1}, {&nought, 1, 1}, {zero.data(), 256, &scale, 1, 1});
        for (int row = 0; row < kRows; ++row) {
            const auto values_of = [&](Aligned<std::byte>& rows) {
                return unpack(rounded, rows.data() + row * row_bytes, width, zero[0]);
            };
            const auto received = values_of(together), wanted = values_of(apart);
            const double step = rounded == Precision::int8 ? scales_apart[row] : 1;
            const double tolerance = rounded == Precision::int8   ? 1.01 * step
                                     : rounded == Precision::bf16 ? 0.01
                                                                  : 1e-6;
            for (int i = 0; i < width; ++i) {
                check_close(received[i] * (rounded == Precision::int8 ? scales[row] : 1),
                            wanted[i] * step,
                            tolerance + activation_tolerance(precision, activation),
                            where + ", row " + std::to_string(row));
            }
        }
    }
}

inline void check_rounded_projections(const Kernels& kernels, Precision precision) {
    const Begun begun(kernels);
    int turn = 0;
    for (int inputs : {3, 64, 192, 768}) {
        for (int outputs : {5, 16, 40, 64, 192}) {
            check_rounded_projection(kernels, precision, {1 + turn % 3, inputs, outputs, 1},
                                     turn % 2 == 0 ? Activation::gelu : Activation::relu);
            ++turn;
        }
    }
    check_rounded_projection(kernels, precision, {1, 256, 320, 2}, Activation::gelu);
}

/// GELU's outputs in int8 go by way of float16 on some processors: off by half a step of int8 and
/// 2^-10 of a value at most, and by the polynomial's 5e-4; a step is 1 / 60,000 at least, and what
/// is beyond 60,000 comes out as that.
inline void check_gelu_by_halves(const Kernels& kernels) {
    constexpr int kColumns = 64;
    const Begun begun(kernels);
    for (float size : {1e-4f, 1e-3f, 0.1f, 1.0f, 3.7f, 30.0f, 1e3f, 5e4f, 7e4f, 1e8f, 1e38f}) {
        // The inputs are 0: biases go through. One sticks out, either way; most are small.
        for (float sign : {-1.0f, 1.0f}) {
            std::vector<float> bias(kColumns);
            for (int i = 0; i < kColumns; ++i) bias[i] = static_cast<float>(i - 32) / 32;
            if (size < 1) {
                for (float& value : bias) value *= size;
            }
            bias[5] = sign * size;
            const Layer layer(Precision::int8, 1, 1, kColumns, 1, std::vector<float>(kColumns),
                              bias);
            float zero = 0, scale = 0;
            Packed packed(kernels, layer, {&zero, 1, 1});
            Aligned<std::byte> out(kColumns);
            Aligned<float> scratch(kColumns);
            kernels.project_packed(layer.projection(), 0, kColumns, packed.rows(0, 1),
                                   Activation::gelu, {scratch.data(), kColumns, 1}, Precision::int8,
                                   {out.data(), kColumns, &scale, 1, 1});
            double top = 0;
            for (int i = 0; i < kColumns; ++i) {
                top = std::max(top, std::fabs(reference_activation(Activation::gelu, bias[i])));
            }
            const double step = std::max(std::min(top, 60000.0) / 127, 1 / 60000.0);
            for (int i = 0; i < kColumns; ++i) {
                const double exact = reference_activation(Activation::gelu, bias[i]);
                const double expected = std::min(exact, 60000.0);
                const double value = static_cast<std::int8_t>(std::to_integer<int>(out[i])) * scale;
                check_close(value, expected, 0.51 * step + std::fabs(expected) / 1024 + 6e-4,
                            "GELU of " + shown(bias[i]) + " beside " + shown(sign * size));
            }
        }
    }
}

}  // namespace squeezebert::tests
