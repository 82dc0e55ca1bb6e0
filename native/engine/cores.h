/// How many threads are worth having here.
#pragma once

#include <string>
#include <vector>

namespace squeezebert {

/// More threads than this are refused everywhere: a typing error, not a wish.
constexpr int kMostThreads = 1024;

/// How many threads this process can keep busy: SQUEEZEBERT_THREADS where that is set, else the
/// physical cores among the CPUs it may run on, but no more than its cgroup's CPU quota. At least
/// 1. Throws Error (invalid input) when SQUEEZEBERT_THREADS isn't a number of 1 to kMostThreads.
int usable_cores();

/// Physical cores among the logical CPUs named: hyperthreads of one core count once where /sys
/// tells. `root` goes before "/sys/..."; the tests have trees of their own.
int physical_cores(const std::vector<int>& cpus, const std::string& root = "");

/// Cores that the cgroups (v1 or v2) of this process grant it, rounded up; 0 where there is no
/// limit. `root` goes before "/proc/..." and "/sys/...".
int quota_cores(const std::string& root = "");

}  // namespace squeezebert
