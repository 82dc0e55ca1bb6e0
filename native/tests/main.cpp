/// squeezebert_tests [-v] [PREFIX...] [-PREFIX...]
///
/// Runs the tests whose names begin with one of the prefixes (all, where none is given) and with
/// none of those after a minus. -v names each before it runs, and says what processor time it took.
#include <cstdio>
#include <ctime>
#include <string_view>

#include "kernels/dispatch.h"
#include "tests/check.h"

namespace {

bool begins(std::string_view name, std::string_view prefix) {
    return name.substr(0, prefix.size()) == prefix;
}

bool wanted(std::string_view name, int count, char** prefixes) {
    bool all = true, named = false;
    for (int i = 0; i < count; ++i) {
        const std::string_view prefix = prefixes[i];
        if (prefix.substr(0, 1) != "-") {
            all = false;
            named = named || begins(name, prefix);
        } else if (begins(name, prefix.substr(1))) {
            return false;
        }
    }
    return all || named;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace squeezebert::tests;
    const bool verbose = argc > 1 && std::string_view(argv[1]) == "-v";
    argc -= 1 + verbose;
    argv += 1 + verbose;
    std::printf("instruction sets:");
    for (const squeezebert::Isa isa : squeezebert::available_isas()) {
        std::printf(" %s", squeezebert::name(isa));
    }
    std::printf("\n");
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
        const std::clock_t start = std::clock();
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
            std::printf("         %.2f s\n", double(std::clock() - start) / CLOCKS_PER_SEC);
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
