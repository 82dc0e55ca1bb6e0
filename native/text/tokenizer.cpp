#include "text/tokenizer.h"

#include <algorithm>
#include <utility>

#include "engine/error.h"
#include "text/unicode.h"

namespace squeezebert {

namespace {

std::int32_t required(const Vocabulary& vocabulary, const std::string& token) {
    const int id = vocabulary.find(token);
    if (id < 0) {
        throw Error(
            ErrorKind::checkpoint, "the vocabulary lacks " + token,
            "a BERT vocabulary has [PAD], [UNK], [CLS], [SEP] and [MASK]; other names stand "
            "in tokenizer_config.json: pad_token, unk_token, cls_token, sep_token, "
            "mask_token");
    }
    return id;
}

void check_text(std::string_view text) {
    if (text.size() > Tokenizer::max_text) {
        throw Error(ErrorKind::invalid_input, "the text has " + std::to_string(text.size()) +
                                                  " bytes, expected at most " +
                                                  std::to_string(Tokenizer::max_text));
    }
    check_utf8(text, "the text");
}

/// Added tokens of one kind; those for the normalized text normalized.
AddedTokens chosen(const std::vector<AddedToken>& tokens, bool normalized,
                   const Normalizer& normalizer) {
    std::vector<AddedToken> result;
    for (AddedToken token : tokens) {
        if (token.normalized != normalized) continue;
        if (normalized) {
            std::string content;
            for (const NormalizedCharacter& character : normalizer.normalize(token.content, 0)) {
                char bytes[4];
                content.append(bytes, static_cast<std::size_t>(write_utf8(character.value, bytes)));
            }
            token.content = content;
        }
        result.push_back(std::move(token));
    }
    return AddedTokens(std::move(result));
}

}  // namespace

/// Puts words together out of normalized characters and cuts them into tokens.
///
/// A word whose characters take as many bytes as in the text, one after the other, needs no list
/// of where each byte came from; nearly all words are such.
class WordCutter {
public:
    /// Notes in `word_ends`, where there is one, how many tokens there are after each word.
    WordCutter(const Tokenizer& tokenizer, Tokens& tokens,
               std::vector<std::size_t>* word_ends = nullptr)
        : tokenizer_(tokenizer),
          vocabulary_(tokenizer.vocabulary_),
          tokens_(tokens),
          word_ends_(word_ends),
          bytes_(4 * static_cast<std::size_t>(tokenizer.max_word_length_) + 4) {}

    /// All tokens of a stretch of a text, which begins at `shift`.
    void cut(std::string_view text, std::uint32_t shift) {
        if (tokenizer_.added_.none_in(text)) {
            cut_words(text, shift);
            return;
        }
        for (const AddedTokens::Part& part : tokenizer_.added_.split(text)) {
            const Span span{shift + part.begin, shift + part.end};
            if (part.id >= 0) {
                tokens_.add(part.id, span);
                note_word();
            } else {
                cut_words(text.substr(part.begin, part.end - part.begin), span.begin);
            }
        }
    }

private:
    /// A stretch without added tokens.
    void cut_words(std::string_view text, std::uint32_t shift) {
        if (!tokenizer_.normalized_added_.empty()) {
            cut_normalized(text, shift);
            return;
        }
        const std::size_t before = tokens_.size();
        const std::size_t words_before = word_ends_ == nullptr ? 0 : word_ends_->size();
        if (stream(text, shift)) return;
        // A mark that changes places: all over again, step by step.
        tokens_.ids.resize(before);
        tokens_.spans.resize(before);
        if (word_ends_ != nullptr) word_ends_->resize(words_before);
        length_ = characters_ = 0;
        for (const NormalizedCharacter& c : tokenizer_.normalizer_.normalize(text, shift)) {
            take(c.value, c.source);
        }
        end_word();
    }

    /// False where a mark changes places.
    bool stream(std::string_view text, std::uint32_t shift) {
        const CharacterTable& table = tokenizer_.characters_;
        const char* const start = text.data();
        const char* const end = start + text.size();
        const auto place = [&](const char* at) {
            return shift + static_cast<std::uint32_t>(at - start);
        };
        for (const char* at = start; at < end;) {
            if (characters_ == 0 && table.word_byte(*at) != 0) {
                at = take_ascii(at, end, place(at));
                continue;
            }
            const auto first = static_cast<unsigned char>(*at);
            const char* const next = at + utf8_bytes(*at);
            const Span source{place(at), place(next)};
            if (first < 0xE0) {
                const CharacterTable::Entry& entry = table[read_utf8(at)];
                if (!take(entry, source) && !take_any(read_utf8(at), source)) return false;
            } else if (!take_any(read_utf8(at), source)) {
                return false;
            }
            at = next;
        }
        end_word();
        return true;
    }

