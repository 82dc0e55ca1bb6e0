/// Naive counterparts, in double precision, of what kernels/ does, and the inputs of its tests.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "kernels/kernels.h"

namespace squeezebert::tests {

/// Exactly `size` elements at a 64-byte boundary: AddressSanitizer sees what goes past them.
template <class T>
class Aligned {
public:
    explicit Aligned(std::size_t size)
        : data_(static_cast<T*>(::operator new(size * sizeof(T) + (size == 0), kAlignment))),
          size_(size) {}
    T* data() { return data_.get(); }
    const T* data() const { return data_.get(); }
    std::size_t size() const { return size_; }
    T& operator[](std::size_t at) { return data_.get()[at]; }
    T operator[](std::size_t at) const { return data_.get()[at]; }

private:
    static constexpr std::align_val_t kAlignment{64};
    struct Release {
        void operator()(T* data) const { ::operator delete(data, kAlignment); }
    };
    std::unique_ptr<T, Release> data_;
    std::size_t size_;
};

/// Numbers that are the same in every run: near to a normal distribution, mean 0, deviation 1.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
    float next() {
        double sum = 0;
        for (int i = 0; i < 4; ++i) {
            state_ = state_ * 6364136223846793005u + 1442695040888963407u;
            sum += static_cast<double>(state_ >> 40) / (1 << 24);
        }
        return static_cast<float>((sum - 2) * 1.7320508);
    }
    std::vector<float> vector(std::size_t size, float scale = 1.0f) {
        std::vector<float> values(size);
        for (float& value : values) value = next() * scale;
        return values;
    }

private:
    std::uint64_t state_;
};

inline std::uint32_t bits_of(float value) {
    std::uint32_t word;
    std::memcpy(&word, &value, sizeof word);
    return word;
}

/// To the nearest bfloat16, ties to even.
inline float round_to_bf16(float value) {
    std::uint32_t word = bits_of(value);
    word = (word + 0x7fff + ((word >> 16) & 1)) & 0xffff0000u;
    std::memcpy(&value, &word, sizeof value);
    return value;
}

/// What a product multiplies: whole numbers and their scale for int8, a scale of 1 otherwise.
struct Rounded {
    std::vector<double> values;
    double scale = 1;
};

inline Rounded round_for_product(Precision precision, const float* x, int count) {
    Rounded rounded;
    float top = 0;
    for (int i = 0; i < count; ++i) top = std::fmax(top, std::fabs(x[i]));
    for (int i = 0; i < count; ++i) {
        if (precision == Precision::int8) {
            const float factor = top > 0 ? 127.0f / top : 0.0f;
            rounded.values.push_back(std::nearbyint(x[i] * factor));
        } else {
            rounded.values.push_back(precision == Precision::bf16 ? round_to_bf16(x[i]) : x[i]);
        }
    }
    if (precision == Precision::int8) rounded.scale = top / 127.0f;
    return rounded;
}

/// A position-wise layer in float32 and packed by the layout in kernels.h, one element after the
/// other.
class Layer {
public:
    /// `weight` (groups, outputs, inputs), `bias` (groups, outputs).
    Layer(Precision precision, int groups, int inputs, int outputs, int slices,
          const std::vector<float>& weight, const std::vector<float>& bias)
        : weight_(packed_bytes(precision, groups, inputs, outputs, slices)) {
        projection_.precision = precision;
        projection_.groups = groups;
        projection_.inputs = inputs;
        projection_.outputs = outputs;
        projection_.slices = slices;
        projection_.padded_inputs = round_up(inputs, kInputAlignment * slices);
        projection_.panels = (outputs + kPanel - 1) / kPanel;
        const int columns = projection_.panels * kPanel;
        std::memset(weight_.data(), 0, weight_.size());
        scale_.assign(static_cast<std::size_t>(groups) * columns, 1.0f);
        offset_.assign(static_cast<std::size_t>(groups) * slices * columns, 0);
        bias_.assign(static_cast<std::size_t>(groups) * columns, 0.0f);
        for (int g = 0; g < groups; ++g) {
            for (int o = 0; o < outputs; ++o) {
                const int row = g * outputs + o;
                bias_[g * columns + o] = bias[row];
                rows_.push_back(round_for_product(
                    precision, weight.data() + static_cast<std::ptrdiff_t>(row) * inputs, inputs));
                put_row(g, o, rows_.back());
            }
        }
        projection_.weight = weight_.data();
        projection_.scale = scale_.data();
        projection_.offset = offset_.data();
        projection_.bias = bias_.data();
    }
    Layer(const Layer&) = delete;
    Layer& operator=(const Layer&) = delete;

