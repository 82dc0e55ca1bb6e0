/// Words of several tokens for a keyboard: those of the word list.
///
/// What fits what was typed is ranked by one question: how likely is a word's first token, where a
/// gap of so many tokens stands, times the word's share among those that begin so. The best are
/// then looked at token by token, so that a word's probability is the product of its tokens', each
/// given those before it, times how rare words of so many tokens are.
#include <algorithm>
#include <cmath>
#include <utility>

#include "text/text_model_inputs.h"

namespace squeezebert {
namespace {

/// Tokens of the longest gap that is shown; longer words are ranked by it too.
constexpr std::size_t longest_gap = 4;
/// Words that are looked at token by token.
constexpr std::size_t looked_at = 6;
/// Words that are ranked: of those that begin with a letter or two, the most frequent.
constexpr std::size_t most_ranked = 256;
/// Logarithms, tried on DailyDialog's dev part (docs/phone.md): how much rarer words of one more
/// token are, and words that no list has.
constexpr double another_token = -0.5, unlisted = -5.0;

double rarer(const std::vector<std::int32_t>& tokens) {
    return another_token * static_cast<double>(tokens.size() - 1);
}

}  // namespace

std::vector<Suggestion> TextModel::long_words(const Place& place, const Typed& typed) const {
    std::vector<Suggestion> found;
    std::vector<const WordList::Word*> fitting;
    const WordList* list = word_list();
    if (list != nullptr) {
        for (const WordList::Word& word : list->words()) {
            if (found.size() == most_ranked) break;
            if (word.size > longest_word) continue;
            const auto fit = typed.fit(word.letters);
            if (!fit) continue;
            const std::vector<std::int32_t> ids = word.tokens();
            found.push_back({ids[0], {ids.begin() + 1, ids.end()}, {}, fit->kind, fit->score});
            found.back().score += rarer(ids) + typed.write(word.text, found.back().word);
            fitting.push_back(&word);
        }
    }
    if (!found.empty()) weigh(place, fitting, found);
    const std::vector<std::int32_t> known = tokenizer_.encode(typed.text()).ids;
    const bool listed =
        std::any_of(fitting.begin(), fitting.end(),
                    [&](const WordList::Word* word) { return word->tokens() == known; });
    if (!listed && known.size() > 1) {
        if (const auto score = known_word(place, known)) {
            Suggestion own{
                known[0], {known.begin() + 1, known.end()}, {}, SuggestionKind::typed, *score};
            own.score += rarer(known) + typed.exact().score + (list != nullptr ? unlisted : 0.0);
            own.score += typed.write(typed.text(), own.word);
            found.push_back(std::move(own));
        }
    }
    return found;
}

void TextModel::weigh(const Place& place, const std::vector<const WordList::Word*>& words,
                      std::vector<Suggestion>& found) const {
    const auto known = static_cast<std::size_t>(tokenizer_.vocabulary().size());
    Inputs gaps;
    std::vector<std::int64_t> positions;
    for (std::size_t length = 2; length <= longest_gap; ++length) {
        positions.push_back(add_place(place, {}, length, gaps));
    }
    const std::vector<float> first = log_probabilities(gaps, positions);
    const auto first_token = [&](const WordList::Word& word) {
        const std::size_t row = std::min(word.size, longest_gap) - 2;
        return first[row * known + static_cast<std::size_t>(*word.first)];
    };
    std::vector<double> chances;
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < words.size(); ++i) {
        chances.push_back(first_token(*words[i]) + words[i]->share);
        order.push_back(i);
    }
    const auto count = std::min(order.size(), looked_at);
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count),
                      order.end(), [&](std::size_t a, std::size_t b) {
                          return chances[a] + found[a].score > chances[b] + found[b].score;
                      });
    order.resize(count);
    Inputs inputs;
    positions.clear();
    for (const std::size_t i : order) {
        const std::vector<std::int32_t> tokens = words[i]->tokens();
        for (std::size_t at = 1; at < tokens.size(); ++at) {
            const auto seen = tokens.begin() + static_cast<std::ptrdiff_t>(at);
            positions.push_back(add_place(place, {tokens.begin(), seen}, tokens.size(), inputs));
        }
    }
    const std::vector<float> rows = log_probabilities(inputs, positions);
    std::size_t row = 0;
    for (const std::size_t i : order) {
        const std::vector<std::int32_t> tokens = words[i]->tokens();
        chances[i] = first_token(*words[i]);
        for (std::size_t at = 1; at < tokens.size(); ++at, ++row) {
            chances[i] += rows[row * known + static_cast<std::size_t>(tokens[at])];
        }
    }
    for (std::size_t i = 0; i < found.size(); ++i) found[i].score += chances[i];
}

std::optional<double> TextModel::known_word(const Place& place,
                                            const std::vector<std::int32_t>& tokens) const {
    const bool unknown =
        std::find(tokens.begin(), tokens.end(), tokenizer_.unk_id()) != tokens.end();
    if (tokens.size() > longest_word || unknown) return {};
    Inputs inputs;
    std::vector<std::int64_t> positions;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const auto seen = tokens.begin() + static_cast<std::ptrdiff_t>(i);
        positions.push_back(add_place(place, {tokens.begin(), seen}, tokens.size(), inputs));
    }
    const std::vector<float> rows = log_probabilities(inputs, positions);
    const auto known = static_cast<std::size_t>(tokenizer_.vocabulary().size());
    double score = 0.0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        score += rows[i * known + static_cast<std::size_t>(tokens[i])];
    }
    return score;
}

}  // namespace squeezebert
