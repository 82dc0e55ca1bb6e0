/// What a keyboard offers: the next word, the rest of one, or another for one that is misspelt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/lexicon.h"
#include "text/typing.h"
#include "text/vocabulary.h"

namespace squeezebert {

struct Suggestion {
    std::int32_t id;                   ///< of its first token
    std::vector<std::int32_t> pieces;  ///< the tokens after it
    std::string word;                  ///< with a capital letter where one was typed
    SuggestionKind kind;
    double score;  ///< its probability among all words that might be meant, or a logarithm so far
};

/// Where the word stands that the cursor is in or after, in bytes; empty where there is none. It is
/// made of letters and digits, with hyphens and apostrophes inside. `text` is checked UTF-8, and
/// `cursor` at most its size.
struct WordPlace {
    std::size_t begin;
    std::size_t end;
};
WordPlace word_at(std::string_view text, std::size_t cursor);

/// What stands in a word's place.
class Typed {
public:
    /// `finished`: the word has ended, as something follows it.
    Typed(std::string_view text, bool finished);
    Typed(const Typed&) = delete;
    Typed& operator=(const Typed&) = delete;

    bool empty() const { return letters_.empty(); }
    /// Whether it can be compared with words: it has no digit and is not too long.
    bool may_be_word() const { return may_be_word_; }
    std::string_view text() const { return text_; }
    /// How a word of these small letters fits, where it does. This must not be empty(), and
    /// may_be_word().
    std::optional<Typing::Fit> fit(std::u32string_view letters) const;
    /// How a word fits that is spelled as it is.
    Typing::Fit exact() const { return *fit(letters_); }
    /// A word as it would be written here, with apostrophes as they were typed, and the logarithm
    /// of what a letter's size costs: a capital is meant, a small letter may be laziness.
    double write(std::string_view word, std::string& as_typed) const;

private:
    std::string_view text_;
    std::u32string letters_;
    bool finished_, capital_ = false, typographic_ = false, may_be_word_;
};

/// The words of a vocabulary that may be meant, in the order of their ids. A score is the logarithm
/// of how likely the model finds the word in its place times how likely it is that somebody who
/// means it has typed what stands there, so far or by mistake.
///
/// @param log_probabilities (vocabulary.size(),) of the model, for the word's place
std::vector<Suggestion> fitting_words(const Vocabulary& vocabulary, const Lexicon& lexicon,
                                      const float* log_probabilities, const Typed& typed);

/// The best `top_k`, the likeliest first, with scores that sum to 1 among all of `found`. Tokens
/// that are the same word as it is written here count as one.
std::vector<Suggestion> ranked(std::vector<Suggestion> found, int top_k);

}  // namespace squeezebert
