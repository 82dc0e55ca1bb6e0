/// What goes into a TextModel's model and comes out of it, for the files that it is written in.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/error.h"
#include "text/text_model.h"

namespace squeezebert {

/// Inputs of a model in a row.
struct TextModel::Inputs {
    std::vector<std::int32_t> ids, types, ends{0};

    void add(std::int32_t id, std::int32_t type = 0) {
        ids.push_back(id);
        types.push_back(type);
    }
    void end() { ends.push_back(static_cast<std::int32_t>(ids.size())); }
    Batch batch() const {
        return {ids.data(), types.data(), ends.data(), static_cast<int>(ends.size()) - 1};
    }
};

/// The tokens around a word.
struct TextModel::Place {
    std::vector<std::int32_t> before, after;
};

inline void check_top_k(int top_k) {
    if (top_k >= 1) return;
    throw Error(ErrorKind::invalid_input,
                "top_k is " + std::to_string(top_k) + ", expected 1 or more");
}

inline void check_not_nan(const std::vector<float>& logits) {
    if (std::any_of(logits.begin(), logits.end(), [](float x) { return std::isnan(x); })) {
        throw Error(ErrorKind::invalid_input, "the model gave NaN logits",
                    "its weights are broken or its training diverged");
    }
}

}  // namespace squeezebert
