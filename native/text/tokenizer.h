#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/character_table.h"
#include "text/code_points.h"
#include "text/normalizer.h"
#include "text/vocabulary.h"

namespace squeezebert {

/// Tokens in the order of a text.
struct Tokens {
    std::vector<std::int32_t> ids;
    std::vector<Span> spans;  ///< (ids,) where each stands, in bytes of the text

    std::size_t size() const { return ids.size(); }
    void clear() {
        ids.clear();
        spans.clear();
    }
    void add(std::int32_t id, Span span) {
        ids.push_back(id);
        spans.push_back(span);
    }
};

/// What the special tokens are called.
struct Roles {
    std::string pad = "[PAD]";
    std::string unk = "[UNK]";
    std::string cls = "[CLS]";
    std::string sep = "[SEP]";
    std::string mask = "[MASK]";
};

/// All that makes a tokenizer, as its files say (tokenizer_files.h reads them).
struct TokenizerSettings {
    NormalizerSettings normalizer;
    std::vector<std::string> tokens;  ///< in the order of their ids
    std::size_t pieces = SIZE_MAX;    ///< the tokens from here on are added ones only
    std::vector<AddedToken> added;    ///< their ids are those of `tokens`
    Roles roles;
    std::string unknown = "[UNK]";  ///< what a word without pieces becomes
    std::string prefix = "##";      ///< of a token that continues a word
    int max_word_length = 100;      ///< characters; a longer word is unknown
};

/// BERT's WordPiece: text to ids and places, equal to the `tokenizers` library. A tokenizer may be
/// used from many threads at once.
class Tokenizer {
public:
    /// The longest text, in bytes.
    static constexpr std::size_t max_text = std::size_t{1} << 31U;

    /// Throws Error(checkpoint) for a token that stands there twice, or a special one that is
    /// missing.
    explicit Tokenizer(const TokenizerSettings& settings);

    /// Tokens of a text, without special ones around it and uncut. A literal "[MASK]" (or another
    /// added token) in it becomes that token. Linear in the text's length.
    /// Throws Error(invalid_input) for a text that is not UTF-8 or longer than max_text.
    Tokens encode(std::string_view text) const;
    /// The same, added to `tokens`.
    void encode(std::string_view text, Tokens& tokens) const;

    /// Tokens of words by themselves, which are stretches of a text; `word_ids` says for each token
    /// which word it belongs to. A word that leaves no token, such as a control character, becomes
    /// one [UNK], so that each has a token. Throws as encode().
    Tokens encode_words(std::string_view text, const std::vector<Span>& words,
                        std::vector<std::int32_t>& word_ids) const;

    /// Where the words of a text stand that the pre-tokenizer sees: divided by white space, each
    /// sign of punctuation and each ideograph by itself. Throws as encode().
    std::vector<Span> pre_tokens(std::string_view text) const;

    const Vocabulary& vocabulary() const { return vocabulary_; }
    const Normalizer& normalizer() const { return normalizer_; }
    bool is_special(std::int32_t id) const;
    std::int32_t pad_id() const { return pad_; }
    std::int32_t unk_id() const { return unk_; }
    std::int32_t cls_id() const { return cls_; }
    std::int32_t sep_id() const { return sep_; }
    std::int32_t mask_id() const { return mask_; }
    /// What stands in a text for a gap.
    std::string mask_token() const { return std::string(vocabulary_.token(mask_)); }

private:
    friend class WordCutter;

    Normalizer normalizer_;
    CharacterTable characters_;
    Vocabulary vocabulary_;
    AddedTokens added_;             ///< looked for in the text as it is
    AddedTokens normalized_added_;  ///< looked for in the normalized text, normalized themselves
    int max_word_length_;
    std::int32_t unknown_, pad_, unk_, cls_, sep_, mask_;
};

}  // namespace squeezebert
