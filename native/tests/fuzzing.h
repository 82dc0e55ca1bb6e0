/// Seeded rubbish: how many rounds, and ways to spoil a text or a file.
#pragma once

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "tests/model_files.h"

namespace squeezebert::tests {

/// Rounds of each fuzz test: few, so that they are soon done, unless SQUEEZEBERT_FUZZ_RUNS says
/// more (`make fuzz`).
inline int fuzz_runs(int few) {
    const char* wanted = std::getenv("SQUEEZEBERT_FUZZ_RUNS");
    return wanted == nullptr || *wanted == '\0' ? few : std::atoi(wanted);
}

/// Chances, the same in every run unless SQUEEZEBERT_FUZZ_SEED says another.
class Chance {
public:
    explicit Chance(unsigned own) {
        const char* wanted = std::getenv("SQUEEZEBERT_FUZZ_SEED");
        random_.seed(own + (wanted == nullptr ? 0U : static_cast<unsigned>(std::atoi(wanted))));
    }
    std::size_t below(std::size_t count) { return static_cast<std::size_t>(random_()) % count; }
    bool one_in(std::size_t count) { return below(count) == 0; }
    template <class Item>
    const Item& of(const std::vector<Item>& items) {
        return items[below(items.size())];
    }

private:
    std::mt19937 random_;
};

/// What no reader wants to find where it reads something else.
inline const std::vector<std::string>& odd_values() {
    static const std::vector<std::string> values{"null",
                                                 "true",
                                                 "false",
                                                 "-1",
                                                 "0",
                                                 "1",
                                                 "2",
                                                 "3",
                                                 "7",
                                                 "1.5",
                                                 "-0.0",
                                                 "1e999",
                                                 "1e-400",
                                                 "2147483647",
                                                 "2147483648",
                                                 "4294967296",
                                                 "9223372036854775807",
                                                 "9223372036854775808",
                                                 "-9223372036854775808",
                                                 "99999999999999999999999999999999",
                                                 "[]",
                                                 "{}",
                                                 "[[]]",
                                                 "[0, 0]",
                                                 "[1, 18446744073709551615]",
                                                 "\"\"",
                                                 "\"x\"",
                                                 "\"F32\"",
                                                 "\"I8\"",
                                                 "\"BF16\"",
                                                 "\"F8_E4M3\"",
                                                 "\"\\u0000\"",
                                                 "\"\\ud800\"",
                                                 "\"\\u001b[2J\"",
                                                 "\"../../x\"",
                                                 "\"/etc/hostname\"",
                                                 "\".\"",
                                                 "\"" + std::string(5000, 'k') + "\"",
                                                 std::string(70, '[') + std::string(70, ']'),
                                                 "{\"a\": 1, \"a\": 2}",
                                                 "{\"0\": \"a\", \"2\": \"b\"}",
                                                 "NaN",
                                                 "\xff\xfe",
                                                 "// x"};
    return values;
}

/// Changes a JSON text a little: mostly a value for another, so that it can still be read.
inline std::string spoiled_json(std::string text, Chance& chance) {
    for (std::size_t times = 1 + chance.below(3); times > 0 && !text.empty(); --times) {
        const std::size_t at = chance.below(text.size());
        const std::size_t colon = text.find_first_of(":,[", at);
        if (chance.below(4) > 0 && colon != std::string::npos) {
            std::size_t end = text.find_first_of(",]}", colon + 1);
            if (end == std::string::npos) end = text.size();
            text.replace(colon + 1, end - colon - 1, chance.of(odd_values()));
        } else if (chance.one_in(2)) {
            text[at] = static_cast<char>(chance.below(256));
        } else if (chance.one_in(2)) {
            text.erase(at, chance.below(40));
        } else {
            text.insert(at, text.substr(chance.below(text.size()), chance.below(40)));
        }
    }
    return text;
}

/// Changes a safetensors file: its header as JSON, or bytes anywhere, or its length.
inline std::string spoiled_weights(std::string content, Chance& chance) {
    std::size_t header = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        header |= static_cast<std::size_t>(static_cast<unsigned char>(content[i])) << (8 * i);
    }
    switch (chance.below(4)) {
        case 0:
            content[chance.below(content.size())] = static_cast<char>(chance.below(256));
            return content;
        case 1:
            content.resize(chance.below(content.size()));
            return content;
        default:
            return with_header(spoiled_json(content.substr(8, header), chance),
                               content.substr(8 + header));
    }
}

}  // namespace squeezebert::tests
