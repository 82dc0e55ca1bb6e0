#include "text/typing.h"

#include <algorithm>
#include <cstdlib>

namespace squeezebert {
namespace {

/// Natural logarithms. Most people have typed part of a word when they look up; the first letter is
/// hardly ever wrong. An error costs 2 or 3, each of which is one of these.
constexpr double typed_whole = 0.0, typed_part = -0.9, one_whole = -2.6, one_part = -3.2,
                 wrong_first = -2.0;

/// What an error costs that fingers or ears make, and any other.
constexpr int slip = 2, wrong = 3;

// --- letters that are typed for one another -----------------------------------------------------

/// The keys of QWERTY and QWERTZ keyboards; rows are half a key apart.
constexpr std::u32string_view layouts[2][3] = {
    {U"qwertyuiop\u00fc", U"asdfghjkl\u00f6\u00e4", U"zxcvbnm"},
    {U"qwertzuiop\u00fc", U"asdfghjkl\u00f6\u00e4", U"yxcvbnm"},
};
constexpr std::u32string_view vowels = U"aeiouy";
constexpr std::u32string_view keys = U"abcdefghijklmnopqrstuvwxyz\u00e4\u00f6\u00fc";
constexpr std::uint8_t no_key = 31;

std::uint8_t key_of(char32_t letter) {
    if (letter >= U'a' && letter <= U'z') return static_cast<std::uint8_t>(letter - U'a');
    const std::size_t at = keys.find(letter);
    return at == std::u32string_view::npos ? no_key : static_cast<std::uint8_t>(at);
}

/// By key: a bit for each letter on a key beside it, above or below, or a vowel where it is one.
using Confusions = std::array<std::uint32_t, no_key + 1>;

Confusions find_confusions() {
    Confusions found{};
    const auto add = [&](char32_t a, char32_t b) { found[key_of(a)] |= 1U << key_of(b); };
    for (const char32_t a : vowels) {
        for (const char32_t b : vowels) add(a, b);
    }
    for (const auto& rows : layouts) {
        for (int y = 0; y < 3; ++y) {
            for (int v = std::max(y - 1, 0); v <= std::min(y + 1, 2); ++v) {
                for (std::size_t x = 0; x < rows[y].size(); ++x) {
                    for (std::size_t u = 0; u < rows[v].size(); ++u) {
                        const int halves = 2 * (static_cast<int>(u) - static_cast<int>(x)) + v - y;
                        if (std::abs(halves) <= 2) add(rows[y][x], rows[v][u]);
                    }
                }
            }
        }
    }
    return found;
}

const Confusions confusions = find_confusions();

}  // namespace

Typing::Typing(std::u32string_view typed, bool finished)
    : typed_(typed), finished_(finished), part_(0) {
    for (std::size_t i = 0; i < typed_.size(); ++i) keys_[i] = key_of(typed_[i]);
    last_[0] = 0;
    for (std::size_t i = 1; i <= typed_.size(); ++i) {
        last_[i] = static_cast<std::uint8_t>(std::min(last_[i - 1] + added(i), 255));
    }
    before_ = last_;
    part_ = whole();
}

/// What it costs to have typed a letter too many: twice the same is a slip.
int Typing::added(std::size_t i) const {
    const bool doubled = i > 1 && typed_[i - 1] == typed_[i - 2];
    return doubled ? slip : wrong;
}

void Typing::push(char32_t letter) {
    const std::uint32_t likely = confusions[key_of(letter)];
    Row now;
    now[0] = static_cast<std::uint8_t>(std::min(last_[0] + slip, 255));
    for (std::size_t i = 1; i <= typed_.size(); ++i) {
        const int other = (likely >> keys_[i - 1] & 1U) != 0 ? slip : wrong;
        int best = last_[i - 1] + (typed_[i - 1] == letter ? 0 : other);
        best = std::min({best, last_[i] + slip, now[i - 1] + added(i)});
        const bool exchanged =
            i > 1 && letters_ > 0 && typed_[i - 2] == letter && typed_[i - 1] == letter_;
        if (exchanged) best = std::min(best, before_[i - 2] + slip);
        now[i] = static_cast<std::uint8_t>(std::min(best, 255));
    }
    before_ = last_;
    last_ = now;
    letter_ = letter;
    if (letters_ == 0) first_ = letter;
    if (letters_ == 1) second_ = letter;
    ++letters_;
    part_ = std::min(part_, whole());
}

int Typing::least() const {
    // An exchange of the letters to come can be cheaper than the last row alone tells.
    const auto row = std::min_element(last_.begin(), last_.begin() + typed_.size() + 1);
    const auto earlier = std::min_element(before_.begin(), before_.begin() + typed_.size() + 1);
    return std::min<int>(*row, *earlier + slip);
}

/// Shorter words are too near to one another.
int Typing::most() const {
    return typed_.size() < 3 ? 0 : typed_.size() < 6 ? wrong : slip + wrong;
}

/// Two exchanged letters are no wrong first one.
bool Typing::first_wrong() const {
    return letters_ > 0 && first_ != typed_[0] && (letters_ < 2 || second_ != typed_[0]);
}

std::optional<Typing::Fit> Typing::fit() const {
    if (whole() == 0) return Fit{SuggestionKind::typed, typed_whole};
    if (part_ == 0 && !finished_) return Fit{SuggestionKind::completion, typed_part};
    std::optional<Fit> found;
    const auto offer = [&](double score) {
        if (first_wrong()) score += wrong_first;
        if (!found || score > found->score) found = Fit{SuggestionKind::correction, score};
    };
    if (whole() <= most()) offer(one_whole * whole());
    const bool unfinished = !finished_ && typed_.size() >= 4 && letters_ > typed_.size();
    if (unfinished && part_ <= wrong) offer(one_part * part_);
    return found;
}

bool Typing::may_fit() const {
    if (least() <= most()) return true;
    return !finished_ && (part_ == 0 || (typed_.size() >= 4 && part_ <= wrong));
}

bool Typing::may_fit(std::size_t letters) const {
    const std::size_t more = static_cast<std::size_t>(most() / slip);
    if (letters + more < typed_.size()) return false;
    return !finished_ || letters <= typed_.size() + more;
}

int cost(std::u32string_view typed, std::u32string_view word, bool unfinished) {
    Typing typing(typed, !unfinished);
    for (const char32_t letter : word) typing.push(letter);
    return unfinished ? typing.part() : typing.whole();
}

}  // namespace squeezebert
