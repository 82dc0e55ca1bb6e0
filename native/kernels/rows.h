/// Operations on rows of activations that are no products.
#pragma once

#include <type_traits>

#include "kernels/vector.h"

namespace squeezebert {
namespace {

// --- rounding to a projection's precision ------------------------------------------------------

using Bytes = std::uint8_t __attribute__((vector_size(kLanes * 4)));

/// Four vectors with values of int8, as bytes in the same order.
inline Bytes to_bytes(Int a, Int b, Int c, Int d) {
    // x86 packs within quarters and halves of a vector, which are put in order in the end.
#if defined(__AVX512F__)
    const __m512i low =
        _mm512_packs_epi32(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b));
    const __m512i high =
        _mm512_packs_epi32(reinterpret_cast<__m512i>(c), reinterpret_cast<__m512i>(d));
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return reinterpret_cast<Bytes>(_mm512_permutexvar_epi32(order, _mm512_packs_epi16(low, high)));
#elif defined(__AVX2__)
    const __m256i low =
        _mm256_packs_epi32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b));
    const __m256i high =
        _mm256_packs_epi32(reinterpret_cast<__m256i>(c), reinterpret_cast<__m256i>(d));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    return reinterpret_cast<Bytes>(
        _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), order));
#elif defined(__SSE2__)
    const __m128i low = _mm_packs_epi32(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b));
    const __m128i high =
        _mm_packs_epi32(reinterpret_cast<__m128i>(c), reinterpret_cast<__m128i>(d));
    return reinterpret_cast<Bytes>(_mm_packs_epi16(low, high));
#elif defined(__aarch64__)
    const int16x8_t low = vcombine_s16(vmovn_s32(a), vmovn_s32(b));
    const int16x8_t high = vcombine_s16(vmovn_s32(c), vmovn_s32(d));
    return reinterpret_cast<Bytes>(vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
#elif defined(__wasm_simd128__)
    const v128_t low =
        wasm_i16x8_narrow_i32x4(reinterpret_cast<v128_t>(a), reinterpret_cast<v128_t>(b));
    const v128_t high =
        wasm_i16x8_narrow_i32x4(reinterpret_cast<v128_t>(c), reinterpret_cast<v128_t>(d));
    return reinterpret_cast<Bytes>(wasm_i8x16_narrow_i16x8(low, high));
#else
    Bytes bytes{};
    for (int lane = 0; lane < kLanes; ++lane) {
        bytes[lane] = static_cast<std::uint8_t>(a[lane]);
        bytes[kLanes + lane] = static_cast<std::uint8_t>(b[lane]);
        bytes[2 * kLanes + lane] = static_cast<std::uint8_t>(c[lane]);
        bytes[3 * kLanes + lane] = static_cast<std::uint8_t>(d[lane]);
    }
    return bytes;
#endif
}

/// float32 as kLanes bfloat16, rounded to the nearest, ties to even.
inline void store_bf16(std::byte* to, Float value) {
#if defined(__AVX512BF16__)
    const __m256bh halves = _mm512_cvtneps_pbh(value);
    std::memcpy(to, &halves, sizeof halves);
#elif defined(__AVX512F__)
    const auto words = reinterpret_cast<__m512i>(round_to_bf16(value));
    const __m512i shifted = _mm512_srli_epi32(words, 16);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi32_epi16(shifted));
#else
    using Halves = std::uint16_t __attribute__((vector_size(kLanes * 2)));
    const Halves halves = __builtin_convertvector(round_to_bf16(value) >> 16, Halves);
    std::memcpy(to, &halves, sizeof halves);
#endif
}

/// Two vectors one after the other.
inline void store_bf16_pair(std::byte* to, Float a, Float b) {
#if defined(__AVX512BF16__)
    const __m512bh halves = _mm512_cvtne2ps_pbh(b, a);  // as slow as one vector alone
    std::memcpy(to, &halves, sizeof halves);
#else
    store_bf16(to, a);
    store_bf16(to + kLanes * 2, b);
#endif
}

/// The first `count` of them (all where it is kLanes or more).
inline void store_bf16_first(std::byte* to, Float value, int count) {
    if (count >= kLanes) return store_bf16(to, value);
    std::byte halves[kLanes * 2];
    store_bf16(halves, value);
    std::memcpy(to, halves, static_cast<std::size_t>(count) * 2);
}

/// Calls body(index, values) for the kLanes floats from each index on; what lies past `count` reads
/// as 0.
template <class Body>
inline void for_each_vector(const float* x, int count, Body body) {
    int at = 0;
    for (; at + kLanes <= count; at += kLanes) body(at, load(x + at));
    if (at < count) body(at, load_first(x + at, count - at));
}

