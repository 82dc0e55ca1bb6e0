#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace squeezebert {

/// A row for each label before, and one for the beginning of a text; a column for each label after.
/// Nothing is what never comes.
using Transitions = std::vector<std::vector<std::optional<double>>>;

/// Finds the best sequence of labels for a text: squeezebert.tasks.decoding says why.
class TagDecoder {
public:
    /// `transitions` may be empty: then each word is decided by itself. Throws Error(config) for
    /// transitions of another shape or not finite, and a label that nothing may follow.
    TagDecoder(const Transitions& transitions, int labels);

    /// The label of each word: of all sequences the one with the highest sum of scores (words,
    /// labels) and transitions. Of equals the lower label.
    std::vector<std::int32_t> decode(const std::vector<float>& scores) const;

private:
    int labels_;
    std::vector<double> transitions_;  ///< (labels + 1, labels)
};

}  // namespace squeezebert
