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

/// gelu_fast() in float16. Its polynomial stands in w = 2 (t / 3.7)^2 - 1, from -1 to 1, so that
/// rounding errors stay small. Below -3.7 it is that of -3.7, 0: of an infinite product as well.
template <class Halves>
inline typename Halves::Vector gelu_half(typename Halves::Vector value) {
    const auto constant = [](float x) { return Halves::broadcast(x); };
    // What is larger than float16 has came here as infinity, of which nothing finite can be made.
    const auto x = Halves::min(Halves::max(value, constant(-3.7f)), constant(60000.0f));
    const auto t = Halves::min(x, constant(3.7f));
    const auto w =
        Halves::multiply_add(Halves::multiply(t, constant(2.0f / 13.69f)), t, constant(-1.0f));
    auto p = Halves::multiply_add(constant(-0.00736288f), w, constant(0.02221523f));
    p = Halves::multiply_add(p, w, constant(-0.03555439f));
    p = Halves::multiply_add(p, w, constant(0.05416111f));
    p = Halves::multiply_add(p, w, constant(-0.08775275f));
    p = Halves::multiply_add(p, w, constant(0.18942879f));
    return Halves::multiply(x, Halves::multiply_add(p, t, constant(0.5f)));
}

/// GELU of a row of `count` halves, a multiple of kInputAlignment, in place, and as int8; returns
/// their scale.
template <class Halves>
inline float round_gelu_row(std::byte* row, int count, std::byte* out) {
    auto most = Halves::broadcast(0.0f);
    for (int at = 0; at < count; at += Halves::kCount) {
        const auto y = gelu_half<Halves>(Halves::load(row + 2 * at));
        Halves::store(row + 2 * at, y);
        most = Halves::max(most, Halves::absolute(y));
    }
    const float top = Halves::largest(most);
    // A factor that float16 has: rounding it moves the scale, not the values.
    const float exact = top > 127.0f / 60000.0f ? 127.0f / top : 60000.0f;
    const auto factor = Halves::broadcast(exact);
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
    for (int row = 0; row < x.count; ++row) {
        out.scale[row * out.scale_stride] =
            round_gelu_row<Halves>(wide + row * stride, count, out.data + row * out.stride);
    }
}

}  // namespace
}  // namespace squeezebert
