/// The caches of this machine.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace squeezebert {

/// A data cache as the first core has it.
struct Cache {
    int level = 0;
    std::size_t bytes = 0;
    int sharers = 1;  ///< logical CPUs that share it
};

/// From the first level down; empty where the system doesn't tell. `root` goes before "/sys/...";
/// the tests have trees of their own.
std::vector<Cache> data_caches(const std::string& root = "");

}  // namespace squeezebert
