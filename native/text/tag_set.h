#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace squeezebert {

/// Words from begin up to, not including, end.
struct WordSpan {
    std::int32_t begin;
    std::int32_t end;
    std::string type;
};

/// A token classifier's own labels, told apart by their names, and the entities that they spell:
/// IOB1, IOB2, IOBES, BILOU, types without a prefix, or labels of words that name none.
/// squeezebert.tasks.tag_sets says how.
class TagSet {
public:
    /// In the order of the logits.
    explicit TagSet(const std::vector<std::string>& labels);

    /// The entities that the labels of a text's words spell, in order; each word where words are
    /// labeled. What cannot go on with an entity starts one, as conlleval has it.
    std::vector<WordSpan> spans(const std::vector<std::int32_t>& labels) const;

private:
    /// What a label says of its word.
    struct Meaning {
        std::string type;
        bool starts;  ///< an entity, for sure
        bool ends;
    };

    std::vector<Meaning> meanings_;
};

}  // namespace squeezebert
