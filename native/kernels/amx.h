/// Products in AMX tiles, written over a Tiles policy: the processor's tile instructions (amx.cpp),
/// or an emulation of them (tests/).
///
/// A Tiles has, for tiles numbered from 0 to 7 (template arguments), all of 16 rows of 64 bytes:
///   begin(), end()             configure the thread's tiles, and release them
///   settle()                   what was written to memory before is there for load()
///   zero<T>()
///   load<T, stream>(from, stride)    16 rows of 64 bytes, `stride` bytes apart; as a stream they
///                              are not to displace what is in the nearest cache
///   store<T>(to, stride)
///   dot_int8<C, A, B>(), dot_bf16<C, A, B>()    C += A * B; a row of B has one step of 16 outputs
#pragma once

#include "kernels/table.h"

namespace squeezebert {
namespace {

/// Rows of a tile, and the steps of inputs that one product of tiles takes.
constexpr int kTile = 16;
/// Bytes of a tile's row; with kPanel outputs of 4 bytes, a panel's steps stand so far apart.
constexpr int kTileBytes = 64;
static_assert(kPanel * 4 == kTileBytes, "16 steps of a panel are a tile");
static_assert(kInputAlignment == kTileBytes, "inputs of int8 fill whole tiles");
static_assert(kKeyAlignment * 2 == kTileBytes, "keys, and heads, of bfloat16 fill whole tiles");

/// From so many steps on, rows are streamed past panels: both would not fit the nearest cache.
constexpr int kStreamedSteps = 8 * kTile;

/// Sums of up to 2 x 2 tiles.
constexpr int kSumRows = 2 * kTile;
constexpr int kSumPanels = 2;

/// 32-bit words of one block's sums, by row; whatever tiles hold, it is read as Dot::Sum.
struct alignas(64) BlockSums {
    static constexpr int kStride = kSumPanels * kPanel;
    std::int32_t words[kSumRows * kStride];
};

/// Brings a cache line near; any address will do.
inline void fetch(const std::byte* line) { __builtin_prefetch(line, 0, 3); }

/// Some rows and panels of a product, whose sums fit the tiles.
struct TileBlock {
    int row, height, panel, width;
};

/// A block whose sums are in memory, on their way to the epilogue a few rows at a time, between
/// products of the next block.
template <class Dot, class Epilogue>
class Draining {
public:
    Draining(const Rows& rows, const Panels& panels, const Epilogue& epilogue)
        : rows_(rows),
          panels_(panels),
          epilogue_(epilogue),
          share_((kSumRows * kTile + panels.steps - 1) / panels.steps) {}

    void start(const BlockSums* sums, const TileBlock& block) {
        sums_ = sums;
        block_ = block;
        done_ = 0;
    }

    /// At each of a product's steps, so that none is left after the last.
    [[gnu::always_inline]] void some() { some(share_); }
    void all() { some(block_.height); }

private:
    [[gnu::always_inline]] void some(int count) {
        const int end = done_ + count < block_.height ? done_ + count : block_.height;
        if (done_ >= end) return;
        if (block_.width == kSumPanels) {
            finish<kSumPanels>(done_, end);
        } else {
            finish<1>(done_, end);
        }
        done_ = end;
    }

    /// Rows [from, to) of P panels.
    template <int P>
    [[gnu::always_inline]] void finish(int from, int to) const {
        constexpr bool kScaled = std::is_same_v<typename Dot::Sum, Int>;
        using Column = decltype(epilogue_.column(0));
        static_assert(P <= 2);
        const Column columns[2] = {epilogue_.column(block_.panel),
                                   epilogue_.column(block_.panel + P - 1)};
        Float scales[P * kParts] = {};
        if constexpr (kScaled) {
            const float* from = panels_.scale + block_.panel * kPanel;
            for (int i = 0; i < P * kParts; ++i) scales[i] = load(from + i * kLanes);
        }
        const std::int32_t* words = sums_->words + from * BlockSums::kStride;
        const float* row_scale =
            kScaled ? rows_.scale + (block_.row + from) * rows_.scale_stride : nullptr;
        for (int row = block_.row + from; row < block_.row + to; ++row) {
            Float values[P][kParts];
#pragma GCC unroll 2
            for (int p = 0; p < P; ++p) {
                for (int part = 0; part < kParts; ++part) {
                    const auto sum = load_as<typename Dot::Sum>(words + p * kPanel + part * kLanes);
                    const auto base = columns[p].base(row, part);
                    if constexpr (kScaled) {
                        values[p][part] = multiply_add(to_float(sum) * *row_scale,
                                                       scales[p * kParts + part], base);
                    } else {
                        values[p][part] = plus(sum, base);
                    }
                }
            }
            if constexpr (Epilogue::kPairs && P == 2) {
                columns[0].put_pair(row, values[0][0], values[1][0]);
            } else {
                for (int p = 0; p < P; ++p) columns[p].put(row, values[p]);
            }
            words += BlockSums::kStride;
            if constexpr (kScaled) row_scale += rows_.scale_stride;
        }
    }

