#include "text/utf8.h"

#include <cstring>
#include <string>

#include "engine/error.h"

namespace squeezebert {

namespace {

constexpr std::uint64_t high_bits = 0x8080808080808080U;

/// The length of the sequence at `at`, 0 where it is none.
std::size_t sequence_length(const unsigned char* at, std::size_t left) {
    const unsigned char first = at[0];
    if (first < 0x80) return 1;
    if (first < 0xC2 || first > 0xF4) return 0;
    const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (left < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((at[i] & 0xC0) != 0x80) return 0;
    }
    const bool overlong = (first == 0xE0 && at[1] < 0xA0) || (first == 0xF0 && at[1] < 0x90);
    const bool surrogate = first == 0xED && at[1] >= 0xA0;
    const bool too_large = first == 0xF4 && at[1] >= 0x90;
    return overlong || surrogate || too_large ? 0 : length;
}

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
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    std::size_t at = 0;
    while (at < text.size()) {
        std::uint64_t word;
        while (at + 8 <= text.size()) {
            std::memcpy(&word, bytes + at, 8);
            if ((word & high_bits) != 0) break;
            at += 8;
        }
        if (at == text.size()) break;
        const std::size_t length = sequence_length(bytes + at, text.size() - at);
        if (length == 0) {
            throw Error(ErrorKind::invalid_input,
                        std::string(what) + " is not UTF-8: byte " + std::to_string(at) + " is " +
                            std::to_string(bytes[at]) + ", which begins no character",
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

}  // namespace squeezebert
