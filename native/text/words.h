#pragma once

#include <string_view>
#include <vector>

#include "text/code_points.h"

namespace squeezebert {

/// Where the words of a text stand, in bytes, in order, by the rule of squeezebert.data.words.
///
/// Words are runs of letters and digits, with hyphens and apostrophes inside; English endings such
/// as "'s" stand alone, as in the CoNLL data; so does punctuation and, where `ideographs_apart`,
/// each ideograph. White space and control characters are left out. Marks and format characters
/// never decide where a word begins or ends; a word reaches to the last mark behind it. Touching
/// symbols are one word. Linear in the length of the text, which must be checked UTF-8.
std::vector<Span> split_words(std::string_view text, bool ideographs_apart);

/// Words, in order and apart, without marks and format characters at their beginning and format
/// characters at their end, but with all marks that follow; those that hold nothing else are
/// dropped.
std::vector<Span> with_marks(std::string_view text, const std::vector<Span>& words);

}  // namespace squeezebert
