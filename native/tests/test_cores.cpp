#include "engine/cores.h"

#include <string>

#include "tests/check.h"
#include "tests/environment.h"
#include "tests/tree.h"

namespace {

using squeezebert::physical_cores;
using squeezebert::quota_cores;
using squeezebert::usable_cores;
using squeezebert::tests::Environment;
using squeezebert::tests::Tree;

}  // namespace

TEST("cores: hyperthreads count once") {
    const Tree tree;
    for (const int cpu : {0, 1, 2, 3}) {
        tree.write(
            "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list",
            cpu % 2 == 0 ? "0,2" : "1,3");
    }
    CHECK_EQUAL(physical_cores({0, 1, 2, 3}, tree.root()), 2);
    CHECK_EQUAL(physical_cores({1, 3}, tree.root()), 1);
    CHECK_EQUAL(physical_cores({0, 7, 8}, tree.root()), 3);  // of 7 and 8 nothing is known
    CHECK_EQUAL(physical_cores({}, tree.root()), 0);
}

TEST("cores: quota of cgroup v2") {
    const Tree tree;
    CHECK_EQUAL(quota_cores(tree.root()), 0);
    tree.write("/proc/self/cgroup", "0::/system/job");
    CHECK_EQUAL(quota_cores(tree.root()), 0);
    tree.write("/sys/fs/cgroup/system/job/cpu.max", "max 100000");
    CHECK_EQUAL(quota_cores(tree.root()), 0);
    tree.write("/sys/fs/cgroup/system/cpu.max", "250000 100000");
    CHECK_EQUAL(quota_cores(tree.root()), 3);
    tree.write("/sys/fs/cgroup/system/job/cpu.max", "50000 100000");
    CHECK_EQUAL(quota_cores(tree.root()), 1);
    tree.write("/sys/fs/cgroup/system/job/cpu.max", "400000 100000");
    CHECK_EQUAL(quota_cores(tree.root()), 3);
}

TEST("cores: quota of cgroup v2 seen from inside a container") {
    const Tree tree;
    tree.write("/proc/self/cgroup", "0::/../../job");
    tree.write("/sys/fs/cgroup/cpu.max", "200000 100000");
    CHECK_EQUAL(quota_cores(tree.root()), 2);
}

TEST("cores: quota of cgroup v1") {
    const Tree tree;
    tree.write("/proc/self/cgroup", "5:memory:/docker/ab\n4:cpu,cpuacct:/docker/ab\n3:cpuset:/x");
    tree.write("/sys/fs/cgroup/cpu,cpuacct/docker/ab/cpu.cfs_quota_us", "-1");
    tree.write("/sys/fs/cgroup/cpu,cpuacct/docker/ab/cpu.cfs_period_us", "100000");
    CHECK_EQUAL(quota_cores(tree.root()), 0);
    tree.write("/sys/fs/cgroup/cpu,cpuacct/docker/ab/cpu.cfs_quota_us", "350000");
    CHECK_EQUAL(quota_cores(tree.root()), 4);
    tree.write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "120000");
    tree.write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
    CHECK_EQUAL(quota_cores(tree.root()), 2);
}

TEST("cores: nonsense in the files is no limit") {
    const Tree tree;
    tree.write("/proc/self/cgroup", "nonsense\n0:\n0::/job\n");
    tree.write("/sys/fs/cgroup/job/cpu.max", "inf nan");
    CHECK_EQUAL(quota_cores(tree.root()), 0);
    tree.write("/sys/fs/cgroup/job/cpu.max", "1e300 1");
    CHECK_EQUAL(quota_cores(tree.root()), squeezebert::kMostThreads);
}

TEST("cores: at least one is usable, and SQUEEZEBERT_THREADS decides") {
    const Environment unset("SQUEEZEBERT_THREADS", nullptr);
    CHECK(usable_cores() >= 1);
    const int all = usable_cores();
    {
        const Environment three("SQUEEZEBERT_THREADS", "3");
        CHECK_EQUAL(usable_cores(), 3);
    }
    {
        const Environment empty("SQUEEZEBERT_THREADS", "");
        CHECK_EQUAL(usable_cores(), all);
    }
    for (const char* text : {"0", "-2", "1025", "two", "2 cores", "99999999999999999999"}) {
        const Environment wrong("SQUEEZEBERT_THREADS", text);
        CHECK_THROWS(usable_cores(), "SQUEEZEBERT_THREADS is \"" + std::string(text));
    }
}
