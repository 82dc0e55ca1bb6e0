#include "text/character_table.h"

#include "text/code_points.h"
#include "text/unicode.h"

namespace squeezebert {

namespace {

CharacterTable::Entry make_entry(const Normalizer& normalizer, char32_t character) {
    CharacterTable::Entry entry{CharacterKind::other, 0, {}};
    if (normalizer.changes_places(character)) return entry;
    char32_t expanded[Normalizer::most];
    const int count = normalizer.expand(character, expanded);
    if (count == 0) entry.kind = CharacterKind::dropped;
    if (count != 1) return entry;
    const std::uint8_t bits = properties(expanded[0]);
    entry.kind = (bits & space) != 0         ? CharacterKind::space
                 : (bits & punctuation) != 0 ? CharacterKind::punctuation
                                             : CharacterKind::word;
    entry.length = static_cast<std::uint8_t>(write_utf8(expanded[0], entry.bytes));
    return entry;
}

}  // namespace

CharacterTable::CharacterTable(const Normalizer& normalizer) {
    for (char32_t character = 0; character < size; ++character) {
        entries_[character] = make_entry(normalizer, character);
    }
    // NUL is left to the slow way: 0 says that a byte is of no word.
    for (char32_t character = 1; character < 0x80; ++character) {
        const Entry& entry = entries_[character];
        if (entry.kind == CharacterKind::word && entry.length == 1) {
            word_bytes_[character] = entry.bytes[0];
        }
    }
}

}  // namespace squeezebert
