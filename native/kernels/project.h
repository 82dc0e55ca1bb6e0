/// The product of a projection with its epilogue: bias, activation, and where it goes.
#pragma once

#include "kernels/matmul.h"
#include "kernels/rows.h"

namespace squeezebert {
namespace {

// --- activation functions ---------------------------------------------------------------------

/// The GELU of int8 and bf16 products, within 5e-4 of x * Phi(x): an odd polynomial for Phi - 1/2
/// up to 3.7, where it is set to be 1/2. Less than a sixth of what bfloat16 rounds at 1.
inline Float gelu_fast(Float x) {
    const Float t = min(max(x, broadcast(-3.7f)), broadcast(3.7f));
    const Float u = t * t;
    Float p = broadcast(-4.8998211e-7f);
    p = multiply_add(p, u, 2.6889092e-5f);
    p = multiply_add(p, u, -6.1750649e-4f);
    p = multiply_add(p, u, 7.848727e-3f);
    p = multiply_add(p, u, -6.2587796e-2f);
    p = multiply_add(p, u, 3.9647515e-1f);
    return x * multiply_add(p, t, 0.5f);
}

/// x * Phi(x) by the error function of Abramowitz and Stegun 7.1.26, whose error is below 1.5e-7.
inline Float gelu_exact(Float x) {
    const Float z = absolute(x) * 0.70710678118654752f;
    const Float t = broadcast(1.0f) / multiply_add(z, broadcast(0.3275911f), 1.0f);
    Float p = broadcast(1.061405429f);
    p = multiply_add(p, t, -1.453152027f);
    p = multiply_add(p, t, 1.421413741f);
    p = multiply_add(p, t, -0.284496736f);
    p = multiply_add(p, t, 0.254829592f);
    const Float tail = p * t * exp(-(z * z)) * 0.5f;  // 1 - Phi(|x|)
    const Float relu = max(x, Float{});
    return relu - absolute(x) * tail;
}

inline Float sigmoid(Float x) { return broadcast(1.0f) / (exp(min(-x, broadcast(80.0f))) + 1.0f); }

inline Float activate(Activation activation, Float x) {
    switch (activation) {
        case Activation::gelu:
            return gelu_exact(x);
        case Activation::gelu_tanh:
            // 0.5 (1 + tanh(y)) = sigmoid(2 y)
            return x * sigmoid((x * x * x * 0.044715f + x) * 1.5957691216057308f);
        case Activation::relu:
            return max(x, Float{});
        case Activation::silu:
            return x * sigmoid(x);
        case Activation::none:
            break;
    }
    return x;
}

// --- the product of a projection --------------------------------------------------------------

/// Where a panel's outputs go: `count` of a row (kPanel or more: all of the panel's).
struct PanelOfRows {
    float* first;
    std::ptrdiff_t stride;  ///< from one row to the next
    int count;

    float* at(int row, int part) const { return first + row * stride + part * kLanes; }
    Float get(int row, int part) const {
        const int rest = count - part * kLanes;
        return rest > 0 ? load_first(at(row, part), rest) : Float{};
    }
    void set(int row, int part, Float value) const {
        const int rest = count - part * kLanes;
        if (rest > 0) store_first(at(row, part), value, rest);
    }
};

inline PanelOfRows panel_of(const FloatRows& rows, int columns, int panel) {
    return {rows.data + panel * kPanel, rows.stride, columns - panel * kPanel};
}

/// y = transform(product + bias).
template <class Transform>
struct Assign {
    static constexpr bool kPlain = false;
    static constexpr bool kPairs = false;
    FloatRows out;
    const float* bias;  ///< padded to whole panels
    int columns;        ///< of all panels
    Transform transform;

    struct Column {
        PanelOfRows out;
        Transform transform;
        Float bias[kParts];

        Float base(int, int part) const { return bias[part]; }
        [[gnu::always_inline]] void put(int row, const Float* values) const {
            for (int part = 0; part < kParts; ++part) out.set(row, part, transform(values[part]));
        }
    };
    Column column(int panel) const {
        Column column{panel_of(out, columns, panel), transform, {}};
        for (int part = 0; part < kParts; ++part) {
            column.bias[part] = load(bias + panel * kPanel + part * kLanes);
        }
        return column;
    }
};

/// y = transform(y + product).
template <class Transform>
struct Accumulate {
    static constexpr bool kPlain = false;
    static constexpr bool kPairs = false;
    FloatRows out;
    int columns;  ///< of all panels
    Transform transform;

    struct Column {
        PanelOfRows out;
        Transform transform;

        Float base(int row, int part) const { return out.get(row, part); }
        [[gnu::always_inline]] void put(int row, const Float* values) const {
            for (int part = 0; part < kParts; ++part) out.set(row, part, transform(values[part]));
        }
    };
    Column column(int panel) const { return {panel_of(out, columns, panel), transform}; }
};

/// y = transform(y + (product + bias)).
template <class Transform>
struct Add {
    static constexpr bool kPlain = false;
    static constexpr bool kPairs = false;
    Assign<Transform> assign;

