/// What this machine can do at most: the roofs under which `squeezebert benchmark` draws the
/// engine.
///
/// Each figure is the best of several short windows, because other programs only ever take away.
/// All throw Error (invalid input) when `threads` is not in [1, kMostThreads] or `seconds` not in
/// (0, 60].
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/dispatch.h"
#include "kernels/kernels.h"

namespace squeezebert {

/// 10^9 operations a second of all threads together, a multiplication and an addition counted as
/// two, with all operands in registers. Takes about `seconds`. Throws Error (invalid input) where
/// the instruction set isn't available.
double peak_giga_operations_per_second(Isa isa, Precision precision, int threads, double seconds);

/// 10^9 bytes a second that all threads together read, each from `bytes` of its own, over and over.
/// Takes about `seconds`.
double read_gigabytes_per_second(std::size_t bytes, int threads, double seconds);

struct ReadBandwidth {
    int level = 0;          ///< of the cache that was read; 0: memory
    std::size_t bytes = 0;  ///< that each thread read
    double gigabytes_per_second = 0;
};

/// One figure for each of data_caches() (engine/caches.h), read at half a thread's share of it,
/// and one for memory. Each takes about `seconds`.
std::vector<ReadBandwidth> read_roofs(int threads, double seconds);

/// Buffer sizes from 8 KiB for each thread up to what is memory for certain, doubling.
std::vector<std::size_t> sweep_sizes(int threads);

}  // namespace squeezebert
