#include <cmath>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "engine/model.h"
#include "include/squeezebert.h"
#include "tests/check.h"
#include "tests/model_files.h"

using namespace squeezebert;
using namespace squeezebert::tests;

namespace {

/// Three sequences of 4, 1 and 6 tokens for tiny models.
struct Texts {
    std::vector<std::int32_t> ids{1, 2, 3, 4, 10, 9, 8, 7, 6, 5, 0};
    std::vector<std::int32_t> types{0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 1};
    std::vector<std::int32_t> ends{0, 4, 5, 11};
    squeezebert_batch batch{ids.data(), types.data(), ends.data(), 3, 11};
    Batch engine_batch{ids.data(), types.data(), ends.data(), 3};
};

/// A tiny model by the C API, in float32.
struct Opened {
    explicit Opened(const std::string& architecture)
        : directory(tiny_model("squeezebert", architecture).write(folder)) {
        const squeezebert_options options{SQUEEZEBERT_PRECISION_FLOAT32, 1};
        CHECK_EQUAL(squeezebert_open(directory.c_str(), &options, &model), SQUEEZEBERT_OK);
    }
    ~Opened() { squeezebert_close(model); }
    Opened(const Opened&) = delete;
    Opened& operator=(const Opened&) = delete;

    Model same() const { return Model(directory, Precisions::all(Precision::float32), 1); }

    TemporaryFolder folder;
    std::string directory;
    squeezebert_model* model = nullptr;
};

bool last_error_has(const std::string& text) {
    const std::string message = squeezebert_last_error();
    if (message.find(text) != std::string::npos) return true;
    throw Failure("last error is \"" + message + "\", expected \"" + text + "\" in it");
}

}  // namespace

TEST("c api: what a model is") {
    const struct {
        const char* architecture;
        squeezebert_head head;
        int outputs;
    } cases[] = {
        {"Model", SQUEEZEBERT_HEAD_NONE, 0},
        {"ForMaskedLM", SQUEEZEBERT_HEAD_MASKED_LM, 11},
        {"ForSequenceClassification", SQUEEZEBERT_HEAD_TEXT_CLASSIFICATION, 3},
        {"ForTokenClassification", SQUEEZEBERT_HEAD_TOKEN_CLASSIFICATION, 3},
        {"ForQuestionAnswering", SQUEEZEBERT_HEAD_QUESTION_ANSWERING, 2},
        {"ForMultipleChoice", SQUEEZEBERT_HEAD_MULTIPLE_CHOICE, 1},
    };
    for (const auto& expected : cases) {
        const Opened opened(expected.architecture);
        squeezebert_info info;
        CHECK_EQUAL(squeezebert_describe(opened.model, &info), SQUEEZEBERT_OK);
        CHECK_EQUAL(info.head, expected.head);
        CHECK_EQUAL(info.outputs, expected.outputs);
        CHECK_EQUAL(info.hidden_size, 8);
        CHECK_EQUAL(info.vocab_size, 11);
        CHECK_EQUAL(info.type_vocab_size, 2);
        CHECK_EQUAL(info.max_positions, 6);
        CHECK_EQUAL(info.layers, 2);
        CHECK_EQUAL(info.threads, 1);
        CHECK_EQUAL(std::string(info.isa), name(choose_isa()));
    }
    CHECK(std::string(squeezebert_version()).find('.') != std::string::npos);
}

TEST("c api: labels") {
    TinyModel model = tiny_model("bert", "ForSequenceClassification");
    model.config["id2label"] = R"({"0": "spam", "1": "ham", "2": "caf\u00e9"})";
    const TemporaryFolder folder;
    squeezebert_model* opened = nullptr;
    CHECK_EQUAL(squeezebert_open(model.write(folder).c_str(), nullptr, &opened), SQUEEZEBERT_OK);
    const char* label = nullptr;
    CHECK_EQUAL(squeezebert_label(opened, 2, &label), SQUEEZEBERT_OK);
    CHECK_EQUAL(std::string(label), "caf\xC3\xA9");
    for (const int index : {-1, 3}) {
        CHECK_EQUAL(squeezebert_label(opened, index, &label), SQUEEZEBERT_ERROR_INVALID_INPUT);
        CHECK(label == nullptr && last_error_has("the model has 3"));
    }
    squeezebert_close(opened);
    squeezebert_close(nullptr);
}

