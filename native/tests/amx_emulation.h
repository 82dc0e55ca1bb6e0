/// AMX tiles in software, as the instruction set's manual has them: a Tiles for kernels/amx.h that
/// any machine runs. What a processor would refuse (#UD) fails the test.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tests/check.h"
#include "tests/kernel_reference.h"

namespace squeezebert::tests {

/// One thread's tiles.
struct TileState {
    struct Tile {
        int rows = 0, row_bytes = 0;  ///< by the configuration
        std::byte bytes[16][64] = {};
    };
    bool configured = false;
    std::array<Tile, 8> tiles;
    long products = 0;  ///< since the test began
};

struct EmulatedTiles {
    static TileState& state() {
        static thread_local TileState state;
        return state;
    }
    static TileState::Tile& tile(int number) {
        CHECK(state().configured);
        CHECK(number >= 0 && number < 8);
        return state().tiles[number];
    }

    static void begin() {
        state().configured = true;
        for (auto& tile : state().tiles) {
            tile = {};
            tile.rows = 16;
            tile.row_bytes = 64;
        }
    }
    static void end() { state().configured = false; }
    static void settle() {}

    static void zero(int number) { std::memset(tile(number).bytes, 0, sizeof tile(number).bytes); }
    static void load(int number, const std::byte* from, std::ptrdiff_t stride) {
        auto& to = tile(number);
        zero(number);
        for (int row = 0; row < to.rows; ++row) {
            std::memcpy(to.bytes[row], from + row * stride, to.row_bytes);
        }
    }
    static void store(int number, void* to, std::ptrdiff_t stride) {
        const auto& from = tile(number);
        for (int row = 0; row < from.rows; ++row) {
            auto* place = static_cast<std::byte*>(to) + row * stride;
            std::memcpy(place, from.bytes[row], from.row_bytes);
        }
    }

    /// TDPBSSD: signed bytes times signed bytes, four at a time, into int32.
    static void dot_int8(int sum, int left, int right) {
        multiply<std::int32_t>(
            sum, left, right, [](auto& sums, const auto& left, const auto& right) {
                for (int k = 0; k < left.size; ++k) {
                    for (int n = 0; n < right.columns; ++n) {
                        for (int i = 0; i < 4; ++i) {
                            const auto a = static_cast<std::int8_t>(left.row[4 * k + i]);
                            const auto b = static_cast<std::int8_t>(right.rows[k][4 * n + i]);
                            sums[n] += a * b;
                        }
                    }
                }
            });
    }

    /// TDPBF16PS: even and odd elements are summed apart, their sum is then added to the tile's.
    static void dot_bf16(int sum, int left, int right) {
        multiply<float>(sum, left, right, [](auto& sums, const auto& left, const auto& right) {
            float products[16][2] = {};
            for (int k = 0; k < left.size; ++k) {
                for (int n = 0; n < right.columns; ++n) {
                    for (int i = 0; i < 2; ++i) {
                        // Exact in float32, so that adding rounds once, as the processor does.
                        products[n][i] +=
                            bf16(left.row + 4 * k + 2 * i) * bf16(right.rows[k] + 4 * n + 2 * i);
                    }
                }
            }
            for (int n = 0; n < right.columns; ++n) sums[n] += products[n][0] + products[n][1];
        });
    }

    // What kernels/amx.h calls.
    template <int kNumber>
    static void zero() {
        zero(kNumber);
    }
    template <int kNumber, bool kStream>
    static void load(const std::byte* from, std::ptrdiff_t stride) {
        load(kNumber, from, stride);
    }
    template <int kNumber>
    static void store(void* to, std::ptrdiff_t stride) {
        store(kNumber, to, stride);
    }
    template <int kSum, int kLeft, int kRight>
    static void dot_int8() {
        dot_int8(kSum, kLeft, kRight);
    }
    template <int kSum, int kLeft, int kRight>
    static void dot_bf16() {
        dot_bf16(kSum, kLeft, kRight);
    }

private:
    struct LeftRow {
        const std::byte* row;
        int size;  ///< in words
    };
    struct RightTile {
        const std::byte (&rows)[16][64];
        int columns;  ///< in words
    };

    static float bf16(const std::byte* at) {
        std::uint16_t half;
        std::memcpy(&half, at, sizeof half);
        const std::uint32_t word = std::uint32_t{half} << 16;
        float value;
        std::memcpy(&value, &word, sizeof value);
        return value;
    }

    template <class Number, class Body>
    static void multiply(int sum, int left, int right, const Body& body) {
        auto& c = tile(sum);
        const auto& a = tile(left);
        const auto& b = tile(right);
        CHECK(sum != left && sum != right && left != right);
        CHECK_EQUAL(c.rows, a.rows);
        CHECK_EQUAL(c.row_bytes, b.row_bytes);
        CHECK_EQUAL(a.row_bytes, b.rows * 4);
        for (int m = 0; m < c.rows; ++m) {
            std::array<Number, 16> sums;
            std::memcpy(sums.data(), c.bytes[m], sizeof sums);
            body(sums, LeftRow{a.bytes[m], a.row_bytes / 4}, RightTile{b.bytes, b.row_bytes / 4});
            std::memcpy(c.bytes[m], sums.data(), sizeof sums);
        }
        ++state().products;
    }
};

}  // namespace squeezebert::tests
