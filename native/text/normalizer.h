#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/code_points.h"

namespace squeezebert {

/// What BERT's normalizer does, in this order.
struct NormalizerSettings {
    bool clean_text = true;            ///< drop control characters, make all white space blanks
    bool handle_chinese_chars = true;  ///< blanks around ideographs
    bool strip_accents = true;         ///< decompose, drop what is left of accents
    bool lowercase = true;
};

/// A normalized character, and which bytes of the text it stands for.
struct NormalizedCharacter {
    char32_t value;
    Span source;
};

/// BERT's normalizer, character for character that of the `tokenizers` library.
class Normalizer {
public:
    explicit Normalizer(const NormalizerSettings& settings) : settings_(settings) {}

    const NormalizerSettings& settings() const { return settings_; }

    /// The most characters that one may become.
    static constexpr int most = 10;

    /// What a character becomes, whatever stands around it; gives how many. Not for those that
    /// change_places().
    int expand(char32_t character, char32_t* to) const;

    /// Whether a mark is kept whose place among the marks beside it is not the one that it has in
    /// the text. Such marks are rare: most are dropped with the accents.
    bool changes_places(char32_t character) const;

    /// A whole text, step by step, marks in canonical order. `shift` is added to all sources.
    ///
    /// Where marks change places, sources keep their order (so they are those of the characters
    /// whose places they take): that is what the library does.
    std::vector<NormalizedCharacter> normalize(std::string_view text, std::uint32_t shift) const;

private:
    bool drops(char32_t character) const;
    char32_t clean(char32_t character) const;
    std::vector<NormalizedCharacter> decomposed(const std::vector<NormalizedCharacter>& text) const;

    NormalizerSettings settings_;
};

}  // namespace squeezebert
