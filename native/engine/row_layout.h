/// How rows of activations stand in the memory of a call.
#pragma once

#include <cstddef>

#include "kernels/kernels.h"

namespace squeezebert {

/// Kernels may read so many rows past the last (see PackedRows).
constexpr int kSlackRows = 31;

constexpr int kCacheLine = 64;

/// Bytes from one row to the next: an odd number of cache lines, so that the rows that are read
/// together (16 of a tile) do not meet in few of a cache's sets.
constexpr std::ptrdiff_t row_stride(std::ptrdiff_t bytes) {
    return ((bytes + kCacheLine - 1) / kCacheLine | 1) * kCacheLine;
}

inline std::ptrdiff_t packed_stride(const Projection& projection) {
    return row_stride(static_cast<std::ptrdiff_t>(projection.groups) * projection.padded_inputs *
                      element_size(projection.precision));
}

inline FloatRows rows_from(const FloatRows& rows, int first, int count) {
    return {rows.data + first * rows.stride, rows.stride, count};
}
inline PackedRows rows_from(const PackedRows& rows, int first, int count) {
    return {rows.data + first * rows.stride, rows.stride, rows.scale + first * rows.scale_stride,
            rows.scale_stride, count};
}

}  // namespace squeezebert