/// body(running, index, rest) for the vectors of `count` numbers, `rest` of which are left. In four
/// runs, so that few wait for the one before; they are combined in the end.
template <class Body, class Combine>
inline Float reduce(int count, Body body, Combine combine) {
    Float runs[4] = {};
    int at = 0;
    for (; at + 4 * kLanes <= count; at += 4 * kLanes) {
        for (int run = 0; run < 4; ++run) {
            runs[run] = body(runs[run], at + run * kLanes, kLanes);
        }
    }
    for (; at < count; at += kLanes) runs[0] = body(runs[0], at, count - at);
    return combine(combine(runs[0], runs[1]), combine(runs[2], runs[3]));
}

/// `count` numbers of the magnitude `top` at most as int8, padded with zeros; returns their scale.
template <int kOffset>
inline float round_int8(const float* x, int count, int padded, float top, std::byte* out) {
    const Float factor = broadcast(top > 0.0f ? 127.0f / top : 0.0f);
    const auto round = [=](int at) { return round_to_int(load(x + at) * factor); };
    constexpr std::uint8_t offset = kOffset;
    int at = 0;
    for (; at + 4 * kLanes <= count; at += 4 * kLanes) {
        const Bytes bytes = to_bytes(round(at), round(at + kLanes), round(at + 2 * kLanes),
                                     round(at + 3 * kLanes)) +
                            offset;
        std::memcpy(out + at, &bytes, sizeof bytes);
    }
    for_each_vector(x + at, count - at, [=](int rest, Float value) {
        const Bytes bytes = to_bytes(round_to_int(value * factor), Int{}, Int{}, Int{}) + offset;
        std::memcpy(out + at + rest, &bytes, kLanes);
    });
    const int done = round_up(count, kLanes);
    if (done < padded) std::memset(out + done, 0, static_cast<std::size_t>(padded - done));
    return top / 127.0f;
}

template <int kOffset>
inline float pack_int8(const float* x, int count, int padded, std::byte* out) {
    const float top = largest(reduce(
        count,
        [x](Float most, int at, int rest) { return max(most, absolute(load_first(x + at, rest))); },
        max));
    return round_int8<kOffset>(x, count, padded, top, out);
}

inline void pack_bf16(const float* x, int count, int padded, std::byte* out) {
    for_each_vector(x, count, [&](int at, Float value) { store_bf16(out + 2 * at, value); });
    const int done = round_up(count, kLanes);
    if (done < padded) std::memset(out + 2 * done, 0, static_cast<std::size_t>(padded - done) * 2);
}

inline void pack_float(const float* x, int count, int padded, std::byte* out) {
    std::memcpy(out, x, static_cast<std::size_t>(count) * 4);
    std::memset(out + 4 * count, 0, static_cast<std::size_t>(padded - count) * 4);
}

template <int kOffset>
inline void pack_row(const Packing& packing, const float* from, std::byte* to, float* scale) {
    // With several slices a group's inputs are a multiple of them and need no padding.
    const int count = packing.inputs / packing.slices;
    const int padded = round_up(count, kInputAlignment);
    for (int part = 0; part < packing.groups * packing.slices; ++part) {
        if (packing.precision == Precision::int8) {
            scale[part] = pack_int8<kOffset>(from, count, padded, to);
        } else if (packing.precision == Precision::bf16) {
            pack_bf16(from, count, padded, to);
        } else {
            pack_float(from, count, padded, to);
        }
        from += count;
        to += padded * element_size(packing.precision);
    }
}

template <int kOffset>
void pack_rows(const Packing& packing, const FloatRows& x, const PackedRows& out) {
    for (int row = 0; row < x.count; ++row) {
        pack_row<kOffset>(packing, x.data + row * x.stride, out.data + row * out.stride,
                          out.scale + row * out.scale_stride);
    }
}

// --- LayerNorm ---------------------------------------------------------------------------------

