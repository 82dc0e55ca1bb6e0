#pragma once

#include <string>
#include <vector>

namespace squeezebert {

class Json;
class ModelFiles;
class TensorSource;

/// Which head a checkpoint carries.
enum class HeadKind {
    none,
    masked_lm,
    text_classification,
    token_classification,
    question_answering,
    multiple_choice,
};

/// Our name of a head ("masked_lm"); "none" for a bare encoder.
const char* head_name(HeadKind head);

/// A head, and its classes' names as far as they are given.
struct Head {
    HeadKind kind = HeadKind::none;
    std::vector<std::string> labels;
};

/// Which head a model carries: by its task.json, or else by the `architectures`
/// of its config.json, or else by its tensors' names.
/// Throws Error(checkpoint) where the files contradict themselves or leave it open.
Head read_head(const ModelFiles& files, const Json& config, const TensorSource& source);

}  // namespace squeezebert
