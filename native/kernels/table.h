/// Puts an instruction set's Dots into the table that the engine calls.
#pragma once

#include "kernels/attention.h"
#include "kernels/peak.h"

namespace squeezebert {
namespace {

inline void nothing() {}

/// Where a processor multiplies bfloat16 faster than float32, attention runs in it too.
template <bool kFastBf16>
Precision attention_precision(Precision precision) {
    return kFastBf16 && precision != Precision::float32 ? Precision::bf16 : Precision::float32;
}

template <class Int8Dot, class Bf16Dot>
void project(const Projection& projection, const ProjectionPart& part, const PackedRows& x,
             Store how, Activation activation, const FloatRows& out) {
    switch (projection.precision) {
        case Precision::int8:
            return project_with<Int8Dot>(projection, part, x, how, activation, out);
        case Precision::bf16:
            return project_with<Bf16Dot>(projection, part, x, how, activation, out);
        case Precision::float32:
            return project_with<FloatDot>(projection, part, x, how, activation, out);
    }
}

template <class Int8Dot, class Bf16Dot>
void project_bf16(const Projection& projection, const ProjectionPart& part, const PackedRows& x,
                  float factor, const PackedRows& out) {
    switch (projection.precision) {
        case Precision::int8:
            return project_bf16_with<Int8Dot>(projection, part, x, factor, out);
        case Precision::bf16:
            return project_bf16_with<Bf16Dot>(projection, part, x, factor, out);
        case Precision::float32:
            return project_bf16_with<FloatDot>(projection, part, x, factor, out);
    }
}

template <class Int8Dot, class Bf16Dot>
void project_packed(const Projection& projection, int first, int last, const PackedRows& x,
                    Activation activation, const FloatRows& scratch, Precision precision,
                    const PackedRows& out) {
    for_each_part(projection, first, last, [&](const ProjectionPart& part, int column) {
        project<Int8Dot, Bf16Dot>(
            projection, part, inputs_of(projection, part, x),
            part.slice == 0 ? Store::assign : Store::accumulate,
            part.slice == projection.slices - 1 ? activation : Activation::none,
            {scratch.data + column, scratch.stride, x.count});
    });
    pack_rows<Int8Dot::kActivationOffset>({precision, 1, last - first, 1},
                                          {scratch.data, scratch.stride, x.count}, out);
}

template <class Int8Dot, class Bf16Dot, bool kFastBf16>
constexpr Kernels make_table() {
    return {64,
            nothing,
            nothing,
            attention_precision<kFastBf16>,
            pack_rows<Int8Dot::kActivationOffset>,
            project<Int8Dot, Bf16Dot>,
            project_bf16<Int8Dot, Bf16Dot>,
            project_packed<Int8Dot, Bf16Dot>,
            store_keys_values<false>,
            attend<Bf16Dot, PlainExponentials<true>>,
            layer_norm_rows<Int8Dot::kActivationOffset>,
            sum_exp,
            peak<Int8Dot, Bf16Dot>};
}

}  // namespace
}  // namespace squeezebert
