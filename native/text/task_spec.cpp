#include "text/task_spec.h"

#include <cmath>
#include <optional>
#include <set>

#include "engine/error.h"

namespace squeezebert {

namespace {

constexpr int longest = 1 << 20;

ProblemType problem_named(const Json* value, const std::string& where) {
    if (value == nullptr || value->is_null()) return ProblemType::single_label;
    const std::string name = value->string() == nullptr ? "" : *value->string();
    if (name == "single_label" || name == "single_label_classification") {
        return ProblemType::single_label;
    }
    if (name == "multi_label" || name == "multi_label_classification") {
        return ProblemType::multi_label;
    }
    if (name == "regression") return ProblemType::regression;
    throw Error(ErrorKind::config, where + ": problem_type is " + value->show() +
                                       ", expected single_label, multi_label or regression");
}

WordRule word_rule_named(const Json* value, const std::string& where) {
    if (value == nullptr) return WordRule::conll;
    const std::string name = value->string() == nullptr ? "" : *value->string();
    if (name == "conll") return WordRule::conll;
    if (name == "pre_tokens") return WordRule::pre_tokens;
    throw Error(ErrorKind::config,
                where + ": words is " + value->show() + ", expected conll or pre_tokens");
}

int read_length(const Json* value, const std::string& where) {
    if (value == nullptr) return TaskSpec().max_length;
    const auto number = value->integer();
    if (!number || *number < 4 || *number > longest) {
        throw Error(ErrorKind::config, where + ": max_length is " + value->show() +
                                           ", expected 4 to " + std::to_string(longest));
    }
    return static_cast<int>(*number);
}

double read_temperature(const Json* value, const std::string& where) {
    if (value == nullptr) return 1.0;
    const auto number = value->number();
    if (!number || !(*number > 0.0) || !std::isfinite(*number)) {
        throw Error(ErrorKind::config,
                    where + ": temperature is " + value->show() + ", expected a number above 0");
    }
    return *number;
}

Transitions read_transitions(const Json* value, const std::string& where) {
    Transitions transitions;
    if (value == nullptr || value->array() == nullptr) return transitions;
    for (const Json& row : *value->array()) {
        transitions.emplace_back();
        for (const Json& score : row.array() == nullptr ? Json::Array() : *row.array()) {
            if (!score.is_null() && !score.number()) {
                throw Error(ErrorKind::config, where + ": the transitions hold " + score.show() +
                                                   ", expected numbers and nulls");
            }
            transitions.back().push_back(score.number());
        }
    }
    return transitions;
}

void check(const TaskSpec& spec, const std::string& where) {
    const std::set<std::string> unique(spec.labels.begin(), spec.labels.end());
    if (unique.size() != spec.labels.size()) {
        throw Error(ErrorKind::config, where + ": the labels hold one twice");
    }
    if (spec.task == HeadKind::text_classification) {
        const bool regression = spec.problem_type == ProblemType::regression;
        const bool single = spec.problem_type == ProblemType::single_label;
        const std::size_t count = spec.labels.size();
        if (regression ? count != 1 : count < (single ? 2U : 1U)) {
            throw Error(ErrorKind::config, where + ": there are " + std::to_string(count) +
                                               " labels, expected " +
                                               (regression ? "1"
                                                : single   ? "2 or more"
                                                           : "1 or more"));
        }
    }
}

}  // namespace

TaskSpec read_task_spec(const ModelFiles& files, HeadKind head,
                        const std::vector<std::string>& labels) {
    TaskSpec spec;
    spec.task = head;
    spec.labels = labels;
    std::string where = files.path("task.json");
    if (const std::optional<Json> task = files.read_json("task.json")) {
        spec.problem_type = problem_named(task->find("problem_type"), where);
        spec.max_length = read_length(task->find("max_length"), where);
        spec.temperature = read_temperature(task->find("temperature"), where);
        spec.transitions = read_transitions(task->find("transitions"), where);
        spec.words = word_rule_named(task->find("words"), where);
    } else if (const std::optional<Json> config = files.read_json("config.json")) {
        where = files.path("config.json");
        const Json* problem = config->find("problem_type");
        spec.problem_type = problem_named(problem, where);
        // As in Hugging Face, one output without a problem_type is a number.
        const bool named = problem != nullptr && !problem->is_null();
        if (!named && labels.size() == 1) spec.problem_type = ProblemType::regression;
        spec.max_length = read_length(config->find("max_position_embeddings"), where);
        spec.words = WordRule::pre_tokens;
    }
    check(spec, where);
    return spec;
}

}  // namespace squeezebert