TEST("c api: results are those of the engine") {
    const Texts texts;
    for (const char* architecture : {"Model", "ForSequenceClassification", "ForTokenClassification",
                                     "ForQuestionAnswering", "ForMultipleChoice"}) {
        const Opened opened(architecture);
        const Model model = opened.same();
        std::vector<float> received(11 * 8), expected(11 * 8);
        CHECK_EQUAL(squeezebert_encode(opened.model, &texts.batch, received.data(), 88), 0);
        model.encode(texts.engine_batch, expected.data());
        CHECK(received == expected);
        received.assign(3 * 8, 0.0F);
        expected.assign(3 * 8, 0.0F);
        CHECK_EQUAL(squeezebert_mean_pooled(opened.model, &texts.batch, received.data(), 24), 0);
        model.mean_pooled(texts.engine_batch, expected.data());
        CHECK(received == expected);
        if (model.head() == HeadKind::none) continue;
        const bool by_token = model.head() == HeadKind::token_classification ||
                              model.head() == HeadKind::question_answering;
        const auto count = static_cast<std::size_t>((by_token ? 11 : 3) * model.labels());
        received.assign(count, 0.0F);
        expected.assign(count, 0.0F);
        CHECK_EQUAL(
            squeezebert_logits(opened.model, &texts.batch, nullptr, 0, received.data(), count),
            SQUEEZEBERT_OK);
        model.logits(texts.engine_batch, nullptr, 0, expected.data());
        CHECK(received == expected);
    }
}

TEST("c api: masked words") {
    const Texts texts;
    const Opened opened("ForMaskedLM");
    const std::int64_t positions[] = {10, 0};
    std::vector<float> logits(2 * 11);
    CHECK_EQUAL(squeezebert_logits(opened.model, &texts.batch, positions, 2, logits.data(), 22),
                SQUEEZEBERT_OK);
    std::int32_t ids[2 * 3];
    float best[2 * 3];
    float normalisers[2];
    CHECK_EQUAL(
        squeezebert_top_k(opened.model, &texts.batch, positions, 2, 3, ids, best, normalisers),
        SQUEEZEBERT_OK);
    for (int row = 0; row < 2; ++row) {
        double total = 0.0;
        float largest = -INFINITY;
        for (int id = 0; id < 11; ++id) {
            total += std::exp(static_cast<double>(logits[row * 11 + id]));
            largest = std::max(largest, logits[row * 11 + id]);
        }
        CHECK_NEAR(normalisers[row], std::log(total), 1e-4);
        CHECK_EQUAL(best[row * 3], largest);
        for (int k = 0; k < 3; ++k) {
            CHECK_EQUAL(best[row * 3 + k], logits[row * 11 + ids[row * 3 + k]]);
        }
    }
    std::int32_t other_ids[2 * 3];
    CHECK_EQUAL(
        squeezebert_top_k(opened.model, &texts.batch, positions, 2, 3, other_ids, best, nullptr),
        SQUEEZEBERT_OK);
    CHECK_EQUAL(other_ids[5], ids[5]);
    CHECK_EQUAL(squeezebert_top_k(opened.model, &texts.batch, positions, 2, 12, ids, best, nullptr),
                SQUEEZEBERT_ERROR_INVALID_INPUT);
    CHECK(last_error_has("k is 12"));
    CHECK_EQUAL(squeezebert_top_k(opened.model, &texts.batch, nullptr, 2, 3, ids, best, nullptr),
                SQUEEZEBERT_ERROR_INVALID_INPUT);
    CHECK(last_error_has("positions is NULL"));
    const std::int64_t outside[] = {11, -1};
    for (const std::int64_t& position : outside) {
        CHECK_EQUAL(squeezebert_logits(opened.model, &texts.batch, &position, 1, logits.data(), 11),
                    SQUEEZEBERT_ERROR_INVALID_INPUT);
        CHECK(last_error_has("positions[0] is " + std::to_string(position)));
    }
}

