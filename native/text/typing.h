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

    /// The fewest letters to insert, drop, replace or exchange with their neighbor that make the
    /// letters so far of what was typed.
    int whole() const { return last_[typed_.size()]; }
    /// The same for the best beginning of the word: letters that are not typed yet cost nothing.
    int part() const { return part_; }
    /// The fewest edits that any word has which begins with the letters so far.
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
    /// The least that least() costs a word, a logarithm.
    double cost_so_far() const;

private:
    using Row = std::array<std::uint8_t, longest + 1>;

    int most() const;
    bool first_wrong() const;

    std::u32string_view typed_;
    bool finished_;
    Row last_, before_;  ///< edits to each beginning of what was typed, now and a letter ago
    char32_t letter_ = 0, first_ = 0, second_ = 0;
    std::size_t letters_ = 0;
    int part_;
};

/// The edits that make `word` of `typed`, or of its beginning where `unfinished`.
int edits(std::u32string_view typed, std::u32string_view word, bool unfinished);

}  // namespace squeezebert
