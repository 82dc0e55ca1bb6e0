#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "include/squeezebert.h"
#include "tests/check.h"

namespace {

const std::string pretrained = SQUEEZEBERT_PRETRAINED;

/// A model that is closed at the end.
struct Opened {
    explicit Opened(const std::string& name) {
        CHECK_EQUAL(squeezebert_open((pretrained + "/" + name).c_str(), nullptr, &model), 0);
    }
    ~Opened() { squeezebert_close(model); }
    squeezebert_model* model = nullptr;
};

bool last_error_has(const char* text) {
    return std::strstr(squeezebert_last_error(), text) != nullptr;
}

}  // namespace

TEST("text api: tokens in each unit") {
    const Opened opened("squeezebert-mini-ner");
    const char* text = "\xF0\x9F\x98\x80 Ada";
    const std::size_t starts[] = {5, 2, 3};
    for (const squeezebert_unit unit :
         {SQUEEZEBERT_BYTES, SQUEEZEBERT_CODE_POINTS, SQUEEZEBERT_UTF16}) {
        squeezebert_tokens* tokens = nullptr;
        CHECK_EQUAL(squeezebert_tokenize(opened.model, text, SQUEEZEBERT_TERMINATED, unit, &tokens),
                    0);
        CHECK(tokens->count >= 2);
        CHECK_EQUAL(tokens->starts[0], 0U);
        CHECK_EQUAL(tokens->starts[1], starts[unit]);
        CHECK_EQUAL(tokens->ends[tokens->count - 1], starts[unit] + 3);
        squeezebert_free(tokens);
    }
    squeezebert_tokens* none = nullptr;
    CHECK_EQUAL(squeezebert_tokenize(opened.model, nullptr, 0, SQUEEZEBERT_BYTES, &none), 0);
    CHECK_EQUAL(none->count, 0U);
    squeezebert_free(none);
}

TEST("text api: entities") {
    const Opened opened("squeezebert-mini-ner");
    const std::string text = "Angela Merkel flew to Washington.";
    squeezebert_entities* entities = nullptr;
    CHECK_EQUAL(
        squeezebert_tag(opened.model, text.data(), text.size(), SQUEEZEBERT_BYTES, &entities), 0);
    CHECK_EQUAL(entities->count, 2U);
    CHECK_EQUAL(std::string(entities->items[0].type), "PER");
    CHECK_EQUAL(entities->items[0].start, 0U);
    CHECK_EQUAL(entities->items[0].end, 13U);
    CHECK_EQUAL(std::string(entities->items[1].type), "LOC");
    CHECK_EQUAL(entities->items[1].start, 22U);
    CHECK(entities->items[1].score > 0.5F && entities->items[1].score <= 1.0F);
    squeezebert_free(entities);
}

TEST("text api: classes of a text and of a pair") {
    const Opened opened("squeezebert-mini-news");
    squeezebert_classes* classes = nullptr;
    const char* text = "The team won the cup after a late goal in the final match.";
    CHECK_EQUAL(
        squeezebert_classify(opened.model, text, SQUEEZEBERT_TERMINATED, nullptr, 0, &classes), 0);
    CHECK_EQUAL(classes->count, 6U);
    CHECK_EQUAL(classes->problem, SQUEEZEBERT_SINGLE_LABEL);
    CHECK_EQUAL(std::string(classes->names[classes->best]), "sport");
    double sum = 0.0;
    for (std::size_t i = 0; i < classes->count; ++i) {
        sum += classes->scores[i];
        CHECK(classes->scores[i] <= classes->scores[classes->best]);
    }
    CHECK_NEAR(sum, 1.0, 1e-9);
    squeezebert_free(classes);
    CHECK_EQUAL(
        squeezebert_classify(opened.model, text, SQUEEZEBERT_TERMINATED, text, 10, &classes), 0);
    squeezebert_free(classes);
}

