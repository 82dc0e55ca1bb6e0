#include "engine/caches.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>

#if defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace squeezebert {
namespace {

constexpr std::size_t kKibibyte = 1024;
constexpr std::size_t kMebibyte = 1024 * kKibibyte;

#if defined(__APPLE__)
std::size_t sysctl_number(const char* name) {
    std::int64_t value = 0;
    std::size_t bytes = sizeof(value);
    return sysctlbyname(name, &value, &bytes, nullptr, 0) == 0 && value > 0
               ? static_cast<std::size_t>(value)
               : 0;
}
#endif

/// The first word of a file; empty where it cannot be read.
std::string first_word(const std::string& path) {
    std::string word;
    std::ifstream(path) >> word;
    return word;
}

/// How many CPUs a list such as "0-3,8" names.
int cpus_in(const std::string& list) {
    int count = 0;
    for (const char* at = list.c_str(); *at != '\0'; at += *at == ',') {
        char* end = nullptr;
        const long first = std::strtol(at, &end, 10);
        const long last = *end == '-' ? std::strtol(end + 1, &end, 10) : first;
        if (end == at || last < first || last - first > 1 << 20) break;
        count += static_cast<int>(last - first) + 1;
        at = end;
    }
    return std::max(count, 1);
}

}  // namespace

std::vector<Cache> data_caches(const std::string& root) {
    std::vector<Cache> caches;
#if defined(__APPLE__)
    if (root.empty()) {
        const char* names[][2] = {{"hw.perflevel0.l1dcachesize", "hw.l1dcachesize"},
                                  {"hw.perflevel0.l2cachesize", "hw.l2cachesize"},
                                  {"hw.perflevel0.l3cachesize", "hw.l3cachesize"}};
        for (int level = 1; level <= 3; ++level) {
            std::size_t bytes = sysctl_number(names[level - 1][0]);
            if (bytes == 0) bytes = sysctl_number(names[level - 1][1]);
            const std::size_t sharers = level == 2 ? sysctl_number("hw.perflevel0.cpusperl2") : 1;
            if (bytes > 0) caches.push_back({level, bytes, std::max(static_cast<int>(sharers), 1)});
        }
        return caches;
    }
#endif
    for (int index = 0;; ++index) {
        const std::string place =
            root + "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index);
        const int level = std::atoi(first_word(place + "/level").c_str());
        if (level <= 0) break;
        const std::string size = first_word(place + "/size");  // "32K"
        char* unit = nullptr;
        std::size_t bytes = std::strtoull(size.c_str(), &unit, 10);
        if (*unit == 'K') bytes *= kKibibyte;
        if (*unit == 'M') bytes *= kMebibyte;
        if (first_word(place + "/type") != "Instruction" && bytes > 0) {
            caches.push_back({level, bytes, cpus_in(first_word(place + "/shared_cpu_list"))});
        }
    }
    std::sort(caches.begin(), caches.end(),
              [](const Cache& a, const Cache& b) { return a.level < b.level; });
    return caches;
}

}  // namespace squeezebert
