#include "engine/cores.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "engine/error.h"

#if defined(__linux__)
#include <sched.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace squeezebert {
namespace {

/// The first line of a file; empty where it cannot be read.
std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

/// Cores that the limits in one cgroup directory grant; 0 where there is none.
double quota_in(const std::string& directory) {
    std::string quota, period;
    std::istringstream unified(first_line(directory + "/cpu.max"));  // "150000 100000", "max ..."
    if (!(unified >> quota >> period)) {
        quota = first_line(directory + "/cpu.cfs_quota_us");  // -1 where there is no limit
        period = first_line(directory + "/cpu.cfs_period_us");
    }
    const double granted = std::strtod(quota.c_str(), nullptr);
    const double of = std::strtod(period.c_str(), nullptr);
    return std::isfinite(granted) && granted > 0 && of > 0 ? granted / of : 0;
}

/// The tightest limit of a cgroup and of all those that hold it; 0 where there is none.
double tightest_quota(const std::string& mount, std::string group) {
    if (group.find("..") != std::string::npos) {
        group.clear();  // outside this namespace: only the mount itself can be seen
    }
    double tightest = 0;
    for (;;) {
        const double quota = quota_in(mount + group);
        if (quota > 0) {
            tightest = tightest > 0 ? std::min(tightest, quota) : quota;
        }
        if (group.empty()) {
            return tightest;
        }
        group.resize(group.rfind('/') == std::string::npos ? 0 : group.rfind('/'));
    }
}

#if defined(__linux__)
/// The logical CPUs that this process may run on.
std::vector<int> allowed_cpus() {
    std::vector<int> allowed;
    for (int room = CPU_SETSIZE; room <= 64 * CPU_SETSIZE; room *= 2) {
        cpu_set_t* set = CPU_ALLOC(room);
        if (set == nullptr) {
            return allowed;
        }
        const std::size_t bytes = CPU_ALLOC_SIZE(room);
        const int failure = sched_getaffinity(0, bytes, set) == 0 ? 0 : errno;
        for (int cpu = 0; failure == 0 && cpu < room; ++cpu) {
            if (CPU_ISSET_S(cpu, bytes, set)) {
                allowed.push_back(cpu);
            }
        }
        CPU_FREE(set);
        if (failure != EINVAL) {  // EINVAL: the kernel knows more CPUs than there was room for
            return allowed;
        }
    }
    return allowed;
}
#endif

int cores_of_machine() {
#if defined(__linux__)
    const int physical = physical_cores(allowed_cpus());
    if (physical > 0) {
        return physical;
    }
#elif defined(__APPLE__)
    // Performance cores where the machine has two kinds, else all.
    for (const char* name : {"hw.perflevel0.physicalcpu", "hw.physicalcpu"}) {
        int cores = 0;
        std::size_t bytes = sizeof(cores);
        if (sysctlbyname(name, &cores, &bytes, nullptr, 0) == 0 && cores > 0) {
            return cores;
        }
    }
#endif
    return static_cast<int>(std::thread::hardware_concurrency());
}

/// SQUEEZEBERT_THREADS; 0 where it isn't set.
int threads_wanted() {
    const char* text = std::getenv("SQUEEZEBERT_THREADS");
    if (text == nullptr || *text == '\0') {
        return 0;
    }
    char* end = nullptr;
    const long threads = std::strtol(text, &end, 10);
    if (*end != '\0' || threads < 1 || threads > kMostThreads) {
        throw Error(ErrorKind::invalid_input,
                    "SQUEEZEBERT_THREADS is \"" + std::string(text) +
                        "\"; expected a whole number from 1 to " + std::to_string(kMostThreads),
                    "unset it to use all cores");
    }
    return static_cast<int>(threads);
}

}  // namespace

int physical_cores(const std::vector<int>& cpus, const std::string& root) {
    std::set<std::string> cores;
    for (const int cpu : cpus) {
        const std::string name = "cpu" + std::to_string(cpu);
        const std::string siblings =
            first_line(root + "/sys/devices/system/cpu/" + name + "/topology/thread_siblings_list");
        cores.insert(siblings.empty() ? name : siblings);
    }
    return static_cast<int>(cores.size());
}

int quota_cores(const std::string& root) {
    const std::string mounts = root + "/sys/fs/cgroup";
    double tightest = 0;
    std::ifstream groups(root + "/proc/self/cgroup");  // "4:cpu,cpuacct:/path", v2: "0::/path"
    for (std::string line; std::getline(groups, line);) {
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) {
            continue;
        }
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string group = line.substr(second + 1) == "/" ? "" : line.substr(second + 1);
        std::vector<std::string> places;
        if (controllers.empty()) {
            places = {mounts, mounts + "/unified"};
        } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
            places = {mounts + "/" + controllers, mounts + "/cpu"};
        }
        for (const std::string& mount : places) {
            const double quota = tightest_quota(mount, group);
            if (quota > 0) {
                tightest = tightest > 0 ? std::min(tightest, quota) : quota;
            }
        }
    }
    return static_cast<int>(std::ceil(std::min(tightest, double{kMostThreads})));
}

int usable_cores() {
    const int wanted = threads_wanted();
    if (wanted > 0) {
        return wanted;
    }
    const int quota = quota_cores();
    const int cores = std::min(std::max(cores_of_machine(), 1), kMostThreads);
    return quota > 0 ? std::min(cores, quota) : cores;
}

}  // namespace squeezebert
