#include "text/suggestions.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "text/code_points.h"
#include "text/unicode.h"

namespace squeezebert {
namespace {

/// A logarithm: how likely a word with a capital letter is typed with a small one.
constexpr double small_letter = -1.0;

bool in_word(char32_t c) { return (word_properties(c) & (word_letter | word_mark)) != 0; }
constexpr char32_t typographic_apostrophe = U'\u2019';
bool joins(char32_t c) { return c == U'-' || c == U'\'' || c == typographic_apostrophe; }

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

Typed::Typed(std::string_view text, bool finished)
    : text_(text),
      letters_(letters_of(text, true)),
      finished_(finished),
      may_be_word_(letters_.size() <= Typing::longest) {
    if (text.empty()) return;
    capital_ = to_lower(read_utf8(text.data())).values[0] != read_utf8(text.data());
    for (char32_t& letter : letters_) {
        if ((word_properties(letter) & word_digit) != 0) may_be_word_ = false;
        if (letter != typographic_apostrophe) continue;
        letter = U'\'';
        typographic_ = true;
    }
}

std::optional<Typing::Fit> Typed::fit(std::u32string_view letters) const {
    Typing typing(letters_, finished_);
    if (!typing.may_fit(letters.size())) return {};
    for (const char32_t letter : letters) {
        typing.push(letter);
        if (!typing.may_fit()) return {};
    }
    return typing.fit();
}

double Typed::write(std::string_view word, std::string& as_typed) const {
    as_typed = capital_ ? capitalized(word) : std::string(word);
    if (typographic_) {
        for (std::size_t at = 0; (at = as_typed.find('\'', at)) != std::string::npos;) {
            as_typed.replace(at, 1, "\xE2\x80\x99");
        }
    }
    if (empty() || capital_) return 0.0;
    const char32_t first = read_utf8(word.data());
    return to_lower(first).values[0] == first ? 0.0 : small_letter;
}

std::vector<Suggestion> fitting_words(const Vocabulary& vocabulary, const Lexicon& lexicon,
                                      const float* log_probabilities, const Typed& typed) {
    std::vector<Suggestion> found;
    for (const std::int32_t id : lexicon.words()) {
        Typing::Fit fit{SuggestionKind::next, 0.0};
        if (!typed.empty()) {
            const auto fits = typed.fit(lexicon.letters(id));
            if (!fits) continue;
            fit = *fits;
        }
        Suggestion one{id, {}, {}, fit.kind, log_probabilities[id] + fit.score};
        one.score += typed.write(vocabulary.token(id), one.word);
        found.push_back(std::move(one));
    }
    return found;
}

std::vector<Suggestion> ranked(std::vector<Suggestion> found, int top_k) {
    std::stable_sort(found.begin(), found.end(),
                     [](const Suggestion& a, const Suggestion& b) { return a.score > b.score; });
    double sum = 0.0;
    for (const Suggestion& one : found) sum += std::exp(one.score - found[0].score);
    std::vector<Suggestion> best;
    std::unordered_map<std::string, std::size_t> places;
    for (Suggestion& one : found) {
        const double score = std::exp(one.score - found[0].score) / sum;
        const auto same = places.find(one.word);
        if (same != places.end()) {
            best[same->second].score += score;
            continue;
        }
        if (best.size() == static_cast<std::size_t>(top_k)) break;
        places.emplace(one.word, best.size());
        best.push_back(std::move(one));
        best.back().score = score;
    }
    return best;
}

}  // namespace squeezebert
