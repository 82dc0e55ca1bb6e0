/// Words of a language that a vocabulary holds in pieces only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace squeezebert {

/// What words.txt beside a masked LM lists: words that people write, one a line, the most frequent
/// first. Those that are one token are in the vocabulary already and left out; so are those that
/// the tokenizer does not know.
class WordList {
public:
    struct Word {
        std::string_view text;
        std::u32string_view letters;  ///< small
        const std::int32_t* first;    ///< of its tokens
        std::size_t size;             ///< in tokens
        /// The logarithm of its share among the listed words of so many tokens that begin with the
        /// same one: what its first token leaves open, as words are used at large.
        float share;

        std::vector<std::int32_t> tokens() const { return {first, first + size}; }
    };

    /// `text` is checked UTF-8, and lives as long as this.
    WordList(std::string_view text, const Tokenizer& tokenizer);
    WordList(const WordList&) = delete;
    WordList& operator=(const WordList&) = delete;

    /// The most frequent first; valid as long as this.
    const std::vector<Word>& words() const { return words_; }
    /// Whether a token is listed, so that it need not be asked whether it is a whole word.
    bool lists(std::int32_t id) const { return listed_[static_cast<std::size_t>(id)]; }

private:
    std::u32string letters_;
    std::vector<std::int32_t> tokens_;
    std::vector<Word> words_;
    std::vector<bool> listed_;  ///< (vocabulary.size(),)
};

}  // namespace squeezebert
