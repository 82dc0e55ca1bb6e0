#include "text/code_points.h"

#include <cstring>
#include <string>

#include "engine/error.h"
#include "engine/utf8.h"

namespace squeezebert {

namespace {

constexpr std::uint64_t high_bits = 0x8080808080808080U;

bool is_ascii(std::string_view text) {
    std::uint64_t seen = 0;
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) {
        std::uint64_t word;
        std::memcpy(&word, text.data() + at, 8);
        seen |= word;
    }
    for (; at < text.size(); ++at) seen |= static_cast<unsigned char>(text[at]);
    return (seen & high_bits) == 0;
}

/// Walks through a text and counts in another unit.
class Counter {
public:
    Counter(std::string_view text, TextUnit unit) : text_(text), unit_(unit) {}

    std::uint32_t count(std::uint32_t byte) {
        if (byte < at_) at_ = count_ = 0;
        for (; at_ < byte && at_ < text_.size(); ++at_) {
            const char value = text_[at_];
            if (continues_utf8(value)) continue;
            const bool pair = unit_ == TextUnit::utf16 && static_cast<unsigned char>(value) >= 0xF0;
            count_ += pair ? 2 : 1;
        }
        return count_;
    }

private:
    std::string_view text_;
    TextUnit unit_;
    std::uint32_t at_ = 0;
    std::uint32_t count_ = 0;
};

}  // namespace

void check_utf8(std::string_view text, const char* what) {
    std::size_t at = 0;
    while (at < text.size()) {
        std::uint64_t word;
        while (at + 8 <= text.size()) {
            std::memcpy(&word, text.data() + at, 8);
            if ((word & high_bits) != 0) break;
            at += 8;
        }
        if (at == text.size()) break;
        const std::size_t length = utf8_length(text, at);
        if (length == 0) {
            throw Error(ErrorKind::invalid_input,
                        std::string(what) + " is not UTF-8: byte " + std::to_string(at) + " is " +
                            std::to_string(static_cast<unsigned char>(text[at])) +
                            ", which begins no character",
                        "decode the text by the encoding that it has, and encode it as UTF-8");
        }
        at += length;
    }
}

void convert_spans(std::string_view text, TextUnit unit, std::vector<Span>& spans) {
    if (unit == TextUnit::bytes || is_ascii(text)) return;
    Counter begins(text, unit), ends(text, unit);
    for (Span& span : spans) span = {begins.count(span.begin), ends.count(span.end)};
}

std::size_t byte_at(std::string_view text, TextUnit unit, std::size_t position) {
    std::size_t at = 0, count = 0;
    while (at < text.size()) {
        const int bytes = utf8_bytes(text[at]);
        count += unit == TextUnit::bytes                 ? static_cast<std::size_t>(bytes)
                 : unit == TextUnit::utf16 && bytes == 4 ? 2
                                                         : 1;
        if (count > position) return at;
        at += static_cast<std::size_t>(bytes);
    }
    return count == position ? at : text.size() + 1;
}

}  // namespace squeezebert
