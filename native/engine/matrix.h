#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/weights_file.h"

namespace squeezebert {

/// A matrix of a checkpoint, not copied, in the type that the file has.
///
/// For a projection `rows` are all outputs and `columns` the inputs of one group, so row r belongs
/// to group r / (rows / groups); for an embedding table rows are ids and `groups` is 1.
///
/// Not packed: row-major (rows, columns), and `data` may lie at any address (read it with
/// std::memcpy). Packed (int8 only): (groups, panels, padded_inputs / 4, 16, 4), where panels is
/// rows / groups / 16 rounded up and padded_inputs is columns rounded up to a multiple of 64;
/// `data` is then 64-byte aligned and the padding is zero.
struct Matrix {
    DType dtype;  ///< float32, float16, bfloat16 or int8
    std::int64_t rows;
    std::int64_t columns;
    std::int64_t groups;
    const std::byte* data;
    const float* scales;  ///< int8: (rows,), a number is q * scale; otherwise nullptr
    bool packed;

    /// Writes row `row` to out (columns,) as float32. `row` must be in [0, rows).
    void read_row(std::int64_t row, float* out) const;
};

/// The shape in which a packed int8 matrix stands in a file (see Matrix).
std::vector<std::int64_t> packed_shape(std::int64_t rows, std::int64_t columns,
                                       std::int64_t groups);

/// Whether a matrix or vector may have this type.
bool is_weight_type(DType dtype);

/// Writes `count` numbers at `data` (of any alignment) to out as float32. `dtype` must be float32,
/// float16 or bfloat16.
void widen(DType dtype, const std::byte* data, std::int64_t count, float* out);

}  // namespace squeezebert
