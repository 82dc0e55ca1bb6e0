/// Packed weights: where each number goes, and how int8 rounds it.
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/error.h"
#include "engine/packed_projection.h"
#include "tests/check.h"

namespace squeezebert {
namespace {

Matrix matrix_of(const std::vector<float>& values, std::int64_t rows, std::int64_t groups) {
    return {DType::float32,
            rows,
            static_cast<std::int64_t>(values.size()) / rows,
            groups,
            reinterpret_cast<const std::byte*>(values.data()),
            nullptr,
            false};
}

/// The number of an output and input, found by the layout's definition.
float at(const Projection& shape, int group, int output, int input) {
    const int step = inputs_per_step(shape.precision);
    const std::size_t index = (((static_cast<std::size_t>(group) * shape.panels + output / kPanel) *
                                    (shape.padded_inputs / step) +
                                input / step) *
                                   kPanel +
                               output % kPanel) *
                                  step +
                              input % step;
    if (shape.precision == Precision::int8) {
        return static_cast<float>(reinterpret_cast<const std::int8_t*>(shape.weight)[index]);
    }
    if (shape.precision == Precision::bf16) {
        const std::uint32_t word =
            static_cast<std::uint32_t>(reinterpret_cast<const std::uint16_t*>(shape.weight)[index])
            << 16;
        float value;
        std::memcpy(&value, &word, sizeof value);
        return value;
    }
    return reinterpret_cast<const float*>(shape.weight)[index];
}

TEST("packed projection: every number in its place, and zeros around") {
    constexpr int groups = 3;
    constexpr int outputs = 21;
    constexpr int inputs = 70;
    std::vector<float> values(groups * outputs * inputs);
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = static_cast<float>(static_cast<int>(i * 37 % 255) - 127);
    }
    // So that every row's scale is 1.
    for (int row = 0; row < groups * outputs; ++row) values[row * inputs] = 127.0F;
    const std::vector<float> bias(groups * outputs, 2.5F);
    for (const Precision precision : {Precision::int8, Precision::bf16, Precision::float32}) {
        const PackedProjection packed(matrix_of(values, groups * outputs, groups), bias, precision);
        const Projection& shape = packed.view();
        CHECK_EQUAL(shape.padded_inputs, 128);
        CHECK_EQUAL(shape.panels, 2);
        for (int group = 0; group < groups; ++group) {
            for (int output = 0; output < 32; ++output) {
                std::int32_t sum = 0;
                for (int input = 0; input < 128; ++input) {
                    const bool there = output < outputs && input < inputs;
                    const float expected =
                        there ? values[(group * outputs + output) * inputs + input] : 0.0F;
                    CHECK_EQUAL(at(shape, group, output, input), expected);
                    sum += static_cast<std::int32_t>(expected);
                }
                const int column = group * 32 + output;
                CHECK_EQUAL(shape.bias[column], output < outputs ? 2.5F : 0.0F);
                if (precision == Precision::int8) {
                    CHECK_EQUAL(shape.offset[column], -128 * sum);
                    CHECK_EQUAL(shape.scale[column], output < outputs ? 1.0F : 0.0F);
                }
            }
        }
    }
}

TEST("packed projection: int8 is within half a step") {
    std::vector<float> values;
    for (int i = 0; i < 2 * 64; ++i) values.push_back(std::sin(static_cast<float>(i)) * 3.0F);
    for (int i = 64; i < 128; ++i) values[i] *= 1e-6F;
    const PackedProjection packed(matrix_of(values, 2, 1), {}, Precision::int8);
    for (int output = 0; output < 2; ++output) {
        const float scale = packed.view().scale[output];
        for (int input = 0; input < 64; ++input) {
            CHECK_NEAR(at(packed.view(), 0, output, input) * scale, values[output * 64 + input],
                       0.5001 * scale);
        }
    }
}

TEST("packed projection: rows of zeros, and numbers that are none") {
    std::vector<float> values(64, 0.0F);
    const PackedProjection packed(matrix_of(values, 1, 1), {}, Precision::int8);
    CHECK_EQUAL(packed.view().scale[0], 1.0F);
    for (const float bad : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
        values[5] = bad;
        CHECK_THROWS(PackedProjection(matrix_of(values, 1, 1), {}, Precision::int8),
                     "expected finite numbers");
    }
}

TEST("packed projection: offsets are the slices' own") {
    std::vector<float> values(256, 0.0F);
    values[0] = 127.0F;    // first slice
    values[130] = -63.0F;  // second
    const PackedProjection packed(matrix_of(values, 1, 1), {}, Precision::int8, 2);
    CHECK_EQUAL(packed.view().offset[0], -128 * 127);
    CHECK_EQUAL(packed.view().offset[kPanel], 128 * 63);
}

TEST("packed projection: slices") {
    CHECK_EQUAL(count_slices(768, 1024), 1);
    CHECK_EQUAL(count_slices(1024, 1024), 1);
    CHECK_EQUAL(count_slices(1536, 1024), 2);
    CHECK_EQUAL(count_slices(3072, 1024), 3);
    CHECK_EQUAL(count_slices(4096, 1024), 4);
    CHECK_EQUAL(count_slices(768, 256), 3);
    CHECK_EQUAL(count_slices(384, 256), 2);
    CHECK_EQUAL(count_slices(2 * 1021, 1024), 1);  // no part of it is a multiple of 64
}

}  // namespace
}  // namespace squeezebert
