/// What Unicode says of a code point, as BERT's normalizer and our splitting into words need it.
/// unicode_tables.inc names the version of each table.
#pragma once

#include <cstdint>

namespace squeezebert {

/// Bits of properties().
enum Property : std::uint8_t {
    removed = 1,      ///< control, format or private use, NUL, U+FFFD: clean_text drops it
    space = 2,        ///< white space; one that is `removed` as well only where nothing is cleaned
    punctuation = 4,  ///< categories P*, and all of ASCII that is no letter or digit
    nonspacing = 8,   ///< category Mn, which strip_accents drops
    decomposes = 16,  ///< has a canonical decomposition; Hangul's syllables go without
    has_lower = 32,   ///< has another small letter
    nonstarter = 64,  ///< a combining class above 0
};

/// Bits of word_properties().
enum WordProperty : std::uint8_t {
    word_letter = 1,   ///< letters and digits, str.isalnum() of Python
    word_digit = 2,    ///< str.isdecimal()
    word_blank = 4,    ///< str.isspace()
    word_mark = 8,     ///< categories M*
    word_format = 16,  ///< category Cf
    word_symbol = 32,  ///< categories So and Sk
};

/// Bits of Property. Any value below 0x110000 is allowed.
std::uint8_t properties(char32_t code_point);
/// Bits of WordProperty.
std::uint8_t word_properties(char32_t code_point);

/// A few code points.
struct CodePoints {
    static constexpr int most = 4;
    char32_t values[most];
    int count;
    const char32_t* begin() const { return values; }
    const char32_t* end() const { return values + count; }
};

/// The full canonical decomposition, or the code point itself.
CodePoints decompose(char32_t code_point);
/// The small letter; for U+0130 two code points.
CodePoints to_lower(char32_t code_point);
/// Canonical_Combining_Class.
int combining_class(char32_t code_point);

/// What BERT puts spaces around: the blocks of ideographs, with the gap that the `tokenizers`
/// library leaves in them (U+2B820 to U+2B91F).
inline bool is_ideograph(char32_t c) {
    if (c < 0x3400) return false;
    return (c >= 0x4E00 && c <= 0x9FFF) || c <= 0x4DBF || (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B81F) ||
           (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

}  // namespace squeezebert
