/// How the encoder has its projections computed: rows rounded for them, columns, groups and slices.
#include "engine/encoder.h"
#include "engine/row_layout.h"

namespace squeezebert {

PackedRows Encoder::packed_rows(const Projection& projection, int count, Scratch& scratch) const {
    return {scratch.packed.data(), packed_stride(projection), scratch.scale.data(),
            projection.groups * projection.slices, count};
}

PackedRows Encoder::pack(const Projection& projection, const FloatRows& x, Scratch& scratch) const {
    const PackedRows packed = packed_rows(projection, x.count, scratch);
    kernels_.pack(Packing(projection), x, packed);
    scratch.clock.lap(Stage::rounding);
    return packed;
}

void Encoder::project(const Projection& projection, const PackedRows& x, const FloatRows& out,
                      Store store) const {
    project_columns(projection, x, store, Activation::none, 0,
                    projection.groups * projection.outputs, out);
}

void Encoder::project_columns(const Projection& projection, const PackedRows& x, Store store,
                              Activation activation, int first, int last,
                              const FloatRows& out) const {
    for_each_part(projection, first, last, [&](const ProjectionPart& part, int column) {
        kernels_.project(projection, part, inputs_of(projection, part, x),
                         part.slice == 0 ? store : Store::accumulate,
                         part.slice == projection.slices - 1 ? activation : Activation::none,
                         {out.data + column, out.stride, x.count});
    });
}

void Encoder::project_heads(const Projection& projection, const PackedRows& x, float factor,
                            int first_group, int last_group, const PackedRows& out,
                            Scratch& scratch) const {
    const Precision precision = model_.attention_.precision;
    if (precision == Precision::float32) {
        const int first = first_group * projection.outputs, last = last_group * projection.outputs;
        project_columns(projection, x, Store::assign, Activation::none, first, last,
                        {reinterpret_cast<float*>(out.data) + first, heads_stride_ / 4, out.count});
    } else if (projection.slices == 1) {
        for (int group = first_group; group < last_group; ++group) {
            const ProjectionPart part{group, 0, 0, projection.panels};
            PackedRows columns = out;
            columns.data += static_cast<std::ptrdiff_t>(group) * projection.outputs * 2;
            kernels_.project_bf16(projection, part, inputs_of(projection, part, x), factor,
                                  columns);
        }
    } else {
        // Sums of several slices are rounded when they are whole.
        const FloatRows product{scratch.product.data(), stride_, out.count};
        project(projection, x, product);
        for (int row = 0; row < product.count; ++row) {
            float* values = product.data + row * product.stride;
            for (int i = 0; i < model_.config().hidden_size; ++i) values[i] *= factor;
        }
        kernels_.pack({precision, 1, projection.groups * projection.outputs, 1}, product, out);
    }
}

}  // namespace squeezebert
