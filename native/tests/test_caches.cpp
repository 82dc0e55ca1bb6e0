#include "engine/caches.h"

#include <string>

#include "tests/check.h"
#include "tests/tree.h"

namespace {

using squeezebert::data_caches;
using squeezebert::tests::Tree;

void write_cache(const Tree& tree, int index, const std::string& level, const std::string& type,
                 const std::string& size, const std::string& cpus) {
    const std::string place =
        "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
    tree.write(place + "level", level);
    tree.write(place + "type", type);
    tree.write(place + "size", size);
    tree.write(place + "shared_cpu_list", cpus);
}

}  // namespace

TEST("caches: data caches from the first level down") {
    const Tree tree;
    write_cache(tree, 0, "3", "Unified", "32M", "0-3,8-11,15");
    write_cache(tree, 1, "1", "Data", "48K", "0,8");
    write_cache(tree, 2, "1", "Instruction", "32K", "0,8");
    write_cache(tree, 3, "2", "Unified", "2048K", "0");
    const auto caches = data_caches(tree.root());
    CHECK_EQUAL(caches.size(), 3u);
    for (int level = 1; level <= 3; ++level) {
        CHECK_EQUAL(caches[static_cast<std::size_t>(level) - 1].level, level);
    }
    CHECK_EQUAL(caches[0].bytes, 48u * 1024);
    CHECK_EQUAL(caches[0].sharers, 2);
    CHECK_EQUAL(caches[1].bytes, 2048u * 1024);
    CHECK_EQUAL(caches[1].sharers, 1);
    CHECK_EQUAL(caches[2].bytes, 32u * 1024 * 1024);
    CHECK_EQUAL(caches[2].sharers, 9);
}

TEST("caches: none where nothing is told, and nonsense is one CPU") {
    const Tree tree;
    CHECK(data_caches(tree.root()).empty());
    write_cache(tree, 0, "1", "Data", "none", "0");
    write_cache(tree, 1, "2", "Unified", "512K", "3-1;x");
    const auto caches = data_caches(tree.root());
    CHECK_EQUAL(caches.size(), 1u);
    CHECK_EQUAL(caches[0].level, 2);
    CHECK_EQUAL(caches[0].sharers, 1);
}
