#include "text/suggestions.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "text/code_points.h"
#include "text/unicode.h"

namespace squeezebert {
namespace {

/// How likely a word that is meant leads to what was typed, as natural logarithms. Most people have
/// typed part of a word when they look up; about one letter in a hundred is wrong.
constexpr double typed_whole = -0.5, typed_part = -0.9, edit_whole = -4.4, edit_part = -6.5,
                 small_letter = -1.0;

/// Shorter words are too near to one another.
int most_edits(std::size_t letters) { return letters < 3 ? 0 : letters < 6 ? 1 : 2; }

/// In letters, small where `lower`.
std::u32string letters_of(std::string_view text, bool lower) {
    std::u32string letters;
    for (std::size_t at = 0; at < text.size();) {
        const char32_t c = read_utf8(text.data() + at);
        if (lower) {
            for (const char32_t small : to_lower(c)) letters.push_back(small);
        } else {
            letters.push_back(c);
        }
        at += static_cast<std::size_t>(utf8_bytes(text[at]));
    }
    return letters;
}

bool in_word(char32_t c) { return (word_properties(c) & (word_letter | word_mark)) != 0; }
bool joins(char32_t c) { return c == U'-' || c == U'\'' || c == U'\u2019'; }

/// `word` with a capital first letter, where that is one of Latin-1's or ASCII's.
std::string capitalized(std::string_view word) {
    std::string result(word);
    if (result.empty()) return result;
    const char32_t first = read_utf8(word.data());
    if (first < 0x100) {
        const char32_t capital = first - 0x20;
        if (to_lower(capital).count == 1 && to_lower(capital).values[0] == first &&
            capital != first) {
            char bytes[4];
            const int count = write_utf8(capital, bytes);
            result.replace(0, static_cast<std::size_t>(utf8_bytes(word[0])), bytes,
                           static_cast<std::size_t>(count));
        }
    }
    return result;
}

}  // namespace

WordPlace word_at(std::string_view text, std::size_t cursor) {
    while (cursor > 0 && cursor < text.size() && continues_utf8(text[cursor])) --cursor;
    const auto before = [&](std::size_t at) {
        do --at;
        while (at > 0 && continues_utf8(text[at]));
        return at;
    };
    std::size_t begin = cursor, end = cursor;
    while (begin > 0) {
        const std::size_t at = before(begin);
        const char32_t c = read_utf8(text.data() + at);
        const bool inside =
            joins(c) && at > 0 && begin < cursor && in_word(read_utf8(text.data() + before(at)));
        if (!in_word(c) && !inside) break;
        begin = at;
    }
    if (begin == cursor) return {cursor, cursor};
    while (end < text.size() && in_word(read_utf8(text.data() + end))) {
        end += static_cast<std::size_t>(utf8_bytes(text[end]));
    }
    return {begin, end};
}

bool is_word(std::string_view token, std::string_view prefix) {
    if (token.empty() || token.substr(0, prefix.size()) == prefix) return false;
    for (std::size_t at = 0; at < token.size();) {
        const std::uint8_t is = word_properties(read_utf8(token.data() + at));
        if ((is & word_letter) == 0 || (is & word_digit) != 0) return false;
        at += static_cast<std::size_t>(utf8_bytes(token[at]));
    }
    return true;
}

int edits(std::u32string_view typed, std::u32string_view word, int most, bool unfinished) {
    const std::size_t rows = typed.size(), columns = word.size();
    const std::size_t longer = rows > columns ? rows - columns : columns - rows;
    if ((rows > columns || !unfinished) && longer > static_cast<std::size_t>(most)) return most + 1;
    // Only what is near the diagonal can be reached; all of it is small enough not to mind.
    const std::size_t width = std::min(columns, rows + static_cast<std::size_t>(most)) + 1;
    std::vector<int> table((rows + 1) * width);
    const auto at = [&](std::size_t row, std::size_t column) -> int& {
        return table[row * width + column];
    };
    for (std::size_t column = 0; column < width; ++column) at(0, column) = static_cast<int>(column);
    for (std::size_t row = 1; row <= rows; ++row) {
        at(row, 0) = static_cast<int>(row);
        int least = at(row, 0);
        for (std::size_t column = 1; column < width; ++column) {
            const bool same = typed[row - 1] == word[column - 1];
            int best = at(row - 1, column - 1) + (same ? 0 : 1);
            best = std::min({best, at(row - 1, column) + 1, at(row, column - 1) + 1});
            if (row > 1 && column > 1 && typed[row - 1] == word[column - 2] &&
                typed[row - 2] == word[column - 1]) {
                best = std::min(best, at(row - 2, column - 2) + 1);
            }
            at(row, column) = best;
            least = std::min(least, best);
        }
        if (least > most) return most + 1;
    }
    int result = most + 1;
    if (unfinished) {
        for (std::size_t column = 0; column < width; ++column) {
            result = std::min(result, at(rows, column));
        }
    } else if (width == columns + 1) {
        result = std::min(result, at(rows, columns));
    }
    return result;
}

std::vector<Suggestion> suggest_words(const Vocabulary& vocabulary, const float* logits,
                                      std::string_view typed, int top_k) {
    const std::u32string letters = letters_of(typed, true);
    const bool capital = !typed.empty() && letters_of(typed, false)[0] != letters[0];
    const int most = most_edits(letters.size());
    std::vector<Suggestion> found;
    for (int id = 0; id < vocabulary.size(); ++id) {
        const std::string_view token = vocabulary.token(id);
        if (!is_word(token, vocabulary.prefix())) continue;
        double score = logits[id];
        if (typed.empty()) {
            found.push_back({id, std::string(token), SuggestionKind::next, score});
            continue;
        }
        const std::u32string word = letters_of(token, true);
        SuggestionKind kind = SuggestionKind::typed;
        if (word == letters) {
            score += typed_whole;
        } else if (word.compare(0, letters.size(), letters) == 0) {
            kind = SuggestionKind::completion;
            score += typed_part;
        } else if (most > 0) {
            // The first letter is hardly ever wrong, but two may be exchanged.
            if (word[0] != letters[0] && (word.size() < 2 || word[1] != letters[0])) continue;
            const int whole = edits(letters, word, most, false);
            const int part = letters.size() < 4 || word.size() <= letters.size()
                                 ? most + 1
                                 : edits(letters, word, 1, true);
            double typo = -HUGE_VAL;
            if (whole <= most) typo = edit_whole * whole;
            if (part <= 1) typo = std::max(typo, edit_part * part);
            if (typo == -HUGE_VAL) continue;
            kind = SuggestionKind::correction;
            score += typo;
        } else {
            continue;
        }
        // A capital is meant; a small letter may be laziness.
        std::string as_typed(token);
        if (capital) {
            as_typed = capitalized(token);
        } else if (letters_of(token, false)[0] != word[0]) {
            score += small_letter;
        }
        found.push_back({id, std::move(as_typed), kind, score});
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const Suggestion& a, const Suggestion& b) { return a.score > b.score; });
    double sum = 0.0;
    for (const Suggestion& one : found) sum += std::exp(one.score - found[0].score);
    std::vector<Suggestion> best;
    for (const Suggestion& one : found) {
        if (best.size() == static_cast<std::size_t>(top_k)) break;
        const double score = std::exp(one.score - found[0].score) / sum;
        const auto same = std::find_if(best.begin(), best.end(),
                                       [&](const Suggestion& s) { return s.word == one.word; });
        if (same != best.end()) {
            same->score += score;
        } else {
            best.push_back({one.id, one.word, one.kind, score});
        }
    }
    return best;
}

}  // namespace squeezebert