TEST("c api: arguments that cannot be used") {
    const Opened opened("ForTokenClassification");
    std::vector<float> out(11 * 8);
    const auto encode = [&](const Texts& texts, std::size_t count = 88) {
        return squeezebert_encode(opened.model, &texts.batch, out.data(), count);
    };
    const auto refused = [](squeezebert_status status, const char* text) {
        return status == SQUEEZEBERT_ERROR_INVALID_INPUT && last_error_has(text);
    };
    Texts texts;
    CHECK_EQUAL(encode(texts), SQUEEZEBERT_OK);
    CHECK(refused(encode(texts, 87), "out has room for 87 numbers, expected 11 rows of 8"));
    CHECK(refused(squeezebert_logits(opened.model, &texts.batch, nullptr, 0, out.data(), 9),
                  "out has room for 9 numbers, expected 11 rows of 3"));
    const std::int64_t position = 0;
    CHECK(refused(squeezebert_logits(opened.model, &texts.batch, &position, 1, out.data(), 3),
                  "positions given to a token_classification head"));
    CHECK(refused(
        squeezebert_top_k(opened.model, &texts.batch, &position, 1, 1, nullptr, nullptr, nullptr),
        "ids is NULL"));
    CHECK(refused(squeezebert_encode(opened.model, &texts.batch, nullptr, 88), "out is NULL"));
    CHECK(refused(squeezebert_encode(opened.model, nullptr, out.data(), 88), "batch is NULL"));
    CHECK(refused(squeezebert_encode(nullptr, &texts.batch, out.data(), 88), "model is NULL"));
    CHECK(refused(squeezebert_describe(opened.model, nullptr), "info is NULL"));
    CHECK(refused(squeezebert_label(opened.model, 0, nullptr), "label is NULL"));
    texts.ids[3] = 11;
    CHECK(refused(encode(texts), "input_ids[3] is 11"));
    texts.ids[3] = -1;
    CHECK(refused(encode(texts), "input_ids[3] is -1"));
    texts = Texts();
    texts.types[1] = 2;
    CHECK(refused(encode(texts), "token_type_ids[1] is 2"));
    const std::vector<std::int32_t> bad_ends[] = {
        {1, 4, 5, 11}, {0, 4, 5, 12}, {0, 5, 4, 11}, {0, 4, 4, 11}, {0, 4, 2'000'000'000, 11}};
    for (const auto& ends : bad_ends) {
        Texts other;
        other.ends = ends;
        other.batch.cu_seqlens = other.ends.data();
        CHECK(refused(encode(other), ""));
    }
    Texts empty;
    empty.batch.sequences = -1;
    CHECK(refused(encode(empty), "sequences is -1"));
    empty.batch = {nullptr, nullptr, empty.ends.data(), 0, 0};
    CHECK_EQUAL(encode(empty, 0), SQUEEZEBERT_OK);
    Texts null;
    null.batch.input_ids = nullptr;
    CHECK(refused(encode(null), "input_ids is NULL"));
    null.batch.cu_seqlens = nullptr;
    CHECK(refused(encode(null), "cu_seqlens is NULL"));
}

TEST("c api: models that cannot be opened") {
    const TemporaryFolder folder;
    int something = 0;
    auto* model = reinterpret_cast<squeezebert_model*>(&something);
    CHECK_EQUAL(squeezebert_open(folder.path("none").c_str(), nullptr, &model),
                SQUEEZEBERT_ERROR_CHECKPOINT);
    CHECK(model == nullptr && last_error_has("there is no config.json in") &&
          last_error_has("\nhint: "));
    TinyModel tiny = tiny_model("bert", "Model");
    const std::string directory = tiny.write(folder);
    const auto open = [&](squeezebert_precision precision, int threads) {
        const squeezebert_options options{precision, threads};
        squeezebert_model* opened = nullptr;
        const squeezebert_status status = squeezebert_open(directory.c_str(), &options, &opened);
        squeezebert_close(opened);
        return status;
    };
    CHECK_EQUAL(open(4, 1), SQUEEZEBERT_ERROR_INVALID_INPUT);
    CHECK(last_error_has("precision is 4"));
    CHECK_EQUAL(open(SQUEEZEBERT_PRECISION_INT8, -1), SQUEEZEBERT_ERROR_INVALID_INPUT);
    CHECK(last_error_has("threads is -1"));
    CHECK_EQUAL(squeezebert_open(nullptr, nullptr, &model), SQUEEZEBERT_ERROR_INVALID_INPUT);
    CHECK_EQUAL(squeezebert_open(directory.c_str(), nullptr, nullptr),
                SQUEEZEBERT_ERROR_INVALID_INPUT);
    tiny.config["hidden_act"] = "\"swish9\"";
    tiny.write(folder);
    CHECK_EQUAL(open(SQUEEZEBERT_PRECISION_INT8, 1), SQUEEZEBERT_ERROR_CONFIG);
    CHECK(last_error_has("hidden_act is 'swish9'"));
}

TEST("c api: auto is what the checkpoint records, otherwise what is safe") {
    const TemporaryFolder folder;
    const Texts texts;
    TinyModel tiny = tiny_model("squeezebert", "Model");
    const auto encode = [&](squeezebert_precision precision, std::size_t width = 8) {
        const squeezebert_options options{precision, 1};
        squeezebert_model* model = nullptr;
        std::vector<float> out(11 * width);
        CHECK_EQUAL(squeezebert_open(folder.path("model").c_str(), &options, &model), 0);
        CHECK_EQUAL(squeezebert_encode(model, &texts.batch, out.data(), out.size()), 0);
        squeezebert_close(model);
        return out;
    };
    tiny.write(folder);
    const std::vector<float> exact = encode(SQUEEZEBERT_PRECISION_FLOAT32);
    const std::vector<float> fast = encode(SQUEEZEBERT_PRECISION_INT8);
    CHECK(exact != fast);
    CHECK(encode(SQUEEZEBERT_PRECISION_AUTO) == fast);
    std::string record;
    for (const char* name : {"query", "key", "value", "post_attention", "intermediate", "output",
                             "bottleneck", "vocabulary"}) {
        record += std::string(record.empty() ? "" : ", ") + "\\\"" + name + "\\\": \\\"float32\\\"";
    }
    tiny.metadata =
        R"({"squeezebert.precision": "{\"lossless\": true, \"precision\": {)" + record + "}}\"}";
    tiny.write(folder);
    CHECK(encode(SQUEEZEBERT_PRECISION_AUTO) == exact);
    CHECK(encode(SQUEEZEBERT_PRECISION_INT8) == fast);
    tiny.metadata = R"({"squeezebert.precision": "{\"precision\": {\"query\": \"int4\"}}"})";
    tiny.write(folder);
    squeezebert_model* model = nullptr;
    CHECK_EQUAL(squeezebert_open(folder.path("model").c_str(), nullptr, &model),
                SQUEEZEBERT_ERROR_CHECKPOINT);
    CHECK(last_error_has("record squeezebert.precision as {\"precision\": {\"query\": \"int4\"}}"));
    for (const char* record_of_none : {"{}", "[]", "3"}) {
        tiny.metadata = "{\"squeezebert.precision\": \"" + std::string(record_of_none) + "\"}";
        tiny.write(folder);
        CHECK_EQUAL(squeezebert_open(folder.path("model").c_str(), nullptr, &model),
                    SQUEEZEBERT_ERROR_CHECKPOINT);
        CHECK(last_error_has("expected a precision for each of query, key"));
    }
    // Wide enough for a feature to stick out far.
    TinyModel outlier = tiny_model("bert", "Model", 32, 32);
    std::vector<float> weight(32, 1.0F);
    weight[5] = 50.0F;
    outlier.set("encoder.layer.0.output.LayerNorm.weight", weight);
    Precisions precisions = Precisions::all(Precision::int8);
    precisions.query = precisions.key = precisions.value = precisions.intermediate =
        Precision::bf16;
    std::vector<float> safe(11 * 32);
    Model(outlier.write(folder), precisions, 1).encode(texts.engine_batch, safe.data());
    CHECK(encode(SQUEEZEBERT_PRECISION_AUTO, 32) == safe);
    CHECK(encode(SQUEEZEBERT_PRECISION_INT8, 32) != safe);
}

TEST("c api: each thread has its own last error") {
    squeezebert_describe(nullptr, nullptr);
    CHECK(last_error_has("model is NULL"));
    std::string seen = "nothing seen";
    std::thread([&] { seen = squeezebert_last_error(); }).join();
    CHECK_EQUAL(seen, "");
    std::thread([] { squeezebert_open(nullptr, nullptr, nullptr); }).join();
    squeezebert_info info;
    const Opened opened("Model");
    CHECK_EQUAL(squeezebert_describe(opened.model, &info), SQUEEZEBERT_OK);
    CHECK(last_error_has("model is NULL"));
}
