/// The code points of UTF-8: walking through them, and counting in other units.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace squeezebert {

/// Throws Error(invalid_input) that names `what` and the first byte that is wrong, where `text` is
/// no UTF-8 (RFC 3629: shortest form, no surrogates, nothing above U+10FFFF).
void check_utf8(std::string_view text, const char* what);

/// How many bytes a code point takes whose first byte this is.
inline int utf8_bytes(char lead) {
    const auto first = static_cast<unsigned char>(lead);
    return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

inline bool continues_utf8(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

/// The code point at `at` of checked UTF-8.
inline char32_t read_utf8(const char* at) {
    const auto byte = [at](int i) {
        return static_cast<char32_t>(static_cast<unsigned char>(at[i]));
    };
    const char32_t first = byte(0);
    if (first < 0x80) return first;
    if (first < 0xE0) return (first & 0x1F) << 6 | (byte(1) & 0x3F);
    if (first < 0xF0) return (first & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    return (first & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
}

/// Writes a code point, at most four bytes; gives how many.
inline int write_utf8(char32_t c, char* to) {
    if (c < 0x80) {
        to[0] = static_cast<char>(c);
        return 1;
    }
    if (c < 0x800) {
        to[0] = static_cast<char>(0xC0 | c >> 6);
        to[1] = static_cast<char>(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = static_cast<char>(0xE0 | c >> 12);
        to[1] = static_cast<char>(0x80 | (c >> 6 & 0x3F));
        to[2] = static_cast<char>(0x80 | (c & 0x3F));
        return 3;
    }
    to[0] = static_cast<char>(0xF0 | c >> 18);
    to[1] = static_cast<char>(0x80 | (c >> 12 & 0x3F));
    to[2] = static_cast<char>(0x80 | (c >> 6 & 0x3F));
    to[3] = static_cast<char>(0x80 | (c & 0x3F));
    return 4;
}

/// Half-open, in bytes of a text unless said otherwise.
struct Span {
    std::uint32_t begin;
    std::uint32_t end;
};

inline bool operator==(const Span& a, const Span& b) {
    return a.begin == b.begin && a.end == b.end;
}

/// What a position in a text counts.
enum class TextUnit {
    bytes,        ///< of UTF-8
    code_points,  ///< as Python's strings
    utf16,        ///< as strings of JavaScript, Java and Swift's NSString
};

/// Turns spans of `text` from bytes into another unit, in place. Those at code points' borders in
/// the order of the text (begins and ends rising) cost one walk through it.
void convert_spans(std::string_view text, TextUnit unit, std::vector<Span>& spans);

/// The byte of `text`, checked UTF-8, at which a position in a unit stands: the way back. A
/// position inside a character is its beginning, one behind the end is text.size() + 1.
std::size_t byte_at(std::string_view text, TextUnit unit, std::size_t position);

}  // namespace squeezebert
