#pragma once

#include <string_view>
#include <vector>

#include "text/code_points.h"

namespace squeezebert {

/// Where the words of a text stand, in bytes, in order.
///
/// Words are runs of letters and digits, with hyphens and apostrophes inside; English endings such
/// as "'s" stand alone, as in the CoNLL data; so do signs, a run of one being one word. Marks and
/// format characters belong to what is before them and never begin a word. Ideographs are words of
/// their own where `ideographs_apart`, as BERT's normalizer has them. Only white space and control
/// characters are left out. Linear in the text's length, which must be checked UTF-8.
std::vector<Span> split_words(std::string_view text, bool ideographs_apart);

}  // namespace squeezebert
