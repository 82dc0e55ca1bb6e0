#pragma once

#include <string>
#include <vector>

#include "engine/head_kind.h"
#include "engine/model_files.h"
#include "text/tag_decoder.h"

namespace squeezebert {

/// What the outputs of text classification are.
enum class ProblemType { single_label, multi_label, regression };

/// How a raw text is cut into words, for token classification.
enum class WordRule {
    conll,       ///< as the CoNLL data are: split_words()
    pre_tokens,  ///< by the model's tokenizer, for checkpoints of transformers
};

/// What a model is for: its task.json, or what a config.json of Hugging Face tells.
struct TaskSpec {
    HeadKind task = HeadKind::none;
    std::vector<std::string> labels;
    ProblemType problem_type = ProblemType::single_label;
    int max_length = 512;      ///< tokens of an input, special ones included
    double temperature = 1.0;  ///< logits are divided by it before they become probabilities
    Transitions transitions;
    WordRule words = WordRule::conll;
};

/// Reads it; `head` and `labels` are the model's own, which a config.json leaves to it.
/// Throws Error(checkpoint) for damaged files, Error(config) for values that cannot be.
TaskSpec read_task_spec(const ModelFiles& files, HeadKind head,
                        const std::vector<std::string>& labels);

}  // namespace squeezebert
