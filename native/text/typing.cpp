#include "text/typing.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace squeezebert {
namespace {

/// What an error costs that fingers or ears make, and any other.
constexpr int slip = 2, wrong = 3;

/// Natural logarithms of how likely each is. Most people have typed part of a word when they look
/// up; the first letter is hardly ever wrong. `per_cost` is for each 1 that errors cost in a word
/// that is typed to its end, `per_cost_part` in the beginning of one.
constexpr double typed_whole = 0.0, typed_part = -0.9, per_cost = -2.6, per_cost_part = -3.2,
                 wrong_first = -2.0;

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
    struct Key {
        char32_t letter;
        int row, halves;  ///< from the left, in halves of a key
    };
    for (const auto& rows : layouts) {
        std::vector<Key> placed;
        for (int row = 0; row < 3; ++row) {
            int halves = row;
            for (const char32_t letter : rows[row]) {
                placed.push_back({letter, row, halves});
                halves += 2;
            }
        }
        for (const Key& a : placed) {
            for (const Key& b : placed) {
                const bool touch =
                    std::abs(a.row - b.row) <= 1 && std::abs(a.halves - b.halves) <= 2;
                if (touch) add(a.letter, b.letter);
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
    if (whole() <= most()) offer(per_cost * whole());
    const bool unfinished = !finished_ && typed_.size() >= 4 && letters_ > typed_.size();
    if (unfinished && part_ <= wrong) offer(per_cost_part * part_);
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
