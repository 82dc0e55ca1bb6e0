/// How what somebody typed relates to a word that they may mean: their letters compared one by one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace squeezebert {

/// How a word that is offered relates to what stands there.
enum class SuggestionKind {
    next,        ///< nothing stands there yet
    typed,       ///< it is what stands there
    completion,  ///< it begins with it
    correction,  ///< a few letters differ
};

/// A word's letters, given one after the other, beside what was typed. What was typed must live as
/// long, in small letters, 1 to `longest` of them. `finished`: no letter is to follow it.
class Typing {
public:
    static constexpr std::size_t longest = 48;

    Typing(std::u32string_view typed, bool finished);

    /// The word's next letter, small.
    void push(char32_t letter);

    /// What the errors cost that make the letters so far of what was typed: letters left out, too
    /// many, replaced or exchanged with their neighbor. Such as fingers make cost 2 (one on a
    /// neighboring key, one twice, one left out, two exchanged; a vowel for another), others 3.
    int whole() const { return last_[typed_.size()]; }
    /// The same for the best beginning of the word: letters that are not typed yet cost nothing.
    int part() const { return part_; }
    /// The least that any word costs which begins with the letters so far.
    int least() const;

    /// What the word would be, and the logarithm of how likely somebody who means it types this.
    struct Fit {
        SuggestionKind kind;
        double score;
    };
    /// Nothing where the word is too far from what was typed.
    std::optional<Fit> fit() const;
    /// Whether more letters could make it fit.
    bool may_fit() const;
    /// Whether a word of so many letters can fit at all.
    bool may_fit(std::size_t letters) const;

private:
    using Row = std::array<std::uint8_t, longest + 1>;

    int added(std::size_t i) const;
    int most() const;
    bool first_wrong() const;

    std::u32string_view typed_;
    bool finished_;
    std::array<std::uint8_t, longest> keys_;  ///< where what was typed stands on a keyboard
    Row last_, before_;  ///< costs of each beginning of what was typed, now and a letter ago
    char32_t letter_ = 0, first_ = 0, second_ = 0;
    std::size_t letters_ = 0;
    int part_;
};

/// What the errors cost between `word` and `typed`, or its beginning where `unfinished`.
int cost(std::u32string_view typed, std::u32string_view word, bool unfinished);

}  // namespace squeezebert
