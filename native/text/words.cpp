#include "text/words.h"

#include "text/unicode.h"

namespace squeezebert {

namespace {

/// What a character is to a word.
enum class Role : std::uint8_t {
    letter,
    digit,
    ideograph,  ///< where it stands alone
    sign,
    nothing,  ///< white space, control characters
    end,
};

/// As BERT's ideographs, without the gap.
bool is_han(char32_t c) { return is_ideograph(c) || (c >= 0x2B820 && c <= 0x2B91F); }

bool is_mark(char32_t c) { return (word_properties(c) & word_mark) != 0; }
bool is_format(char32_t c) { return (word_properties(c) & word_format) != 0; }
bool is_attached(char32_t c) { return (word_properties(c) & (word_mark | word_format)) != 0; }
bool is_symbol(char32_t c) { return c >= 0x80 && (word_properties(c) & word_symbol) != 0; }

Role role_of(char32_t c, bool ideographs_apart) {
    if (c < 0x80) {
        if ((c | 0x20) >= U'a' && (c | 0x20) <= U'z') return Role::letter;
        if (c >= U'0' && c <= U'9') return Role::digit;
        return c <= 0x20 || c == 0x7F ? Role::nothing : Role::sign;
    }
    if (c < 0xA0) return Role::nothing;
    if (ideographs_apart && is_han(c)) return Role::ideograph;
    const std::uint8_t bits = word_properties(c);
    if ((bits & word_digit) != 0) return Role::digit;
    if ((bits & word_letter) != 0) return Role::letter;
    return (bits & word_blank) != 0 ? Role::nothing : Role::sign;
}

bool is_apostrophe(char32_t c) { return c == U'\'' || c == 0x2019; }
bool joins_parts(char32_t c) { return c == U'-' || c == U'&' || is_apostrophe(c); }
bool joins_digits(char32_t c) { return c == U'.' || c == U',' || c == U':' || c == U'/'; }

/// A small letter of ASCII; the long s is one, too, to a search that ignores case.
char32_t small(char32_t c) {
    if (c == 0x17F) return U's';
    return c >= U'A' && c <= U'Z' ? c | 0x20 : c;
}

/// A text's characters without those that are attached to others, each with its role.
class Splitter {
public:
    Splitter(std::string_view text, bool ideographs_apart) {
        for (std::size_t at = 0; at < text.size();) {
            const char32_t c = read_utf8(text.data() + at);
            const auto begin = static_cast<std::uint32_t>(at);
            at += static_cast<std::size_t>(utf8_bytes(text[at]));
            if (is_attached(c)) continue;
            const auto end = static_cast<std::uint32_t>(at);
            characters_.push_back({c, {begin, end}, role_of(c, ideographs_apart)});
        }
        characters_.push_back({0, {}, Role::end});
    }

    std::vector<Span> words() const {
        std::vector<Span> found;
        for (std::size_t at = 0; at + 1 < characters_.size();) {
            const std::size_t end = word_end(at);
            if (end > at) {
                found.push_back({characters_[at].place.begin, characters_[end - 1].place.end});
                at = end;
            } else {
                ++at;
            }
        }
        return found;
    }

private:
    struct Character {
        char32_t value;
        Span place;
        Role role;
    };

    char32_t value(std::size_t at) const { return characters_[at].value; }
    Role role(std::size_t at) const { return characters_[at].role; }
    bool is_part(std::size_t at) const {
        return role(at) == Role::letter || role(at) == Role::digit;
    }

    /// Where the word ends that begins here; here, where none does.
    std::size_t word_end(std::size_t at) const {
        if (role(at) == Role::nothing) return at;
        if (role(at) == Role::ideograph) return at + 1;
        if (role(at) == Role::letter) {
            if (const std::size_t end = abbreviation_end(at); end > at) return end;
        }
        if (role(at) == Role::digit) {
            if (const std::size_t end = number_end(at); end > at) return end;
        }
        if (is_part(at)) return parts_end(at);
        if (const std::size_t end = ending_end(at); end > at) return end;
        std::size_t end = at + 1;
        while (role(end) == Role::sign && value(end) == value(at)) ++end;
        return end;
    }