/// N rows, `stride` floats apart, at a time: what each waits for, the others fill.
template <int N>
class NormalizedRows {
public:
    NormalizedRows(float* first, std::ptrdiff_t stride, int width, float epsilon)
        : first_(first), stride_(stride) {
        const Float scale = broadcast(1.0f / static_cast<float>(width));
        const int whole = width / kLanes * kLanes, rest = width - whole;
        Float sums[N] = {}, squares[N] = {};
        for (int at = 0; at < whole; at += kLanes) {
            for (int n = 0; n < N; ++n) sums[n] += load(first + n * stride + at);
        }
        for (int n = 0; n < N; ++n) {
            if (rest > 0) sums[n] += load_first(first + n * stride + whole, rest);
            mean_[n] = broadcast(sum(sums[n])) * scale;
        }
        for (int at = 0; at < whole; at += kLanes) {
            for (int n = 0; n < N; ++n) {
                const Float off = load(first + n * stride + at) - mean_[n];
                squares[n] = multiply_add(off, off, squares[n]);
            }
        }
        for (int n = 0; n < N; ++n) {
            if (rest > 0) {  // lanes past the end must not count
                const Float off = load_first(first + n * stride + whole, rest) - mean_[n];
                squares[n] = multiply_add(keep_first(off, rest), off, squares[n]);
            }
            const float variance = sum(squares[n] * scale);
            factor_[n] = broadcast(1.0f / __builtin_sqrtf(variance + epsilon));
        }
    }

    /// Writes columns [from, to) back and gives the largest magnitudes among them.
    void write(int from, int to, const float* weight, const float* bias, Float (&most)[N]) const {
        for (int n = 0; n < N; ++n) most[n] = Float{};
        for (int at = from; at < to; at += kLanes) {
            const int count = to - at;
            const Float w = load_first(weight + at, count), b = load_first(bias + at, count);
            for (int n = 0; n < N; ++n) {
                float* place = first_ + n * stride_ + at;
                const Float value = (load_first(place, count) - mean_[n]) * factor_[n];
                const Float y = multiply_add(value, w, b);
                store_first(place, y, count);
                most[n] = max(most[n], absolute(y));
            }
        }
    }

private:
    float* first_;
    std::ptrdiff_t stride_;
    Float mean_[N], factor_[N];
};

template <int kOffset, int N>
inline void layer_norm_together(float* first, std::ptrdiff_t stride, int width, const float* weight,
                                const float* bias, float epsilon, const Packing* packing,
                                const PackedRows& packed) {
    const NormalizedRows<N> rows(first, stride, width, epsilon);
    Float most[N];
    const int count = packing == nullptr ? width : packing->inputs / packing->slices;
    if (packing == nullptr || packing->precision != Precision::int8 || count % kLanes != 0) {
        rows.write(0, width, weight, bias, most);
        for (int n = 0; packing != nullptr && n < N; ++n) {
            pack_row<kOffset>(*packing, first + n * stride, packed.data + n * packed.stride,
                              packed.scale + n * packed.scale_stride);
        }
        return;
    }
    // Each part is rounded as soon as its largest magnitude is known.
    const int padded = round_up(count, kInputAlignment);
    for (int part = 0; part < packing->groups * packing->slices; ++part) {
        rows.write(part * count, (part + 1) * count, weight, bias, most);
        for (int n = 0; n < N; ++n) {
            packed.scale[n * packed.scale_stride + part] = round_int8<kOffset>(
                first + n * stride + part * count, count, padded, largest(most[n]),
                packed.data + n * packed.stride + part * padded);
        }
    }
}

template <int kOffset>
void layer_norm_rows(const FloatRows& x, int width, const float* weight, const float* bias,
                     float epsilon, const Packing* packing, const PackedRows& packed) {
    constexpr int kTogether = 4;
    int row = 0;
    const auto advance = [&](auto rows) {
        constexpr int N = decltype(rows)::value;
        PackedRows to = packed;
        to.data += row * packed.stride;
        to.scale += row * packed.scale_stride;
        layer_norm_together<kOffset, N>(x.data + row * x.stride, x.stride, width, weight, bias,
                                        epsilon, packing, to);
        row += N;
    };
    while (row + kTogether <= x.count) advance(std::integral_constant<int, kTogether>{});
    while (row < x.count) advance(std::integral_constant<int, 1>{});
}

// --- softmax over a row --------------------------------------------------------------------------

inline float sum_exp(const float* x, int count, float* top) {
    Float most = broadcast(x[0]);
    // Zeros in the lanes past the end would count as numbers.
    const int whole = count / kLanes * kLanes;
    for (int at = 0; at < whole; at += kLanes) most = max(most, load(x + at));
    float best = largest(most);
    for (int at = whole; at < count; ++at) best = x[at] > best ? x[at] : best;
    Float total{};
    for_each_vector(
        x, count, [&](int at, Float value) { total += keep_first(exp(value - best), count - at); });
    *top = best;
    return sum(total);
}

}  // namespace
}  // namespace squeezebert
