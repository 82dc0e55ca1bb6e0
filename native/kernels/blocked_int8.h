/// int8 where operands must be arranged for the instruction that multiplies them.
#pragma once

#include "kernels/peak.h"

namespace squeezebert {
namespace {

/// Arranging takes about as long as multiplying, so it is done once for a block of rows and once
/// for a panel, into buffers that stay in the nearest caches. A Form has
///   kStepBytes   of one row's or output's step, once it is arranged
///   kTileRows    that are multiplied together
///   arrange_rows(rows, stride, count, steps, out)   out's rows are kBlockSteps * kStepBytes apart
///   arrange_panel(panel, steps, out)
///   add_tile(rows, panel, steps, count, sums)       of kTileRows, or of the `count` that are left
///   sum(sums, row, part)                            as a row's part of the panel
///   peak(iterations)
template <class Form>
struct BlockedInt8Dot : Int8Sums<0> {
    static constexpr bool kTiled = true;
    static constexpr int kBlockRows = 32;
    static constexpr int kBlockSteps = Form::kBlockSteps;
    static constexpr int kRowBytes = kBlockSteps * Form::kStepBytes;

    template <class Epilogue>
    static void multiply(const Rows& rows, const Panels& panels, Epilogue& epilogue) {
        alignas(64) std::byte arranged_rows[kBlockRows * kRowBytes];
        alignas(64) std::byte arranged_panel[kPanel * kRowBytes];
        alignas(64) Int sums[kBlockRows][kParts];
        for (int first = 0; first < rows.count; first += kBlockRows) {
            const int count = rows.count - first < kBlockRows ? rows.count - first : kBlockRows;
            const std::byte* x = rows.data + first * rows.stride;
            int arranged = -1;
            for (int panel = 0; panel < panels.count; ++panel) {
                const std::byte* w = panels.weight + panel * panels.stride;
                std::memset(sums, 0, sizeof sums);
                for (int step = 0; step < panels.steps; step += kBlockSteps) {
                    const int rest = panels.steps - step;
                    const int steps = rest < kBlockSteps ? rest : kBlockSteps;
                    if (arranged != step) {
                        Form::arrange_rows(x + step * kInputBytes, rows.stride, count, steps,
                                           arranged_rows);
                        arranged = step;
                    }
                    Form::arrange_panel(w + step * kParts * kPartBytes, steps, arranged_panel);
                    for (int row = 0; row < count; row += Form::kTileRows) {
                        Form::add_tile(arranged_rows + row * kRowBytes, arranged_panel, steps,
                                       count - row, sums + row);
                    }
                }
                const auto sum_at = [&](int row, int part) { return Form::sum(sums, row, part); };
                finish_panel<BlockedInt8Dot>(rows, first, count, panels, panel, sum_at, epilogue);
            }
        }
    }

    static double peak(std::int64_t iterations) { return Form::peak(iterations); }
};

}  // namespace
}  // namespace squeezebert