    /// The letters and digits of ASCII that a word begins with; where they are all of it, it is
    /// done.
    const char* take_ascii(const char* at, const char* end, std::uint32_t begin) {
        const CharacterTable& table = tokenizer_.characters_;
        const char* const last = std::min(end - at, static_cast<std::ptrdiff_t>(max_length())) + at;
        char* to = bytes_.data();
        std::uint64_t hash = Vocabulary::hash_start;
        for (char byte; at < last && (byte = table.word_byte(*at)) != 0; ++at) {
            *to++ = byte;
            hash = Vocabulary::hash_byte(hash, byte);
        }
        length_ = static_cast<std::uint32_t>(to - bytes_.data());
        characters_ = length_;
        source_ = begin;
        in_place_ = true;
        if (ends_word(at, end)) end_word(hash);
        return at;
    }

    /// Whether a word ends here for certain.
    bool ends_word(const char* at, const char* end) const {
        if (at == end) return true;
        const auto byte = static_cast<unsigned char>(*at);
        if (byte >= 0x80) return false;
        const CharacterKind kind = tokenizer_.characters_[byte].kind;
        return kind == CharacterKind::space || kind == CharacterKind::punctuation;
    }

    /// A character of the table; false where it has no simple answer.
    bool take(const CharacterTable::Entry& entry, Span source) {
        switch (entry.kind) {
            case CharacterKind::word:
                append(entry.bytes, entry.length, source);
                return true;
            case CharacterKind::space:
                end_word();
                return true;
            case CharacterKind::punctuation:
                end_word();
                append(entry.bytes, entry.length, source);
                end_word();
                return true;
            case CharacterKind::dropped:
                return true;
            case CharacterKind::other:
                break;
        }
        return false;
    }

    /// Any character; false where it changes places.
    bool take_any(char32_t character, Span source) {
        if (tokenizer_.normalizer_.changes_places(character)) return false;
        char32_t expanded[Normalizer::most];
        const int count = tokenizer_.normalizer_.expand(character, expanded);
        for (int i = 0; i < count; ++i) take(expanded[i], source);
        return true;
    }

    /// A normalized character.
    void take(char32_t character, Span source) {
        const std::uint8_t bits = properties(character);
        char bytes[4];
        if ((bits & space) != 0) {
            end_word();
        } else if ((bits & punctuation) != 0) {
            end_word();
            append(bytes, write_utf8(character, bytes), source);
            end_word();
        } else {
            append(bytes, write_utf8(character, bytes), source);
        }
    }

    void append(const char* bytes, int count, Span source) {
        const auto size = static_cast<std::uint32_t>(count);
        if (characters_ == 0) {
            source_ = source.begin;
            in_place_ = true;
        }
        // Of a word that is too long, only where it ends still matters.
        last_ = source.end;
        if (characters_ > max_length()) return;
        const bool same = source.begin == source_ + length_ && source.end == source.begin + size;
        if (in_place_ && !same) list_sources();
        if (!in_place_) {
            begins_.resize(length_ + size, source.begin);
            ends_.resize(length_ + size, source.end);
        }
        std::copy_n(bytes, size, bytes_.data() + length_);
        length_ += size;
        ++characters_;
    }

    /// Writes down where each byte so far came from.
    void list_sources() {
        in_place_ = false;
        begins_.resize(length_);
        ends_.resize(length_);
        for (std::uint32_t at = 0; at < length_;) {
            const auto size = static_cast<std::uint32_t>(utf8_bytes(bytes_[at]));
            std::fill_n(begins_.begin() + at, size, source_ + at);
            std::fill_n(ends_.begin() + at, size, source_ + at + size);
            at += size;
        }
    }

    Span span(std::uint32_t begin, std::uint32_t end) const {
        if (in_place_) return {source_ + begin, source_ + end};
        return {begins_[begin], ends_[end - 1]};
    }

    void end_word() {
        if (characters_ == 0) return;
        if (characters_ > max_length()) {
            const std::uint32_t begin = in_place_ ? source_ : begins_[0];
            tokens_.add(tokenizer_.unknown_, {begin, last_});
            note_word();
            length_ = characters_ = 0;
            begins_.clear();
            ends_.clear();
            return;
        }
        std::uint64_t hash = Vocabulary::hash_start;
        for (std::uint32_t at = 0; at < length_; ++at) {
            hash = Vocabulary::hash_byte(hash, bytes_[at]);
        }
        end_word(hash);
    }

