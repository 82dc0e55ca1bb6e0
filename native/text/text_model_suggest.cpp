/// TextModel::suggest(), and what else asks a masked LM about words.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "text/text_model_inputs.h"

namespace squeezebert {
namespace {

/// Words that the model is asked about at once: each takes a row of the vocabulary.
constexpr std::size_t most_asked = 64;

}  // namespace

std::vector<Suggestion> TextModel::suggest(std::string_view text, WordPlace place,
                                           int top_k) const {
    require(HeadKind::masked_lm, "suggest");
    check_top_k(top_k);
    check_utf8(text, "the text");
    if (place.begin > place.end || place.end > text.size()) {
        throw Error(ErrorKind::invalid_input, "the word is from " + std::to_string(place.begin) +
                                                  " to " + std::to_string(place.end) +
                                                  ", the text has " + std::to_string(text.size()) +
                                                  " bytes");
    }
    const Typed typed(text.substr(place.begin, place.end - place.begin), place.end < text.size());
    if (!typed.may_be_word()) return {};
    const Place around = place_of(text, place);
    Inputs inputs;
    const std::int64_t position = add_place(around, {}, 1, inputs);
    const std::vector<float> row = log_probabilities(inputs, {position});
    std::vector<Suggestion> found =
        fitting_words(tokenizer_.vocabulary(), lexicon_, row.data(), typed);
    if (!typed.empty()) {
        for (Suggestion& one : long_words(around, typed)) found.push_back(std::move(one));
    }
    return whole_only(ranked(std::move(found), top_k > 64 ? top_k : 2 * top_k), top_k);
}

TextModel::Place TextModel::place_of(std::string_view text, WordPlace place) const {
    const Tokens before = tokenizer_.encode(text.substr(0, place.begin));
    std::vector<std::int32_t> after = tokenizer_.encode(text.substr(place.end)).ids;
    if (after.empty()) {
        // A sentence goes on for a few words and ends: without that a model expects it to end now.
        after = {tokenizer_.mask_id(), tokenizer_.mask_id()};
        const int stop = tokenizer_.vocabulary().find(".");
        if (stop >= 0) after.push_back(stop);
    }
    // The nearest tokens, most of them from before.
    const auto room = static_cast<std::size_t>(std::max(spec_.max_length - 2 - longest_word, 0));
    const std::size_t right = std::min(after.size(), room / 4);
    const std::size_t left = std::min(before.size(), room - right);
    after.resize(right);
    return {{before.ids.end() - static_cast<std::ptrdiff_t>(left), before.ids.end()}, after};
}

std::int64_t TextModel::add_place(const Place& place, const std::vector<std::int32_t>& tokens,
                                  std::size_t length, Inputs& inputs) const {
    inputs.add(tokenizer_.cls_id());
    for (const std::int32_t id : place.before) inputs.add(id);
    for (const std::int32_t id : tokens) inputs.add(id);
    const auto position = static_cast<std::int64_t>(inputs.ids.size());
    for (std::size_t i = tokens.size(); i < length; ++i) inputs.add(tokenizer_.mask_id());
    for (const std::int32_t id : place.after) inputs.add(id);
    inputs.add(tokenizer_.sep_id());
    inputs.end();
    return position;
}

std::vector<float> TextModel::log_probabilities(const Inputs& inputs,
                                                const std::vector<std::int64_t>& positions) const {
    const auto rows = static_cast<std::size_t>(model_.config().vocab_size);
    // Some models' tables are padded to a round number: those rows are no tokens.
    const auto known = static_cast<std::size_t>(tokenizer_.vocabulary().size());
    std::vector<float> logits(positions.size() * rows);
    model_.logits(inputs.batch(), positions.data(), static_cast<std::int64_t>(positions.size()),
                  logits.data());
    check_not_nan(logits);
    for (std::size_t i = 0; i < positions.size(); ++i) {
        const float* from = logits.data() + i * rows;
        float* to = logits.data() + i * known;
        const float highest = *std::max_element(from, from + known);
        double sum = 0.0;
        for (std::size_t id = 0; id < known; ++id) {
            to[id] = (from[id] - highest) / static_cast<float>(spec_.temperature);
            sum += std::exp(to[id]);
        }
        const auto normalizer = static_cast<float>(std::log(sum));
        for (std::size_t id = 0; id < known; ++id) to[id] -= normalizer;
    }
    logits.resize(positions.size() * known);
    return logits;
}

std::vector<Suggestion> TextModel::whole_only(std::vector<Suggestion> words, int top_k) const {
    // Those of several tokens are listed, or stand there: that is the writer's own, be it a word or
    // not.
    const auto in_doubt = [](const Suggestion& word) {
        return word.pieces.empty() && word.kind != SuggestionKind::typed;
    };
    std::vector<std::int32_t> asked;
    for (const Suggestion& word : words) {
        if (in_doubt(word)) asked.push_back(word.id);
    }
    const std::vector<double> whole = whole_words(asked);
    std::vector<Suggestion> kept;
    auto answer = whole.begin();
    for (Suggestion& word : words) {
        if (in_doubt(word)) {
            const double likely = *answer++;
            if (likely < 0.5) continue;
            word.score *= likely;
        }
        kept.push_back(std::move(word));
    }
    std::stable_sort(kept.begin(), kept.end(),
                     [](const Suggestion& a, const Suggestion& b) { return a.score > b.score; });
    if (kept.size() > static_cast<std::size_t>(top_k)) kept.resize(static_cast<std::size_t>(top_k));
    return kept;
}

std::vector<double> TextModel::whole_words(const std::vector<std::int32_t>& words) const {
    const WordList* list = word_list();
    std::vector<double> result(words.size());
    std::vector<std::size_t> asked;
    const auto ask = [&] {
        const std::vector<double> found = ask_whole(words, asked);
        for (std::size_t i = 0; i < asked.size(); ++i) result[asked[i]] = found[i];
        asked.clear();
    };
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto id = static_cast<std::size_t>(words[i]);
        const bool listed = list != nullptr && list->lists(words[i]);
        result[i] = listed ? 1.0 : whole_[id].load(std::memory_order_relaxed);
        if (result[i] >= 0.0) continue;
        asked.push_back(i);
        if (asked.size() == most_asked) ask();
    }
    if (!asked.empty()) ask();
    return result;
}

std::vector<double> TextModel::ask_whole(const std::vector<std::int32_t>& words,
                                         const std::vector<std::size_t>& asked) const {
    const Vocabulary& vocabulary = tokenizer_.vocabulary();
    const int stop = vocabulary.find(".");
    Inputs inputs;
    std::vector<std::int64_t> positions;
    for (const std::size_t i : asked) {
        // What comes after it, in the shortest of sentences?
        std::vector<std::int32_t> after;
        if (stop >= 0) after.push_back(stop);
        positions.push_back(add_place({{}, after}, {words[i]}, 2, inputs));
    }
    const std::vector<float> rows = log_probabilities(inputs, positions);
    std::vector<double> result;
    for (std::size_t i = 0; i < asked.size(); ++i) {
        const float* row = rows.data() + i * static_cast<std::size_t>(vocabulary.size());
        double sum = 0.0;
        for (int id = 0; id < vocabulary.size(); ++id) {
            if (!vocabulary.continues_word(id)) sum += std::exp(row[id]);
        }
        result.push_back(sum);
        whole_[static_cast<std::size_t>(words[asked[i]])].store(static_cast<float>(sum),
                                                                std::memory_order_relaxed);
    }
    return result;
}

}  // namespace squeezebert
