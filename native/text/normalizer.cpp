#include "text/normalizer.h"

#include <algorithm>

#include "text/unicode.h"

namespace squeezebert {

bool Normalizer::drops(char32_t character) const {
    return settings_.clean_text && (properties(character) & removed) != 0;
}

/// Line breaks and tabs are control characters that count as white space.
char32_t Normalizer::clean(char32_t character) const {
    return settings_.clean_text && (properties(character) & space) != 0 ? U' ' : character;
}

int Normalizer::expand(char32_t character, char32_t* to) const {
    if (drops(character)) return 0;
    character = clean(character);
    int count = 0;
    const bool apart = settings_.handle_chinese_chars && is_ideograph(character);
    if (apart) to[count++] = U' ';
    const CodePoints parts =
        settings_.strip_accents ? decompose(character) : CodePoints{{character}, 1};
    for (const char32_t part : parts) {
        if (settings_.strip_accents && (properties(part) & nonspacing) != 0) continue;
        if (!settings_.lowercase) {
            to[count++] = part;
        } else {
            for (const char32_t small : to_lower(part)) to[count++] = small;
        }
    }
    if (apart) to[count++] = U' ';
    return count;
}

bool Normalizer::changes_places(char32_t character) const {
    if (!settings_.strip_accents || (properties(character) & (nonstarter | decomposes)) == 0) {
        return false;
    }
    const CodePoints parts = decompose(character);
    return std::any_of(parts.begin(), parts.end(), [](char32_t part) {
        return (properties(part) & (nonstarter | nonspacing)) == nonstarter;
    });
}

std::vector<NormalizedCharacter> Normalizer::decomposed(
    const std::vector<NormalizedCharacter>& text) const {
    struct Part {
        char32_t value;
        int combining_class;
        bool first;  ///< of a character's parts
    };
    std::vector<Part> parts;
    parts.reserve(text.size());
    std::size_t starter = 0;  // marks from here on are not sorted yet
    const auto sort_marks = [&] {
        std::stable_sort(
            parts.begin() + static_cast<std::ptrdiff_t>(starter), parts.end(),
            [](const Part& a, const Part& b) { return a.combining_class < b.combining_class; });
        starter = parts.size();
    };
    for (const NormalizedCharacter& character : text) {
        bool first = true;
        for (const char32_t part : decompose(character.value)) {
            const int value = combining_class(part);
            if (value == 0) sort_marks();
            parts.push_back({part, value, first});
            first = false;
        }
    }
    sort_marks();

    std::vector<NormalizedCharacter> result;
    result.reserve(parts.size());
    std::size_t taken = 0;
    for (const Part& part : parts) {
        if (part.first) ++taken;
        const Span source = taken == 0 ? Span{0, 0} : text[taken - 1].source;
        if ((properties(part.value) & nonspacing) == 0) result.push_back({part.value, source});
    }
    return result;
}

std::vector<NormalizedCharacter> Normalizer::normalize(std::string_view text,
                                                       std::uint32_t shift) const {
    std::vector<NormalizedCharacter> result;
    result.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const char32_t character = read_utf8(text.data() + at);
        const auto begin = shift + static_cast<std::uint32_t>(at);
        at += static_cast<std::size_t>(utf8_bytes(text[at]));
        const Span source{begin, shift + static_cast<std::uint32_t>(at)};
        if (drops(character)) continue;
        const char32_t cleaned = clean(character);
        const bool apart = settings_.handle_chinese_chars && is_ideograph(cleaned);
        if (apart) result.push_back({U' ', source});
        result.push_back({cleaned, source});
        if (apart) result.push_back({U' ', source});
    }
    if (settings_.strip_accents) result = decomposed(result);
    if (settings_.lowercase) {
        std::vector<NormalizedCharacter> small;
        small.reserve(result.size());
        for (const NormalizedCharacter& character : result) {
            for (const char32_t value : to_lower(character.value)) {
                small.push_back({value, character.source});
            }
        }
        result = std::move(small);
    }
    return result;
}

}  // namespace squeezebert
