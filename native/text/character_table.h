#pragma once

#include <array>
#include <cstdint>

#include "text/normalizer.h"

namespace squeezebert {

/// What becomes of a character, where that is simple.
enum class CharacterKind : std::uint8_t {
    word,         ///< one character of a word
    space,        ///< the end of a word
    punctuation,  ///< a word of its own
    dropped,
    other,  ///< several characters, or one that changes places: ask the normalizer
};

/// The characters that UTF-8 has in two bytes (Latin, Greek, Cyrillic, Hebrew, Arabic), normalized
/// once for all: most of most texts.
class CharacterTable {
public:
    static constexpr char32_t size = 0x800;

    struct Entry {
        CharacterKind kind;
        std::uint8_t length;
        char bytes[4];  ///< the normalized character in UTF-8
    };

    explicit CharacterTable(const Normalizer& normalizer);

    const Entry& operator[](char32_t character) const { return entries_[character]; }
    /// The normalized character for a byte of ASCII that belongs to words; 0 for all other bytes.
    char word_byte(char byte) const { return word_bytes_[static_cast<unsigned char>(byte)]; }

private:
    std::array<Entry, size> entries_;
    std::array<char, 256> word_bytes_{};
};

}  // namespace squeezebert
