#include "engine/head_kind.h"

#include "engine/error.h"
#include "engine/json.h"
#include "engine/model_files.h"
#include "engine/tensor_source.h"

namespace squeezebert {

namespace {

/// Our name of a head, and how Hugging Face's class names end.
struct HeadNames {
    HeadKind kind;
    const char* ours;
    std::string_view ending;
};

constexpr HeadNames heads[] = {
    {HeadKind::masked_lm, "masked_lm", "ForMaskedLM"},
    {HeadKind::text_classification, "text_classification", "ForSequenceClassification"},
    {HeadKind::token_classification, "token_classification", "ForTokenClassification"},
    {HeadKind::question_answering, "question_answering", "ForQuestionAnswering"},
    {HeadKind::multiple_choice, "multiple_choice", "ForMultipleChoice"},
    {HeadKind::masked_lm, "masked_lm", "ForPreTraining"},
};

bool wants_labels(HeadKind head) {
    return head == HeadKind::text_classification || head == HeadKind::token_classification;
}

std::string text_of(const Json& label) {
    return label.string() == nullptr ? label.show() : *label.string();
}

/// What task.json says: one of our tasks, and its labels. The number of a regression needs none.
Head read_task(const Json& task, const std::string& path) {
    const Json* name = task.find("task");
    Head head;
    for (const HeadNames& names : heads) {
        const bool ours = wants_labels(names.kind) || names.kind == HeadKind::masked_lm;
        const bool same =
            name != nullptr && name->string() != nullptr && *name->string() == names.ours;
        if (ours && same) head.kind = names.kind;
    }
    if (head.kind == HeadKind::none) {
        throw Error(ErrorKind::checkpoint,
                    path + " names the task " + (name == nullptr ? "null" : name->show()) +
                        ", expected one of masked_lm, text_classification, token_classification");
    }
    const Json* labels = task.find("labels");
    if (labels != nullptr && labels->array() != nullptr) {
        for (const Json& label : *labels->array()) head.labels.push_back(text_of(label));
    }
    const Json* problem = task.find("problem_type");
    const bool number = head.kind == HeadKind::text_classification && problem != nullptr &&
                        problem->string() != nullptr && *problem->string() == "regression";
    if (number && head.labels.empty()) head.labels.emplace_back("value");
    if (wants_labels(head.kind) == head.labels.empty()) {
        throw Error(ErrorKind::config, path + " gives a " + head_name(head.kind) + " head " +
                                           std::to_string(head.labels.size()) +
                                           " labels, expected " +
                                           (head.labels.empty() ? "at least one" : "none"));
    }
    return head;
}

/// Which head the `architectures` of a config.json name.
HeadKind read_architecture(const Json& config) {
    const Json* architectures = config.find("architectures");
    if (architectures == nullptr || architectures->array() == nullptr) return HeadKind::none;
    for (const Json& architecture : *architectures->array()) {
        const std::string name = architecture.string() == nullptr ? "" : *architecture.string();
        for (const HeadNames& names : heads) {
            const std::size_t length = names.ending.size();
            if (name.size() >= length &&
                name.compare(name.size() - length, length, names.ending) == 0) {
                return names.kind;
            }
        }
    }
    return HeadKind::none;
}

/// Where neither file says, the tensors do.
HeadKind guess_head(const TensorSource& source, const std::string& directory) {
    if (source.has_any_below("cls.predictions.transform.")) return HeadKind::masked_lm;
    if (source.has("qa_outputs.weight")) return HeadKind::question_answering;
    if (source.has("classifier.weight")) {
        throw Error(ErrorKind::checkpoint,
                    directory + " has a classifier, but config.json does not say of which kind",
                    "set \"architectures\" there, as [\"BertForTokenClassification\"]");
    }
    return HeadKind::none;
}

/// The names in config.json, none where it gives none.
std::vector<std::string> read_labels(const Json& config) {
    std::vector<std::string> labels;
    const Json* id2label = config.find("id2label");
    if (id2label == nullptr || id2label->object() == nullptr) return labels;
    const std::size_t count = id2label->object()->size();
    for (std::size_t id = 0; id < count; ++id) {
        const Json* label = id2label->find(std::to_string(id));
        if (label == nullptr) {
            throw Error(ErrorKind::checkpoint, "id2label in config.json has " +
                                                   std::to_string(count) + " labels, none for " +
                                                   std::to_string(id) +
                                                   "; expected the ids 0 and up, no gap");
        }
        labels.push_back(text_of(*label));
    }
    return labels;
}

}  // namespace

const char* head_name(HeadKind head) {
    for (const HeadNames& names : heads) {
        if (names.kind == head) return names.ours;
    }
    return "none";
}

Head read_head(const ModelFiles& files, const Json& config, const TensorSource& source) {
    if (const auto task = files.read_json("task.json")) {
        return read_task(*task, files.path("task.json"));
    }
    Head head{read_architecture(config), {}};
    if (head.kind == HeadKind::none) head.kind = guess_head(source, files.where());
    if (wants_labels(head.kind)) head.labels = read_labels(config);
    return head;
}

}  // namespace squeezebert
