/// What an instruction set does for the engine: a table of functions over rows of activations.
///
/// Everything in engine/ is written once and calls through this table; each file in kernels/ fills
/// one in from the templates beside it. Rows are tokens, features last. Every row is computed by
/// the same operations in the same order wherever it stands, so a result depends neither on the
/// other rows of a call nor on how rows were divided among threads.
#pragma once

#include <cstddef>
#include <cstdint>

namespace squeezebert {

/// How a product is computed: int8 x int8 summed in int32; bfloat16 x bfloat16 summed in float32;
/// float32 throughout.
enum class Precision : std::uint8_t { int8, bf16, float32 };

enum class Activation : std::uint8_t { none, gelu, gelu_tanh, relu, silu };

/// Outputs that stand together in packed weights, whatever the instruction set.
constexpr int kPanel = 16;

/// Inputs of a group are padded with zeros to a multiple of this: one AMX tile of int8.
constexpr int kInputAlignment = 64;

/// Keys and values of a sequence are padded with zeros to a multiple of this.
constexpr int kKeyAlignment = 32;

/// Bytes of one element of packed weights and activations.
constexpr int element_size(Precision precision) {
    return precision == Precision::int8 ? 1 : precision == Precision::bf16 ? 2 : 4;
}

/// Consecutive inputs of one output that stand together in a panel.
constexpr int inputs_per_step(Precision precision) { return 4 / element_size(precision); }

constexpr int round_up(int value, int multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

/// A position-wise layer y[g, o] = sum_i w[g, o, i] x[g, i] + b[g, o], packed for the processor.
struct Projection {
    Precision precision = Precision::float32;
    int groups = 1;
    int inputs = 0;         ///< of each group
    int outputs = 0;        ///< of each group
    int slices = 1;         ///< parts of a group's inputs that have an activation scale each
    int padded_inputs = 0;  ///< of each group, a multiple of kInputAlignment * slices
    int panels = 0;         ///< of each group, ceil(outputs / kPanel)

    /// (groups, panels, padded_inputs / step, kPanel, step), 64-byte aligned.
    const std::byte* weight = nullptr;
    /// (groups, panels * kPanel); int8 only.
    const float* scale = nullptr;
    /// (groups, slices, panels * kPanel): sums of weights times -128; int8 only. For kernels whose
    /// activations are unsigned.
    const std::int32_t* offset = nullptr;
    /// (groups, panels * kPanel).
    const float* bias = nullptr;
};

/// Rows of float32, `stride` floats apart.
struct FloatRows {
    float* data = nullptr;
    std::ptrdiff_t stride = 0;
    int count = 0;
};

/// Activations in the form that a projection of one precision multiplies, or attention's queries,
/// keys and values in its precision; 64-byte aligned rows of (groups, padded_inputs) elements. Up
/// to 31 rows after the last are read, never used.
struct PackedRows {
    std::byte* data = nullptr;
    std::ptrdiff_t stride = 0;        ///< bytes
    float* scale = nullptr;           ///< int8 only: one a row and slice
    std::ptrdiff_t scale_stride = 0;  ///< floats
    int count = 0;
};

/// How rows are rounded for a projection: each group's inputs in parts that have a scale each.
struct Packing {
    Precision precision = Precision::float32;
    int groups = 1;
    int inputs = 0;  ///< of each group
    int slices = 1;

    explicit Packing(const Projection& projection)
        : Packing(projection.precision, projection.groups, projection.inputs, projection.slices) {}
    Packing(Precision precision, int groups, int inputs, int slices)
        : precision(precision), groups(groups), inputs(inputs), slices(slices) {}
    bool operator==(const Packing& other) const {
        return precision == other.precision && groups == other.groups && inputs == other.inputs &&
               slices == other.slices;
    }
};

/// One block of a product: some panels of one group, over one slice of its inputs.
struct ProjectionPart {
    int group = 0;
    int slice = 0;
    int first_panel = 0;
    int panels = 0;
};

/// What becomes of a product.
enum class Store : std::uint8_t {
    assign,      ///< y = activation(product + bias)
    accumulate,  ///< y = activation(y + product)
    add,         ///< y = activation(y + (product + bias)): onto a residual
};

/// Sizes of attention, the same for every layer.
struct AttentionShape {
    int heads = 0;
    int head_size = 0;
    Precision precision = Precision::float32;  ///< of keys, values and probabilities

    int padded_head() const { return round_up(head_size, kKeyAlignment); }
    int value_panels() const { return (head_size + kPanel - 1) / kPanel; }
    /// Bytes of the keys, and of the values, of a sequence with room for `slots` tokens (a multiple
    /// of kKeyAlignment).
    std::size_t key_bytes(int slots) const {
        return static_cast<std::size_t>(heads) * slots * padded_head() * element_size(precision);
    }
    std::size_t value_bytes(int slots) const {
        return static_cast<std::size_t>(heads) * slots * value_panels() * kPanel *
               element_size(precision);
    }
};

/// What makes products of queries and keys scores to the base 2: log2(e) / sqrt(head_size).
inline float score_scale(int head_size) {
    return 1.4426950408889634f / __builtin_sqrtf(static_cast<float>(head_size));
}

/// Keys and values of one sequence in one layer; where they stand is the kernels' own business.
struct KeysValues {
    std::byte* keys = nullptr;
    std::byte* values = nullptr;
    int slots = 0;  ///< a multiple of kKeyAlignment, at least the sequence's length
};

/// Queries are attended to so many at a time.
constexpr int kQueryRows = 32;
/// Keys are walked in blocks of so many.
constexpr int kKeyBlock = 128;

/// Floats of scratch memory (64-byte aligned) that attend() wants.
constexpr std::size_t attention_scratch(const AttentionShape& shape) {
    return static_cast<std::size_t>(kQueryRows) *
           (2 * kKeyBlock + 2 * (shape.head_size / kKeyAlignment + 1) * kKeyAlignment + 64);
}

/// Calls body(part, column) for what makes up columns [first, last) of a projection, the first of
/// them a panel's: their groups and, of each, the slices in order. `column` counts from `first`.
template <class Body>
inline void for_each_part(const Projection& projection, int first, int last, Body body) {
    // The sums of several slices are made so many columns at a time: 32 KiB of 64 rows, which
    // should stay in the nearest cache from one slice to the next.
    constexpr int kSlicedColumns = 8 * kPanel;
    for (int column = first; column < last;) {
        const int group = column / projection.outputs;
        int end = (group + 1) * projection.outputs;
        if (last < end) end = last;
        if (projection.slices > 1 && column + kSlicedColumns < end) end = column + kSlicedColumns;
        const int panel = column % projection.outputs / kPanel;
        const int panels = (end - column + kPanel - 1) / kPanel;
        for (int slice = 0; slice < projection.slices; ++slice) {
            body(ProjectionPart{group, slice, panel, panels}, column - first);
        }
        column = end;
    }
}

/// What rows of all of a projection's inputs have of a part's.
inline PackedRows inputs_of(const Projection& projection, const ProjectionPart& part,
                            const PackedRows& x) {
    const std::ptrdiff_t slice = part.group * projection.slices + part.slice;
    PackedRows rows = x;
    rows.data +=
        slice * (projection.padded_inputs / projection.slices) * element_size(projection.precision);
    rows.scale += slice;
    return rows;
}

struct Kernels {
    /// The most rows that go through a layer together: enough to read each weight for, few enough
    /// for their intermediate values to stay in the second-level cache.
    int block_rows;

    /// Called on a thread before and after it uses the others.
    void (*begin)();
    void (*end)();

    /// The form in which attention runs best for a model whose products have this precision.
    Precision (*attention_precision)(Precision precision);

    /// Rounds rows of (groups, inputs) floats.
    void (*pack)(const Packing& packing, const FloatRows& x, const PackedRows& out);

    /// Multiplies rows by a part of a projection. `x` has the part's inputs alone, so its scale is
    /// one a row; `out` is where the part's first column goes.
    void (*project)(const Projection& projection, const ProjectionPart& part, const PackedRows& x,
                    Store store, Activation activation, const FloatRows& out);

    /// The same, y = (product + bias) * factor, rounded to bfloat16: `out` is where the part's
    /// first column goes, rows `out.stride` bytes apart.
    void (*project_bf16)(const Projection& projection, const ProjectionPart& part,
                         const PackedRows& x, float factor, const PackedRows& out);

    /// Columns [first, last) of y = activation(product + bias), rounded as one part with a scale a
    /// row. `x` has all of the projection's inputs; `scratch` has room for these columns.
    void (*project_packed)(const Projection& projection, int first, int last, const PackedRows& x,
                           Activation activation, const FloatRows& scratch, Precision precision,
                           const PackedRows& out);

    /// Puts keys and values of consecutive tokens of a sequence in place: columns (heads,
    /// head_size) in attention's precision. `position` is a multiple of kPanel; where the sequence
    /// ends with these rows (`last`), what follows is filled with 0.
    void (*store_keys_values)(const AttentionShape& shape, const PackedRows& keys,
                              const PackedRows& values, int position, bool last,
                              const KeysValues& out);

    /// Softmax attention of queries of one sequence over its `length` keys.
    /// Columns (heads, head_size) of `queries`, in attention's precision, and of `out`. Queries of
    /// bfloat16 come multiplied by score_scale().
    void (*attend)(const AttentionShape& shape, const PackedRows& queries, const KeysValues& memory,
                   int length, float* scratch, const FloatRows& out);

    /// x = LayerNorm(x) over `width` columns, and then also rounded where `packing` is not null.
    void (*layer_norm)(const FloatRows& x, int width, const float* weight, const float* bias,
                       float epsilon, const Packing* packing, const PackedRows& packed);

    /// The largest of `count` (at least 1) numbers, and the sum of exp(x - largest).
    float (*sum_exp)(const float* x, int count, float* largest);

    /// Multiply-adds of one precision in registers alone: `iterations` rounds. Returns the number
    /// of operations done (a multiplication and an addition are two). For measuring the peak.
    double (*peak)(Precision precision, std::int64_t iterations);
};

}  // namespace squeezebert
