#include "engine/plan.h"

#include <algorithm>

#include "kernels/kernels.h"

namespace squeezebert {

namespace {

/// Sequences that one thread takes through all layers have about so many tokens together.
constexpr int kChunkRows = 128;

/// Divides sequences [first, last) into blocks of about equal height.
Plan make_plan(const Batch& batch, int first, int last, int threads, int block_rows) {
    Plan plan;
    plan.first = batch.cu_seqlens[first];
    plan.rows = batch.cu_seqlens[last] - plan.first;
    // As many blocks as there are threads, or a multiple, so that all have the same to do.
    const int waves = (plan.rows + block_rows * threads - 1) / (block_rows * threads);
    const int even = (plan.rows + waves * threads - 1) / std::max(waves * threads, 1);
    const int height = std::clamp(round_up(even, kPanel), kPanel, block_rows);

    struct Range {
        int first, last;
    };
    std::vector<Range> blocks_of(static_cast<std::size_t>(last - first));
    for (int sequence = first; sequence < last; ++sequence) {
        const int begin = batch.cu_seqlens[sequence];
        const int length = batch.cu_seqlens[sequence + 1] - begin;
        for (int position = 0; position < length;) {
            if (plan.blocks.empty() || plan.blocks.back().rows + kPanel > height) {
                plan.blocks.push_back({begin + position, 0, {}, 0, 0});
            }
            Block& block = plan.blocks.back();
            const int room = (height - block.rows) / kPanel * kPanel;
            const int rows = std::min(room, length - position);
            Range& range = blocks_of[sequence - first];
            range.last = static_cast<int>(plan.blocks.size()) - 1;
            if (position == 0) range.first = range.last;
            block.pieces.push_back({sequence, begin + position, rows, position, length});
            block.rows += rows;
            position += rows;
        }
    }
    for (Block& block : plan.blocks) {
        block.needs_first = blocks_of[block.pieces.front().sequence - first].first;
        block.needs_last = blocks_of[block.pieces.back().sequence - first].last;
    }
    return plan;
}

}  // namespace

Schedule make_schedule(const Batch& batch, int threads, int block_rows) {
    // Whole sequences, gathered until there is enough for a block or two.
    std::vector<int> ends;
    for (int sequence = 0, rows = 0; sequence < batch.sequences; ++sequence) {
        const int length = batch.cu_seqlens[sequence + 1] - batch.cu_seqlens[sequence];
        if (ends.empty() || rows + length > kChunkRows) {
            ends.push_back(sequence + 1);
            rows = length;
        } else {
            ends.back() = sequence + 1;
            rows += length;
        }
    }
    const int chunks = static_cast<int>(ends.size());
    const int alone = threads == 1 ? chunks : chunks / threads * threads;
    Schedule schedule;
    int first = 0;
    for (int chunk = 0; chunk < alone; ++chunk) {
        schedule.alone.push_back(make_plan(batch, first, ends[chunk], 1, block_rows));
        first = ends[chunk];
    }
    if (first < batch.sequences) {
        schedule.together = make_plan(batch, first, batch.sequences, threads, block_rows);
    }
    return schedule;
}

}  // namespace squeezebert
