/// Native vectors of float32: the compiler's vector extensions, and the few operations that they
/// lack. Included by kernel files only. Everything is in an unnamed namespace, because each of them
/// compiles it for another instruction set and the linker must not mix them up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "kernels/kernels.h"

namespace squeezebert {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

/// How many vectors the registers hold.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kRegisters = 32;
#else
constexpr int kRegisters = 16;
#endif

/// Whether a lane of a vector can be an operand for all lanes of another.
#if defined(__aarch64__)
constexpr bool kLaneOperands = true;
#else
constexpr bool kLaneOperands = false;
#endif

/// Vectors that make up a panel.
constexpr int kParts = kPanel / kLanes;

using Float = float __attribute__((vector_size(kLanes * 4)));
using Int = std::int32_t __attribute__((vector_size(kLanes * 4)));
using Unsigned = std::uint32_t __attribute__((vector_size(kLanes * 4)));

/// Minus 0 leaves every value as it is, even -0, so no subtraction is left of it.
inline Float broadcast(float value) { return value - Float{}; }
inline Int broadcast(std::int32_t value) { return Int{} + value; }

/// Vectors may stand at any address.
template <class Vector>
inline Vector load_as(const void* from) {
    Vector value;
    std::memcpy(&value, from, sizeof value);
    return value;
}
inline Float load(const float* from) { return load_as<Float>(from); }
inline void store(float* to, Float value) { std::memcpy(to, &value, sizeof value); }

/// A word of memory in all lanes. GCC would do what follows, such as a shift, to the scalar first,
/// if it knew of one.
inline Int broadcast_word(const void* from) {
    const auto word = load_as<std::int32_t>(from);
#if defined(__AVX2__) && !defined(__AVX512F__)
    return reinterpret_cast<Int>(_mm256_broadcastd_epi32(_mm_cvtsi32_si128(word)));
#elif defined(__SSE2__) && !defined(__AVX2__)
    return reinterpret_cast<Int>(_mm_shuffle_epi32(_mm_cvtsi32_si128(word), 0));
#else
    return broadcast(word);
#endif
}

#if defined(__AVX512F__)
inline __mmask16 first_lanes(int count) { return static_cast<__mmask16>((1u << count) - 1); }
#endif

/// The first `count` lanes (all where it is kLanes or more); the others become 0, and memory past
/// them is not touched.
inline Float load_first(const float* from, int count) {
    if (count >= kLanes) return load(from);
#if defined(__AVX512F__)
    return _mm512_maskz_loadu_ps(first_lanes(count), from);
#else
    Float value{};
    std::memcpy(&value, from, static_cast<std::size_t>(count) * sizeof(float));
    return value;
#endif
}
inline void store_first(float* to, Float value, int count) {
    if (count >= kLanes) return store(to, value);
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(to, first_lanes(count), value);
#else
    std::memcpy(to, &value, static_cast<std::size_t>(count) * sizeof(float));
#endif
}
/// The first `count` lanes, and `other` in those after them.
inline Float first_or(Float value, int count, float other) {
    Int index{};
    for (int lane = 0; lane < kLanes; ++lane) index[lane] = lane;
    return index < count ? value : broadcast(other);
}
inline Float keep_first(Float value, int count) {
    return count >= kLanes ? value : first_or(value, count, 0.0f);
}

inline Int bits(Float value) { return reinterpret_cast<Int>(value); }
inline Float from_bits(Int value) { return reinterpret_cast<Float>(value); }

inline Float max(Float a, Float b) {
#if defined(__AVX512F__)
    return _mm512_max_ps(a, b);
#elif defined(__AVX2__)
    return _mm256_max_ps(a, b);
#elif defined(__aarch64__)
    return vmaxq_f32(a, b);
#elif defined(__SSE2__)
    return _mm_max_ps(a, b);
#elif defined(__wasm_simd128__)
    return reinterpret_cast<Float>(
        wasm_f32x4_pmax(reinterpret_cast<v128_t>(b), reinterpret_cast<v128_t>(a)));
#else
    return b < a ? a : b;
#endif
}

inline Float min(Float a, Float b) {
#if defined(__AVX512F__)
    return _mm512_min_ps(a, b);
#elif defined(__AVX2__)
    return _mm256_min_ps(a, b);
#elif defined(__aarch64__)
    return vminq_f32(a, b);
#elif defined(__SSE2__)
    return _mm_min_ps(a, b);
#elif defined(__wasm_simd128__)
    return reinterpret_cast<Float>(
        wasm_f32x4_pmin(reinterpret_cast<v128_t>(b), reinterpret_cast<v128_t>(a)));
#else
    return a < b ? a : b;
#endif
}

/// a * b + c, rounded once where the processor can. Written out wherever it is wanted: kernels are
/// compiled with -ffp-contract=off, because what a compiler contracts by itself depends on the code
/// around it, and so a row's last bits would depend on the tile that it falls into.
inline Float multiply_add(Float a, Float b, Float c) {
#if defined(__AVX512F__)
    return _mm512_fmadd_ps(a, b, c);
#elif defined(__FMA__)
    return _mm256_fmadd_ps(a, b, c);
#elif defined(__aarch64__)
    return vfmaq_f32(c, a, b);
#else
    return a * b + c;
#endif
}
inline Float multiply_add(Float a, Float b, float c) { return multiply_add(a, b, broadcast(c)); }

/// a * b's lane kLane + c, for kLaneOperands.
template <int kLane>
inline Float multiply_add_lane(Float a, Float b, Float c) {
#if defined(__aarch64__)
    return vfmaq_laneq_f32(c, a, b, kLane);
#else
    return multiply_add(a, broadcast(b[kLane]), c);
#endif
}

inline Float absolute(Float a) { return from_bits(bits(a) & 0x7fffffff); }

/// The nearest whole number, ties to even, of values within the range of int32.
inline Int round_to_int(Float a) {
#if defined(__AVX512F__)
    return reinterpret_cast<Int>(_mm512_cvtps_epi32(a));
#elif defined(__AVX2__)
    return reinterpret_cast<Int>(_mm256_cvtps_epi32(a));
#elif defined(__aarch64__)
    return vcvtnq_s32_f32(a);
#else
    // Adding 1.5 * 2^23 leaves the rounded value in the low bits of the sum; |a| < 2^22 here.
    const Float magic = broadcast(12582912.0f);
    return bits(a + magic) - bits(magic);
#endif
}

inline Float to_float(Int a) { return __builtin_convertvector(a, Float); }

/// Lanes are added in a fixed tree.
inline float sum(Float value) {
#if defined(__AVX512F__)
    return _mm512_reduce_add_ps(value);
#else
    float lanes[kLanes];
    std::memcpy(lanes, &value, sizeof lanes);
    for (int width = kLanes / 2; width > 0; width /= 2) {
        for (int lane = 0; lane < width; ++lane) lanes[lane] += lanes[lane + width];
    }
    return lanes[0];
#endif
}

inline float largest(Float value) {
#if defined(__AVX512F__)
    return _mm512_reduce_max_ps(value);
#else
    float lanes[kLanes];
    std::memcpy(lanes, &value, sizeof lanes);
    float result = lanes[0];
    for (int lane = 1; lane < kLanes; ++lane) result = lanes[lane] > result ? lanes[lane] : result;
    return result;
#endif
}

/// 2^x for finite x up to 126; what is below -126 gives 2^-126 or less. The polynomials are minimax
/// fits of 2^f on [-0.5, 0.5] that are 1 at 0, with relative errors of 2e-7, or of 1e-4: coarse,
/// but enough for what is rounded to bfloat16.
template <bool kCoarse = false>
inline Float exp2(Float x) {
#if defined(__AVX512F__)
    const Float whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const Float f = x - whole;
#else
    x = max(x, broadcast(-126.0f));
    const Int whole = round_to_int(x);
    const Float f = x - to_float(whole);
#endif
    Float p;
    if constexpr (kCoarse) {
        p = broadcast(5.50089314e-2f);
        p = multiply_add(p, f, 2.42210962e-1f);
        p = multiply_add(p, f, 6.93282927e-1f);
    } else {
        p = broadcast(1.32647272e-3f);
        p = multiply_add(p, f, 9.67151268e-3f);
        p = multiply_add(p, f, 5.55073374e-2f);
        p = multiply_add(p, f, 2.40222421e-1f);
        p = multiply_add(p, f, 6.93146978e-1f);
    }
    p = multiply_add(p, f, 1.0f);
#if defined(__AVX512F__)
    return _mm512_scalef_ps(p, whole);
#else
    return from_bits(bits(p) + (whole << 23));
#endif
}

/// e^x for x up to 87.
inline Float exp(Float x) { return exp2(max(x * 1.4426950408889634f, broadcast(-150.0f))); }

/// Each lane's two int16 times their counterparts, added.
inline Int multiply_pairs(Int a, Int b) {
#if defined(__AVX2__) && !defined(__AVX512F__)
    return reinterpret_cast<Int>(
        _mm256_madd_epi16(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#elif defined(__SSE2__) && !defined(__AVX2__)
    return reinterpret_cast<Int>(
        _mm_madd_epi16(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#elif defined(__wasm_simd128__)
    return reinterpret_cast<Int>(
        wasm_i32x4_dot_i16x8(reinterpret_cast<v128_t>(a), reinterpret_cast<v128_t>(b)));
#else
    return (a << 16 >> 16) * (b << 16 >> 16) + (a >> 16) * (b >> 16);
#endif
}

/// float32 as bfloat16 in the upper half of each lane, rounded to the nearest, ties to even.
inline Unsigned round_to_bf16(Float value) {
    const Unsigned word = reinterpret_cast<Unsigned>(value);
    return (word + 0x7fff + ((word >> 16) & 1)) & 0xffff0000u;
}

/// Lanes of two vectors, those of `b` numbered on from those of `a`.
template <int... kFrom, class Vector>
inline Vector shuffle(Vector a, Vector b) {
#if defined(__clang__) || __GNUC__ >= 12
    return __builtin_shufflevector(a, b, kFrom...);
#else
    return __builtin_shuffle(a, b, Int{kFrom...});
#endif
}

/// Interleaves the lanes of two vectors: (a0, b0, a1, b1, ...), the lower or the upper halves.
template <class Vector>
inline Vector interleave_low(Vector a, Vector b) {
#if defined(__AVX512F__)
    return shuffle<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(a, b);
#elif defined(__AVX2__)
    return shuffle<0, 8, 1, 9, 2, 10, 3, 11>(a, b);
#else
    return shuffle<0, 4, 1, 5>(a, b);
#endif
}

template <class Vector>
inline Vector interleave_high(Vector a, Vector b) {
#if defined(__AVX512F__)
    return shuffle<8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31>(a, b);
#elif defined(__AVX2__)
    return shuffle<4, 12, 5, 13, 6, 14, 7, 15>(a, b);
#else
    return shuffle<2, 6, 3, 7>(a, b);
#endif
}

/// Every other lane of two vectors one after the other: (a0, a2, ..., b0, b2, ...), or from a1 on.
template <class Vector>
inline Vector even_lanes(Vector a, Vector b) {
#if defined(__AVX512F__)
    return shuffle<0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30>(a, b);
#elif defined(__AVX2__)
    return shuffle<0, 2, 4, 6, 8, 10, 12, 14>(a, b);
#else
    return shuffle<0, 2, 4, 6>(a, b);
#endif
}

template <class Vector>
inline Vector odd_lanes(Vector a, Vector b) {
#if defined(__AVX512F__)
    return shuffle<1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31>(a, b);
#elif defined(__AVX2__)
    return shuffle<1, 3, 5, 7, 9, 11, 13, 15>(a, b);
#else
    return shuffle<1, 3, 5, 7>(a, b);
#endif
}

/// Each row's lanes combined, in a fixed tree: lane i is row i's. Two rows become one of both,
/// whose lanes take turns, log n times.
template <class Combine>
inline Float reduce_rows(Float (&rows)[kLanes], Combine combine) {
    for (int width = kLanes / 2; width > 0; width /= 2) {
        for (int row = 0; row < width; ++row) {
            const Float a = rows[row], b = rows[row + width];
            rows[row] = combine(interleave_low(a, b), interleave_high(a, b));
        }
    }
    return rows[0];
}

/// Transposes a square of kLanes x kLanes words in place: rows i and i + n/2 are interleaved, log n
/// times.
inline void transpose(Unsigned (&rows)[kLanes]) {
    for (int round = 1; round < kLanes; round *= 2) {
        Unsigned next[kLanes];
        for (int row = 0; row < kLanes / 2; ++row) {
            next[2 * row] = interleave_low(rows[row], rows[row + kLanes / 2]);
            next[2 * row + 1] = interleave_high(rows[row], rows[row + kLanes / 2]);
        }
        for (int row = 0; row < kLanes; ++row) rows[row] = next[row];
    }
}

}  // namespace
}  // namespace squeezebert
