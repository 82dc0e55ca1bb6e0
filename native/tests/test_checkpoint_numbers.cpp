/// The numbers of a checkpoint: halves, bytes with scales, packed panels.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "engine/checkpoint.h"
#include "tests/check.h"
#include "tests/checkpoint_files.h"
#include "tests/model_files.h"

using namespace squeezebert;
using namespace squeezebert::tests;

TEST("checkpoint: half precision, at any address") {
    const TemporaryFolder folder;
    for (const std::string dtype : {"F16", "BF16"}) {
        TinyModel model = tiny_model("bert", "ForMaskedLM");
        const TinyModel exact = model;
        for (auto& [name, tensor] : model.tensors) {
            std::vector<std::uint16_t> halves;
            for (const float value : floats_of(tensor)) {
                std::uint32_t bits = 0;
                std::memcpy(&bits, &value, sizeof bits);
                const std::uint32_t rebased = ((bits >> 13U) & 0x3FFFFU) - (112U << 10U);
                const std::uint32_t half = value == 0.0F ? 0 : (bits >> 31U << 15U) | rebased;
                halves.push_back(static_cast<std::uint16_t>(dtype == "F16" ? half : bits >> 16U));
            }
            tensor = {dtype, tensor.shape, bytes_of(halves)};
        }
        for (std::size_t shift = 0; shift < 4; ++shift) {
            const Checkpoint loaded = Checkpoint::open(model.write(folder, "model", 8, shift));
            TinyModel copy = exact;
            check_rows(loaded.word_embeddings(),
                       floats_of(copy.at("bert.embeddings.word_embeddings.weight")));
            check_rows(loaded.layer(1).output.weight,
                       floats_of(copy.at("bert.encoder.layer.1.output.dense.weight")));
            CHECK(loaded.masked_lm()->decoder.bias == floats_of(copy.at("cls.predictions.bias")));
        }
    }
}

TEST("checkpoint: special halves") {
    const std::uint16_t bits[] = {0x0001, 0x8400, 0x03FF, 0x7BFF, 0x7C00, 0xFC00, 0x8000};
    const float expected[] = {5.9604645e-8F, -6.1035156e-5F, 6.0975552e-5F, 65504.0F,
                              INFINITY,      -INFINITY,      0.0F};
    float widened[7];
    widen(DType::float16, reinterpret_cast<const std::byte*>(bits), 7, widened);
    for (int i = 0; i < 7; ++i) CHECK_EQUAL(widened[i], expected[i]);
    const std::uint16_t nan = 0x7E00;
    widen(DType::float16, reinterpret_cast<const std::byte*>(&nan), 1, widened);
    CHECK(std::isnan(widened[0]));
}

TEST("checkpoint: int8 rows") {
    const TemporaryFolder folder;
    TinyModel model = tiny_model("squeezebert", "ForMaskedLM");
    const std::vector<float> words = floats_of(model.at(word));
    const std::vector<float> weights = floats_of(model.at(query));
    quantise(model, word);
    quantise(model, query);
    for (std::size_t shift = 0; shift < 4; ++shift) {
        const Checkpoint loaded = Checkpoint::open(model.write(folder, "model", 8, shift));
        CHECK(loaded.word_embeddings().dtype == DType::int8 && !loaded.word_embeddings().packed);
        check_rows(loaded.word_embeddings(), words, 4.0 / 254 + 1e-6);
        check_rows(loaded.layer(1).query.weight, weights, 4.0 / 254 + 1e-6);
    }
    model.remove(query + ".scale");
    CHECK(refused_with(model, "has the int8 tensor " + query + " without a float32"));
    model.tensors.push_back({query + ".scale", {"F32", {7}, std::string(28, 'x')}});
    CHECK(refused_with(model, "with a scale for each of its 8 rows"));
}

TEST("checkpoint: packed matrices hold what plain ones do") {
    const TemporaryFolder folder;
    TinyModel plain = tiny_model("squeezebert", "ForMaskedLM");
    quantise(plain, word);
    quantise(plain, query);
    const Checkpoint expected = Checkpoint::open(plain.write(folder, "plain"));
    const Checkpoint loaded = Checkpoint::open(compact_model().write(folder, "compact", 64));
    const auto same = [](const Matrix& packed, const Matrix& rows) {
        CHECK(packed.packed && !rows.packed);
        CHECK_EQUAL(reinterpret_cast<std::uintptr_t>(packed.data) % 64, 0U);
        for (std::int64_t r = 0; r < rows.rows; ++r) CHECK(row_of(packed, r) == row_of(rows, r));
    };
    same(loaded.word_embeddings(), expected.word_embeddings());
    same(loaded.layer(1).query.weight, expected.layer(1).query.weight);
    CHECK(!loaded.layer(0).query.weight.packed);
    CHECK_EQUAL(loaded.metadata().at("squeezebert.layout"), "panels-16");
}