TEST("text api: gaps, and texts with them filled") {
    const Opened opened("squeezebert-mini-mlm");
    const std::string text = "The capital of France is [MASK] .";
    squeezebert_gaps* gaps = nullptr;
    CHECK_EQUAL(
        squeezebert_fill(opened.model, text.data(), text.size(), 3, SQUEEZEBERT_BYTES, &gaps), 0);
    CHECK_EQUAL(gaps->count, 1U);
    const squeezebert_gap& gap = gaps->items[0];
    CHECK_EQUAL(gap.count, 3U);
    CHECK_EQUAL(gap.start, 25U);
    CHECK_EQUAL(gap.end, 31U);
    CHECK(gap.candidates[0].score >= gap.candidates[1].score);
    for (const char* token : {"Paris", "##s"}) {
        char* filled = nullptr;
        CHECK_EQUAL(
            squeezebert_filled(text.data(), text.size(), gap.start, gap.end, token, &filled), 0);
        CHECK_EQUAL(std::string(filled), token[0] == 'P' ? "The capital of France is Paris ."
                                                         : "The capital of France iss .");
        squeezebert_free(filled);
    }
    squeezebert_free(gaps);
    char* filled = nullptr;
    CHECK_EQUAL(squeezebert_filled("abc", 3, 2, 4, "x", &filled), SQUEEZEBERT_ERROR_INVALID_INPUT);
    CHECK(filled == nullptr && last_error_has("the gap is from 2 to 4"));
}

TEST("text api: a model from memory") {
    squeezebert_model* model = nullptr;
    CHECK_EQUAL(squeezebert_open_memory("no model", 8, nullptr, &model),
                SQUEEZEBERT_ERROR_CHECKPOINT);
    CHECK(model == nullptr && last_error_has("the model in memory is not a readable safetensors"));
    std::ifstream stream(pretrained + "/squeezebert-mini-mlm/model.safetensors", std::ios::binary);
    std::string content{std::istreambuf_iterator<char>(stream), {}};
    CHECK_EQUAL(squeezebert_open_memory(content.data(), content.size(), nullptr, &model),
                SQUEEZEBERT_ERROR_CHECKPOINT);
    CHECK(last_error_has("there is no config.json in the model in memory"));
}

TEST("text api: what cannot be answered") {
    const Opened opened("squeezebert-mini-mlm");
    squeezebert_entities* entities = nullptr;
    CHECK_EQUAL(squeezebert_tag(opened.model, "a", 1, SQUEEZEBERT_BYTES, &entities),
                SQUEEZEBERT_ERROR_INVALID_INPUT);
    CHECK(entities == nullptr && last_error_has("tag is for a token_classification head"));
    squeezebert_gaps* gaps = nullptr;
    CHECK_EQUAL(squeezebert_fill(opened.model, "a \xFF", 3, 1, SQUEEZEBERT_BYTES, &gaps),
                SQUEEZEBERT_ERROR_INVALID_INPUT);
    CHECK(last_error_has("the text is not UTF-8: byte 2"));
    CHECK_EQUAL(squeezebert_fill(opened.model, "a", 1, 1, 7, &gaps),
                SQUEEZEBERT_ERROR_INVALID_INPUT);
    CHECK(last_error_has("unit is 7"));
    CHECK_EQUAL(squeezebert_fill(nullptr, "a", 1, 1, 0, &gaps), SQUEEZEBERT_ERROR_INVALID_INPUT);
    CHECK(last_error_has("model is NULL"));
    CHECK_EQUAL(squeezebert_fill(opened.model, nullptr, 1, 1, 0, &gaps),
                SQUEEZEBERT_ERROR_INVALID_INPUT);
    CHECK(last_error_has("text is NULL"));
    CHECK_EQUAL(squeezebert_tag(opened.model, "a", 1, 0, nullptr), SQUEEZEBERT_ERROR_INVALID_INPUT);
    CHECK(last_error_has("entities is NULL"));
    squeezebert_free(nullptr);
}
