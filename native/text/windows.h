#pragma once

#include <cstdint>
#include <vector>

namespace squeezebert {

/// Tokens from begin up to, not including, end; `words` has the word that is decided at each, -1
/// at all others.
struct Window {
    std::int32_t begin;
    std::int32_t end;
    std::vector<std::int32_t> words;
};

/// Windows that cover every token, and one decision for every word: squeezebert.tasks.windows says
/// by which rule.
///
/// `word_ids` (length,) rise from 0 without gaps; a window has at most `size` tokens, and
/// neighbouring ones share at least `overlap`, which is less.
std::vector<Window> cut_windows(const std::vector<std::int32_t>& word_ids, int size, int overlap);

}  // namespace squeezebert
