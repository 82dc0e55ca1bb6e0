/// The C API over text/text_model.h.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>

#include "api/handle.h"

namespace squeezebert {

using api::guarded;
using api::refuse;
using api::require;

namespace {

std::string_view text_of(const char* text, std::size_t bytes, const char* what) {
    if (bytes == 0) return {};
    require(text, what);
    return {text, bytes == SQUEEZEBERT_TERMINATED ? std::strlen(text) : bytes};
}

TextUnit unit_of(squeezebert_unit unit) {
    switch (unit) {
        case SQUEEZEBERT_BYTES:
            return TextUnit::bytes;
        case SQUEEZEBERT_CODE_POINTS:
            return TextUnit::code_points;
        case SQUEEZEBERT_UTF16:
            return TextUnit::utf16;
        default:
            refuse("unit is " + std::to_string(unit) +
                   ", expected SQUEEZEBERT_BYTES, SQUEEZEBERT_CODE_POINTS or SQUEEZEBERT_UTF16");
    }
}

/// One piece of memory for a structure and all that it points to. It is laid out twice, first to
/// learn its size: then there is nothing yet to write to, and pointers are null.
class Block {
public:
    template <class T>
    T* take(std::size_t count = 1) {
        static_assert(std::is_trivially_destructible_v<T>);
        size_ = (size_ + alignof(T) - 1) / alignof(T) * alignof(T);
        const std::size_t at = size_;
        size_ += count * sizeof(T);
        return memory_ == nullptr ? nullptr : reinterpret_cast<T*>(memory_ + at);
    }
    const char* text(std::string_view content) {
        char* to = take<char>(content.size() + 1);
        if (to != nullptr) {
            std::copy(content.begin(), content.end(), to);
            to[content.size()] = '\0';
        }
        return to;
    }