    void end_word(std::uint64_t hash) {
        const std::string_view word(bytes_.data(), length_);
        const int id = vocabulary_.find(word, hash);
        if (id >= 0) {
            tokens_.add(id, span(0, length_));
        } else if (vocabulary_.cut(word, pieces_)) {
            std::uint32_t begin = 0;
            for (const Vocabulary::Piece& piece : pieces_) {
                tokens_.add(piece.id, span(begin, piece.end));
                begin = piece.end;
            }
        } else {
            tokens_.add(tokenizer_.unknown_, span(0, length_));
        }
        note_word();
        length_ = characters_ = 0;
        begins_.clear();
        ends_.clear();
    }

    void note_word() {
        if (word_ends_ != nullptr) word_ends_->push_back(tokens_.size());
    }

    /// Where added tokens are to be found in the normalized text, there has to be one.
    void cut_normalized(std::string_view text, std::uint32_t shift) {
        const auto characters = tokenizer_.normalizer_.normalize(text, shift);
        std::string normalized;
        std::vector<std::uint32_t> which;  // the character that each byte belongs to
        for (std::uint32_t i = 0; i < characters.size(); ++i) {
            char bytes[4];
            const int size = write_utf8(characters[i].value, bytes);
            normalized.append(bytes, static_cast<std::size_t>(size));
            which.insert(which.end(), static_cast<std::size_t>(size), i);
        }
        for (const AddedTokens::Part& part : tokenizer_.normalized_added_.split(normalized)) {
            const std::uint32_t first = which[part.begin], last = which[part.end - 1];
            if (part.id >= 0) {
                tokens_.add(part.id, {characters[first].source.begin, characters[last].source.end});
                note_word();
                continue;
            }
            for (std::uint32_t i = first; i <= last; ++i) {
                take(characters[i].value, characters[i].source);
            }
            end_word();
        }
    }

    std::uint32_t max_length() const {
        return static_cast<std::uint32_t>(tokenizer_.max_word_length_);
    }

    const Tokenizer& tokenizer_;
    const Vocabulary& vocabulary_;
    Tokens& tokens_;
    std::vector<std::size_t>* const word_ends_;
    std::vector<char> bytes_;            ///< of the word so far
    std::uint32_t length_ = 0;           ///< bytes
    std::uint32_t characters_ = 0;       ///< at most one more than max_length()
    std::uint32_t source_ = 0;           ///< where it begins in the text
    std::uint32_t last_ = 0;             ///< where it ends
    bool in_place_ = true;               ///< whether bytes stand as in the text
    std::vector<std::uint32_t> begins_;  ///< otherwise: where each byte's character begins
    std::vector<std::uint32_t> ends_;    ///< and ends
    std::vector<Vocabulary::Piece> pieces_;
};

Tokenizer::Tokenizer(const TokenizerSettings& settings)
    : normalizer_(settings.normalizer),
      characters_(normalizer_),
      vocabulary_(settings.tokens, settings.pieces, settings.prefix),
      added_(chosen(settings.added, false, normalizer_)),
      normalized_added_(chosen(settings.added, true, normalizer_)),
      max_word_length_(settings.max_word_length),
      unknown_(required(vocabulary_, settings.unknown)),
      pad_(required(vocabulary_, settings.roles.pad)),
      unk_(required(vocabulary_, settings.roles.unk)),
      cls_(required(vocabulary_, settings.roles.cls)),
      sep_(required(vocabulary_, settings.roles.sep)),
      mask_(required(vocabulary_, settings.roles.mask)) {}

Tokens Tokenizer::encode(std::string_view text) const {
    Tokens tokens;
    encode(text, tokens);
    return tokens;
}

void Tokenizer::encode(std::string_view text, Tokens& tokens) const {
    check_text(text);
    WordCutter(*this, tokens).cut(text, 0);
}

Tokens Tokenizer::encode_words(std::string_view text, const std::vector<Span>& words,
                               std::vector<std::int32_t>& word_ids) const {
    check_text(text);
    Tokens tokens;
    WordCutter cutter(*this, tokens);
    word_ids.clear();
    for (const Span& word : words) {
        const std::string_view content = text.substr(word.begin, word.end - word.begin);
        const std::size_t before = tokens.size();
        cutter.cut(content, word.begin);
        if (tokens.size() == before) tokens.add(unk_, word);
        word_ids.resize(tokens.size(), static_cast<std::int32_t>(&word - words.data()));
    }
    return tokens;
}

std::vector<Span> Tokenizer::pre_tokens(std::string_view text) const {
    check_text(text);
    Tokens tokens;
    std::vector<std::size_t> ends;
    WordCutter(*this, tokens, &ends).cut(text, 0);
    std::vector<Span> words;
    std::size_t first = 0;
    for (const std::size_t end : ends) {
        words.push_back({tokens.spans[first].begin, tokens.spans[end - 1].end});
        first = end;
    }
    return words;
}

bool Tokenizer::is_special(std::int32_t id) const {
    return id == pad_ || id == unk_ || id == cls_ || id == sep_ || id == mask_;
}

}  // namespace squeezebert
