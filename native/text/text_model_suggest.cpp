/// TextModel::suggest().
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "text/text_model_inputs.h"

namespace squeezebert {

std::vector<Suggestion> TextModel::suggest(std::string_view text, WordPlace place,
                                           int top_k) const {
    require(HeadKind::masked_lm, "suggest");
    if (top_k < 1) {
        throw Error(ErrorKind::invalid_input,
                    "top_k is " + std::to_string(top_k) + ", expected 1 or more");
    }
    check_utf8(text, "the text");
    if (place.begin > place.end || place.end > text.size()) {
        throw Error(ErrorKind::invalid_input, "the word is from " + std::to_string(place.begin) +
                                                  " to " + std::to_string(place.end) +
                                                  ", the text has " + std::to_string(text.size()) +
                                                  " bytes");
    }
    const Tokens before = tokenizer_.encode(text.substr(0, place.begin));
    std::vector<std::int32_t> after = tokenizer_.encode(text.substr(place.end)).ids;
    if (after.empty()) {
        // A sentence goes on for a few words and ends: without that a model expects it to end now.
        after = {tokenizer_.mask_id(), tokenizer_.mask_id()};
        const int stop = tokenizer_.vocabulary().find(".");
        if (stop >= 0) after.push_back(stop);
    }
    // The nearest tokens, most of them from before.
    const auto room = static_cast<std::size_t>(std::max(spec_.max_length - 3, 0));
    const std::size_t right = std::min(after.size(), room / 4);
    const std::size_t left = std::min(before.size(), room - right);
    Inputs inputs;
    inputs.add(tokenizer_.cls_id());
    for (std::size_t i = before.size() - left; i < before.size(); ++i) inputs.add(before.ids[i]);
    const auto position = static_cast<std::int64_t>(inputs.ids.size());
    inputs.add(tokenizer_.mask_id());
    for (std::size_t i = 0; i < right; ++i) inputs.add(after[i]);
    inputs.add(tokenizer_.sep_id());
    inputs.end();
    std::vector<float> logits(static_cast<std::size_t>(model_.config().vocab_size));
    model_.logits(inputs.batch(), &position, 1, logits.data());
    check_not_nan(logits);
    logits.resize(static_cast<std::size_t>(tokenizer_.vocabulary().size()));
    for (float& logit : logits) logit /= static_cast<float>(spec_.temperature);
    std::vector<Suggestion> words = suggest_words(tokenizer_.vocabulary(), logits.data(),
                                                  text.substr(place.begin, place.end - place.begin),
                                                  top_k > 64 ? top_k : 2 * top_k);
    const std::vector<double> whole = whole_word(words);
    std::vector<Suggestion> kept;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (whole[i] < 0.5) continue;
        words[i].score *= whole[i];
        kept.push_back(std::move(words[i]));
    }
    std::stable_sort(kept.begin(), kept.end(),
                     [](const Suggestion& a, const Suggestion& b) { return a.score > b.score; });
    kept.resize(std::min(kept.size(), static_cast<std::size_t>(top_k)));
    return kept;
}

std::vector<double> TextModel::whole_word(const std::vector<Suggestion>& words) const {
    const Vocabulary& vocabulary = tokenizer_.vocabulary();
    const int stop = vocabulary.find(".");
    Inputs inputs;
    std::vector<std::int64_t> positions;
    std::vector<std::int32_t> asked;
    for (const Suggestion& word : words) {
        if (whole_[static_cast<std::size_t>(word.id)].load(std::memory_order_relaxed) >= 0.0F) {
            continue;
        }
        // What comes after it, in the shortest of sentences?
        inputs.add(tokenizer_.cls_id());
        inputs.add(word.id);
        positions.push_back(static_cast<std::int64_t>(inputs.ids.size()));
        inputs.add(tokenizer_.mask_id());
        if (stop >= 0) inputs.add(stop);
        inputs.add(tokenizer_.sep_id());
        inputs.end();
        asked.push_back(word.id);
    }
    if (!asked.empty()) {
        const auto rows = static_cast<std::size_t>(model_.config().vocab_size);
        std::vector<float> logits(positions.size() * rows);
        model_.logits(inputs.batch(), positions.data(), static_cast<std::int64_t>(positions.size()),
                      logits.data());
        check_not_nan(logits);
        for (std::size_t i = 0; i < asked.size(); ++i) {
            const float* row = logits.data() + i * rows;
            const float highest = *std::max_element(row, row + vocabulary.size());
            double words_sum = 0.0, sum = 0.0;
            for (int id = 0; id < vocabulary.size(); ++id) {
                const double one = std::exp((row[id] - highest) / spec_.temperature);
                sum += one;
                if (!vocabulary.continues_word(id)) words_sum += one;
            }
            whole_[static_cast<std::size_t>(asked[i])].store(static_cast<float>(words_sum / sum),
                                                             std::memory_order_relaxed);
        }
    }
    std::vector<double> result;
    for (const Suggestion& word : words) {
        result.push_back(whole_[static_cast<std::size_t>(word.id)].load(std::memory_order_relaxed));
    }
    return result;
}

}  // namespace squeezebert
