#include "text/text_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/error.h"
#include "text/probabilities.h"
#include "text/text_model_inputs.h"
#include "text/tokenizer_files.h"
#include "text/unicode.h"
#include "text/windows.h"
#include "text/words.h"

namespace squeezebert {

namespace {

constexpr const char* word_list_name = "words.txt";

/// Inputs that go into the model at once: more cost memory and gain nothing.
constexpr std::size_t batch_tokens = 4096;

/// How many tokens of two texts stay: the longer one is cut until both fit or are level, then both.
std::pair<int, int> cut_lengths(int first, int second, int room) {
    int less = std::min(first, second), more = std::max(first, second);
    more = std::min(more, std::max(less, room - less));
    if (less + more > room) {
        less = room / 2;
        more = room - less;
    }
    return first <= second ? std::pair(less, more) : std::pair(more, less);
}

/// Tokens of one input, in pieces that [SEP] stands between.
using Packed = std::vector<Span>;

/// A text for a masked LM. What is too long for one input is cut, before the start of a word where
/// one is in the second half of the piece; an input gets as many pieces as fit.
std::vector<Packed> pack(const Tokens& tokens, const Vocabulary& vocabulary, int max_length) {
    const int most = max_length - 2;
    const auto length = static_cast<int>(tokens.size());
    std::vector<Packed> inputs;
    int room = 0;
    for (int begin = 0; begin < length;) {
        int end = std::min(begin + most, length);
        if (end < length) {
            int cut = end;
            while (cut > begin &&
                   vocabulary.continues_word(tokens.ids[static_cast<std::size_t>(cut)])) {
                --cut;
            }
            if (cut > begin && 2 * (cut - begin) >= most) end = cut;
        }
        const int needed = end - begin + 1;
        if (needed > room) {
            inputs.emplace_back();
            room = max_length - 1;
        }
        inputs.back().push_back(
            {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
        room -= needed;
        begin = end;
    }
    return inputs;
}

/// Only a masked LM offers words.
std::optional<std::string> read_word_list(const ModelFiles& files, HeadKind task) {
    if (task != HeadKind::masked_lm) return {};
    return read_text(files, word_list_name);
}

}  // namespace

TextModel::TextModel(const Model& model, const ModelFiles& files)
    : model_(model),
      tokenizer_(read_tokenizer(files)),
      spec_(read_task_spec(files, model.head(), model.label_names())),
      decoder_(spec_.transitions,
               spec_.task == HeadKind::token_classification ? model.labels() : 0),
      tags_(spec_.labels),
      lexicon_(tokenizer_.vocabulary()),
      word_list_text_(read_word_list(files, spec_.task)),
      whole_(spec_.task == HeadKind::masked_lm
                 ? static_cast<std::size_t>(tokenizer_.vocabulary().size())
                 : 0) {
    for (std::atomic<float>& one : whole_) one.store(-1.0F, std::memory_order_relaxed);
    const EncoderConfig& config = model.config();
    if (spec_.max_length > config.max_position_embeddings) {
        throw Error(ErrorKind::checkpoint,
                    files.where() + ": max_length is " + std::to_string(spec_.max_length) +
                        ", but the model has positions for " +
                        std::to_string(config.max_position_embeddings) + " tokens",
                    "lower max_length in task.json");
    }
    if (tokenizer_.vocabulary().size() > config.vocab_size) {
        throw Error(ErrorKind::checkpoint,
                    files.where() + ": the tokenizer has " +
                        std::to_string(tokenizer_.vocabulary().size()) +
                        " tokens, but the model embeddings for " +
                        std::to_string(config.vocab_size),
                    "the tokenizer of another model lies in the directory");
    }
}

const WordList* TextModel::word_list() const {
    if (!word_list_text_) return nullptr;
    std::call_once(word_list_read_, [this] { word_list_.emplace(*word_list_text_, tokenizer_); });
    return &*word_list_;
}

void TextModel::require(HeadKind head, const char* call) const {
    if (spec_.task == head) return;
    throw Error(ErrorKind::invalid_input, std::string(call) + " is for a " + head_name(head) +
                                              " head, this model's is " + head_name(spec_.task));
}

std::vector<double> TextModel::classify(std::string_view text, const std::string_view* pair) const {
    require(HeadKind::text_classification, "classify");
    const Tokens first = tokenizer_.encode(text);
    const Tokens second = pair == nullptr ? Tokens{} : tokenizer_.encode(*pair);
    const int room = spec_.max_length - (pair == nullptr ? 2 : 3);
    const auto lengths =
        cut_lengths(static_cast<int>(first.size()), static_cast<int>(second.size()), room);
    Inputs inputs;
    inputs.add(tokenizer_.cls_id());
    for (int i = 0; i < lengths.first; ++i) inputs.add(first.ids[static_cast<std::size_t>(i)]);
    inputs.add(tokenizer_.sep_id());
    if (pair != nullptr) {
        for (int i = 0; i < lengths.second; ++i) {
            inputs.add(second.ids[static_cast<std::size_t>(i)], 1);
        }
        inputs.add(tokenizer_.sep_id(), 1);
    }
    inputs.end();
    std::vector<float> logits(static_cast<std::size_t>(model_.labels()));
    model_.logits(inputs.batch(), nullptr, 0, logits.data());
    check_not_nan(logits);
    std::vector<double> scores(logits.begin(), logits.end());
    if (spec_.problem_type == ProblemType::regression) return scores;
    for (double& score : scores) score /= spec_.temperature;
    if (spec_.problem_type == ProblemType::single_label) {
        softmax(scores.data(), static_cast<int>(scores.size()));
    } else {
        for (double& score : scores) score = sigmoid(score);
    }
    return scores;
}

std::vector<Span> TextModel::words_of(std::string_view text) const {
    check_utf8(text, "the text");
    if (spec_.words == WordRule::pre_tokens) {
        return with_marks(text, tokenizer_.pre_tokens(text));
    }
    return split_words(text, tokenizer_.normalizer().settings().handle_chinese_chars);
}

std::vector<float> TextModel::word_logits(const Tokens& tokens,
                                          const std::vector<std::int32_t>& word_ids,
                                          std::size_t words) const {
    const int size = spec_.max_length - 2;
    const auto labels = static_cast<std::size_t>(model_.labels());
    const std::vector<Window> windows = cut_windows(word_ids, size, size / 4);
    std::vector<float> result(words * labels);
    for (std::size_t next = 0; next < windows.size();) {
        Inputs inputs;
        const std::size_t first = next;
        for (; next < windows.size() && (next == first || inputs.ids.size() < batch_tokens);
             ++next) {
            inputs.add(tokenizer_.cls_id());
            for (std::int32_t i = windows[next].begin; i < windows[next].end; ++i) {
                inputs.add(tokens.ids[static_cast<std::size_t>(i)]);
            }
            inputs.add(tokenizer_.sep_id());
            inputs.end();
        }
        std::vector<float> logits(inputs.ids.size() * labels);
        model_.logits(inputs.batch(), nullptr, 0, logits.data());
        check_not_nan(logits);
        for (std::size_t i = first; i < next; ++i) {
            const auto begin = static_cast<std::size_t>(inputs.ends[i - first]) + 1;
            for (std::size_t token = 0; token < windows[i].words.size(); ++token) {
                const std::int32_t word = windows[i].words[token];
                if (word < 0) continue;
                std::copy_n(logits.data() + (begin + token) * labels, labels,
                            result.data() + static_cast<std::size_t>(word) * labels);
            }
        }
    }
    return result;
}

std::vector<Entity> TextModel::tag(std::string_view text) const {
    require(HeadKind::token_classification, "tag");
    const std::vector<Span> words = words_of(text);
    std::vector<std::int32_t> word_ids;
    const Tokens tokens = tokenizer_.encode_words(text, words, word_ids);
    const std::vector<float> logits = word_logits(tokens, word_ids, words.size());
    const std::vector<std::int32_t> tags = decoder_.decode(logits);

    const auto temperature = static_cast<float>(spec_.temperature);
    const auto labels = static_cast<std::size_t>(model_.labels());
    std::vector<double> probabilities(labels);
    std::vector<Entity> entities;
    for (const WordSpan& found : tags_.spans(tags)) {
        float score = 1.0F;
        for (auto word = static_cast<std::size_t>(found.begin);
             word < static_cast<std::size_t>(found.end); ++word) {
            for (std::size_t i = 0; i < labels; ++i) {
                probabilities[i] = logits[word * labels + i] / temperature;
            }
            softmax(probabilities.data(), model_.labels());
            const auto tag = static_cast<std::size_t>(tags[word]);
            score = std::min(score, static_cast<float>(probabilities[tag]));
        }
        entities.push_back({found.type,
                            {words[static_cast<std::size_t>(found.begin)].begin,
                             words[static_cast<std::size_t>(found.end) - 1].end},
                            score});
    }
    return entities;
}

void TextModel::no_gap() const {
    throw Error(ErrorKind::invalid_input,
                "the text holds no " + tokenizer_.mask_token() + ", so there is nothing to fill",
                "write " + tokenizer_.mask_token() + " where a word is wanted");
}

std::vector<Gap> TextModel::fill(std::string_view text, int top_k) const {
    require(HeadKind::masked_lm, "fill");
    check_top_k(top_k);
    const Tokens tokens = tokenizer_.encode(text);
    const std::int32_t mask = tokenizer_.mask_id();
    if (std::find(tokens.ids.begin(), tokens.ids.end(), mask) == tokens.ids.end()) no_gap();
    std::vector<Gap> gaps;
    Inputs inputs;
    std::vector<std::int64_t> positions;
    const std::size_t most = ranks() ? batch_tokens : 1;
    const auto run = [&] {
        if (!positions.empty()) rank(inputs, positions, top_k, gaps);
        inputs = {};
        positions.clear();
    };
    for (const Packed& pieces : pack(tokens, tokenizer_.vocabulary(), spec_.max_length)) {
        const auto begin = tokens.ids.begin();
        const auto end = begin + pieces.back().end;
        if (std::find(begin + pieces.front().begin, end, mask) == end) continue;
        inputs.add(tokenizer_.cls_id());
        for (const Span& piece : pieces) {
            for (std::uint32_t i = piece.begin; i < piece.end; ++i) {
                if (tokens.ids[i] == mask) {
                    positions.push_back(static_cast<std::int64_t>(inputs.ids.size()));
                    gaps.push_back({tokens.spans[i], {}});
                }
                inputs.add(tokens.ids[i]);
            }
            inputs.add(tokenizer_.sep_id());
        }
        inputs.end();
        if (inputs.ids.size() >= most) run();
    }
    run();
    return gaps;
}

bool TextModel::ranks() const {
    // Some models' tables are padded to a round number: those rows are no tokens.
    return spec_.temperature == 1.0 && tokenizer_.vocabulary().size() == model_.config().vocab_size;
}

void TextModel::rank(const Inputs& inputs, const std::vector<std::int64_t>& positions, int top_k,
                     std::vector<Gap>& gaps) const {
    const std::size_t first = gaps.size() - positions.size();
    const int known = tokenizer_.vocabulary().size();
    const auto rows = static_cast<std::size_t>(model_.config().vocab_size);
    const auto temperature = static_cast<float>(spec_.temperature);
    constexpr int specials = 5;
    const int kept = std::max(1, std::min(top_k, known - specials));
    const int wanted = std::min(kept + specials, known);
    const auto add = [&](Gap& gap, std::int32_t id, float log_probability) {
        const double score = std::exp(log_probability);
        const bool full = gap.candidates.size() == static_cast<std::size_t>(kept);
        if (full || tokenizer_.is_special(id) || !(score > 0.0)) return;
        gap.candidates.push_back({id, std::string(tokenizer_.vocabulary().token(id)), score});
    };
    if (ranks()) {
        const std::size_t width = static_cast<std::size_t>(wanted);
        std::vector<std::int32_t> ids(positions.size() * width);
        std::vector<float> logits(ids.size()), normalizers(positions.size());
        model_.top_k(inputs.batch(), positions.data(), static_cast<std::int64_t>(positions.size()),
                     wanted, ids.data(), logits.data(), normalizers.data());
        check_not_nan(normalizers);
        for (std::size_t gap = 0; gap < positions.size(); ++gap) {
            for (std::size_t i = gap * width; i < (gap + 1) * width; ++i) {
                add(gaps[first + gap], ids[i], logits[i] - normalizers[gap]);
            }
        }
        return;
    }
    std::vector<float> logits(positions.size() * rows);
    model_.logits(inputs.batch(), positions.data(), static_cast<std::int64_t>(positions.size()),
                  logits.data());
    check_not_nan(logits);
    std::vector<std::int32_t> order(static_cast<std::size_t>(known));
    for (std::size_t gap = 0; gap < positions.size(); ++gap) {
        float* row = logits.data() + gap * rows;
        for (int id = 0; id < known; ++id) row[id] /= temperature;
        std::iota(order.begin(), order.end(), 0);
        std::partial_sort(order.begin(), order.begin() + wanted, order.end(),
                          [row](std::int32_t a, std::int32_t b) {
                              return row[a] > row[b] || (row[a] == row[b] && a < b);
                          });
        double sum = 0.0;
        for (int id = 0; id < known; ++id) sum += std::exp(row[id] - row[order[0]]);
        const auto normalizer = static_cast<float>(row[order[0]] + std::log(sum));
        for (int i = 0; i < wanted; ++i) {
            add(gaps[first + gap], order[static_cast<std::size_t>(i)],
                row[order[static_cast<std::size_t>(i)]] - normalizer);
        }
    }
}

std::string filled(std::string_view text, Span gap, std::string_view token) {
    std::string_view before = text.substr(0, gap.begin);
    if (token.substr(0, 2) == "##") {
        token.remove_prefix(2);
        // As str.rstrip() does.
        while (!before.empty()) {
            std::size_t last = before.size() - 1;
            while (continues_utf8(before[last])) --last;
            if ((word_properties(read_utf8(before.data() + last)) & word_blank) == 0) break;
            before = before.substr(0, last);
        }
    }
    return std::string(before) + std::string(token) + std::string(text.substr(gap.end));
}

}  // namespace squeezebert