    const Projection& projection() const { return projection_; }
    /// Inputs of one output as they are multiplied.
    const Rounded& row(int group, int output) const {
        return rows_[static_cast<std::size_t>(group) * projection_.outputs + output];
    }

private:
    static std::size_t packed_bytes(Precision precision, int groups, int inputs, int outputs,
                                    int slices) {
        return static_cast<std::size_t>(groups) * round_up(inputs, kInputAlignment * slices) *
               round_up(outputs, kPanel) * element_size(precision);
    }

    void put_row(int group, int output, const Rounded& row) {
        const Projection& p = projection_;
        const int step = inputs_per_step(p.precision), size = element_size(p.precision);
        const int columns = p.panels * kPanel;
        scale_[group * columns + output] =
            p.precision == Precision::int8 && row.scale > 0 ? static_cast<float>(row.scale) : 1.0f;
        for (int i = 0; i < p.inputs; ++i) {
            std::size_t at = static_cast<std::size_t>(group) * p.panels + output / kPanel;
            at = at * (p.padded_inputs / step) + i / step;
            at = (at * kPanel + output % kPanel) * step + i % step;
            if (p.precision == Precision::int8) {
                const int value = static_cast<int>(row.values[i]);
                weight_[at] = static_cast<std::byte>(value & 0xff);
                const int slice = i / (p.padded_inputs / p.slices);
                offset_[(group * p.slices + slice) * columns + output] -= 128 * value;
            } else {
                const std::uint32_t word = bits_of(static_cast<float>(row.values[i]));
                const std::uint32_t kept = size == 2 ? word >> 16 : word;
                std::memcpy(weight_.data() + at * size, &kept, size);  // little-endian
            }
        }
    }

    Projection projection_;
    Aligned<std::byte> weight_;
    std::vector<float> scale_, bias_;
    std::vector<std::int32_t> offset_;
    std::vector<Rounded> rows_;
};

/// A sum, and the sum of its terms' magnitudes: what rounding errors are measured by.
struct Sum {
    double value = 0, magnitude = 0;
};

/// One output of one row over one slice of the inputs; `x` are the row's inputs of that group and
/// slice.
inline Sum reference_product(const Layer& layer, int group, int slice, int output,
                             const Rounded& x) {
    const Rounded& row = layer.row(group, output);
    const double scale = row.scale * x.scale;
    const std::size_t first = slice * x.values.size();
    Sum sum;
    for (std::size_t i = 0; i < x.values.size(); ++i) {
        const double term = row.values[first + i] * x.values[i];
        sum.value += term;
        sum.magnitude += std::fabs(term);
    }
    return {sum.value * scale, sum.magnitude * scale};
}

inline double reference_activation(Activation activation, double x) {
    switch (activation) {
        case Activation::gelu:
            return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
        case Activation::gelu_tanh:
            return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
        case Activation::relu:
            return x > 0 ? x : 0;
        case Activation::silu:
            return x / (1 + std::exp(-x));
        case Activation::none:
            break;
    }
    return x;
}

/// Attention of one query (head_size) to `length` keys and values, `stride` floats apart, as they
/// are multiplied in this precision: (head_size) sums.
inline std::vector<Sum> reference_attention(Precision precision, const float* query,
                                            const float* keys, const float* values,
                                            std::ptrdiff_t stride, int head_size, int length) {
    // Queries are rounded as multiples of what makes their products scores to the base 2.
    std::vector<float> scaled(query, query + head_size);
    for (float& value : scaled) value *= score_scale(head_size);
    const Rounded q = round_for_product(precision, scaled.data(), head_size);
    std::vector<double> scores;
    double top = -INFINITY, total = 0;
    for (int i = 0; i < length; ++i) {
        const Rounded key = round_for_product(precision, keys + i * stride, head_size);
        double score = 0;
        for (int j = 0; j < head_size; ++j) score += q.values[j] * key.values[j];
        scores.push_back(score);
        top = std::fmax(top, scores.back());
    }
    for (double& score : scores) total += score = std::exp2(score - top);
    std::vector<Sum> out(head_size);
    for (int i = 0; i < length; ++i) {
        const Rounded value = round_for_product(precision, values + i * stride, head_size);
        for (int j = 0; j < head_size; ++j) {
            const double term = scores[i] / total * value.values[j];
            out[j].value += term;
            out[j].magnitude += std::fabs(term);
        }
    }
    return out;
}

}  // namespace squeezebert::tests
