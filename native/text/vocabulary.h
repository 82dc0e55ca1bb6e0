#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace squeezebert {

/// A WordPiece vocabulary: tokens and ids, and words cut into the longest pieces there are.
class Vocabulary {
public:
    /// Tokens in the order of their ids; those inside a word begin with `prefix`. From `pieces` on
    /// they are added ones, which words are not cut into. Throws Error(checkpoint) for a piece that
    /// stands there twice.
    Vocabulary(const std::vector<std::string>& tokens, std::size_t pieces, std::string prefix);

    /// All tokens, added ones too.
    int size() const { return static_cast<int>(ends_.size()) - 1; }
    /// The token of an id below size(); valid as long as the vocabulary.
    std::string_view token(int id) const;
    /// The id of a token, added ones too, or -1.
    int find(std::string_view token) const;
    /// Whether the token of an id continues a word.
    bool continues_word(int id) const;
    const std::string& prefix() const { return prefix_; }

    /// A piece of a word: its id, and the byte after its last.
    struct Piece {
        std::int32_t id;
        std::uint32_t end;
    };

    /// The start of a hash of a word, to which hash_byte adds a byte.
    static constexpr std::uint64_t hash_start = 0xCBF29CE484222325U;
    static std::uint64_t hash_byte(std::uint64_t hash, char byte) {
        return (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3U;
    }
    /// The id of a word that is a token as it is, or -1.
    int find(std::string_view word, std::uint64_t hash) const { return lookup(hash, word, false); }

    /// Cuts a word from the left into the longest pieces that the vocabulary has. Gives false, and
    /// pieces of no meaning, where it cannot. Costs at most the word's length times that of the
    /// longest token.
    bool cut(std::string_view word, std::vector<Piece>& pieces) const;

private:
    struct Slot {
        std::uint32_t tag;
        std::int32_t id;
    };

    int lookup(std::uint64_t hash, std::string_view text, bool after_prefix) const;

    std::string prefix_;
    int pieces_;
    std::uint64_t prefix_hash_ = hash_start;
    std::string pool_;                   ///< all tokens, one after the other
    std::vector<std::uint32_t> ends_;    ///< (size + 1,) where each begins and ends
    std::vector<Slot> slots_;            ///< a hash table without chains; id -1 is free
    std::vector<std::uint64_t> filter_;  ///< a bit that each token has set, and few others have
    int slot_shift_ = 0, filter_shift_ = 0;
    std::uint32_t longest_ = 0;  ///< bytes of a token, without the prefix
};

}  // namespace squeezebert