    const Rows& rows_;
    const Panels& panels_;
    const Epilogue& epilogue_;
    const int share_;
    const BlockSums* sums_ = nullptr;
    TileBlock block_{};
    int done_ = 0;
};

/// Where nothing is left to be done with sums.
struct NothingToDrain {
    void some() {}
};

/// A product, and what its blocks have in common.
struct TileProduct {
    const Rows& rows;
    const Panels& panels;
    int steps;   ///< in tiles
    int blocks;  ///< of rows
    /// Of the panels that come next, fetched at each step: each block of rows fetches a part.
    int lines;

    TileProduct(const Rows& rows, const Panels& panels)
        : rows(rows),
          panels(panels),
          steps(panels.steps / kTile),
          blocks((rows.count + kSumRows - 1) / kSumRows),
          lines(panels.far ? (kSumPanels * kTile + blocks - 1) / blocks : 0) {}
};

/// The sums of R x P tiles, rows of them `stride` words apart, while `draining` goes on. Tiles 0 to
/// 3 are sums (row by row), 4 and 5 rows, 6 and 7 panels. Where fewer rows are left than a tile
/// has, those after them are multiplied too; nobody looks at their sums.
template <class Dot, int R, int P, bool kStream, class Pending>
inline void multiply_tiles(const TileProduct& product, const TileBlock& block, Pending& draining,
                           void* sums, std::ptrdiff_t stride) {
    using Tiles = typename Dot::Tiles;
    Tiles::template zero<0>();
    if constexpr (P > 1) Tiles::template zero<1>();
    if constexpr (R > 1) Tiles::template zero<2>();
    if constexpr (R > 1 && P > 1) Tiles::template zero<3>();
    const std::ptrdiff_t x_stride = product.rows.stride, w_stride = product.panels.stride;
    const std::byte* x = product.rows.data + block.row * x_stride;
    const std::byte* w = product.panels.weight + block.panel * w_stride;
    const std::byte* ahead =
        w + P * w_stride + block.row / kSumRows * product.lines * product.steps * kTileBytes;
    for (int step = 0; step < product.steps; ++step) {
        Tiles::template load<6, false>(w, kTileBytes);
        Tiles::template load<4, kStream>(x, x_stride);
        Dot::template add<0, 4, 6>();
        if constexpr (P > 1) {
            Tiles::template load<7, false>(w + w_stride, kTileBytes);
            Dot::template add<1, 4, 7>();
        }
        if constexpr (R > 1) {
            Tiles::template load<5, kStream>(x + kTile * x_stride, x_stride);
            Dot::template add<2, 5, 6>();
        }
        if constexpr (R > 1 && P > 1) Dot::template add<3, 5, 7>();
        for (int line = 0; line < product.lines; ++line, ahead += kTileBytes) fetch(ahead);
        draining.some();
        x += kTileBytes;
        w += kTile * kTileBytes;
    }
    auto* to = static_cast<std::int32_t*>(sums);
    Tiles::template store<0>(to, stride * 4);
    if constexpr (P > 1) Tiles::template store<1>(to + kPanel, stride * 4);
    to += kTile * stride;
    if constexpr (R > 1) Tiles::template store<2>(to, stride * 4);
    if constexpr (R > 1 && P > 1) Tiles::template store<3>(to + kPanel, stride * 4);
}

template <class Dot, bool kStream, class Pending>
inline void multiply_block(const TileProduct& product, const TileBlock& block, Pending& draining,
                           void* sums, std::ptrdiff_t stride) {
    if (block.width == 1) {
        if (block.height > kTile) {
            multiply_tiles<Dot, 2, 1, kStream>(product, block, draining, sums, stride);
        } else {
            multiply_tiles<Dot, 1, 1, kStream>(product, block, draining, sums, stride);
        }
    } else if (block.height > kTile) {
        multiply_tiles<Dot, 2, 2, kStream>(product, block, draining, sums, stride);
    } else {
        multiply_tiles<Dot, 1, 2, kStream>(product, block, draining, sums, stride);
    }
}

/// Calls body(block) for all rows and panels of a product.
template <class Body>
inline void for_each_block(const Rows& rows, const Panels& panels, Body body) {
    for (int panel = 0; panel < panels.count; panel += kSumPanels) {
        const int width = panels.count - panel < kSumPanels ? 1 : kSumPanels;
        for (int row = 0; row < rows.count; row += kSumRows) {
            const int left = rows.count - row;
            body(TileBlock{row, left < kSumRows ? left : kSumRows, panel, width});
        }
    }
}

template <class Dot, bool kStream, class Epilogue>
inline void multiply_in_tiles(const Rows& rows, const Panels& panels, const Epilogue& epilogue) {
    Dot::Tiles::settle();
    const TileProduct product(rows, panels);
    if constexpr (Epilogue::kPlain) {
        NothingToDrain nothing;
        for_each_block(rows, panels, [&](const TileBlock& block) {
            multiply_block<Dot, kStream>(product, block, nothing,
                                         epilogue.at(block.row, block.panel), Epilogue::kStride);
        });
    } else {
        // A block's sums wait for a whole block more: the last products take their time.
        BlockSums sums[3];
        int turn = 0;
        const BlockSums* stored = nullptr;
        TileBlock waiting{};
        Draining<Dot, Epilogue> draining(rows, panels, epilogue);
        for_each_block(rows, panels, [&](const TileBlock& block) {
            multiply_block<Dot, kStream>(product, block, draining, sums[turn].words,
                                         BlockSums::kStride);
            draining.start(stored, waiting);
            stored = &sums[turn];
            waiting = block;
            turn = turn == 2 ? 0 : turn + 1;
        });
        draining.all();
        draining.start(stored, waiting);
        draining.all();
    }
}

template <class Dot, class Epilogue>
inline void multiply_in_tiles(const Rows& rows, const Panels& panels, const Epilogue& epilogue) {
    if (rows.count == 0) return;
    if (panels.steps < kStreamedSteps) {
        multiply_in_tiles<Dot, false>(rows, panels, epilogue);
    } else {
        multiply_in_tiles<Dot, true>(rows, panels, epilogue);
    }
}

/// Products of tiles in registers alone; returns the operations done.
template <class Dot>
double peak_of_tiles(int inputs_per_tile, std::int64_t iterations) {
    using Tiles = typename Dot::Tiles;
    alignas(64) static constexpr std::byte kZeros[kTile * kTileBytes] = {};
    Tiles::settle();
    Tiles::template load<4, false>(kZeros, kTileBytes);
    Tiles::template load<5, false>(kZeros, kTileBytes);
    Tiles::template load<6, false>(kZeros, kTileBytes);
    Tiles::template load<7, false>(kZeros, kTileBytes);
    Tiles::template zero<0>();
    Tiles::template zero<1>();
    Tiles::template zero<2>();
    Tiles::template zero<3>();
    for (std::int64_t iteration = 0; iteration < iterations; ++iteration) {
        Dot::template add<0, 4, 6>();
        Dot::template add<1, 4, 7>();
        Dot::template add<2, 5, 6>();
        Dot::template add<3, 5, 7>();
    }
    return 2.0 * 4 * kTile * kPanel * inputs_per_tile * static_cast<double>(iterations);
}

/// Activations stay signed, so panels' offsets aren't wanted.
template <class TilesOfProcessor>
struct AmxInt8Dot : Int8Sums<0> {
    using Tiles = TilesOfProcessor;
    static constexpr bool kTiled = true;

