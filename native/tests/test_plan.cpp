/// How a batch is divided: every row once, sequences where attention can find them.
#include <random>

#include "engine/plan.h"
#include "kernels/kernels.h"
#include "tests/check.h"

namespace squeezebert {
namespace {

constexpr int kRows = 64;  ///< of a block

struct Lengths {
    explicit Lengths(const std::vector<int>& lengths) : ends{0} {
        for (const int length : lengths) ends.push_back(ends.back() + length);
        batch.cu_seqlens = ends.data();
        batch.sequences = static_cast<int>(lengths.size());
    }
    std::vector<std::int32_t> ends;
    Batch batch;
};

void check_plan(const Plan& plan, const Batch& batch) {
    int row = plan.first;
    for (std::size_t index = 0; index < plan.blocks.size(); ++index) {
        const Block& block = plan.blocks[index];
        CHECK_EQUAL(block.first, row);
        CHECK(block.rows >= 1 && block.rows <= kRows);
        int rows = 0;
        for (const Piece& piece : block.pieces) {
            CHECK_EQUAL(piece.first, row + rows);
            CHECK_EQUAL(piece.first, batch.cu_seqlens[piece.sequence] + piece.position);
            CHECK_EQUAL(piece.length,
                        batch.cu_seqlens[piece.sequence + 1] - batch.cu_seqlens[piece.sequence]);
            CHECK_EQUAL(piece.position % kPanel, 0);
            // The panels of keys that a piece fills are its own.
            CHECK(piece.rows % kPanel == 0 || piece.position + piece.rows == piece.length);
            rows += piece.rows;
        }
        CHECK_EQUAL(rows, block.rows);
        row += rows;
        // What it waits for holds its sequences, and no more than it must.
        const auto holds = [&](const Block& other) {
            for (const Piece& a : other.pieces) {
                for (const Piece& b : block.pieces) {
                    if (a.sequence == b.sequence) return true;
                }
            }
            return false;
        };
        for (int other = 0; other < static_cast<int>(plan.blocks.size()); ++other) {
            const bool waits = other >= block.needs_first && other <= block.needs_last;
            CHECK_EQUAL(waits, holds(plan.blocks[other]));
        }
    }
    CHECK_EQUAL(row, plan.first + plan.rows);
}

void check_schedule(const std::vector<int>& lengths, int threads) {
    const Lengths texts(lengths);
    const Schedule schedule = make_schedule(texts.batch, threads, kRows);
    int row = 0;
    for (const Plan& plan : schedule.alone) {
        CHECK_EQUAL(plan.first, row);
        check_plan(plan, texts.batch);
        row += plan.rows;
    }
    if (schedule.together.rows > 0) {
        CHECK_EQUAL(schedule.together.first, row);
        check_plan(schedule.together, texts.batch);
        row += schedule.together.rows;
    }
    CHECK_EQUAL(row, texts.batch.tokens());
}

TEST("plan: every row once, whatever the lengths and threads") {
    std::mt19937 random(1);
    for (int threads = 1; threads <= 9; ++threads) {
        check_schedule({}, threads);
        for (const int length : {1, 15, 16, 17, 63, 64, 65, 127, 128, 129, 512}) {
            check_schedule({length}, threads);
        }
        for (int round = 0; round < 50; ++round) {
            std::vector<int> lengths(std::uniform_int_distribution<>(1, 40)(random));
            for (int& length : lengths) {
                length = std::uniform_int_distribution<>(1, round % 2 == 0 ? 40 : 512)(random);
            }
            check_schedule(lengths, threads);
        }
    }
}

TEST("plan: one long text is shared by all threads, in blocks of one height") {
    const Lengths text({128});
    const Schedule schedule = make_schedule(text.batch, 2, kRows);
    CHECK(schedule.alone.empty());
    CHECK_EQUAL(schedule.together.blocks.size(), 2U);
    CHECK_EQUAL(schedule.together.blocks[0].rows, 64);
}

TEST("plan: many texts are taken whole by one thread each") {
    const Lengths texts(std::vector<int>(8, 128));
    const Schedule schedule = make_schedule(texts.batch, 2, kRows);
    CHECK_EQUAL(schedule.alone.size(), 8U);
    CHECK_EQUAL(schedule.together.rows, 0);
}

}  // namespace
}  // namespace squeezebert
