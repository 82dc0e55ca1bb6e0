#include "text/windows.h"

#include <algorithm>
#include <string>

#include "engine/error.h"

namespace squeezebert {

namespace {

/// Where each word begins.
std::vector<std::int32_t> first_tokens(const std::vector<std::int32_t>& word_ids) {
    std::vector<std::int32_t> firsts;
    for (std::size_t i = 0; i < word_ids.size(); ++i) {
        if (i == 0 || word_ids[i] != word_ids[i - 1]) {
            firsts.push_back(static_cast<std::int32_t>(i));
        }
    }
    return firsts;
}

/// A window begins at the start of a word where it can: not inside a word that is longer than what
/// windows advance by.
std::vector<std::int32_t> window_starts(const std::vector<std::int32_t>& firsts, int length,
                                        int size, int overlap) {
    std::vector<std::int32_t> starts{0};
    while (starts.back() + size < length) {
        const int latest = starts.back() + size - overlap;
        const int whole = *(std::upper_bound(firsts.begin(), firsts.end(), latest) - 1);
        starts.push_back(whole > starts.back() ? whole : latest);
    }
    return starts;
}

}  // namespace

std::vector<Window> cut_windows(const std::vector<std::int32_t>& word_ids, int size, int overlap) {
    if (overlap < 0 || overlap >= size) {
        throw Error(ErrorKind::invalid_input, "overlap is " + std::to_string(overlap) +
                                                  ", expected 0 to " + std::to_string(size - 1));
    }
    const auto length = static_cast<int>(word_ids.size());
    std::vector<Window> windows;
    if (length == 0) return windows;
    const std::vector<std::int32_t> firsts = first_tokens(word_ids);
    for (const std::int32_t start : window_starts(firsts, length, size, overlap)) {
        const std::int32_t end = std::min(start + size, length);
        windows.push_back(
            {start, end, std::vector<std::int32_t>(static_cast<std::size_t>(end - start), -1)});
    }
    // A word is decided where the nearer end of the window is furthest from its first token. The
    // ends of the text do not count; the earlier window wins a tie.
    std::size_t from = 0;  // the first window that reaches as far as the word
    for (std::size_t word = 0; word < firsts.size(); ++word) {
        const std::int32_t token = firsts[word];
        while (windows[from].end <= token) ++from;
        Window* chosen = nullptr;
        int best = -1;
        for (std::size_t i = from; i < windows.size() && windows[i].begin <= token; ++i) {
            const int before = windows[i].begin > 0 ? token - windows[i].begin : length;
            const int after =
                windows[i].begin + size < length ? windows[i].begin + size - 1 - token : length;
            const int context = std::min(before, after);
            if (context > best) {
                best = context;
                chosen = &windows[i];
            }
        }
        chosen->words[static_cast<std::size_t>(token - chosen->begin)] =
            static_cast<std::int32_t>(word);
    }
    return windows;
}

}  // namespace squeezebert
