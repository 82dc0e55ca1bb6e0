/// Model directories and calls of every damaged kind, through the C API: each is taken or refused
/// with a code that says whose fault it is and a message a person can read, and nothing is read or
/// written out of bounds (`make sanitize` and `make fuzz` run this under AddressSanitizer).
#include <cmath>
#include <string>
#include <vector>

#include "engine/json.h"
#include "engine/utf8.h"
#include "include/squeezebert.h"
#include "tests/check.h"
#include "tests/checkpoint_files.h"
#include "tests/fuzzing.h"

using namespace squeezebert;
using namespace squeezebert::tests;

namespace {

/// The message after a failure is bounded, valid UTF-8 and without control characters.
void check_message_is_clean() {
    const std::string message = squeezebert_last_error();
    CHECK(!message.empty() && message.size() < 6 * Error::longest);
    std::string line = message;
    const std::size_t hint = line.find("\nhint: ");
    if (hint != std::string::npos) line[hint] = ' ';
    CHECK_EQUAL(shown(line, line.size()), line);
}

/// A model of each head and both types, and compact ones.
std::vector<TinyModel> models() {
    std::vector<TinyModel> all{compact_model()};
    for (const char* type : {"squeezebert", "bert"}) {
        for (const char* head : {"Model", "ForMaskedLM", "ForSequenceClassification",
                                 "ForTokenClassification", "ForQuestionAnswering"}) {
            all.push_back(tiny_model(type, head));
            all.back().config["id2label"] = R"({"0": "a", "1": "b", "2": "c"})";
            all.back().config["tie_word_embeddings"] = "true";
            all.back().config["hidden_act"] = "\"gelu\"";
        }
    }
    return all;
}

/// One text through all calls of a model that was opened: whatever was damaged, they end.
void use(const squeezebert_model* model) {
    squeezebert_info info;
    CHECK_EQUAL(squeezebert_describe(model, &info), SQUEEZEBERT_OK);
    const std::int32_t ids[] = {0, info.vocab_size - 1}, ends[] = {0, 2};
    const std::int32_t tokens = info.max_positions < 2 ? 1 : 2;
    const std::int32_t all[] = {0, tokens};
    const squeezebert_batch batch{ids, nullptr, tokens == 2 ? ends : all, 1, tokens};
    std::vector<float> out(static_cast<std::size_t>(tokens) * info.hidden_size);
    CHECK_EQUAL(squeezebert_encode(model, &batch, out.data(), out.size()), SQUEEZEBERT_OK);
    const char* label = nullptr;
    for (std::int32_t i = 0; i < info.outputs; ++i) {
        const squeezebert_status status = squeezebert_label(model, i, &label);
        CHECK(status == SQUEEZEBERT_OK || status == SQUEEZEBERT_ERROR_INVALID_INPUT);
    }
    if (info.head == SQUEEZEBERT_HEAD_NONE) return;
    const bool masked = info.head == SQUEEZEBERT_HEAD_MASKED_LM;
    const bool by_token = info.head == SQUEEZEBERT_HEAD_TOKEN_CLASSIFICATION ||
                          info.head == SQUEEZEBERT_HEAD_QUESTION_ANSWERING;
    const std::int64_t position = tokens - 1;
    out.resize(static_cast<std::size_t>(by_token ? tokens : 1) * info.outputs);
    CHECK_EQUAL(squeezebert_logits(model, &batch, masked ? &position : nullptr, masked ? 1 : 0,
                                   out.data(), out.size()),
                SQUEEZEBERT_OK);
    if (!masked) return;
    std::int32_t best = -1;
    float logit = 0.0F;
    CHECK_EQUAL(squeezebert_top_k(model, &batch, &position, 1, 1, &best, &logit, nullptr), 0);
    CHECK(best >= 0 && best < info.vocab_size);
}

}  // namespace

TEST("fuzz: model directories") {
    Chance chance(1);
    const std::vector<TinyModel> good = models();
    const TemporaryFolder folder;
    const std::string directory = folder.path("m");
    int opened = 0, refused = 0;
    const int runs = fuzz_runs(600);
    for (int run = 0; run < runs; ++run) {
        const TinyModel& model = chance.of(good);
        std::string config = model.config_json();
        std::string weights = safetensors(model.tensors, model.metadata, 64);
        std::string map, task = R"({"task": "token_classification", "labels": ["a", "b", "c"]})";
        for (const auto& [name, stored] : model.tensors) {
            map += (map.empty() ? "\"" : ", \"") + name + "\": \"part.safetensors\"";
        }
        std::string index = "{\"weight_map\": {" + map + "}}";
        const std::size_t which = chance.below(8);
        if (which < 3) config = spoiled_json(config, chance);
        if (which > 1 && which < 6) weights = spoiled_weights(weights, chance);
        const bool indexed = chance.one_in(3), told = chance.one_in(4);
        if (which == 6) index = spoiled_json(index, chance);
        if (which == 7) task = spoiled_json(task, chance);
        std::filesystem::remove_all(directory);
        write_file(directory + "/config.json", config);
        write_file(directory + (indexed ? "/part.safetensors" : "/model.safetensors"), weights);
        if (indexed) write_file(directory + "/model.safetensors.index.json", index);
        if (told) write_file(directory + "/task.json", task);

        squeezebert_model* loaded = nullptr;
        const squeezebert_options options{static_cast<squeezebert_precision>(chance.below(4)), 1};
        const squeezebert_status status = squeezebert_open(directory.c_str(), &options, &loaded);
        if (status == SQUEEZEBERT_OK) {
            use(loaded);
            ++opened;
        } else {
            CHECK(status == SQUEEZEBERT_ERROR_CHECKPOINT || status == SQUEEZEBERT_ERROR_CONFIG);
            CHECK(loaded == nullptr);
            check_message_is_clean();
            ++refused;
        }
        squeezebert_close(loaded);
    }
    CHECK(runs < 200 || (opened > runs / 50 && refused > runs / 4));
}

