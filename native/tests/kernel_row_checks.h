/// What every table of kernels must do: rounding, attention and LayerNorm.
#pragma once

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "tests/kernel_checks.h"

namespace squeezebert::tests {

// --- rounding ---------------------------------------------------------------------------------

/// Elements of one packed row as the products take them; `zero` is what a packed 0 looks like.
inline std::vector<double> unpack(Precision precision, const std::byte* row, int count,
                                  std::byte zero) {
    std::vector<double> values;
    for (int i = 0; i < count; ++i) {
        if (precision == Precision::int8) {
            const auto byte = static_cast<std::uint8_t>(row[i] ^ zero);  // 128 or 0 was added
            values.push_back(static_cast<std::int8_t>(byte));
        } else {
            std::uint32_t word = 0;
            std::memcpy(&word, row + i * element_size(precision), element_size(precision));
            if (precision == Precision::bf16) word <<= 16;
            float value;
            std::memcpy(&value, &word, sizeof value);
            values.push_back(value);
        }
    }
    return values;
}

inline void check_pack(const Kernels& kernels, Precision precision, int groups, int inputs,
                       int slices) {
    const std::string where = std::to_string(groups) + " groups of " + std::to_string(inputs) +
                              ", " + std::to_string(slices) + " slices, precision " +
                              shown(precision);
    constexpr int kRows = 7;
    const int count = inputs / slices, padded = round_up(count, kInputAlignment);
    const int parts = groups * slices, size = element_size(precision);
    Random random(inputs);
    const std::vector<float> x = random.vector(static_cast<std::size_t>(kRows) * groups * inputs);
    GuardedRows rows(kRows, groups * inputs, 0);
    for (int row = 1; row < kRows; ++row) {  // the first row stays 0
        for (int i = 0; i < groups * inputs; ++i) {
            const float scale = row == 1 ? 1e30f : row == 2 ? 1e-30f : 1.0f;
            rows.at(row)[i] = x[row * groups * inputs + i] * scale;
        }
    }
    const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(parts) * padded * size;
    Aligned<std::byte> data((kRows + 1) * stride);
    std::vector<float> scales((kRows + 1) * parts, kGuard);
    std::memset(data.data(), 0x5a, data.size());
    kernels.pack({precision, groups, inputs, slices}, rows.rows(0, kRows),
                 {data.data(), stride, scales.data(), parts, kRows});
    rows.check_guards(where);
    for (std::ptrdiff_t i = kRows * stride; i < (kRows + 1) * stride; ++i) {
        check_equal(data[i], std::byte{0x5a}, {__FILE__, __LINE__, where.c_str()});
    }
    for (int row = 0; row <= kRows; ++row) {
        for (int part = 0; part < parts; ++part) {
            const std::string here =
                where + ", row " + std::to_string(row) + ", part " + std::to_string(part);
            const float scale = scales[row * parts + part];
            if (row == kRows || precision != Precision::int8) {
                check_same_bits(scale, kGuard, here + ": a scale that isn't there");
            }
            if (row == kRows) continue;
            const Rounded expected =
                round_for_product(precision, rows.at(row) + part * count, count);
            if (precision == Precision::int8) {
                check_close(scale, expected.scale, 1e-6 * expected.scale, here + ": scale");
            }
            const std::byte* packed = data.data() + row * stride + part * padded * size;
            const auto values = unpack(precision, packed, padded, data[0]);
            for (int i = 0; i < count; ++i) check_close(values[i], expected.values[i], 0, here);
            // What pads multiplies weights of 0, so that any finite number will do.
            for (double value : values) CHECK(std::isfinite(value));
        }
    }
}

/// Neither the smallest numbers nor what isn't a number may crash or spoil another row.
inline void check_pack_of_extremes(const Kernels& kernels, Precision precision) {
    constexpr int kWidth = 70;
    const float infinity = std::numeric_limits<float>::infinity();
    const std::vector<float> extremes{std::numeric_limits<float>::quiet_NaN(),
                                      infinity,
                                      -infinity,
                                      std::numeric_limits<float>::max(),
                                      std::numeric_limits<float>::min(),
                                      std::numeric_limits<float>::denorm_min()};
    const int rows = static_cast<int>(extremes.size()) + 1;
    std::vector<float> x(rows * kWidth, 0.0f);
    for (int row = 0; row < rows; ++row) {
        for (int i = 0; i < kWidth; ++i) {
            x[row * kWidth + i] = row + 1 < rows ? (i % 3 == 1 ? extremes[row] : 0.0f) : 1.0f;
        }
    }
    const std::ptrdiff_t stride = 128 * element_size(precision);
    Aligned<std::byte> data(rows * stride);
    std::vector<float> scales(rows);
    const Packing packing{precision, 1, kWidth, 1};
    kernels.pack(packing, {x.data(), kWidth, rows}, {data.data(), stride, scales.data(), 1, rows});
    Aligned<std::byte> zero(stride);
    float nought[kWidth] = {}, scale = -1;
    kernels.pack(packing, {nought, kWidth, 1}, {zero.data(), stride, &scale, 1, 1});
    const auto last = unpack(precision, data.data() + (rows - 1) * stride, kWidth, zero[0]);
    for (double value : last) CHECK_EQUAL(value, precision == Precision::int8 ? 127.0 : 1.0);
    if (precision == Precision::int8) {
        CHECK_EQUAL(scale, 0.0f);
        CHECK_EQUAL(scales[rows - 1], 1.0f / 127.0f);
    }
}

inline void check_packing(const Kernels& kernels, Precision precision) {
    const Begun begun(kernels);
    for (int inputs : {1, 3, 15, 16, 17, 48, 64, 65, 192, 768}) {
        check_pack(kernels, precision, 1 + inputs % 4, inputs, 1);
    }
    check_pack(kernels, precision, 2, 192, 3);
    check_pack(kernels, precision, 1, 256, 2);
    check_pack_of_extremes(kernels, precision);
}

// --- attention --------------------------------------------------------------------------------

/// Rows of floats times a factor in attention's precision, with what follows them filled with
/// rubbish that may be read.
class Heads {
public:
    Heads(Precision precision, const FloatRows& x, int width, float factor = 1)
        : stride_(round_up(width * element_size(precision), 64) + 64),
          count_(x.count),
          data_(static_cast<std::size_t>(x.count + kReadable) * stride_) {
        std::memset(data_.data(), 0xff, data_.size());
        for (int row = 0; row < x.count; ++row) {
            for (int i = 0; i < width; ++i) {
                const float value = x.data[row * x.stride + i] * factor;
                std::uint32_t word = bits_of(value);
                if (precision == Precision::bf16) word = bits_of(round_to_bf16(value)) >> 16;
                const int size = element_size(precision);
                std::memcpy(data_.data() + row * stride_ + i * size, &word, size);
            }
        }
    }
    PackedRows rows(int first, int count) {
        return {data_.data() + first * stride_, stride_, nullptr, 0, count};
    }
    int count() const { return count_; }

private:
    std::ptrdiff_t stride_;
    int count_;
    Aligned<std::byte> data_;
};

/// Keys and values of one sequence, put in place in pieces of so many tokens.
class Memory {
public:
    Memory(const Kernels& kernels, const AttentionShape& shape, Heads& keys, Heads& values,
           int slots, int piece)
        : keys_(shape.key_bytes(slots)), values_(shape.value_bytes(slots)), slots_(slots) {
        std::memset(keys_.data(), 0xff, keys_.size());  // not-a-numbers where nothing is put
        std::memset(values_.data(), 0xff, values_.size());
        const int length = keys.count();
        for (int first = 0; first < length; first += piece) {
            const int count = std::min(piece, length - first);
            kernels.store_keys_values(shape, keys.rows(first, count), values.rows(first, count),
                                      first, first + count == length,
                                      {keys_.data(), values_.data(), slots_});
        }
    }
    KeysValues get() { return {keys_.data(), values_.data(), slots_}; }

private:
    Aligned<std::byte> keys_, values_;
    int slots_;
};

inline float query_factor(const AttentionShape& shape) {
    return shape.precision == Precision::bf16 ? score_scale(shape.head_size) : 1.0f;
}

/// Queries [first, first + count) of `queries` into the same rows of `out`.
inline void attend_rows(const Kernels& kernels, const AttentionShape& shape, Heads& queries,
                        Memory& memory, int length, int first, int count, GuardedRows& out) {
    Aligned<float> scratch(attention_scratch(shape));
    std::fill_n(scratch.data(), scratch.size(), std::numeric_limits<float>::quiet_NaN());
    kernels.attend(shape, queries.rows(first, count), memory.get(), length, scratch.data(),
                   out.rows(first, count));
}

/// `query_scale` widens the scores.
inline void check_attention(const Kernels& kernels, const AttentionShape& shape, int length,
                            float query_scale, const std::vector<int>& blocks) {
    const int width = shape.heads * shape.head_size;
    const std::string where = std::to_string(shape.heads) + " heads of " +
                              std::to_string(shape.head_size) + ", " + std::to_string(length) +
                              " keys, precision " + shown(shape.precision) + ", queries of " +
                              shown(query_scale);
    Random random(length * 1000 + shape.head_size);
    // Queries, keys and values stand beside one another, as a projection leaves them.
    const std::ptrdiff_t stride = 3 * width + 1;
    const int rows = std::max(length, kQueryRows);
    std::vector<float> qkv = random.vector(rows * stride);
    for (int row = 0; row < rows; ++row) {
        for (int i = 0; i < width; ++i) qkv[row * stride + i] *= query_scale;
    }
    const auto heads_of = [&](int part, int count, float factor) {
        return Heads(shape.precision, {qkv.data() + part * width, stride, count}, width, factor);
    };
    Heads queries = heads_of(0, kQueryRows, query_factor(shape));
    Heads keys = heads_of(1, length, 1), values = heads_of(2, length, 1);
    Memory memory(kernels, shape, keys, values, round_up(length, kKeyAlignment), length);

    GuardedRows alone(kQueryRows, width, 0);
    for (int row = 0; row < kQueryRows; ++row) {
        attend_rows(kernels, shape, queries, memory, length, row, 1, alone);
    }
    alone.check_guards(where);
    const double rounding = shape.precision == Precision::bf16 ? 0.004 : 0;  // of probabilities
    for (int row = 0; row < kQueryRows; row += 5) {
        for (int head = 0; head < shape.heads; ++head) {
            const int at = head * shape.head_size;
            const auto expected = reference_attention(
                shape.precision, qkv.data() + row * stride + at, qkv.data() + width + at,
                qkv.data() + 2 * width + at, stride, shape.head_size, length);
            for (int i = 0; i < shape.head_size; ++i) {
                // Scores of magnitude s are off by about s * 2^-24 * a few.
                const double tolerance =
                    (rounding + 5e-6 * (1 + query_scale)) * (expected[i].magnitude + 1e-3);
                check_close(alone.at(row)[at + i], expected[i].value, tolerance, where);
            }
        }
    }
    Memory pieces(kernels, shape, keys, values, round_up(length, kKeyAlignment) + kKeyAlignment,
                  length > 100 ? 48 : kPanel);
    for (int count : blocks) {
        const int first = kQueryRows - count;
        GuardedRows together(kQueryRows, width, 0);
        attend_rows(kernels, shape, queries, pieces, length, first, count, together);
        together.check_guards(where);
        for (int row = first; row < kQueryRows; ++row) {
            for (int i = 0; i < width; ++i) {
                check_same_bits(together.at(row)[i], alone.at(row)[i],
                                where + ", " + std::to_string(count) + " queries");
            }
        }
    }
}

/// Scores of +-1e4 and beyond: one key takes all, and no NaN comes out.
inline void check_extreme_scores(const Kernels& kernels, Precision precision) {
    const AttentionShape shape{1, 32, precision};
    for (int length : {1, 15, 33, 200}) {
        std::vector<float> queries(kQueryRows * 32, 100.0f), keys(length * 32), values(length * 32);
        for (int i = 0; i < length; ++i) {
            std::fill_n(keys.data() + i * 32, 32, i == length / 2 ? 18.0f : -18.0f);
            std::fill_n(values.data() + i * 32, 32, static_cast<float>(i % 100));
        }
        for (int i = 0; i < 32; ++i) queries[32 + i] = -100.0f;  // the other way round
        for (int i = 0; i < 32; ++i) queries[64 + i] = 1e30f;
        Heads rows(precision, {queries.data(), 32, kQueryRows}, 32, query_factor(shape));
        Heads key_rows(precision, {keys.data(), 32, length}, 32);
        Heads value_rows(precision, {values.data(), 32, length}, 32);
        Memory memory(kernels, shape, key_rows, value_rows, round_up(length, kKeyAlignment),
                      length);
        GuardedRows out(kQueryRows, 32, 0);
        attend_rows(kernels, shape, rows, memory, length, 0, kQueryRows, out);
        for (int row = 0; row < kQueryRows; ++row) {
            for (int i = 0; i < 32; ++i) {
                CHECK(std::isfinite(out.at(row)[i]));
                if (row != 1) CHECK_NEAR(out.at(row)[i], length / 2 % 100, 1e-4);
            }
        }
    }
}

inline void check_attentions(const Kernels& kernels, Precision precision) {
    const Begun begun(kernels);
    std::vector<int> every;
    for (int count = 1; count <= kQueryRows; ++count) every.push_back(count);
    for (int head_size : {1, 8, 12, 32, 64, 80, 128, 200, 256}) {
        for (int length : {1, 2, 15, 17, 31, 33, 127, 128, 129, 511, 512}) {
            if (head_size > 100 && length > 300) continue;  // nothing new, and slow
            const AttentionShape shape{1 + (head_size + length) % 3, head_size, precision};
            check_attention(kernels, shape, length, 1.0f, {2, 17, 31, 32});
        }
    }
    check_attention(kernels, {2, 64, precision}, 150, 1.0f, every);
    check_attention(kernels, {1, 64, precision}, 300, 30.0f, {7, 32});
    check_extreme_scores(kernels, precision);
}

// --- softmax of a row -------------------------------------------------------------------------

inline void check_sums_of_exponentials(const Kernels& kernels) {
    const Begun begun(kernels);
    Random random(7);
    for (int count : {1, 2, 7, 8, 9, 15, 16, 17, 33, 100, 1000}) {
        for (float mean : {-1e4f, -1.0f, 0.0f, 300.0f}) {
            std::vector<float> x = random.vector(count, 4.0f);
            for (float& value : x) value += mean;
            const double expected_top = *std::max_element(x.begin(), x.end());
            double expected = 0;
            for (float value : x) expected += std::exp(value - expected_top);
            float top = 0;
            const float sum = kernels.sum_exp(x.data(), count, &top);
            const std::string where = std::to_string(count) + " numbers about " + shown(mean);
            check_close(top, expected_top, 0, where);
            check_close(sum, expected, 2e-6 * expected, where);
        }
    }
}

// --- LayerNorm --------------------------------------------------------------------------------

/// With rows packed for `groups` of a precision in the same pass, where that is not null.
inline void check_layer_norm(const Kernels& kernels, int width, float mean,
                             const Precision* packed_for) {
    constexpr int kRows = 7;
    constexpr float kEpsilon = 1e-5f;
    const std::string where =
        "width " + std::to_string(width) +
        (packed_for == nullptr ? "" : ", packed in precision " + shown(*packed_for));
    Random random(width);
    const std::vector<float> weight = random.vector(width), bias = random.vector(width);
    GuardedRows x(kRows, width, 0), alone(kRows, width, 0);
    std::vector<std::vector<double>> expected(kRows);
    std::vector<double> tolerance;
    for (int row = 0; row < kRows; ++row) {
        double total = 0, squares = 0;
        for (int i = 0; i < width; ++i) {
            x.at(row)[i] = alone.at(row)[i] = random.next() + mean;
            expected[row].push_back(x.at(row)[i]);
            total += expected[row][i];
        }
        for (double& value : expected[row]) {
            value -= total / width;
            squares += value * value;
        }
        const double factor = 1 / std::sqrt(squares / width + kEpsilon);
        for (int i = 0; i < width; ++i) {
            expected[row][i] = expected[row][i] * factor * weight[i] + bias[i];
        }
        tolerance.push_back(1e-5 + 3e-6 * std::fabs(mean) * factor);
    }
    const int groups = width % 3 == 0 ? 3 : 1;
    const Packing packing{packed_for == nullptr ? Precision::float32 : *packed_for, groups,
                          width / groups, 1};
    const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(groups) *
                                  round_up(width / groups, kInputAlignment) *
                                  element_size(packing.precision);
    Aligned<std::byte> together(kRows * stride), apart(kRows * stride);
    std::vector<float> scales(kRows * groups, kGuard), scales_apart = scales;
    const PackedRows packed{together.data(), stride, scales.data(), groups, kRows};
    kernels.layer_norm(x.rows(0, kRows), width, weight.data(), bias.data(), kEpsilon,
                       packed_for == nullptr ? nullptr : &packing, packed);
    for (int row = 0; row < kRows; ++row) {
        kernels.layer_norm(alone.rows(row, 1), width, weight.data(), bias.data(), kEpsilon, nullptr,
                           {});
    }
    x.check_guards(where);
    for (int row = 0; row < kRows; ++row) {
        for (int i = 0; i < width; ++i) {
            check_close(x.at(row)[i], expected[row][i], tolerance[row] * (1 + std::fabs(weight[i])),
                        where);
            check_same_bits(x.at(row)[i], alone.at(row)[i], where);
        }
    }
    if (packed_for == nullptr) return;
    kernels.pack(packing, x.rows(0, kRows),
                 {apart.data(), stride, scales_apart.data(), groups, kRows});
    CHECK(std::memcmp(together.data(), apart.data(), together.size()) == 0);
    CHECK(scales == scales_apart);
}

inline void check_layer_norms(const Kernels& kernels) {
    const Begun begun(kernels);
    for (int width : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 100, 384, 768, 1025}) {
        check_layer_norm(kernels, width, 0, nullptr);
        check_layer_norm(kernels, width, 100, nullptr);
        for (const Precision& precision : all_precisions()) {
            check_layer_norm(kernels, width, 0, &precision);
        }
    }
}

}  // namespace squeezebert::tests
