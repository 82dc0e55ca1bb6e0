#include "engine/utf8.h"

#include <cstdio>

namespace squeezebert {

namespace {

unsigned byte_at(std::string_view text, std::size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
}

/// The code point of a character that is `length` bytes long.
unsigned code_point(std::string_view text, std::size_t at, std::size_t length) {
    unsigned code = byte_at(text, at);
    if (length > 1) code &= 0x7FU >> length;
    for (std::size_t i = 1; i < length; ++i) code = code << 6U | (byte_at(text, at + i) & 0x3FU);
    return code;
}

/// What a terminal or a log would act on instead of showing it.
bool is_control(unsigned code) {
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0x200E || code == 0x200F || code == 0xFEFF;
}

std::string escaped(unsigned code) {
    if (code == '\n') return "\\n";
    if (code == '\t') return "\\t";
    char buffer[16];
    std::snprintf(buffer, sizeof buffer, code < 0x100 ? "\\x%02x" : "\\u%04x", code);
    return buffer;
}

}  // namespace

std::size_t utf8_length(std::string_view text, std::size_t at) {
    const auto follows = [&](std::size_t i) { return (byte_at(text, at + i) & 0xC0U) == 0x80U; };
    if (at >= text.size()) return 0;
    const unsigned first = byte_at(text, at);
    const unsigned second = byte_at(text, at + 1);
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        const bool overlong = first == 0xE0 && second < 0xA0;
        const bool surrogate = first == 0xED && second > 0x9F;
        return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const bool overlong = first == 0xF0 && second < 0x90;
        const bool beyond = first == 0xF4 && second > 0x8F;
        return follows(1) && follows(2) && follows(3) && !overlong && !beyond ? 4 : 0;
    }
    return 0;
}

std::string shown(std::string_view text, std::size_t most) {
    constexpr std::string_view gap = " \xE2\x80\xA6 ";  // an ellipsis
    if (text.size() > most) {
        // Both ends say something: of a path the last folder, of a message what was expected.
        const auto is_inside = [&](std::size_t at) { return (byte_at(text, at) & 0xC0U) == 0x80U; };
        std::size_t head = most * 3 / 5;
        std::size_t tail = text.size() - most * 2 / 5;
        for (int i = 0; i < 3 && head > 0 && is_inside(head); ++i) --head;
        for (int i = 0; i < 3 && tail < text.size() && is_inside(tail); ++i) ++tail;
        // Escapes make it longer, so that cut pieces must not be cut again.
        return shown(text.substr(0, head), text.size()) + std::string(gap) +
               shown(text.substr(tail), text.size());
    }
    std::string result;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = utf8_length(text, at);
        const unsigned code = length == 0 ? byte_at(text, at) : code_point(text, at, length);
        if (length == 0 || is_control(code)) {
            result += escaped(code);
        } else {
            result.append(text.substr(at, length));
        }
        at += length == 0 ? 1 : length;
    }
    return result;
}

}  // namespace squeezebert
