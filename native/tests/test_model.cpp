/// Whole models, on every instruction set that runs here: the same answers as the portable one's,
/// whoever else is in the batch and however many threads work.
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>
#include <thread>

#include "engine/encoder.h"
#include "engine/error.h"
#include "engine/model.h"
#include "tests/check.h"
#include "tests/environment.h"
#include "tests/model_files.h"

namespace squeezebert {
namespace {

using tests::Environment;
using tests::TemporaryFolder;
using tests::tiny_model;

/// Random sequences of given lengths.
struct Texts {
    Texts(const EncoderConfig& config, const std::vector<int>& lengths, unsigned seed = 1)
        : ends{0} {
        std::mt19937 random(seed);
        for (const int length : lengths) {
            for (int token = 0; token < length; ++token) {
                ids.push_back(std::uniform_int_distribution<>(0, config.vocab_size - 1)(random));
                types.push_back(
                    std::uniform_int_distribution<>(0, config.type_vocab_size - 1)(random));
            }
            ends.push_back(static_cast<std::int32_t>(ids.size()));
        }
    }
    Batch batch() const {
        return {ids.data(), types.data(), ends.data(), static_cast<int>(ends.size()) - 1};
    }
    std::vector<std::int32_t> ids, types, ends;
};

std::vector<float> encode(const Model& model, const Batch& batch) {
    std::vector<float> out(static_cast<std::size_t>(batch.tokens()) * model.config().hidden_size);
    model.encode(batch, out.data());
    return out;
}

/// Cosine of what two models say of all tokens together.
double cosine(const std::vector<float>& a, const std::vector<float>& b) {
    double ab = 0.0;
    double aa = 0.0;
    double bb = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        ab += static_cast<double>(a[i]) * b[i];
        aa += static_cast<double>(a[i]) * a[i];
        bb += static_cast<double>(b[i]) * b[i];
    }
    return ab / std::sqrt(aa * bb);
}

std::string shipped(const std::string& name) { return SQUEEZEBERT_PRETRAINED "/" + name; }

const std::vector<int> kLengths = {1, 2, 15, 17, 33, 127, 140, 5};

TEST("model: all instruction sets agree with the portable one") {
    for (const char* name : {"squeezebert-mini-news", "bert-mini-ner"}) {
        for (const Precision precision : {Precision::float32, Precision::bf16, Precision::int8}) {
            std::vector<float> expected;
            {
                const Environment isa("SQUEEZEBERT_ISA", "portable");
                const Model model(shipped(name), Precisions::all(precision), 1);
                expected = encode(model, Texts(model.config(), kLengths).batch());
            }
            for (const Isa isa : available_isas()) {
                const Environment forced("SQUEEZEBERT_ISA", squeezebert::name(isa));
                const Model model(shipped(name), Precisions::all(precision), 2);
                CHECK_EQUAL(model.isa(), isa);
                const auto received = encode(model, Texts(model.config(), kLengths).batch());
                // float32 differs by the order of sums alone; int8 rounds what differs so little
                // to another step now and then.
                const double least = precision == Precision::float32 ? 1.0 - 1e-6 : 0.9995;
                CHECK(cosine(received, expected) > least);
            }
        }
    }
}

TEST("model: neither companions nor threads change a bit") {
    for (const Isa isa : available_isas()) {
        const Environment forced("SQUEEZEBERT_ISA", name(isa));
        for (const Precision precision : {Precision::float32, Precision::bf16, Precision::int8}) {
            const Model one(shipped("squeezebert-mini-ner"), Precisions::all(precision), 1);
            const Texts texts(one.config(), kLengths);
            const auto expected = encode(one, texts.batch());
            for (const int threads : {2, 3, 5}) {
                const Model many(shipped("squeezebert-mini-ner"), Precisions::all(precision),
                                 threads);
                CHECK(encode(many, texts.batch()) == expected);
            }
            const std::size_t hidden = one.config().hidden_size;
            for (std::size_t text = 0; text < kLengths.size(); ++text) {
                const std::int32_t first = texts.ends[text];
                const std::int32_t ends[2] = {0, kLengths[text]};
                const auto alone =
                    encode(one, {texts.ids.data() + first, texts.types.data() + first, ends, 1});
                CHECK(std::equal(alone.begin(), alone.end(), expected.begin() + first * hidden));
            }
        }
    }
}

/// Too few rows for every thread to read all weights: divided by columns, where heads and groups
/// allow it.
TEST("model: short batches on several threads change no bit") {
    for (const Isa isa : available_isas()) {
        const Environment forced("SQUEEZEBERT_ISA", name(isa));
        for (const Precision precision : {Precision::float32, Precision::bf16, Precision::int8}) {
            for (const char* shipped_model : {"squeezebert-mini-mlm", "squeezebert-small-news"}) {
                const Model one(shipped(shipped_model), Precisions::all(precision), 1);
                for (const auto& lengths : std::vector<std::vector<int>>{{1}, {19}, {3, 17, 12}}) {
                    const Texts texts(one.config(), lengths);
                    const Batch batch = texts.batch();
                    const std::vector<std::int64_t> positions = {0, batch.tokens() / 2,
                                                                 batch.tokens() - 1};
                    const bool masked = one.head() == HeadKind::masked_lm;
                    const auto logits_of = [&](const Model& model) {
                        std::vector<float> logits(masked
                                                      ? positions.size() * model.config().vocab_size
                                                      : lengths.size() * model.labels());
                        model.logits(batch, positions.data(), masked ? positions.size() : 0,
                                     logits.data());
                        return logits;
                    };
                    const auto states = encode(one, batch), logits = logits_of(one);
                    for (const int threads : {2, 3, 4}) {
                        const Model many(shipped(shipped_model), Precisions::all(precision),
                                         threads);
                        std::vector<float> out(states.size());
                        const bool split =
                            Encoder(many, batch, nullptr, false, out.data()).by_columns();
                        // Heads and groups come in fours; the mini's layers are small in int8.
                        const bool small = precision == Precision::int8 && masked;
                        CHECK_EQUAL(split, threads != 3 && !small);
                        CHECK(encode(many, batch) == states);
                        CHECK(logits_of(many) == logits);
                    }
                }
            }
        }
    }
}

/// Long texts for each thread, of several blocks, and a short one for both: it may have none of the
/// rows that are wanted.
TEST("model: long texts beside a short one, and wanted rows elsewhere") {
    for (const Isa isa : available_isas()) {
        const Environment forced("SQUEEZEBERT_ISA", name(isa));
        for (const Precision precision : {Precision::float32, Precision::int8}) {
            std::vector<std::vector<float>> found;
            for (const int threads : {1, 2}) {
                const Model model(shipped("squeezebert-small-mlm"), Precisions::all(precision),
                                  threads);
                const Texts texts(model.config(), {120, 120, 20});
                const std::vector<std::int64_t> positions = {3, 130};
                std::vector<float> logits(positions.size() * model.config().vocab_size);
                model.logits(texts.batch(), positions.data(), 2, logits.data());
                found.push_back(logits);
                const auto states = encode(model, texts.batch());
                found.back().insert(found.back().end(), states.begin(), states.end());
            }
            CHECK(found[0] == found[1]);
        }
    }
}

TEST("model: many callers at once") {
    const Model model(shipped("squeezebert-mini-news"), Precisions::all(Precision::float32), 4);
    const Texts texts(model.config(), {40, 3, 130}), short_texts(model.config(), {9, 14});
    const auto expected = encode(model, texts.batch());
    const auto expected_short = encode(model, short_texts.batch());
    std::vector<std::thread> callers;
    std::vector<int> wrong(4, 0);
    for (int caller = 0; caller < 4; ++caller) {
        callers.emplace_back([&, caller] {
            for (int round = 0; round < 5; ++round) {
                if (encode(model, texts.batch()) != expected) ++wrong[caller];
                // A short one is divided otherwise.
                if (encode(model, short_texts.batch()) != expected_short) ++wrong[caller];
            }
        });
    }
    for (std::thread& caller : callers) caller.join();
    CHECK_EQUAL(std::accumulate(wrong.begin(), wrong.end(), 0), 0);
}

/// Sizes that are no multiple of anything: 8 features in groups of 4, heads of 4.
TEST("model: odd sizes and every head, on all instruction sets") {
    for (const char* type : {"squeezebert", "bert"}) {
        for (const char* architecture :
             {"Model", "ForMaskedLM", "ForSequenceClassification", "ForTokenClassification",
              "ForQuestionAnswering", "ForMultipleChoice"}) {
            const TemporaryFolder folder;
            const std::string directory =
                tiny_model(type, architecture, type[0] == 'b' ? 8 : 5).write(folder);
            std::vector<float> first_states;
            std::vector<float> first_logits;
            for (const Isa isa : available_isas()) {
                const Environment forced("SQUEEZEBERT_ISA", name(isa));
                const Model model(directory, Precisions::all(Precision::float32), 2);
                const Texts texts(model.config(), {1, 6, 3});
                const auto states = encode(model, texts.batch());
                if (first_states.empty()) first_states = states;
                CHECK(cosine(states, first_states) > 1.0 - 1e-6);
                if (model.head() == HeadKind::none) {
                    CHECK_THROWS(model.logits(texts.batch(), nullptr, 0, nullptr), "no head");
                    continue;
                }
                const bool masked = model.head() == HeadKind::masked_lm;
                const std::int64_t positions[] = {4, 0, 4};
                std::vector<float> logits(10 * 11);  // as much as any head gives
                model.logits(texts.batch(), positions, masked ? 3 : 0, logits.data());
                if (first_logits.empty()) first_logits = logits;
                CHECK(cosine(logits, first_logits) > 1.0 - 1e-6);
                if (masked) {  // the same position twice
                    CHECK(std::equal(logits.begin(), logits.begin() + 11, logits.begin() + 22));
                }
            }
        }
    }
}

TEST("model: the likeliest tokens are those of the whole row of logits") {
    const Model model(shipped("squeezebert-mini-mlm"), Precisions::all(Precision::int8), 2);
    const Texts texts(model.config(), {9, 30});
    const std::vector<std::int64_t> positions = {38, 3, 3, 20};
    const int vocabulary = model.config().vocab_size;
    std::vector<float> logits(positions.size() * vocabulary);
    model.logits(texts.batch(), positions.data(), 4, logits.data());
    for (const int k : {1, 5, 2000}) {
        std::vector<std::int32_t> ids(positions.size() * k);
        std::vector<float> values(ids.size());
        std::vector<float> normalisers(positions.size());
        model.top_k(texts.batch(), positions.data(), 4, k, ids.data(), values.data(),
                    normalisers.data());
        for (std::size_t row = 0; row < positions.size(); ++row) {
            const float* from = logits.data() + row * vocabulary;
            std::vector<int> order(vocabulary);
            std::iota(order.begin(), order.end(), 0);
            std::stable_sort(order.begin(), order.end(),
                             [&](int a, int b) { return from[a] > from[b]; });
            double total = 0.0;
            for (int token = 0; token < vocabulary; ++token) total += std::exp(from[token]);
            CHECK_NEAR(normalisers[row], std::log(total), 1e-4);
            for (int rank = 0; rank < k; ++rank) {
                CHECK_EQUAL(ids[row * k + rank], order[rank]);
                CHECK_EQUAL(values[row * k + rank], from[order[rank]]);
            }
        }
    }
    CHECK_THROWS(model.top_k(texts.batch(), positions.data(), 4, 0, nullptr, nullptr, nullptr),
                 "k is 0");
}

TEST("model: what cannot be is refused") {
    const Model model(shipped("bert-mini-mlm"), Precisions::all(Precision::int8), 1);
    std::vector<std::int32_t> ids = {2, 5, 3};
    std::vector<std::int32_t> types = {0, 0, 0};
    std::vector<std::int32_t> ends = {0, 3};
    const auto batch = [&] {
        return Batch{ids.data(), types.data(), ends.data(), static_cast<int>(ends.size()) - 1};
    };
    float out[3 * 256];
    model.encode(batch(), out);
    ids[1] = model.config().vocab_size;
    CHECK_THROWS(model.encode(batch(), out), "input_ids[1] is 16384");
    ids[1] = -1;
    CHECK_THROWS(model.encode(batch(), out), "input_ids[1] is -1");
    ids[1] = 5;
    types[2] = 2;
    CHECK_THROWS(model.encode(batch(), out), "token_type_ids[2] is 2");
    types[2] = 0;
    ends = {1, 3};
    CHECK_THROWS(model.encode(batch(), out), "cu_seqlens begins with 1");
    ends = {0, 2, 2, 3};
    CHECK_THROWS(model.encode(batch(), out), "sequence 1 has 0 tokens");
    ends = {0, 2, 1, 3};
    CHECK_THROWS(model.encode(batch(), out), "sequence 1 has -1 tokens");
    ends = {0, 3};
    const std::int64_t position = 3;
    CHECK_THROWS(model.logits(batch(), &position, 1, out), "positions[0] is 3");
    CHECK_THROWS(Model(shipped("bert-mini-mlm"), Precisions::all(Precision::int8), -1), "-1");
    ends = {0};
    model.encode(batch(), out);  // no text, no answer
}

}  // namespace
}  // namespace squeezebert
