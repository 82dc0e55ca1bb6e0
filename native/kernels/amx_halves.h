/// The feed-forward network's wide layer on AMX, by way of float16: twice the values an instruction
/// as in float32, whose steps are a hundredth of those of int8, to which they are rounded.
///
/// While tiles are multiplied a core does one vector instruction a cycle where it does two
/// otherwise, so products leave as they are, and GELU follows row by row.
///
/// A Halves has, for a Vector of kCount float16,
///   put(to, values)                kLanes float32 as float16, rounded to the nearest
///   load(from), store(to, a), broadcast(x)
///   min(a, b), max(a, b), absolute(a), multiply(a, b), multiply_add(a, b, c), largest(a)
///   put_bytes(to, a, b)            2 * kCount of them as int8, rounded to the nearest
#pragma once

#include "kernels/amx.h"

namespace squeezebert {
namespace {

/// y = product + bias, as float16.
template <class Halves>
struct AssignHalves {
    static constexpr bool kPlain = false;
    static constexpr bool kPairs = false;
    std::byte* out;
    std::ptrdiff_t stride;
    const float* bias;

    struct Column {
        std::byte* first;
        std::ptrdiff_t stride;
        const float* bias;

        Float base(int, int part) const { return load(bias + part * kLanes); }
        [[gnu::always_inline]] void put(int row, const Float* values) const {
            for (int part = 0; part < kParts; ++part) {
                Halves::put(first + row * stride + part * kLanes * 2, values[part]);
            }
        }
    };
    Column column(int panel) const {
        return {out + panel * kPanel * 2, stride, bias + panel * kPanel};
    }
};

/// gelu_fast() in float16, of N vectors at a time: one alone waits for each of its steps. Its
/// polynomial stands in w = 2 (t / 3.7)^2 - 1, from -1 to 1, so that rounding errors stay small.
/// Below -3.7 it is that of -3.7, 0: of an infinite product as well.
template <class Halves, int N>
inline void gelu_halves(typename Halves::Vector (&x)[N]) {
    using Vector = typename Halves::Vector;
    const auto constant = [](float value) { return Halves::broadcast(value); };
    Vector t[N], w[N], p[N];
    const auto each = [](const auto& body) {
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) body(n);
    };
    each([&](int n) { x[n] = Halves::max(x[n], constant(-3.7f)); });
    // What is larger than float16 has came here as infinity, of which nothing finite can be made.
    each([&](int n) { x[n] = Halves::min(x[n], constant(60000.0f)); });
    each([&](int n) { t[n] = Halves::min(x[n], constant(3.7f)); });
    each([&](int n) { w[n] = Halves::multiply(t[n], constant(2.0f / 13.69f)); });
    each([&](int n) { w[n] = Halves::multiply_add(w[n], t[n], constant(-1.0f)); });
    each([&](int n) { p[n] = constant(-0.00736288f); });
    for (const float next : {0.02221523f, -0.03555439f, 0.05416111f, -0.08775275f, 0.18942879f}) {
        each([&](int n) { p[n] = Halves::multiply_add(p[n], w[n], constant(next)); });
    }
    each([&](int n) { p[n] = Halves::multiply_add(p[n], t[n], constant(0.5f)); });
    each([&](int n) { x[n] = Halves::multiply(x[n], p[n]); });
}

/// GELU of `count` halves, a multiple of kInputAlignment, in place; returns the largest magnitude.
template <class Halves>
inline float gelu_row(std::byte* row, int count) {
    using Vector = typename Halves::Vector;
    constexpr int kTogether = 4, kStep = kTogether * Halves::kCount;
    Vector most[kTogether];
    for (auto& vector : most) vector = Halves::broadcast(0.0f);
    const auto advance = [&](int at, auto vectors) {
        constexpr int N = decltype(vectors)::value;
        Vector x[N];
        for (int n = 0; n < N; ++n) x[n] = Halves::load(row + 2 * (at + n * Halves::kCount));
        gelu_halves<Halves, N>(x);
        for (int n = 0; n < N; ++n) {
            Halves::store(row + 2 * (at + n * Halves::kCount), x[n]);
            most[n] = Halves::max(most[n], Halves::absolute(x[n]));
        }
    };
    int at = 0;
    for (; at + kStep <= count; at += kStep) {
        advance(at, std::integral_constant<int, kTogether>{});
    }
    for (; at < count; at += Halves::kCount) advance(at, std::integral_constant<int, 1>{});
    return Halves::largest(
        Halves::max(Halves::max(most[0], most[1]), Halves::max(most[2], most[3])));
}

/// `count` halves of the magnitude `top` at most as int8; returns their scale.
template <class Halves>
inline float round_halves(const std::byte* row, int count, float top, std::byte* out) {
    // A factor that float16 has: rounding it moves the scale, not the values.
    const auto factor = Halves::broadcast(top > 127.0f / 60000.0f ? 127.0f / top : 60000.0f);
    for (int at = 0; at < count; at += 2 * Halves::kCount) {
        Halves::put_bytes(out + at, Halves::multiply(Halves::load(row + 2 * at), factor),
                          Halves::multiply(Halves::load(row + 2 * (at + Halves::kCount)), factor));
    }
    return 1.0f / Halves::first(factor);
}

/// Kernels::project_packed. Only GELU's outputs in int8, of whole panels and of one slice, go by
/// way of halves.
template <class Int8Dot, class Bf16Dot, class Halves>
void project_packed_by_halves(const Projection& projection, int first, int last,
                              const PackedRows& x, Activation activation, const FloatRows& scratch,
                              Precision precision, const PackedRows& out) {
    const int count = last - first;
    if (projection.precision != Precision::int8 || precision != Precision::int8 ||
        activation != Activation::gelu || projection.slices > 1 ||
        projection.outputs % kPanel != 0 || count % kInputAlignment != 0) {
        return project_packed<Int8Dot, Bf16Dot>(projection, first, last, x, activation, scratch,
                                                precision, out);
    }
    auto* wide = reinterpret_cast<std::byte*>(scratch.data);
    const std::ptrdiff_t stride = scratch.stride * static_cast<std::ptrdiff_t>(sizeof(float));
    for_each_part(projection, first, last, [&](const ProjectionPart& part, int column) {
        const PackedRows inputs = inputs_of(projection, part, x);
        const PartOperands operands(projection, part, inputs);
        multiply<Int8Dot>(operands.rows, operands.panels,
                          AssignHalves<Halves>{wide + 2 * column, stride, operands.bias});
    });
    // A few rows, so that one's maximum is found while the others are worked on.
    constexpr int kTogether = 4;
    for (int first_row = 0; first_row < x.count; first_row += kTogether) {
        const int rows = x.count - first_row < kTogether ? x.count - first_row : kTogether;
        float top[kTogether];
        for (int row = 0; row < rows; ++row) {
            top[row] = gelu_row<Halves>(wide + (first_row + row) * stride, count);
        }
        for (int row = first_row; row < first_row + rows; ++row) {
            out.scale[row * out.scale_stride] = round_halves<Halves>(
                wide + row * stride, count, top[row - first_row], out.data + row * out.stride);
        }
    }
}

}  // namespace
}  // namespace squeezebert
