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

/// Activations in the form that a projection of one precision multiplies; 64-byte aligned rows of
/// (groups, padded_inputs) elements. Up to 31 rows after the last are read, never used.
struct PackedRows {
    std::byte* data = nullptr;
    std::ptrdiff_t stride = 0;        ///< bytes
    float* scale = nullptr;           ///< int8 only: one a row and slice
    std::ptrdiff_t scale_stride = 0;  ///< floats
    int count = 0;
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

/// Keys and values of one sequence in one layer; where they stand is the kernels' own business.
struct KeysValues {
    std::byte* keys = nullptr;
    std::byte* values = nullptr;
    int slots = 0;  ///< a multiple of kKeyAlignment, at least the sequence's length
};

/// Queries are attended to in blocks of at most so many rows.
constexpr int kQueryRows = 32;
/// Keys are walked in blocks of so many.
constexpr int kKeyBlock = 128;

/// Floats of scratch memory (64-byte aligned) that attend() wants.
constexpr std::size_t attention_scratch(const AttentionShape& shape) {
    return static_cast<std::size_t>(kQueryRows) *
           (2 * kKeyBlock + 2 * (shape.head_size / kKeyAlignment + 1) * kKeyAlignment + 64);
}

struct Kernels {
    /// Called on a thread before and after it uses the others.
    void (*begin)();
    void (*end)();

    /// The form in which attention runs best for a model whose products have this precision.
    Precision (*attention_precision)(Precision precision);

    /// Rounds rows of (groups, inputs) floats to a projection's precision: `slices` parts of each
    /// group have a scale of their own.
    void (*pack)(Precision precision, const FloatRows& x, int groups, int inputs, int slices,
                 const PackedRows& out);

    /// Multiplies rows by a part of a projection. `x` has the part's inputs alone, so its scale is
    /// one a row; `out` is where the part's first column goes.
    void (*project)(const Projection& projection, const ProjectionPart& part, const PackedRows& x,
                    Store store, Activation activation, const FloatRows& out);

    /// Puts keys and values of consecutive tokens of a sequence in place. `position` is a multiple
    /// of kPanel; where the sequence ends with these rows (`last`), what follows is filled with 0.
    void (*store_keys_values)(const AttentionShape& shape, const FloatRows& keys,
                              const FloatRows& values, int position, bool last,
                              const KeysValues& out);

    /// Softmax attention of at most kQueryRows queries of one sequence over its `length` keys.
    /// Columns (heads, head_size) of `queries` and `out`.
    void (*attend)(const AttentionShape& shape, const FloatRows& queries, const KeysValues& memory,
                   int length, float* scratch, const FloatRows& out);

    /// x = LayerNorm(x + residual) over `width` columns; residual.data may be null.
    void (*layer_norm)(const FloatRows& x, const FloatRows& residual, int width,
                       const float* weight, const float* bias, float epsilon);

    /// The largest of `count` (at least 1) numbers, and the sum of exp(x - largest).
    float (*sum_exp)(const float* x, int count, float* largest);

    /// Multiply-adds of one precision in registers alone: `iterations` rounds. Returns the number
    /// of operations done (a multiplication and an addition are two). For measuring the peak.
    double (*peak)(Precision precision, std::int64_t iterations);
};

}  // namespace squeezebert
