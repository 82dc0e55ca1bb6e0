#include "text/typing.h"

#include <algorithm>

namespace squeezebert {
namespace {

/// Natural logarithms. Most people have typed part of a word when they look up; about one letter in
/// a hundred is wrong, and the first one hardly ever.
constexpr double typed_whole = 0.0, typed_part = -0.9, edit_whole = -5.0, edit_part = -6.5,
                 wrong_first = -2.0;

}  // namespace

Typing::Typing(std::u32string_view typed, bool finished)
    : typed_(typed), finished_(finished), part_(static_cast<int>(typed.size())) {
    for (std::size_t i = 0; i <= typed_.size(); ++i) last_[i] = static_cast<std::uint8_t>(i);
    before_ = last_;
}

void Typing::push(char32_t letter) {
    Row now;
    now[0] = static_cast<std::uint8_t>(std::min<std::size_t>(letters_ + 1, 255));
    for (std::size_t i = 1; i <= typed_.size(); ++i) {
        int best = last_[i - 1] + (typed_[i - 1] == letter ? 0 : 1);
        best = std::min({best, last_[i] + 1, now[i - 1] + 1});
        const bool exchanged =
            i > 1 && letters_ > 0 && typed_[i - 2] == letter && typed_[i - 1] == letter_;
        if (exchanged) best = std::min(best, before_[i - 2] + 1);
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
    // An exchange of the letters to come can be cheaper than the last row alone tells by one.
    const auto row = std::min_element(last_.begin(), last_.begin() + typed_.size() + 1);
    const auto earlier = std::min_element(before_.begin(), before_.begin() + typed_.size() + 1);
    return std::min<int>(*row, *earlier + 1);
}

/// Shorter words are too near to one another.
int Typing::most() const { return typed_.size() < 3 ? 0 : typed_.size() < 6 ? 1 : 2; }

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
    if (whole() <= most()) offer(edit_whole * whole());
    const bool unfinished = !finished_ && typed_.size() >= 4 && letters_ > typed_.size();
    if (unfinished && part_ <= 1) offer(edit_part * part_);
    return found;
}

bool Typing::may_fit() const {
    if (least() <= most()) return true;
    return !finished_ && (part_ == 0 || (typed_.size() >= 4 && part_ <= 1));
}

double Typing::cost_so_far() const {
    if (finished_) return edit_whole * least();
    return part_ == 0 ? typed_part : edit_whole * std::min(least(), part_);
}

int edits(std::u32string_view typed, std::u32string_view word, bool unfinished) {
    Typing typing(typed, !unfinished);
    for (const char32_t letter : word) typing.push(letter);
    return unfinished ? typing.part() : typing.whole();
}

}  // namespace squeezebert
