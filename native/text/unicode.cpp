#include "text/unicode.h"

#include <algorithm>
#include <iterator>

namespace squeezebert {

namespace {

#include "text/unicode_tables.inc"

constexpr char32_t block = 128;

/// Hangul's syllables are computed (the Unicode Standard, section 3.12).
constexpr char32_t first_syllable = 0xAC00, syllables = 11172;
constexpr char32_t first_lead = 0x1100, first_vowel = 0x1161, before_tail = 0x11A7;
constexpr char32_t vowels = 21, tails = 28;

/// Where a code point stands in a sorted table, which it is in.
template <std::size_t size>
std::size_t find(const std::uint32_t (&table)[size], char32_t code_point) {
    return static_cast<std::size_t>(
        std::lower_bound(std::begin(table), std::end(table), code_point) - std::begin(table));
}

}  // namespace

std::uint8_t properties(char32_t code_point) {
    return properties_blocks[properties_index[code_point / block] * block + code_point % block];
}

std::uint8_t word_properties(char32_t code_point) {
    return word_properties_blocks[word_properties_index[code_point / block] * block +
                                  code_point % block];
}

CodePoints decompose(char32_t code_point) {
    if (code_point >= first_syllable && code_point < first_syllable + syllables) {
        const char32_t index = code_point - first_syllable;
        const char32_t tail = index % tails;
        return {{first_lead + index / (vowels * tails), first_vowel + index / tails % vowels,
                 before_tail + tail},
                tail == 0 ? 2 : 3};
    }
    if ((properties(code_point) & decomposes) == 0) return {{code_point}, 1};
    const std::size_t at = find(decomposed_from, code_point);
    CodePoints result{{}, decomposed_start[at + 1] - decomposed_start[at]};
    std::copy_n(decomposed_to + decomposed_start[at], result.count, result.values);
    return result;
}

CodePoints to_lower(char32_t code_point) {
    if ((properties(code_point) & has_lower) == 0) return {{code_point}, 1};
    if (code_point == 0x130) return {{'i', 0x307}, 2};
    return {{lower_to[find(lower_from, code_point)]}, 1};
}

int combining_class(char32_t code_point) {
    if ((properties(code_point) & nonstarter) == 0) return 0;
    return nonstarter_classes[find(nonstarters, code_point)];
}

}  // namespace squeezebert
