#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model.h"
#include "text/suggestions.h"
#include "text/tag_set.h"
#include "text/task_spec.h"
#include "text/tokenizer.h"

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

    /// Words for a place in a text, as a keyboard offers them, at most `top_k`: see
    /// suggest_words(). `place` is theirs, as word_at() gives it. The model sees what fits of the
    /// text before the word, and after it. Throws Error(invalid_input) also for `top_k` below 1 and
    /// a place that is none.
    std::vector<Suggestion> suggest(std::string_view text, WordPlace place, int top_k) const;

private:
    struct Inputs;

    void require(HeadKind head, const char* call) const;
    std::vector<Span> words_of(std::string_view text) const;
    std::vector<float> word_logits(const Tokens& tokens, const std::vector<std::int32_t>& word_ids,
                                   std::size_t words) const;
    /// Whether the model's likeliest tokens alone will do, without the logits of all others.
    bool ranks() const;
    /// How likely each word's token is all of a word, (count,), as the model sees it by itself.
    std::vector<double> whole_word(const std::vector<Suggestion>& words) const;
    /// Candidates for the last gaps, which stand at `positions` of the inputs.
    void rank(const Inputs& inputs, const std::vector<std::int64_t>& positions, int top_k,
              std::vector<Gap>& gaps) const;

    const Model& model_;
    const Tokenizer tokenizer_;
    const TaskSpec spec_;
    const TagDecoder decoder_;
    const TagSet tags_;
    /// What whole_word() found, by id; below 0 where it was not asked.
    mutable std::vector<std::atomic<float>> whole_;
};

/// `text` with a token where a gap is; one that continues a word stands close to what is before it.
std::string filled(std::string_view text, Span gap, std::string_view token);

}  // namespace squeezebert