TEST("fuzz: calls of the C API") {
    Chance chance(2);
    constexpr int kRoom = 64;  // numbers that each array of the caller has
    const TemporaryFolder folder;
    const std::string directory = tiny_model("squeezebert", "ForMaskedLM").write(folder);
    squeezebert_model* model = nullptr;
    CHECK_EQUAL(squeezebert_open(directory.c_str(), nullptr, &model), SQUEEZEBERT_OK);
    const std::vector<std::int32_t> odd{-1, 11, 12, INT32_MAX, INT32_MIN, 1 << 20};
    int taken = 0, refused = 0;
    const int runs = fuzz_runs(3000);
    for (int run = 0; run < runs; ++run) {
        std::vector<std::int32_t> ids(kRoom), types(kRoom), ends{0};
        while (ends.back() < 20 && !chance.one_in(5)) {
            ends.push_back(ends.back() + static_cast<std::int32_t>(1 + chance.below(6)));
        }
        for (std::int32_t& id : ids) id = static_cast<std::int32_t>(chance.below(11));
        for (std::int32_t& type : types) type = static_cast<std::int32_t>(chance.below(2));
        squeezebert_batch batch{ids.data(), chance.one_in(3) ? nullptr : types.data(), ends.data(),
                                static_cast<std::int32_t>(ends.size()) - 1, ends.back()};
        std::vector<std::int64_t> positions(chance.below(5));
        for (auto& at : positions) at = static_cast<std::int64_t>(chance.below(ends.back() + 1));
        // One thing goes wrong in most rounds.
        const auto token = chance.below(static_cast<std::size_t>(ends.back()) + 1);
        switch (chance.below(10)) {
            case 0:
                ids[token] = chance.of(odd);
                break;
            case 1:
                types[token] = chance.of(odd);
                break;
            case 2:
                ends[chance.below(ends.size())] = chance.of(odd);
                break;
            case 3:
                batch.tokens = static_cast<std::int32_t>(chance.below(kRoom));
                break;
            case 4:
                if (!positions.empty()) positions.back() = chance.one_in(2) ? -1 : INT64_MAX;
                break;
            case 5:
                batch.sequences = chance.one_in(2) ? -1 : batch.sequences - 1;
                break;
            case 6:
                batch.tokens = -1;
                break;
            default:
                break;
        }
        const bool short_of_room = chance.one_in(10);
        const auto rows = static_cast<std::size_t>(batch.tokens < 0 ? 0 : batch.tokens);
        std::vector<float> states(rows * 8 + 1, 7.0F), logits(positions.size() * 11 + 1, 7.0F);
        const squeezebert_status statuses[] = {
            squeezebert_encode(model, &batch, states.data(), states.size() - 1 + short_of_room),
            squeezebert_logits(model, &batch, positions.data(), positions.size(), logits.data(),
                               logits.size() - 1 + short_of_room)};
        CHECK(states.back() == 7.0F && logits.back() == 7.0F);
        for (const squeezebert_status status : statuses) {
            if (status == SQUEEZEBERT_OK) {
                ++taken;
                continue;
            }
            CHECK_EQUAL(status, SQUEEZEBERT_ERROR_INVALID_INPUT);
            check_message_is_clean();
            ++refused;
        }
    }
    squeezebert_close(model);
    CHECK(runs < 200 || (taken > runs / 4 && refused > runs / 4));
}

TEST("fuzz: JSON") {
    Chance chance(3);
    const std::vector<std::string> pieces{"{",      "}",
                                          "[",      "]",
                                          ",",      ":",
                                          "\"",     "\\",
                                          "\\u12",  "1e",
                                          "-",      ".",
                                          "0",      "9",
                                          "true",   "nul",
                                          " ",      "\n",
                                          "\"a\":", "\xC3\xA9",
                                          "\xFF",   std::string(1, '\0')};
    const int runs = fuzz_runs(3000);
    for (int run = 0; run < runs; ++run) {
        std::string text;
        for (std::size_t count = chance.below(40); count > 0; --count) {
            text += chance.one_in(3) ? chance.of(odd_values()) : chance.of(pieces);
        }
        try {
            const Json value = Json::parse(text, "f.json");
            CHECK(value.show().size() < 1000);
        } catch (const Error& error) {
            const std::string message = error.what();
            CHECK_EQUAL(shown(message, message.size()), message);
            CHECK(message.size() < 1000);
        }
    }
}