    /// `lay_out` takes all that is wanted from a block, first of all the structure.
    template <class T, class LayOut>
    static T* make(const LayOut& lay_out) {
        Block measured;
        lay_out(measured);
        Block block;
        block.memory_ = static_cast<char*>(std::malloc(measured.size_));
        if (block.memory_ == nullptr) throw std::bad_alloc();
        lay_out(block);
        return reinterpret_cast<T*>(block.memory_);
    }

private:
    char* memory_ = nullptr;
    std::size_t size_ = 0;
};

squeezebert_tokens* make_tokens(const Tokens& tokens) {
    return Block::make<squeezebert_tokens>([&](Block& block) {
        const std::size_t count = tokens.size();
        auto* result = block.take<squeezebert_tokens>();
        auto* starts = block.take<std::size_t>(count);
        auto* ends = block.take<std::size_t>(count);
        auto* ids = block.take<std::int32_t>(count);
        if (result == nullptr) return;
        for (std::size_t i = 0; i < count; ++i) {
            ids[i] = tokens.ids[i];
            starts[i] = tokens.spans[i].begin;
            ends[i] = tokens.spans[i].end;
        }
        *result = {count, ids, starts, ends};
    });
}

squeezebert_classes* make_classes(const TaskSpec& spec, const std::vector<double>& scores) {
    return Block::make<squeezebert_classes>([&](Block& block) {
        const std::size_t count = scores.size();
        auto* result = block.take<squeezebert_classes>();
        auto* values = block.take<double>(count);
        auto** names = block.take<const char*>(count);
        for (std::size_t i = 0; i < count; ++i) {
            const char* name = block.text(i < spec.labels.size() ? spec.labels[i] : "");
            if (result == nullptr) continue;
            values[i] = scores[i];
            names[i] = name;
        }
        if (result == nullptr) return;
        const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
        const squeezebert_problem problem =
            spec.problem_type == ProblemType::single_label  ? SQUEEZEBERT_SINGLE_LABEL
            : spec.problem_type == ProblemType::multi_label ? SQUEEZEBERT_MULTI_LABEL
                                                            : SQUEEZEBERT_REGRESSION;
        *result = {problem, static_cast<std::int32_t>(best), count, values, names};
    });
}

squeezebert_entities* make_entities(const std::vector<Entity>& entities,
                                    const std::vector<Span>& spans) {
    return Block::make<squeezebert_entities>([&](Block& block) {
        auto* result = block.take<squeezebert_entities>();
        auto* items = block.take<squeezebert_entity>(entities.size());
        for (std::size_t i = 0; i < entities.size(); ++i) {
            const char* type = block.text(entities[i].type);
            if (result != nullptr) {
                items[i] = {type, spans[i].begin, spans[i].end, entities[i].score};
            }
        }
        if (result != nullptr) *result = {entities.size(), items};
    });
}

squeezebert_gaps* make_gaps(const std::vector<Gap>& gaps, const std::vector<Span>& spans) {
    return Block::make<squeezebert_gaps>([&](Block& block) {
        auto* result = block.take<squeezebert_gaps>();
        auto* items = block.take<squeezebert_gap>(gaps.size());
        for (std::size_t i = 0; i < gaps.size(); ++i) {
            const std::vector<Candidate>& candidates = gaps[i].candidates;
            auto* them = block.take<squeezebert_candidate>(candidates.size());
            for (std::size_t k = 0; k < candidates.size(); ++k) {
                const char* token = block.text(candidates[k].token);
                if (result != nullptr) them[k] = {candidates[k].id, token, candidates[k].score};
            }
            if (result != nullptr) {
                items[i] = {spans[i].begin, spans[i].end, candidates.size(), them};
            }
        }
        if (result != nullptr) *result = {gaps.size(), items};
    });
}

squeezebert_fillings* make_fillings(const Fillings& found, const std::vector<Span>& spans,
                                    std::string_view text, const Vocabulary& vocabulary) {
    const std::size_t gaps = found.gaps.size();
    return Block::make<squeezebert_fillings>([&](Block& block) {
        auto* result = block.take<squeezebert_fillings>();
        auto* starts = block.take<std::size_t>(gaps);
        auto* ends = block.take<std::size_t>(gaps);
        auto* items = block.take<squeezebert_filling>(found.best.size());
        for (std::size_t i = 0; i < gaps && result != nullptr; ++i) {
            starts[i] = spans[i].begin;
            ends[i] = spans[i].end;
        }
        for (std::size_t i = 0; i < found.best.size(); ++i) {
            const Filling& one = found.best[i];
            auto** tokens = block.take<const char*>(gaps);
            auto* ids = block.take<std::int32_t>(gaps);
            std::vector<std::string_view> views;
            for (std::size_t gap = 0; gap < gaps; ++gap) {
                views.push_back(vocabulary.token(one.ids[gap]));
                const char* token = block.text(views.back());
                if (result == nullptr) continue;
                tokens[gap] = token;
                ids[gap] = one.ids[gap];
            }
            const char* whole = block.text(filled(text, found.gaps, views));
            if (result != nullptr) items[i] = {whole, one.score, ids, tokens};
        }
        if (result != nullptr) *result = {gaps, starts, ends, found.best.size(), items};
    });
}

squeezebert_suggestions* make_suggestions(const std::vector<Suggestion>& found, Span place) {
    return Block::make<squeezebert_suggestions>([&](Block& block) {
        auto* result = block.take<squeezebert_suggestions>();
        auto* items = block.take<squeezebert_suggestion>(found.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
            const char* word = block.text(found[i].word);
            if (result != nullptr) {
                items[i] = {word, static_cast<squeezebert_suggestion_kind>(found[i].kind),
                            found[i].score};
            }
        }
        if (result != nullptr) *result = {place.begin, place.end, found.size(), items};
    });
}

/// The spans of answers, in another unit.
template <class Answer>
std::vector<Span> spans_of(const std::vector<Answer>& answers, std::string_view text,
                           TextUnit unit) {
    std::vector<Span> spans;
    for (const Answer& answer : answers) spans.push_back(answer.span);
    convert_spans(text, unit, spans);
    return spans;
}

}  // namespace
}  // namespace squeezebert

using namespace squeezebert;

squeezebert_status squeezebert_tokenize(const squeezebert_model* model, const char* text,
                                        size_t bytes, squeezebert_unit unit,
                                        squeezebert_tokens** tokens) {
    return guarded([&] {
        require(tokens, "tokens");
        *tokens = nullptr;
        require(model, "model");
        const TextUnit wanted = unit_of(unit);
        const std::string_view given = text_of(text, bytes, "text");
        Tokens found = model->text().tokenizer().encode(given);
        convert_spans(given, wanted, found.spans);
        *tokens = make_tokens(found);
    });
}

