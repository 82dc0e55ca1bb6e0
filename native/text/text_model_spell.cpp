/// Words of several tokens for a keyboard.
///
/// Such words stand in no list: they are looked for piece by piece. For each number of pieces the
/// model is shown that many gaps; the likeliest first pieces that lead to what was typed go on, and
/// the model is asked for the next one in sight of them. So a word's probability is the product of
/// its pieces', each given those before it, times how rare words of so many pieces are.
#include <algorithm>
#include <cmath>
#include <utility>

#include "text/text_model_inputs.h"

namespace squeezebert {
namespace {

/// Ways that go on at each step, and pieces of the words that are looked for. Both were tried on
/// DailyDialog's dev part (docs/phone.md).
constexpr std::size_t beam = 8, most_pieces = 3;
/// Shorter words are all tokens.
constexpr std::size_t fewest_letters = 4;
/// The logarithm of how much rarer words of one more piece are.
constexpr double another_piece = -1.0;
/// The least likely that a piece may be after those before it, a logarithm: less, and the word is
/// none.
constexpr float least_piece = -9.0F;

/// The beginning of a word of `length` tokens.
struct Way {
    std::size_t length;
    std::vector<std::int32_t> tokens;
    Typing typing;
    double score;  ///< of the tokens, a logarithm
};

/// `way` with another token, unless no word that begins so could be meant.
std::optional<Way> longer_by(const Way& way, std::int32_t id, std::u32string_view letters,
                             float log_probability) {
    Typing typing = way.typing;
    for (const char32_t letter : letters) {
        typing.push(letter);
        if (!typing.may_fit()) return {};
    }
    Way longer{way.length, way.tokens, typing, way.score + log_probability};
    longer.tokens.push_back(id);
    return longer;
}

/// The best ways of each length.
std::vector<Way> best_of(std::vector<Way> ways) {
    std::stable_sort(ways.begin(), ways.end(), [](const Way& a, const Way& b) {
        if (a.length != b.length) return a.length < b.length;
        return a.score + a.typing.cost_so_far() > b.score + b.typing.cost_so_far();
    });
    std::vector<Way> kept;
    std::size_t same = 0;
    for (Way& way : ways) {
        same = kept.empty() || kept.back().length != way.length ? 0 : same + 1;
        if (same < beam) kept.push_back(std::move(way));
    }
    return kept;
}

std::string spelled(const Vocabulary& vocabulary, const std::vector<std::int32_t>& tokens) {
    std::string word(vocabulary.token(tokens[0]));
    for (std::size_t i = 1; i < tokens.size(); ++i) {
        word += vocabulary.token(tokens[i]).substr(vocabulary.prefix().size());
    }
    return word;
}

Suggestion suggestion(const std::vector<std::int32_t>& tokens, std::string_view word,
                      const Typed& typed, Typing::Fit fit, double score) {
    Suggestion one{tokens[0], {tokens.begin() + 1, tokens.end()}, {}, fit.kind, score + fit.score};
    one.score += typed.write(word, one.word);
    one.score += another_piece * static_cast<double>(tokens.size() - 1);
    return one;
}

}  // namespace

std::vector<Suggestion> TextModel::long_words(const Place& place, const Typed& typed) const {
    const std::vector<std::int32_t> known = tokenizer_.encode(typed.text()).ids;
    if (typed.size() < fewest_letters || known.size() < 2) return {};
    std::vector<Suggestion> found;
    std::vector<Way> ways;
    for (std::size_t length = 2; length <= most_pieces; ++length) {
        ways.push_back({length, {}, typed.typing(), 0.0});
    }
    while (!ways.empty()) {
        Inputs inputs;
        std::vector<std::int64_t> positions;
        for (const Way& way : ways) {
            positions.push_back(add_place(place, way.tokens, way.length, inputs));
        }
        const std::vector<float> rows = log_probabilities(inputs, positions);
        const auto known_tokens = static_cast<std::size_t>(tokenizer_.vocabulary().size());
        std::vector<Way> unfinished;
        for (std::size_t i = 0; i < ways.size(); ++i) {
            const float* row = rows.data() + i * known_tokens;
            const bool first = ways[i].tokens.empty();
            for (const std::int32_t id : first ? lexicon_.words() : lexicon_.pieces()) {
                if (!first && row[id] < least_piece) continue;
                auto way = longer_by(ways[i], id, lexicon_.letters(id), row[id]);
                if (!way) continue;
                if (way->tokens.size() < way->length) {
                    unfinished.push_back(std::move(*way));
                    continue;
                }
                const auto fit = way->typing.fit();
                if (!fit || way->tokens == known) continue;
                const std::string word = spelled(tokenizer_.vocabulary(), way->tokens);
                // The model knows a word by the tokens that the tokenizer makes of it, only.
                if (tokenizer_.encode(word).ids != way->tokens) continue;
                found.push_back(suggestion(way->tokens, word, typed, *fit, way->score));
            }
        }
        ways = best_of(std::move(unfinished));
    }
    if (const auto score = known_word(place, known)) {
        found.push_back(suggestion(known, typed.text(), typed, typed.exact(), *score));
    }
    return found;
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
