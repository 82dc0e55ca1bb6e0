/// float16 in software, as kernels/amx_halves.h wants it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/vector.h"

namespace squeezebert::tests {

/// The nearest float16, ties to even: 11 bits, multiples of 2^-24, infinite from 65520 on.
inline float round_to_half(float value) {
    if (value == 0 || !std::isfinite(value)) return value;
    const int exponent = std::max(std::ilogb(value), -14);
    const float step = std::ldexp(1.0f, exponent - 10);
    const float rounded = std::nearbyint(value / step) * step;
    return std::fabs(rounded) < 65520.0f ? rounded : std::copysign(INFINITY, value);
}

struct EmulatedHalves {
    static constexpr int kCount = 32;
    struct Vector {
        float lanes[kCount];
    };

    static void put(std::byte* to, Float values) {
        for (int lane = 0; lane < kLanes; ++lane) put_lane(to + 2 * lane, values[lane]);
    }
    static Vector load(const std::byte* from) {
        return each([&](int lane) { return get_lane(from + 2 * lane); });
    }
    static void store(std::byte* to, const Vector& a) {
        for (int lane = 0; lane < kCount; ++lane) put_lane(to + 2 * lane, a.lanes[lane]);
    }
    static Vector broadcast(float x) {
        return each([&](int) { return x; });
    }
    static float first(const Vector& a) { return a.lanes[0]; }
    static Vector min(const Vector& a, const Vector& b) {
        return each([&](int i) { return a.lanes[i] < b.lanes[i] ? a.lanes[i] : b.lanes[i]; });
    }
    static Vector max(const Vector& a, const Vector& b) {
        return each([&](int i) { return a.lanes[i] > b.lanes[i] ? a.lanes[i] : b.lanes[i]; });
    }
    static Vector absolute(const Vector& a) {
        return each([&](int i) { return std::fabs(a.lanes[i]); });
    }
    static Vector multiply(const Vector& a, const Vector& b) {
        return each([&](int i) { return a.lanes[i] * b.lanes[i]; });
    }
    static Vector multiply_add(const Vector& a, const Vector& b, const Vector& c) {
        return each([&](int i) { return std::fma(a.lanes[i], b.lanes[i], c.lanes[i]); });
    }
    static float largest(const Vector& a) { return *std::max_element(a.lanes, a.lanes + kCount); }
    static void put_bytes(std::byte* to, const Vector& a, const Vector& b) {
        for (int i = 0; i < kCount; ++i) {
            to[i] = static_cast<std::byte>(static_cast<int>(std::nearbyint(a.lanes[i])));
            to[kCount + i] = static_cast<std::byte>(static_cast<int>(std::nearbyint(b.lanes[i])));
        }
    }

private:
    template <class Body>
    static Vector each(const Body& body) {
        Vector vector;
        for (int lane = 0; lane < kCount; ++lane) vector.lanes[lane] = round_to_half(body(lane));
        return vector;
    }
    /// A float's upper half would not do: the exponent is shorter.
    static void put_lane(std::byte* to, float value) {
        value = round_to_half(value);
        const std::uint32_t word = bits_of_float(value), sign = word >> 16 & 0x8000;
        const float magnitude = std::fabs(value);
        std::uint32_t half = 0x7c00;  // infinite
        if (std::isnan(value)) {
            half = 0x7e00;
        } else if (magnitude < 0x1p-14f) {
            half = static_cast<std::uint32_t>(magnitude * 0x1p24f);
        } else if (std::isfinite(value)) {
            half = ((word & 0x7fffffff) >> 13) - (112u << 10);
        }
        const auto bits = static_cast<std::uint16_t>(sign | half);
        std::memcpy(to, &bits, sizeof bits);
    }
    static float get_lane(const std::byte* from) {
        std::uint16_t bits;
        std::memcpy(&bits, from, sizeof bits);
        const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
        float value = static_cast<float>(mantissa) * 0x1p-24f;
        if (exponent == 31) {
            value = mantissa == 0 ? INFINITY : NAN;
        } else if (exponent > 0) {
            value = std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
        }
        return bits & 0x8000 ? -value : value;
    }
    static std::uint32_t bits_of_float(float value) {
        std::uint32_t word;
        std::memcpy(&word, &value, sizeof word);
        return word;
    }
};

}  // namespace squeezebert::tests