squeezebert_status squeezebert_classify(const squeezebert_model* model, const char* text,
                                        size_t bytes, const char* pair, size_t pair_bytes,
                                        squeezebert_classes** classes) {
    return guarded([&] {
        require(classes, "classes");
        *classes = nullptr;
        require(model, "model");
        const std::string_view first = text_of(text, bytes, "text");
        const std::string_view second =
            pair == nullptr ? std::string_view() : text_of(pair, pair_bytes, "pair");
        const TextModel& answers = model->text();
        *classes = make_classes(answers.spec(),
                                answers.classify(first, pair == nullptr ? nullptr : &second));
    });
}

squeezebert_status squeezebert_tag(const squeezebert_model* model, const char* text, size_t bytes,
                                   squeezebert_unit unit, squeezebert_entities** entities) {
    return guarded([&] {
        require(entities, "entities");
        *entities = nullptr;
        require(model, "model");
        const TextUnit wanted = unit_of(unit);
        const std::string_view given = text_of(text, bytes, "text");
        const std::vector<Entity> found = model->text().tag(given);
        *entities = make_entities(found, spans_of(found, given, wanted));
    });
}

squeezebert_status squeezebert_fill(const squeezebert_model* model, const char* text, size_t bytes,
                                    int32_t top_k, squeezebert_unit unit, squeezebert_gaps** gaps) {
    return guarded([&] {
        require(gaps, "gaps");
        *gaps = nullptr;
        require(model, "model");
        const TextUnit wanted = unit_of(unit);
        const std::string_view given = text_of(text, bytes, "text");
        const std::vector<Gap> found = model->text().fill(given, top_k);
        *gaps = make_gaps(found, spans_of(found, given, wanted));
    });
}

squeezebert_status squeezebert_fill_all(const squeezebert_model* model, const char* text,
                                        size_t bytes, int32_t top_k, squeezebert_content content,
                                        squeezebert_unit unit, squeezebert_fillings** fillings) {
    return guarded([&] {
        require(fillings, "fillings");
        *fillings = nullptr;
        require(model, "model");
        const TextUnit wanted = unit_of(unit);
        if (content != SQUEEZEBERT_WORDS && content != SQUEEZEBERT_TOKENS) {
            refuse("content is " + std::to_string(content) +
                   ", expected SQUEEZEBERT_WORDS or SQUEEZEBERT_TOKENS");
        }
        const std::string_view given = text_of(text, bytes, "text");
        const TextModel& answers = model->text();
        const Fillings found = answers.fill_all(given, top_k, content == SQUEEZEBERT_WORDS);
        std::vector<Span> spans = found.gaps;
        convert_spans(given, wanted, spans);
        *fillings = make_fillings(found, spans, given, answers.tokenizer().vocabulary());
    });
}

squeezebert_status squeezebert_suggest(const squeezebert_model* model, const char* text,
                                       size_t bytes, size_t cursor, int32_t top_k,
                                       squeezebert_unit unit,
                                       squeezebert_suggestions** suggestions) {
    return guarded([&] {
        require(suggestions, "suggestions");
        *suggestions = nullptr;
        require(model, "model");
        const TextUnit wanted = unit_of(unit);
        const std::string_view given = text_of(text, bytes, "text");
        check_utf8(given, "the text");
        const std::size_t at = byte_at(given, wanted, cursor);
        if (at > given.size()) {
            refuse("cursor is " + std::to_string(cursor) + ", which is behind the text's end");
        }
        const WordPlace place = word_at(given, at);
        const std::vector<Suggestion> found = model->text().suggest(given, place, top_k);
        std::vector<Span> spans = {
            {static_cast<std::uint32_t>(place.begin), static_cast<std::uint32_t>(place.end)}};
        convert_spans(given, wanted, spans);
        *suggestions = make_suggestions(found, spans[0]);
    });
}

squeezebert_status squeezebert_filled(const char* text, size_t bytes, size_t start, size_t end,
                                      const char* token, char** filled) {
    return guarded([&] {
        require(filled, "filled");
        *filled = nullptr;
        require(token, "token");
        const std::string_view given = text_of(text, bytes, "text");
        check_utf8(given, "the text");
        if (start > end || end > given.size()) {
            refuse("the gap is from " + std::to_string(start) + " to " + std::to_string(end) +
                   ", the text has " + std::to_string(given.size()) + " bytes");
        }
        const Span gap{static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(end)};
        const std::string result = squeezebert::filled(given, gap, token);
        *filled = Block::make<char>([&](Block& block) { block.text(result); });
    });
}

void squeezebert_free(void* result) { std::free(result); }
