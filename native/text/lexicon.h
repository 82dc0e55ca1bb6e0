/// A vocabulary's tokens as a keyboard sees them: letters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/vocabulary.h"

namespace squeezebert {

/// In letters, small where `lower`. `text` is checked UTF-8.
std::u32string letters_of(std::string_view text, bool lower);

/// Whether a token can be a word or the beginning of one: no piece, no punctuation, no number, no
/// special token.
bool is_word(std::string_view token, std::string_view prefix);

/// The tokens of a vocabulary that are letters only. A token is told by its id; its small letters
/// are kept, as what is typed is compared with all of them.
class Lexicon {
public:
    explicit Lexicon(const Vocabulary& vocabulary);

    /// Ids of tokens that is_word() finds.
    const std::vector<std::int32_t>& words() const { return words_; }
    bool is_word(std::int32_t id) const { return is_word_[static_cast<std::size_t>(id)]; }
    /// The small letters of a word; valid as long as the lexicon.
    std::u32string_view letters(std::int32_t id) const {
        const auto at = static_cast<std::size_t>(id);
        return std::u32string_view(letters_).substr(begins_[at], begins_[at + 1] - begins_[at]);
    }

private:
    std::vector<std::int32_t> words_;
    std::vector<bool> is_word_;
    std::u32string letters_;             ///< of all tokens, one after the other
    std::vector<std::uint32_t> begins_;  ///< (size + 1,) where each token's begin
};

}  // namespace squeezebert
