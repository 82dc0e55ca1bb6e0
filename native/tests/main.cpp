/// Runs the tests whose names begin with one of the arguments; without arguments, all. With -v as
/// the first, names each before it runs, and says how long it took.
#include <chrono>
#include <cstdio>
#include <string_view>

#include "tests/check.h"

namespace {

bool wanted(std::string_view name, int count, char** prefixes) {
    for (int i = 0; i < count; ++i) {
        if (name.substr(0, std::string_view(prefixes[i]).size()) == prefixes[i]) {
            return true;
        }
    }
    return count == 0;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace squeezebert::tests;
    const bool verbose = argc > 1 && std::string_view(argv[1]) == "-v";
    argc -= 1 + verbose;
    argv += 1 + verbose;
    int ran = 0, failed = 0, skipped = 0;
    for (const Test& test : all_tests()) {
        if (!wanted(test.name, argc, argv)) {
            continue;
        }
        ++ran;
        if (verbose) {
            std::printf("running  %s\n", test.name);
            std::fflush(stdout);
        }
        const auto start = std::chrono::steady_clock::now();
        try {
            test.body();
        } catch (const Skipped& reason) {
            ++skipped;
            std::printf("skipped  %s: %s\n", test.name, reason.what());
        } catch (const std::exception& error) {
            ++failed;
            std::printf("FAILED   %s\n  %s\n", test.name, error.what());
        }
        if (verbose) {
            const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
            std::printf("         %.2f s\n", took.count());
        }
        std::fflush(stdout);
    }
    std::printf("%d native tests: %d passed, %d failed, %d skipped\n", ran, ran - failed - skipped,
                failed, skipped);
    if (ran == 0) {
        std::printf("no test has a name that begins so\n");
    }
    return failed == 0 && ran > 0 ? 0 : 1;
}
