#pragma once

#include <vector>

#include "engine/batch.h"

namespace squeezebert {

/// Rows that go through the pooler, a classifier or the vocabulary together.
constexpr int kBlockRows = 64;

/// A run of tokens of one sequence.
struct Piece {
    int sequence;  ///< in the batch
    int first;     ///< row in the batch
    int rows;
    int position;  ///< of the first row in its sequence; a multiple of kPanel
    int length;    ///< of the whole sequence
};

/// Rows that are worked on together: consecutive pieces of a batch.
struct Block {
    int first;  ///< row in the batch
    int rows;   ///< at most the kernels' block_rows
    std::vector<Piece> pieces;
    int needs_first;  ///< the blocks of its plan that hold its sequences' other tokens,
    int needs_last;   ///< itself included
};

/// Sequences that are taken through the layers together, and how their rows are divided.
struct Plan {
    int first = 0;  ///< row in the batch
    int rows = 0;
    std::vector<Block> blocks;
};

/// What is done by one thread each, without waiting for one another, and what all do together at
/// the end. The sequences keep their order.
struct Schedule {
    std::vector<Plan> alone;
    Plan together;
};

/// Divides a batch among `threads`, in blocks of at most `block_rows` rows.
Schedule make_schedule(const Batch& batch, int threads, int block_rows);

}  // namespace squeezebert
