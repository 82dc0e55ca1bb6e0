#include "text/tag_decoder.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>

#include "engine/error.h"

namespace squeezebert {

namespace {

constexpr double never = -std::numeric_limits<double>::infinity();

/// The first of the largest.
template <class Number>
std::int32_t largest(const Number* values, int count) {
    return static_cast<std::int32_t>(std::max_element(values, values + count) - values);
}

}  // namespace

TagDecoder::TagDecoder(const Transitions& transitions, int labels) : labels_(labels) {
    if (transitions.empty()) return;
    std::set<std::size_t> widths;
    for (const auto& row : transitions) widths.insert(row.size());
    const auto width = static_cast<std::size_t>(labels);
    if (transitions.size() != width + 1 || widths != std::set<std::size_t>{width}) {
        throw Error(ErrorKind::config,
                    "the transitions have " + std::to_string(transitions.size()) + " rows of " +
                        std::to_string(*widths.begin()) + (widths.size() > 1 ? " and more" : "") +
                        " scores, expected " + std::to_string(labels + 1) + " of " +
                        std::to_string(labels));
    }
    for (const auto& row : transitions) {
        bool goes_on = false;
        for (const std::optional<double>& score : row) {
            if (score && !std::isfinite(*score)) {
                throw Error(ErrorKind::config, "the transitions hold numbers that are not finite");
            }
            goes_on = goes_on || score.has_value();
            transitions_.push_back(score.value_or(never));
        }
        if (!goes_on) {
            throw Error(ErrorKind::config, "the transitions let nothing follow one of the labels");
        }
    }
}

std::vector<std::int32_t> TagDecoder::decode(const std::vector<float>& scores) const {
    const auto width = static_cast<std::size_t>(labels_);
    const std::size_t words = scores.size() / width;
    std::vector<std::int32_t> labels(words);
    if (transitions_.empty()) {
        for (std::size_t word = 0; word < words; ++word) {
            labels[word] = largest(scores.data() + word * width, labels_);
        }
        return labels;
    }
    if (words == 0) return labels;
    // Viterbi's algorithm. The best sum of a sequence up to each word, by the label it ends in.
    std::vector<double> sums(scores.begin(), scores.end());
    for (std::size_t label = 0; label < width; ++label) {
        sums[label] += transitions_[width * width + label];
    }
    for (std::size_t word = 1; word < words; ++word) {
        const double* last = sums.data() + (word - 1) * width;
        double* row = sums.data() + word * width;
        for (std::size_t after = 0; after < width; ++after) {
            double best = never;
            for (std::size_t before = 0; before < width; ++before) {
                best = std::max(best, last[before] + transitions_[before * width + after]);
            }
            row[after] += best;
        }
    }
    std::vector<double> choices(width);
    labels[words - 1] = largest(sums.data() + (words - 1) * width, labels_);
    for (std::size_t word = words - 1; word-- > 0;) {
        const auto after = static_cast<std::size_t>(labels[word + 1]);
        for (std::size_t before = 0; before < width; ++before) {
            choices[before] = sums[word * width + before] + transitions_[before * width + after];
        }
        labels[word] = largest(choices.data(), labels_);
    }
    return labels;
}

}  // namespace squeezebert
