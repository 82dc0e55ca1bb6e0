#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/code_points.h"

namespace squeezebert {

/// A token that is found in a text as it stands, such as [MASK], with the fields that a
/// tokenizer.json gives it.
struct AddedToken {
    std::string content;
    std::int32_t id = 0;
    bool single_word = false;  ///< not where a letter or digit stands beside it
    bool lstrip = false;       ///< takes the white space before it along
    bool rstrip = false;       ///< and that behind it
    bool normalized = false;   ///< looked for in the normalized text
};

/// Finds added tokens: the leftmost first, of several at a place the longest.
class AddedTokens {
public:
    AddedTokens() = default;
    /// Of two with the same content the first counts. Empty contents are left out.
    explicit AddedTokens(std::vector<AddedToken> tokens);

    bool empty() const { return tokens_.empty(); }

    /// A stretch of a text: an added token's, or (id -1) one between them.
    struct Part {
        std::int32_t id;
        std::uint32_t begin;
        std::uint32_t end;
    };

    /// The parts of a text, in order, none of them empty.
    std::vector<Part> split(std::string_view text) const;
    /// Whether split() would give one part without a token: quick.
    bool none_in(std::string_view text) const;

private:
    std::size_t next_start(std::string_view text, std::size_t from) const;
    const AddedToken* longest_at(std::string_view text, std::size_t at) const;

    std::vector<AddedToken> tokens_;  ///< the longest first
    std::array<bool, 256> starts_{};  ///< bytes that a token begins with
    int only_start_ = -1;             ///< the only such byte, where there is only one
};

}  // namespace squeezebert
