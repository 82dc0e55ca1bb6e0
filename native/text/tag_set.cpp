#include "text/tag_set.h"

#include <string_view>

namespace squeezebert {

namespace {

enum class Naming { iob, iobes, bilou, types, words };

bool has_prefix(const std::string& label) { return label.size() > 2 && label[1] == '-'; }

Naming naming_of(const std::vector<std::string>& labels) {
    bool outside = false, all_dashed = true;
    std::string prefixes;
    for (const std::string& label : labels) {
        if (label == "O") {
            outside = true;
            continue;
        }
        if (has_prefix(label)) prefixes += label[0];
        all_dashed = all_dashed && label.size() > 1 && label[1] == '-';
    }
    const auto any = [&](std::string_view set) {
        return prefixes.find_first_of(set) != std::string::npos;
    };
    const bool only_inside = any("I") && prefixes.find_first_not_of('I') == std::string::npos;
    if (any("B") || only_inside) {
        // Beside real tags, an odd one such as X-1 does not tell the scheme.
        if (any("ES") && !any("LU")) return Naming::iobes;
        if (any("LU") && !any("ES")) return Naming::bilou;
        if (outside || all_dashed) return Naming::iob;
    }
    return outside ? Naming::types : Naming::words;
}

std::string_view prefixes_of(Naming naming) {
    switch (naming) {
        case Naming::iob:
            return "BI";
        case Naming::iobes:
            return "BIES";
        case Naming::bilou:
            return "BILU";
        case Naming::types:
        case Naming::words:
            break;
    }
    return "";
}

}  // namespace

TagSet::TagSet(const std::vector<std::string>& labels) {
    const Naming naming = naming_of(labels);
    const std::string_view prefixes = prefixes_of(naming);
    for (const std::string& label : labels) {
        const bool tag = has_prefix(label) && prefixes.find(label[0]) != std::string_view::npos;
        if (naming == Naming::words) {
            meanings_.push_back({label, true, true});
        } else if (label == "O") {
            meanings_.push_back({"", false, false});
        } else if (tag) {
            const std::string_view starts = "BSU", ends = "ESLU";
            meanings_.push_back({label.substr(2), starts.find(label[0]) != std::string_view::npos,
                                 ends.find(label[0]) != std::string_view::npos});
        } else {
            meanings_.push_back({label, false, false});
        }
    }
}

std::vector<WordSpan> TagSet::spans(const std::vector<std::int32_t>& labels) const {
    std::vector<WordSpan> spans;
    std::string open;  // the type of the last entity, while it may go on
    for (std::size_t word = 0; word < labels.size(); ++word) {
        const Meaning& meaning = meanings_[static_cast<std::size_t>(labels[word])];
        const auto at = static_cast<std::int32_t>(word);
        if (!meaning.type.empty() && meaning.type == open && !meaning.starts) {
            spans.back().end = at + 1;
        } else if (!meaning.type.empty()) {
            spans.push_back({at, at + 1, meaning.type});
        }
        open = meaning.ends ? "" : meaning.type;
    }
    return spans;
}

}  // namespace squeezebert
