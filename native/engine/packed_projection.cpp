#include "engine/packed_projection.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "engine/error.h"

namespace squeezebert {

namespace {

/// Where input `column` of output `row` of a group stands in the group's panels, in elements.
std::size_t place(const Projection& shape, int row, int column) {
    const int step = inputs_per_step(shape.precision);
    const std::size_t panel = static_cast<std::size_t>(row) / kPanel * shape.padded_inputs * kPanel;
    return panel + (static_cast<std::size_t>(column) / step * kPanel + row % kPanel) * step +
           column % step;
}

std::uint16_t to_bf16(float value) {
    std::uint32_t word;
    std::memcpy(&word, &value, sizeof word);
    return static_cast<std::uint16_t>((word + 0x7fff + ((word >> 16) & 1)) >> 16);
}

}  // namespace

int count_slices(int inputs, int widest) {
    if (inputs <= widest) return 1;
    for (int slices = 2; inputs / slices >= kInputAlignment; ++slices) {
        if (inputs / slices <= widest && inputs % (slices * kInputAlignment) == 0) {
            return slices;
        }
    }
    return 1;
}

PackedProjection::PackedProjection(const Matrix& matrix, const std::vector<float>& bias,
                                   Precision precision, int slices) {
    view_.precision = precision;
    view_.groups = static_cast<int>(matrix.groups);
    view_.inputs = static_cast<int>(matrix.columns);
    view_.outputs = static_cast<int>(matrix.rows / matrix.groups);
    view_.slices = slices;
    view_.padded_inputs = round_up(view_.inputs, kInputAlignment);
    view_.panels = round_up(view_.outputs, kPanel) / kPanel;

    const std::size_t columns = static_cast<std::size_t>(view_.groups) * view_.panels * kPanel;
    std::fill_n(bias_.reserve(columns), columns, 0.0F);
    std::fill_n(scale_.reserve(columns), columns, 0.0F);
    for (int group = 0; group < view_.groups && !bias.empty(); ++group) {
        std::copy_n(bias.data() + static_cast<std::size_t>(group) * view_.outputs, view_.outputs,
                    bias_.data() + static_cast<std::size_t>(group) * view_.panels * kPanel);
    }
    view_.bias = bias_.data();
    view_.scale = scale_.data();

    if (precision == Precision::int8 && matrix.packed) {
        view_.weight = matrix.data;
        for (int row = 0; row < static_cast<int>(matrix.rows); ++row) {
            const int group = row / view_.outputs;
            scale_.data()[group * view_.panels * kPanel + row % view_.outputs] = matrix.scales[row];
        }
    } else {
        const std::size_t bytes = columns * view_.padded_inputs * element_size(precision);
        std::memset(weight_.reserve(bytes), 0, bytes);
        view_.weight = weight_.data();
        if (precision == Precision::int8) {
            pack_int8(matrix);
        } else {
            pack_rows(matrix);
        }
    }
    if (precision == Precision::int8) add_offsets();
}

void PackedProjection::pack_int8(const Matrix& matrix) {
    std::vector<float> values(static_cast<std::size_t>(view_.inputs));
    const std::size_t group_size =
        static_cast<std::size_t>(view_.panels) * kPanel * view_.padded_inputs;
    for (int group = 0; group < view_.groups; ++group) {
        auto* weights = reinterpret_cast<std::int8_t*>(weight_.data()) + group * group_size;
        for (int row = 0; row < view_.outputs; ++row) {
            const std::int64_t at = static_cast<std::int64_t>(group) * view_.outputs + row;
            float& scale = scale_.data()[group * view_.panels * kPanel + row];
            if (matrix.dtype == DType::int8) {
                scale = matrix.scales[at];
                const auto* from =
                    reinterpret_cast<const std::int8_t*>(matrix.data) + at * matrix.columns;
                // -128 has no positive counterpart, which some instruction sets rely on.
                for (int column = 0; column < view_.inputs; ++column) {
                    weights[place(view_, row, column)] = std::max<std::int8_t>(from[column], -127);
                }
                continue;
            }
            matrix.read_row(at, values.data());
            float largest = 0.0F;
            for (const float value : values) {
                if (!std::isfinite(value)) {
                    throw Error(ErrorKind::checkpoint,
                                "a weight matrix holds " + std::to_string(value) + " in row " +
                                    std::to_string(at) + ", expected finite numbers",
                                "train or copy the model again; NaN comes of training that failed");
                }
                largest = std::max(largest, std::fabs(value));
            }
            scale = largest > 0.0F ? largest / 127.0F : 1.0F;
            for (int column = 0; column < view_.inputs; ++column) {
                const float rounded = std::nearbyint(values[column] / scale);
                weights[place(view_, row, column)] =
                    static_cast<std::int8_t>(std::clamp(rounded, -127.0F, 127.0F));
            }
        }
    }
}

void PackedProjection::pack_rows(const Matrix& matrix) {
    std::vector<float> values(static_cast<std::size_t>(view_.inputs));
    const std::size_t group_size =
        static_cast<std::size_t>(view_.panels) * kPanel * view_.padded_inputs;
    for (int row = 0; row < static_cast<int>(matrix.rows); ++row) {
        matrix.read_row(row, values.data());
        const std::size_t group = row / view_.outputs;
        for (int column = 0; column < view_.inputs; ++column) {
            const std::size_t at = group * group_size + place(view_, row % view_.outputs, column);
            if (view_.precision == Precision::bf16) {
                reinterpret_cast<std::uint16_t*>(weight_.data())[at] = to_bf16(values[column]);
            } else {
                reinterpret_cast<float*>(weight_.data())[at] = values[column];
            }
        }
    }
}

void PackedProjection::add_offsets() {
    const int slice_inputs = view_.padded_inputs / view_.slices;
    const std::size_t columns = static_cast<std::size_t>(view_.panels) * kPanel;
    offset_.reserve(view_.groups * view_.slices * columns);
    const auto* weights = reinterpret_cast<const std::int8_t*>(view_.weight);
    for (int group = 0; group < view_.groups; ++group) {
        for (int panel = 0; panel < view_.panels; ++panel) {
            for (int slice = 0; slice < view_.slices; ++slice) {
                std::int32_t sums[kPanel] = {};
                for (int step = 0; step < slice_inputs / 4; ++step) {
                    for (int lane = 0; lane < kPanel; ++lane, weights += 4) {
                        sums[lane] += weights[0] + weights[1] + weights[2] + weights[3];
                    }
                }
                std::int32_t* out =
                    offset_.data() + (group * view_.slices + slice) * columns + panel * kPanel;
                for (int lane = 0; lane < kPanel; ++lane) out[lane] = -128 * sums[lane];
            }
        }
    }
    view_.offset = offset_.data();
}

}  // namespace squeezebert
