/// What the helpers of a thread pool watch.
#pragma once

#include <cstdint>

namespace squeezebert {

/// The state that helpers watch, in one word: number of the job (32 bits), how many participants
/// it is open to (16 bits, 0 once closed), how many helpers are inside (16 bits).
using Door = std::uint64_t;

constexpr Door make_door(std::uint32_t job, int participants) {
    return Door{job} << 32 | static_cast<Door>(participants) << 16;
}
constexpr std::uint32_t job_number(Door door) { return static_cast<std::uint32_t>(door >> 32); }
constexpr int open_to(Door door) { return static_cast<int>(door >> 16 & 0xffff); }
constexpr int inside(Door door) { return static_cast<int>(door & 0xffff); }

}  // namespace squeezebert