    struct Column {
        typename Assign<Transform>::Column assign;

        Float base(int row, int part) const { return assign.base(row, part); }
        [[gnu::always_inline]] void put(int row, const Float* values) const {
            for (int part = 0; part < kParts; ++part) {
                const Float before = assign.out.get(row, part);
                assign.out.set(row, part, assign.transform(before + values[part]));
            }
        }
    };
    Column column(int panel) const { return {assign.column(panel)}; }
};

/// y = (product + bias) * factor, as bfloat16.
struct AssignBf16 {
    static constexpr bool kPlain = false;
    static constexpr bool kPairs = kParts == 1;
    PackedRows out;
    const float* bias;  ///< padded to whole panels
    int columns;        ///< of all panels
    float factor;

    struct Column {
        std::byte* first;
        std::ptrdiff_t stride;
        int count;
        Float factor;
        Float bias[kParts];

        Float base(int, int part) const { return bias[part]; }
        [[gnu::always_inline]] void put(int row, const Float* values) const {
            for (int part = 0; part < kParts; ++part) {
                const int rest = count - part * kLanes;
                std::byte* to = first + row * stride + part * kLanes * 2;
                if (rest > 0) store_bf16_first(to, values[part] * factor, rest);
            }
        }
        [[gnu::always_inline]] void put_pair(int row, Float first_values, Float second) const {
            std::byte* to = first + row * stride;
            if (count >= 2 * kPanel) {
                store_bf16_pair(to, first_values * factor, second * factor);
            } else {
                store_bf16(to, first_values * factor);
                store_bf16_first(to + kPanel * 2, second * factor, count - kPanel);
            }
        }
    };
    Column column(int panel) const {
        Column column{out.data + panel * kPanel * 2,
                      out.stride,
                      columns - panel * kPanel,
                      broadcast(factor),
                      {}};
        for (int part = 0; part < kParts; ++part) {
            column.bias[part] = load(bias + panel * kPanel + part * kLanes);
        }
        return column;
    }
};

/// A part of a projection as what multiply() takes.
struct PartOperands {
    Panels panels{};
    Rows rows{};
    int columns;  ///< from the part's first to the group's last
    const float* bias;

    PartOperands(const Projection& projection, const ProjectionPart& part, const PackedRows& x) {
        const int element = element_size(projection.precision);
        const int slice_inputs = projection.padded_inputs / projection.slices;
        const std::ptrdiff_t panel_bytes =
            static_cast<std::ptrdiff_t>(projection.padded_inputs) * kPanel * element;
        const std::ptrdiff_t first =
            static_cast<std::ptrdiff_t>(part.group) * projection.panels + part.first_panel;

        panels.weight = projection.weight + first * panel_bytes +
                        static_cast<std::ptrdiff_t>(part.slice) * slice_inputs * kPanel * element;
        panels.stride = panel_bytes;
        panels.steps = slice_inputs / inputs_per_step(projection.precision);
        panels.count = part.panels;
        panels.far = true;
        rows = {x.data, x.stride, x.count, nullptr, 0};
        if (projection.precision == Precision::int8) {
            const int slice = part.group * projection.slices + part.slice;
            panels.scale = projection.scale + first * kPanel;
            panels.offset =
                projection.offset +
                (static_cast<std::ptrdiff_t>(slice) * projection.panels + part.first_panel) *
                    kPanel;
            rows.scale = x.scale;
            rows.scale_stride = x.scale_stride;
        }
        columns = projection.outputs - part.first_panel * kPanel;
        bias = projection.bias + first * kPanel;
    }
};

template <class Dot>
void project_with(const Projection& projection, const ProjectionPart& part, const PackedRows& x,
                  Store how, Activation activation, const FloatRows& out) {
    const PartOperands operands(projection, part, x);
    const auto store = [&](auto transform) {
        using Transform = decltype(transform);
        const auto give = [&](const auto& epilogue) {
            multiply<Dot>(operands.rows, operands.panels, epilogue);
        };
        const Assign<Transform> assign{out, operands.bias, operands.columns, transform};
        if (how == Store::assign) {
            give(assign);
        } else if (how == Store::add) {
            give(Add<Transform>{assign});
        } else {
            give(Accumulate<Transform>{out, operands.columns, transform});
        }
    };
    if (activation == Activation::none) {
        store([](Float value) { return value; });
    } else if (activation == Activation::gelu && projection.precision != Precision::float32) {
        store([](Float value) { return gelu_fast(value); });
    } else {
        store([activation](Float value) { return activate(activation, value); });
    }
}

template <class Dot>
void project_bf16_with(const Projection& projection, const ProjectionPart& part,
                       const PackedRows& x, float factor, const PackedRows& out) {
    const PartOperands operands(projection, part, x);
    multiply<Dot>(operands.rows, operands.panels,
                  AssignBf16{out, operands.bias, operands.columns, factor});
}

}  // namespace
}  // namespace squeezebert
