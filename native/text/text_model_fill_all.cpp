/// TextModel::fill_all(): several gaps together.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "text/text_model_inputs.h"

namespace squeezebert {
namespace {

/// The fewest and the most ways that go on at each gap: each costs an input, and a row of the
/// vocabulary.
constexpr std::size_t narrowest = 8, widest = 64;

/// Tokens for the first gaps, and the logarithm of how likely they are.
struct Way {
    std::vector<std::int32_t> ids;
    double score;
};

std::vector<Way> best_of(std::vector<Way> ways, std::size_t count) {
    std::stable_sort(ways.begin(), ways.end(),
                     [](const Way& a, const Way& b) { return a.score > b.score; });
    if (ways.size() > count) ways.resize(count);
    return ways;
}

/// The `count` likeliest ids of those that `wanted` takes; of equals the lower one.
template <class Wanted>
std::vector<std::int32_t> likeliest(const float* row, std::int32_t ids, std::size_t count,
                                    const Wanted& wanted) {
    std::vector<std::int32_t> order;
    for (std::int32_t id = 0; id < ids; ++id) {
        if (wanted(id)) order.push_back(id);
    }
    count = std::min(count, order.size());
    const auto middle = order.begin() + static_cast<std::ptrdiff_t>(count);
    std::partial_sort(order.begin(), middle, order.end(), [row](std::int32_t a, std::int32_t b) {
        return row[a] > row[b] || (row[a] == row[b] && a < b);
    });
    order.resize(count);
    return order;
}

/// Whether a token is a word, or the last of one where it goes on with letters.
bool in_letters(std::string_view token) { return is_word(token, "##"); }

}  // namespace

Fillings TextModel::fill_all(std::string_view text, int top_k, bool words) const {
    require(HeadKind::masked_lm, "fill_all");
    check_top_k(top_k);
    const Tokens tokens = tokenizer_.encode(text);
    Fillings result;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (tokens.ids[i] != tokenizer_.mask_id()) continue;
        places.push_back(i);
        result.gaps.push_back(tokens.spans[i]);
    }
    if (places.empty()) no_gap();
    if (static_cast<int>(tokens.size()) + 2 > spec_.max_length) {
        throw Error(ErrorKind::invalid_input,
                    "the text has " + std::to_string(tokens.size() + 2) +
                        " tokens, gaps are filled together in " + std::to_string(spec_.max_length) +
                        " at most",
                    "give the sentences around the gaps");
    }
    const std::size_t width = std::clamp(static_cast<std::size_t>(top_k), narrowest, widest);
    const std::int32_t known = tokenizer_.vocabulary().size();
    std::vector<Way> ways{{{}, 0.0}};
    for (std::size_t gap = 0; gap < places.size() && !ways.empty(); ++gap) {
        Inputs inputs;
        std::vector<std::int64_t> positions;
        for (const Way& way : ways) {
            const std::size_t begin = inputs.ids.size() + 1;
            add_place({tokens.ids, {}}, {}, 0, inputs);
            for (std::size_t i = 0; i < gap; ++i) inputs.ids[begin + places[i]] = way.ids[i];
            positions.push_back(static_cast<std::int64_t>(begin + places[gap]));
        }
        const std::vector<float> rows = log_probabilities(inputs, positions);
        std::vector<Way> longer;
        for (std::size_t i = 0; i < ways.size(); ++i) {
            const float* row = rows.data() + i * static_cast<std::size_t>(known);
            for (const std::int32_t id : gap_tokens(row, width, words)) {
                longer.push_back({ways[i].ids, ways[i].score + row[id]});
                longer.back().ids.push_back(id);
            }
        }
        ways = best_of(std::move(longer), width);
    }
    for (Way& way : best_of(std::move(ways), static_cast<std::size_t>(top_k))) {
        result.best.push_back({std::move(way.ids), std::exp(way.score)});
    }
    return result;
}

std::vector<std::int32_t> TextModel::gap_tokens(const float* row, std::size_t count,
                                                bool words) const {
    const std::int32_t known = tokenizer_.vocabulary().size();
    if (!words) {
        return likeliest(row, known, count,
                         [&](std::int32_t id) { return !tokenizer_.is_special(id); });
    }
    // A third or so are the beginnings of words only.
    const std::vector<std::int32_t> found =
        likeliest(row, known, 2 * count, [&](std::int32_t id) { return lexicon_.is_word(id); });
    const std::vector<double> whole = whole_words(found);
    std::vector<std::int32_t> kept;
    for (std::size_t i = 0; i < found.size() && kept.size() < count; ++i) {
        if (whole[i] >= 0.5) kept.push_back(found[i]);
    }
    return kept;
}

std::string filled(std::string_view text, const std::vector<Span>& gaps,
                   const std::vector<std::string_view>& tokens) {
    std::string result(text);
    // From the last on, so that the places of those before stay.
    for (std::size_t i = gaps.size(); i-- > 0;) {
        result = filled(result, gaps[i], tokens[i]);
        // Two words of gaps side by side are two words.
        const bool close = i > 0 && gaps[i - 1].end == gaps[i].begin;
        if (close && in_letters(tokens[i - 1]) && in_letters(tokens[i])) {
            result.insert(gaps[i].begin, " ");
        }
    }
    return result;
}

}  // namespace squeezebert
