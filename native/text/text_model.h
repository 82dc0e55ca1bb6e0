#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model.h"
#include "text/suggestions.h"
#include "text/tag_set.h"
#include "text/task_spec.h"
#include "text/tokenizer.h"
#include "text/word_list.h"

namespace squeezebert {

/// A named stretch of a text.
struct Entity {
    std::string type;
    Span span;
    float score;  ///< the least probability among the tags of its words
};

/// A token that may stand in a gap.
struct Candidate {
    std::int32_t id;
    std::string token;  ///< as the vocabulary writes it; "##ing" continues a word
    double score;       ///< its probability among all tokens
};

/// A [MASK] in a text and the likeliest tokens for it, the best first.
struct Gap {
    Span span;
    std::vector<Candidate> candidates;
};

/// Tokens for all gaps of a text at once.
struct Filling {
    std::vector<std::int32_t> ids;  ///< (gaps,)
    double score;                   ///< the product of their probabilities, each given those before
};

struct Fillings {
    std::vector<Span> gaps;
    std::vector<Filling> best;  ///< the likeliest first
};

/// A model with its tokenizer and task: text in, answers out, the same as squeezebert.Pipeline's.
/// All calls are const and may be made from many threads at once. Spans are in bytes.
///
/// They throw Error(invalid_input) for a text that is not UTF-8 and for a call that the model's
/// head has no answer to.
class TextModel {
public:
    /// `model` must outlive it. Throws Error for files that are missing, damaged, or do not belong
    /// to the model.
    TextModel(const Model& model, const ModelFiles& files);

    const Tokenizer& tokenizer() const { return tokenizer_; }
    const TaskSpec& spec() const { return spec_; }

    /// A probability for each label, or the number of a regression. An input is [CLS] text [SEP],
    /// or [CLS] text [SEP] pair [SEP]; what is longer than max_length is cut at the end, the longer
    /// of two first. `pair` may be null.
    std::vector<double> classify(std::string_view text, const std::string_view* pair) const;

    /// The entities, in order. What is longer than max_length goes in as overlapping windows.
    std::vector<Entity> tag(std::string_view text) const;

    /// The gaps that [MASK] makes, in order, with `top_k` candidates each where there are as many.
    /// Special tokens are none. Throws Error(invalid_input) also for a text without [MASK] and for
    /// `top_k` below 1.
    std::vector<Gap> fill(std::string_view text, int top_k) const;

    /// Tokens for all gaps together, at most `top_k` ways and never more than 64: the gaps are
    /// filled from left to right, each in sight of what stands in those before it, and a beam of
    /// the likeliest ways goes on. `words`: whole words only. Throws Error(invalid_input) as fill()
    /// does, and for a text that is longer than max_length.
    Fillings fill_all(std::string_view text, int top_k, bool words) const;

    /// Words for a place in a text, as a keyboard offers them, at most `top_k`: see
    /// suggestions.h. `place` is theirs, as word_at() gives it. The model sees what fits of the
    /// text before the word, and after it. A word that is being typed may be of several tokens.
    /// Throws Error(invalid_input) also for `top_k` below 1 and
    /// a place that is none.
    std::vector<Suggestion> suggest(std::string_view text, WordPlace place, int top_k) const;

private:
    struct Inputs;
    struct Place;
    /// The most tokens of a word that is looked at as it stands there.
    static constexpr int longest_word = 8;

    void require(HeadKind head, const char* call) const;
    [[noreturn]] void no_gap() const;
    std::vector<Span> words_of(std::string_view text) const;
    std::vector<float> word_logits(const Tokens& tokens, const std::vector<std::int32_t>& word_ids,
                                   std::size_t words) const;
    /// Whether the model's likeliest tokens alone will do, without the logits of all others.
    bool ranks() const;
    /// The likeliest tokens for a gap, at most `count`.
    std::vector<std::int32_t> gap_tokens(const float* row, std::size_t count, bool words) const;
    /// The logarithms of all tokens' probabilities at positions: (positions, vocabulary.size()).
    std::vector<float> log_probabilities(const Inputs& inputs,
                                         const std::vector<std::int64_t>& positions) const;
    /// Adds an input with the first tokens of a word in a place, and gaps for its others; gives the
    /// position of the first gap.
    std::int64_t add_place(const Place& place, const std::vector<std::int32_t>& tokens,
                           std::size_t length, Inputs& inputs) const;
    Place place_of(std::string_view text, WordPlace place) const;
    /// What words.txt lists; null without it. The first call cuts it into tokens.
    const WordList* word_list() const;
    /// Words of two tokens and more that may be meant: those of the list, and what stands there.
    std::vector<Suggestion> long_words(const Place& place, const Typed& typed) const;
    /// Adds to scores how likely the model finds the words in a place.
    void weigh(const Place& place, const std::vector<const WordList::Word*>& words,
               std::vector<Suggestion>& found) const;
    /// The logarithm of how likely a word is whose tokens are known; none of a word that is unknown
    /// or of more than `longest_word`.
    std::optional<double> known_word(const Place& place,
                                     const std::vector<std::int32_t>& tokens) const;
    /// How likely each token is all of a word, (count,): those that are listed are; of others the
    /// model is asked, by themselves and once.
    std::vector<double> whole_words(const std::vector<std::int32_t>& words) const;
    /// The same for those at `asked`, (asked,), without looking at what is kept.
    std::vector<double> ask_whole(const std::vector<std::int32_t>& words,
                                  const std::vector<std::size_t>& asked) const;
    /// Takes away what is rather the beginning of a word than one.
    std::vector<Suggestion> whole_only(std::vector<Suggestion> words, int top_k) const;
    /// Candidates for the last gaps, which stand at `positions` of the inputs.
    void rank(const Inputs& inputs, const std::vector<std::int64_t>& positions, int top_k,
              std::vector<Gap>& gaps) const;

    const Model& model_;
    const Tokenizer tokenizer_;
    const TaskSpec spec_;
    const TagDecoder decoder_;
    const TagSet tags_;
    const Lexicon lexicon_;
    const std::optional<std::string> word_list_text_;  ///< words.txt
    mutable std::once_flag word_list_read_;
    mutable std::optional<WordList> word_list_;
    /// What whole_words() found, by id; below 0 where it was not asked.
    mutable std::vector<std::atomic<float>> whole_;
};

/// `text` with a token where a gap is; one that continues a word stands close to what is before it.
std::string filled(std::string_view text, Span gap, std::string_view token);

/// The same for all gaps of a text, in order.
std::string filled(std::string_view text, const std::vector<Span>& gaps,
                   const std::vector<std::string_view>& tokens);

}  // namespace squeezebert
