#include "text/lexicon.h"

#include "text/code_points.h"
#include "text/unicode.h"

namespace squeezebert {
namespace {

bool all_letters(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const std::uint8_t is = word_properties(read_utf8(text.data() + at));
        if ((is & word_letter) == 0 || (is & word_digit) != 0) return false;
        at += static_cast<std::size_t>(utf8_bytes(text[at]));
    }
    return !text.empty();
}

}  // namespace

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

bool is_word(std::string_view token, std::string_view prefix) {
    return token.substr(0, prefix.size()) != prefix && all_letters(token);
}

Lexicon::Lexicon(const Vocabulary& vocabulary)
    : is_word_(static_cast<std::size_t>(vocabulary.size())) {
    begins_.push_back(0);
    for (int id = 0; id < vocabulary.size(); ++id) {
        const std::string_view token = vocabulary.token(id);
        if (squeezebert::is_word(token, vocabulary.prefix())) {
            letters_ += letters_of(token, true);
            words_.push_back(id);
            is_word_[static_cast<std::size_t>(id)] = true;
        }
        begins_.push_back(static_cast<std::uint32_t>(letters_.size()));
    }
}

}  // namespace squeezebert
