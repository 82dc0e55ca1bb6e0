/// What a keyboard offers: the next word, the rest of one, or another for one that is misspelt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/vocabulary.h"

namespace squeezebert {

/// How a word that is offered relates to what stands there.
enum class SuggestionKind {
    next,        ///< nothing stands there yet
    typed,       ///< it is what stands there
    completion,  ///< it begins with it
    correction,  ///< a few letters differ
};

struct Suggestion {
    std::int32_t id;   ///< of the token that it is
    std::string word;  ///< the token, with a capital letter where one was typed
    SuggestionKind kind;
    double score;  ///< its probability among all words that might be meant
};

/// Where the word stands that the cursor is in or after, in bytes; empty where there is none. It is
/// made of letters and digits, with hyphens and apostrophes inside. `text` is checked UTF-8, and
/// `cursor` at most its size.
struct WordPlace {
    std::size_t begin;
    std::size_t end;
};
WordPlace word_at(std::string_view text, std::size_t cursor);

/// Whether a token can be a word by itself: no piece, no punctuation, no number, no special token.
bool is_word(std::string_view token, std::string_view prefix);

/// The fewest letters to insert, drop, replace or exchange with their neighbour that make one word
/// of another, or `most` + 1 where that takes more. `unfinished`: letters that are missing at the
/// end of `typed` cost nothing.
int edits(std::u32string_view typed, std::u32string_view word, int most, bool unfinished);

/// The best `top_k` words of a vocabulary, the likeliest first.
///
/// A word's score is how likely the model finds it in its place times how likely it is that
/// somebody who means it has typed what stands there, so far or by mistake.
///
/// @param logits (vocabulary.size(),) of the model, for the word's place
/// @param typed what stands there; empty for the next word
std::vector<Suggestion> suggest_words(const Vocabulary& vocabulary, const float* logits,
                                      std::string_view typed, int top_k);

}  // namespace squeezebert