    /// U.S.A.: two letters or more, each with a full stop.
    std::size_t abbreviation_end(std::size_t at) const {
        std::size_t end = at;
        while (role(end) == Role::letter && value(end + 1) == U'.') end += 2;
        return end >= at + 4 ? end : at;
    }

    /// 3,000.50 or 12:30: digits, and more of them behind a sign.
    std::size_t number_end(std::size_t at) const {
        std::size_t end = digits_end(at);
        const std::size_t first = end;
        while (joins_digits(value(end)) && role(end + 1) == Role::digit) end = digits_end(end + 1);
        return end > first ? end : at;
    }

    std::size_t digits_end(std::size_t at) const {
        while (role(at) == Role::digit) ++at;
        return at;
    }

    /// The 's of "Ada's", where no letter follows it.
    std::size_t ending_end(std::size_t at) const {
        if (!is_apostrophe(value(at))) return at;
        const char32_t first = small(value(at + 1));
        const char32_t second = first == 0 ? 0 : small(value(at + 2));
        std::size_t end = at;
        if (first == U's' || first == U'd' || first == U'm' || first == U't') end = at + 2;
        const bool two = (first == U'r' && second == U'e') || (first == U'v' && second == U'e') ||
                         (first == U'l' && second == U'l');
        if (two) end = at + 3;
        const bool inside =
            end > at && (is_part(end) || role(end) == Role::ideograph || value(end) == U'_');
        return inside ? at : end;
    }

    /// Letters and digits; further runs of them behind a hyphen.
    std::size_t parts_end(std::size_t at) const {
        std::size_t end = run_end(at);
        while (joins_parts(value(end)) && is_part(end + 1) && ending_end(end) == end) {
            end = run_end(end + 1);
        }
        return end;
    }

    std::size_t run_end(std::size_t at) const {
        while (is_part(at)) ++at;
        return at;
    }

    std::vector<Character> characters_;  ///< and one for the end
};

std::uint32_t next(std::string_view text, std::uint32_t at) {
    return at + static_cast<std::uint32_t>(utf8_bytes(text[at]));
}

/// The character before a position, which moves to its first byte.
char32_t step_back(std::string_view text, std::uint32_t& at) {
    do {
        --at;
    } while (continues_utf8(text[at]));
    return read_utf8(text.data() + at);
}

/// Puts touching symbols together: skin tones, flags, and what a zero-width joiner joins.
std::vector<Span> join_symbols(std::string_view text, const std::vector<Span>& words) {
    constexpr std::string_view joiner = "\xE2\x80\x8D";
    std::vector<Span> result;
    for (const Span& word : words) {
        if (!result.empty() && is_symbol(read_utf8(text.data() + word.begin)) &&
            is_symbol(read_utf8(text.data() + result.back().begin))) {
            const std::uint32_t end = result.back().end;
            const std::string_view between = text.substr(end, word.begin - end);
            if (between.empty() || between == joiner) {
                result.back().end = word.end;
                continue;
            }
        }
        result.push_back(word);
    }
    return result;
}

}  // namespace

std::vector<Span> with_marks(std::string_view text, const std::vector<Span>& words) {
    std::vector<Span> result;
    for (Span word : words) {
        while (word.begin < word.end && is_attached(read_utf8(text.data() + word.begin))) {
            word.begin = next(text, word.begin);
        }
        if (word.begin >= word.end) continue;
        for (std::uint32_t reach = word.end; reach < text.size();) {
            const char32_t c = read_utf8(text.data() + reach);
            if (!is_attached(c)) break;
            reach = next(text, reach);
            if (is_mark(c)) word.end = reach;
        }
        std::uint32_t last = word.end;
        while (is_format(step_back(text, last))) word.end = last;
        result.push_back(word);
    }
    return result;
}

std::vector<Span> split_words(std::string_view text, bool ideographs_apart) {
    const std::vector<Span> words = Splitter(text, ideographs_apart).words();
    return join_symbols(text, with_marks(text, words));
}

}  // namespace squeezebert
