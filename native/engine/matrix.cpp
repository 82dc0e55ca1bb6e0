#include "engine/matrix.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/kernels.h"

namespace squeezebert {

namespace {

constexpr std::int64_t step = inputs_per_step(Precision::int8);

std::int64_t divide_up(std::int64_t value, std::int64_t by) { return (value + by - 1) / by; }

std::int64_t padded(std::int64_t columns) {
    return divide_up(columns, kInputAlignment) * kInputAlignment;
}

/// The number that the bits of an IEEE half stand for; exact.
float from_half(std::uint16_t bits) {
    const unsigned exponent = (bits >> 10U) & 0x1FU;
    const unsigned fraction = bits & 0x3FFU;
    float magnitude = 0.0F;
    if (exponent == 0) {
        magnitude = std::ldexp(static_cast<float>(fraction), -24);
    } else if (exponent == 0x1F) {
        magnitude = fraction == 0 ? std::numeric_limits<float>::infinity()
                                  : std::numeric_limits<float>::quiet_NaN();
    } else {
        magnitude =
            std::ldexp(static_cast<float>(fraction + 0x400U), static_cast<int>(exponent) - 25);
    }
    return (bits & 0x8000U) != 0 ? -magnitude : magnitude;
}

float from_bfloat16(std::uint16_t bits) {
    const std::uint32_t wide = static_cast<std::uint32_t>(bits) << 16U;
    float result = 0.0F;
    std::memcpy(&result, &wide, sizeof result);
    return result;
}

template <class Convert>
void widen_16(const std::byte* data, std::int64_t count, float* out, Convert convert) {
    for (std::int64_t i = 0; i < count; ++i) {
        std::uint16_t bits = 0;
        std::memcpy(&bits, data + i * 2, sizeof bits);
        out[i] = convert(bits);
    }
}

}  // namespace

std::vector<std::int64_t> packed_shape(std::int64_t rows, std::int64_t columns,
                                       std::int64_t groups) {
    return {groups, divide_up(rows / groups, kPanel), padded(columns) / step, kPanel, step};
}

bool is_weight_type(DType dtype) {
    return dtype == DType::float32 || dtype == DType::float16 || dtype == DType::bfloat16;
}

void widen(DType dtype, const std::byte* data, std::int64_t count, float* out) {
    assert(is_weight_type(dtype));
    if (dtype == DType::float16) {
        widen_16(data, count, out, from_half);
    } else if (dtype == DType::bfloat16) {
        widen_16(data, count, out, from_bfloat16);
    } else if (count > 0) {
        std::memcpy(out, data, static_cast<std::size_t>(count) * sizeof(float));
    }
}

void Matrix::read_row(std::int64_t row, float* out) const {
    assert(row >= 0 && row < rows);
    if (dtype != DType::int8) {
        const std::int64_t size = dtype == DType::float32 ? 4 : 2;
        widen(dtype, data + row * columns * size, columns, out);
        return;
    }
    const float scale = scales[row];
    const auto* numbers = reinterpret_cast<const std::int8_t*>(data);
    if (!packed) {
        for (std::int64_t i = 0; i < columns; ++i) {
            out[i] = static_cast<float>(numbers[row * columns + i]) * scale;
        }
        return;
    }
    const std::int64_t outputs = rows / groups;
    const std::int64_t output = row % outputs;
    const std::int64_t panel = row / outputs * divide_up(outputs, kPanel) + output / kPanel;
    const std::int8_t* block = numbers + panel * padded(columns) * kPanel + output % kPanel * step;
    for (std::int64_t i = 0; i < columns; i += step, block += kPanel * step) {
        const std::int64_t count = std::min(step, columns - i);
        for (std::int64_t j = 0; j < count; ++j) out[i + j] = static_cast<float>(block[j]) * scale;
    }
}

}  // namespace squeezebert
