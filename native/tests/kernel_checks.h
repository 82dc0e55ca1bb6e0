/// What every table of kernels must do, whatever its instruction set: projections.
///
/// Each row is computed alone and held against the naive reference; then in calls of many rows,
/// parts and places it must come out the same bit for bit.
#pragma once

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "tests/check.h"
#include "tests/kernel_reference.h"

namespace squeezebert::tests {

constexpr float kGuard = -98765.0f;
constexpr int kMostRows = 33;
/// Rows that a kernel may read past the last.
constexpr int kReadable = 31;

inline const std::vector<Precision>& all_precisions() {
    static const std::vector<Precision> all{Precision::int8, Precision::bf16, Precision::float32};
    return all;
}

/// Fails with the text where two floats differ in any bit.
inline void check_same_bits(float received, float expected, const std::string& where) {
    if (bits_of(received) != bits_of(expected)) {
        check_equal(received, expected, {__FILE__, __LINE__, where.c_str()});
        check_equal(bits_of(received), bits_of(expected), {__FILE__, __LINE__, where.c_str()});
    }
}

inline void check_close(double received, double expected, double tolerance,
                        const std::string& where) {
    check_near(received, expected, tolerance, {__FILE__, __LINE__, where.c_str()});
}

/// begin() and end() of a table around a test.
class Begun {
public:
    explicit Begun(const Kernels& kernels) : kernels_(kernels) { kernels_.begin(); }
    ~Begun() { kernels_.end(); }
    Begun(const Begun&) = delete;
    Begun& operator=(const Begun&) = delete;

private:
    const Kernels& kernels_;
};

/// Rows of floats with guards on all sides, at no particular alignment.
class GuardedRows {
public:
    GuardedRows(int rows, int width, float fill)
        : width_(width), stride_(width + 5), values_((rows + 2) * stride_, kGuard) {
        for (int row = 0; row < rows; ++row) std::fill_n(at(row), width, fill);
    }
    float* at(int row) { return values_.data() + (row + 1) * stride_ + 2; }
    FloatRows rows(int first, int count, int column = 0) {
        return {at(first) + column, stride_, count};
    }
    void check_guards(const std::string& where) {
        const int count = static_cast<int>(values_.size());
        for (int i = 0; i < count; ++i) {
            const int row = i / stride_ - 1, column = i % stride_ - 2;
            const bool inside =
                row >= 0 && row < count / stride_ - 2 && column >= 0 && column < width_;
            if (!inside) check_same_bits(values_[i], kGuard, where + ", outside of the rows");
        }
    }

private:
    int width_, stride_;
    std::vector<float> values_;
};

/// Rows packed by a table, with what follows them filled with rubbish that may be read.
class Packed {
public:
    Packed(const Kernels& kernels, const Layer& layer, const FloatRows& x)
        : stride_(row_bytes(layer)),
          slices_(layer.projection().groups * layer.projection().slices),
          data_(static_cast<std::size_t>(x.count + kReadable) * stride_),
          scales_(static_cast<std::size_t>(x.count) * slices_) {
        std::memset(data_.data(), 0xff, data_.size());
        kernels.pack(Packing(layer.projection()), x, rows(0, x.count));
    }
    /// Rows from one group and slice of the inputs on.
    PackedRows rows(int first, int count, int slice = 0) {
        return {data_.data() + first * stride_ + slice * (stride_ / slices_), stride_,
                scales_.data() + first * slices_ + slice, slices_, count};
    }

private:
    static std::ptrdiff_t row_bytes(const Layer& layer) {
        const Projection& p = layer.projection();
        return static_cast<std::ptrdiff_t>(p.groups) * p.padded_inputs * element_size(p.precision);
    }
    std::ptrdiff_t stride_, slices_;
    Aligned<std::byte> data_;
    Aligned<float> scales_;
};

/// Projects rows [first, first + count) of all groups, the last column first, so that what spills
/// past a part's columns is seen.
inline void project_all(const Kernels& kernels, const Layer& layer, Packed& x, int first, int count,
                        Store store, Activation activation, int panels_a_part, GuardedRows& out) {
    const Projection& p = layer.projection();
    for (int slice = 0; slice < p.slices; ++slice) {
        const Store how = slice == 0 ? store : Store::accumulate;
        const Activation last = slice == p.slices - 1 ? activation : Activation::none;
        for (int group = p.groups - 1; group >= 0; --group) {
            int panel = (p.panels - 1) / panels_a_part * panels_a_part;
            for (; panel >= 0; panel -= panels_a_part) {
                const int panels = std::min(panels_a_part, p.panels - panel);
                kernels.project(p, {group, slice, panel, panels},
                                x.rows(first, count, group * p.slices + slice), how, last,
                                out.rows(first, count, group * p.outputs + panel * kPanel));
            }
        }
    }
}

struct ProjectionSizes {
    int groups, inputs, outputs, slices;
};

/// How far off an activation of a projection may be.
inline double activation_tolerance(Precision precision, Activation activation) {
    return precision != Precision::float32 && activation == Activation::gelu ? 5e-4 : 1e-6;
}

inline void check_projection(const Kernels& kernels, Precision precision,
                             const ProjectionSizes& sizes, Store store, Activation activation) {
    const auto [groups, inputs, outputs, slices] = sizes;
    const std::string where = std::to_string(groups) + " groups " + std::to_string(inputs) +
                              " -> " + std::to_string(outputs) + ", " + std::to_string(slices) +
                              " slices, precision " + shown(precision) + ", store " + shown(store);
    Random random(inputs * 1000 + outputs);
    const int columns = groups * outputs;
    const Layer layer(precision, groups, inputs, outputs, slices,
                      random.vector(static_cast<std::size_t>(columns) * inputs,
                                    1.5f / std::sqrt(static_cast<float>(inputs))),
                      random.vector(columns));
    std::vector<float> x = random.vector(static_cast<std::size_t>(kMostRows) * groups * inputs);
    const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(groups) * inputs;
    Packed packed(kernels, layer, {x.data(), stride, kMostRows});
    const int panels = layer.projection().panels;
    constexpr float kBefore = 0.25f;

    GuardedRows alone(kMostRows, columns, kBefore);
    for (int row = 0; row < kMostRows; ++row) {
        project_all(kernels, layer, packed, row, 1, store, activation, panels, alone);
    }
    alone.check_guards(where);
    for (int row = 0; row < kMostRows; ++row) {
        for (int g = 0; g < groups; ++g) {
            std::vector<Rounded> parts;
            for (int slice = 0; slice < slices; ++slice) {
                const int count = inputs / slices;
                parts.push_back(round_for_product(
                    precision, x.data() + row * stride + g * inputs + slice * count, count));
            }
            for (int o = 0; o < outputs; ++o) {
                Sum first = reference_product(layer, g, 0, o, parts[0]);
                const double bias = layer.projection().bias[g * panels * kPanel + o];
                const double before = (store == Store::accumulate ? 0 : bias) +
                                      (store == Store::assign ? 0 : kBefore);
                double expected = before + first.value;
                first.magnitude += std::fabs(before);
                for (int slice = 1; slice < slices; ++slice) {
                    const Sum sum = reference_product(layer, g, slice, o, parts[slice]);
                    expected += sum.value;
                    first.magnitude += sum.magnitude;
                }
                expected = reference_activation(activation, expected);
                check_close(
                    alone.at(row)[g * outputs + o], expected,
                    2e-6 * (1 + first.magnitude) + activation_tolerance(precision, activation),
                    where + ", row " + std::to_string(row) + ", column " +
                        std::to_string(g * outputs + o));
            }
        }
    }

    for (int count : {0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 31, 32, 33}) {
        const int first = kMostRows - count;
        GuardedRows together(kMostRows, columns, kBefore);
        project_all(kernels, layer, packed, first, count, store, activation, 1 + count % panels,
                    together);
        const std::string here = where + ", " + std::to_string(count) + " rows";
        together.check_guards(here);
        for (int row = first; row < kMostRows; ++row) {
            for (int i = 0; i < columns; ++i) {
                check_same_bits(together.at(row)[i], alone.at(row)[i], here);
            }
        }
    }
}

/// Sizes that hurt: each of inputs with each of outputs, groups and the rest in turn.
inline void check_projections(const Kernels& kernels, Precision precision) {
    const Begun begun(kernels);
    const Activation activations[] = {Activation::none, Activation::gelu, Activation::gelu_tanh,
                                      Activation::relu, Activation::silu};
    int turn = 0;
    for (int inputs : {1, 3, 15, 16, 17, 48, 64, 65, 192, 768}) {
        for (int outputs : {1, 5, 15, 16, 17, 33, 64, 80, 192}) {
            const int groups = inputs * outputs > 20000 ? 1 : 1 + turn % 4;
            constexpr Store kStores[] = {Store::assign, Store::add, Store::accumulate};
            const Store store = kStores[turn % 3];
            check_projection(kernels, precision, {groups, inputs, outputs, 1}, store,
                             activations[turn % 5]);
            ++turn;
        }
    }
    for (int slices : {2, 3, 4}) {
        check_projection(kernels, precision, {2, 64 * slices, 40, slices}, Store::assign,
                         activations[slices]);
        check_projection(kernels, precision, {1, 128 * slices, 17, slices}, Store::accumulate,
                         Activation::none);
    }
}

/// Activations alone: inputs are 0, so that the biases go through them.
inline void check_activations(const Kernels& kernels, Precision precision) {
    const Begun begun(kernels);
    std::vector<float> bias;
    for (int i = -1200; i <= 1200; ++i) bias.push_back(static_cast<float>(i) / 100);
    for (float big : {30.0f, 88.0f, 1e3f, 1e10f}) {
        bias.push_back(big);
        bias.push_back(-big);
    }
    const int outputs = static_cast<int>(bias.size());
    const Layer layer(precision, 1, 1, outputs, 1, std::vector<float>(outputs), bias);
    float zero = 0;
    Packed packed(kernels, layer, {&zero, 1, 1});
    for (Activation activation : {Activation::none, Activation::gelu, Activation::gelu_tanh,
                                  Activation::relu, Activation::silu}) {
        GuardedRows out(1, outputs, 0);
        project_all(kernels, layer, packed, 0, 1, Store::assign, activation,
                    layer.projection().panels, out);
        for (int i = 0; i < outputs; ++i) {
            const double expected = reference_activation(activation, bias[i]);
            check_close(out.at(0)[i], expected,
                        activation_tolerance(precision, activation) + 1e-6 * std::fabs(bias[i]),
                        "activation " + shown(activation) + " of " + shown(bias[i]));
        }
    }
}

}  // namespace squeezebert::tests
