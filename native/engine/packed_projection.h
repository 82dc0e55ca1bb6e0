#pragma once

#include <vector>

#include "engine/buffer.h"
#include "engine/matrix.h"
#include "kernels/kernels.h"

namespace squeezebert {

/// A projection packed for the kernels, with the memory that it stands in. int8 weights that are
/// packed in their file are used where they lie, so processes share them.
class PackedProjection {
public:
    PackedProjection() = default;

    /// `matrix` has a row an output; an empty `bias` stands for zeros. Weights that are stored as
    /// int8 keep their scales; others are rounded with one scale an output, max|w| / 127.
    /// The file behind a packed matrix must outlive the projection.
    /// `slices` parts of each group's inputs have an activation scale of their own.
    PackedProjection(const Matrix& matrix, const std::vector<float>& bias, Precision precision,
                     int slices = 1);

    /// Valid as long as this lives, wherever it is moved to.
    const Projection& view() const { return view_; }

private:
    void pack_int8(const Matrix& matrix);
    void pack_rows(const Matrix& matrix);
    void add_offsets();

    Projection view_;
    Buffer<std::byte> weight_;
    Buffer<float> scale_;
    Buffer<std::int32_t> offset_;
    Buffer<float> bias_;
};

/// Into how many parts of at most `widest` the inputs of a group are divided; 1 where no such parts
/// are multiples of kInputAlignment.
int count_slices(int inputs, int widest);

}  // namespace squeezebert