    template <int kSum, int kLeft, int kRight>
    static void add() {
        Tiles::template dot_int8<kSum, kLeft, kRight>();
    }
    template <class Epilogue>
    static void multiply(const Rows& rows, const Panels& panels, Epilogue& epilogue) {
        multiply_in_tiles<AmxInt8Dot>(rows, panels, epilogue);
    }
    static double peak(std::int64_t iterations) {
        return peak_of_tiles<AmxInt8Dot>(kTileBytes, iterations);
    }
};

template <class TilesOfProcessor>
struct AmxBf16Dot : FloatSums {
    using Tiles = TilesOfProcessor;
    static constexpr bool kTiled = true;

    template <int kSum, int kLeft, int kRight>
    static void add() {
        Tiles::template dot_bf16<kSum, kLeft, kRight>();
    }
    template <class Epilogue>
    static void multiply(const Rows& rows, const Panels& panels, Epilogue& epilogue) {
        multiply_in_tiles<AmxBf16Dot>(rows, panels, epilogue);
    }
    static double peak(std::int64_t iterations) {
        return peak_of_tiles<AmxBf16Dot>(kTileBytes / 2, iterations);
    }
};

template <class Tiles>
constexpr Kernels make_tile_table() {
    Kernels table = make_table<AmxInt8Dot<Tiles>, AmxBf16Dot<Tiles>, true>();
    // Weights stream from the third-level cache, which is what tiles wait for most.
    table.block_rows = 128;
    table.begin = Tiles::begin;
    table.end = Tiles::end;
    return table;
}

}  // namespace
}  // namespace squeezebert
