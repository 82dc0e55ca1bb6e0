#include "text/words.h"

#include "text/unicode.h"

namespace squeezebert {

namespace {

/// What a character is to a word.
enum class Role : std::uint8_t {
    letter,
    digit,
    attached,   ///< belongs to what is before it
    ideograph,  ///< where it stands alone
    sign,
    nothing,  ///< white space, control characters
    end,
};

Role role_of(char32_t c, bool ideographs_apart) {
    if (c < 0x80) {
        if ((c | 0x20) >= U'a' && (c | 0x20) <= U'z') return Role::letter;
        if (c >= U'0' && c <= U'9') return Role::digit;
        return c <= 0x20 || c == 0x7F ? Role::nothing : Role::sign;
    }
    if (ideographs_apart && is_ideograph(c)) return Role::ideograph;
    const std::uint8_t bits = word_properties(c);
    if ((bits & word_digit) != 0) return Role::digit;
    if ((bits & word_letter) != 0) return Role::letter;
    if ((bits & (word_mark | word_format)) != 0) return Role::attached;
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

/// A text as code points, each with its role.
class Splitter {
public:
    Splitter(std::string_view text, bool ideographs_apart) {
        for (std::size_t at = 0; at < text.size();) {
            const char32_t c = read_utf8(text.data() + at);
            characters_.push_back(
                {c, static_cast<std::uint32_t>(at), role_of(c, ideographs_apart)});
            at += static_cast<std::size_t>(utf8_bytes(text[at]));
        }
        characters_.push_back({0, static_cast<std::uint32_t>(text.size()), Role::end});
    }

    std::vector<Span> words() const {
        std::vector<Span> found;
        for (std::size_t at = 0; at + 1 < characters_.size();) {
            const std::size_t end = word_end(at);
            if (end > at) {
                const std::size_t whole = skip_attached(end);
                found.push_back({characters_[at].byte, characters_[whole].byte});
                at = whole;
            } else {
                ++at;
            }
        }
        return found;
    }

private:
    struct Character {
        char32_t value;
        std::uint32_t byte;
        Role role;
    };

    char32_t value(std::size_t at) const { return characters_[at].value; }
    Role role(std::size_t at) const { return characters_[at].role; }
    bool is_part(std::size_t at) const {
        return role(at) == Role::letter || role(at) == Role::digit;
    }

    /// Where the word ends that begins here; here, where none does.
    std::size_t word_end(std::size_t at) const {
        if (role(at) == Role::nothing || role(at) == Role::attached) return at;
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

    /// Letters and digits with what is attached to them; further such runs behind a hyphen.
    std::size_t parts_end(std::size_t at) const {
        std::size_t end = run_end(at);
        while (joins_parts(value(end)) && is_part(end + 1) && ending_end(end) == end) {
            end = run_end(end + 1);
        }
        return end;
    }

    std::size_t run_end(std::size_t at) const {
        while (is_part(at)) at = skip_attached(at + 1);
        return at;
    }

    std::size_t skip_attached(std::size_t at) const {
        while (role(at) == Role::attached) ++at;
        return at;
    }

    std::vector<Character> characters_;  ///< and one for the end
};

}  // namespace

std::vector<Span> split_words(std::string_view text, bool ideographs_apart) {
    return Splitter(text, ideographs_apart).words();
}

}  // namespace squeezebert
