/// How far features stick out, told from LayerNorms, and what the engine makes of it.
#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "engine/model.h"
#include "engine/outliers.h"
#include "tests/check.h"
#include "tests/environment.h"
#include "tests/model_files.h"

namespace squeezebert {
namespace {

using tests::Environment;
using tests::TemporaryFolder;
using tests::tiny_model;
using tests::TinyModel;

LayerNormWeights plain_norm(std::size_t features) {
    return {std::vector<float>(features, 1.0F), std::vector<float>(features, 0.0F)};
}

/// Random weights, and LayerNorms that change nothing.
TinyModel plain_model(const std::string& type, const std::string& architecture,
                      std::int64_t embedding, std::int64_t hidden) {
    TinyModel model = tiny_model(type, architecture, embedding, hidden);
    std::mt19937 random(5);
    std::normal_distribution<float> normal(0.0F, 0.05F);
    for (auto& [name, tensor] : model.tensors) {
        std::vector<float> values(tensor.data.size() / sizeof(float));
        const bool norm = name.find("LayerNorm") != std::string::npos ||
                          name.find("layernorm") != std::string::npos;
        const float same = name.find("weight") != std::string::npos ? 1.0F : 0.0F;
        for (float& value : values) value = norm ? same : normal(random);
        tensor.data = tests::bytes_of(values);
    }
    return model;
}

/// A plain vector with one feature blown up.
std::vector<float> blown_up(std::size_t features, std::size_t feature, float value) {
    std::vector<float> values(features, 1.0F);
    values[feature] = value;
    return values;
}

Checkpoint open(const TinyModel& model) {
    const TemporaryFolder folder;
    return Checkpoint::open(model.write(folder));
}

TEST("outliers: where all features are alike the largest is three deviations out") {
    CHECK_NEAR(expected_peak(plain_norm(32), 1), 3.0, 1e-6);
    CHECK_NEAR(expected_peak(plain_norm(32), 4), 3.0, 1e-6);
}

TEST("outliers: a feature sticks out by its deviation or by its mean") {
    LayerNormWeights norm = plain_norm(32);
    norm.weight[5] = -4.0F;
    CHECK_NEAR(expected_peak(norm, 1), 12.0 / std::sqrt((31.0 + 16.0) / 32.0), 1e-5);
    norm.weight[5] = 1.0F;
    norm.bias[5] = -9.0F;
    CHECK_NEAR(expected_peak(norm, 1), 12.0 / std::sqrt((32.0 + 81.0) / 32.0), 1e-5);
}

TEST("outliers: each group is judged by itself") {
    LayerNormWeights norm = plain_norm(32);
    norm.weight[13] = 4.0F;
    CHECK_NEAR(expected_peak(norm, 4), 12.0 / std::sqrt((7.0 + 16.0) / 8.0), 1e-5);
    // A whole group that is large is not uneven: its scale is its own.
    std::fill_n(norm.weight.begin() + 8, 8, 4.0F);
    CHECK_NEAR(expected_peak(norm, 4), 3.0, 1e-6);
    std::fill_n(norm.weight.begin() + 8, 8, 0.0F);
    CHECK_NEAR(expected_peak(norm, 4), 3.0, 1e-6);
    norm.weight.assign(32, 0.0F);
    CHECK_EQUAL(expected_peak(norm, 4), 0.0F);
}

TEST("outliers: whatever a LayerNorm gives a block counts, and nothing else") {
    const double peak = 12.0 / std::sqrt((31.0 + 16.0) / 32.0);
    TinyModel model = plain_model("bert", "ForMaskedLM", 32, 32);
    CHECK_NEAR(expected_peak(open(model)), 3.0, 1e-6);
    for (const char* name : {"bert.embeddings.LayerNorm.weight",
                             "bert.encoder.layer.0.attention.output.LayerNorm.weight",
                             "bert.encoder.layer.0.output.LayerNorm.weight",
                             "bert.encoder.layer.1.attention.output.LayerNorm.weight"}) {
        model.set(name, blown_up(32, 5, 4.0F));
        CHECK_NEAR(expected_peak(open(model)), peak, 1e-5);
        model.set(name, std::vector<float>(32, 1.0F));
    }
    for (const char* name : {"bert.encoder.layer.1.output.LayerNorm.weight",  // the last
                             "cls.predictions.transform.LayerNorm.weight"}) {
        model.set(name, blown_up(32, 5, 50.0F));
    }
    CHECK_NEAR(expected_peak(open(model)), 3.0, 1e-6);
}

TEST("outliers: narrow embeddings are widened before they go into a block") {
    TinyModel model = plain_model("bert", "Model", 16, 32);
    model.set("embeddings.LayerNorm.weight", blown_up(16, 3, 50.0F));
    const Checkpoint checkpoint = open(model);
    CHECK_EQUAL(expected_input_peak(checkpoint, 0, 1), 0.0F);
    CHECK_NEAR(expected_input_peak(checkpoint, 1, 1), 3.0, 1e-6);
    CHECK_NEAR(expected_peak(checkpoint), 3.0, 1e-6);
}

TEST("outliers: a projection's own groups count") {
    TinyModel model = plain_model("squeezebert", "Model", 32, 32);  // two groups
    model.set("encoder.layers.0.output.layernorm.weight", blown_up(32, 5, 4.0F));
    CHECK_NEAR(expected_peak(open(model)), 12.0 / std::sqrt((15.0 + 16.0) / 16.0), 1e-5);
    model.config["v_groups"] = "1";
    for (const char* layer : {"0", "1"}) {
        const std::string name = std::string("encoder.layers.") + layer + ".attention.value.weight";
        model.remove(name);
        model.add(name, {32, 32, 1});
    }
    CHECK_NEAR(expected_peak(open(model)), 12.0 / std::sqrt((31.0 + 16.0) / 32.0), 1e-5);
}

TEST("outliers: far outliers take what reads a LayerNorm out of int8") {
    TinyModel model = plain_model("bert", "Model", 32, 32);
    const auto precisions = [&](double peak) {
        // The deviation of one feature of 32 that makes the peak.
        const double gain = peak * std::sqrt(31.0 / 32.0 / (9.0 - peak * peak / 32.0));
        model.set("encoder.layer.0.output.LayerNorm.weight",
                  blown_up(32, 5, static_cast<float>(gain)));
        return default_precisions(open(model));
    };
    const struct {
        double peak;
        Precision normalized;
    } cases[] = {{3.5, Precision::int8}, {11.99, Precision::int8}, {12.01, Precision::bf16}};
    for (const auto& expected : cases) {
        const Precisions chosen = precisions(expected.peak);
        for (const Precision product :
             {chosen.query, chosen.key, chosen.value, chosen.intermediate}) {
            CHECK_EQUAL(product, expected.normalized);
        }
        for (const Precision other :
             {chosen.post_attention, chosen.output, chosen.bottleneck, chosen.vocabulary}) {
            CHECK_EQUAL(other, Precision::int8);
        }
    }
}

constexpr int kWidth = 384;
constexpr int kOutlier = 5;

/// A dense model whose second layer sees a feature of twenty times the others.
TinyModel outlier_model() {
    TinyModel model = plain_model("bert", "Model", kWidth, kWidth);
    for (const char* norm : {"0.output", "1.attention.output"}) {
        model.set(std::string("encoder.layer.") + norm + ".LayerNorm.weight",
                  blown_up(kWidth, kOutlier, 20.0F));
    }
    return model;
}

/// Of query, key, value, post_attention, intermediate and output.
std::vector<int> slices(const PackedLayer& layer) {
    std::vector<int> counts;
    for (const PackedProjection* projection :
         {&layer.query, &layer.key, &layer.value, &layer.post_attention, &layer.intermediate,
          &layer.output}) {
        counts.push_back(projection->view().slices);
    }
    return counts;
}

TEST("outliers: int8 has a scale for each 128 features where single ones stick out") {
    const std::vector<int> whole{1, 1, 1, 1, 1, 1};
    const Precisions int8 = Precisions::all(Precision::int8);
    const Checkpoint checkpoint = open(outlier_model());
    for (int layer : {0, 1}) {
        CHECK(slices(pack_layer(checkpoint, layer, int8)) == std::vector<int>({3, 3, 3, 1, 3, 1}));
    }
    Precisions mixed = int8;
    mixed.value = Precision::bf16;
    CHECK(slices(pack_layer(checkpoint, 1, mixed)) == std::vector<int>({3, 3, 1, 1, 3, 1}));
    // The embeddings' features.
    TinyModel model = plain_model("bert", "Model", kWidth, kWidth);
    model.set("embeddings.LayerNorm.weight", blown_up(kWidth, kOutlier, 20.0F));
    CHECK(slices(pack_layer(open(model), 1, int8)) == std::vector<int>({3, 3, 3, 1, 3, 1}));
    model = plain_model("bert", "Model", kWidth / 2, kWidth);
    model.set("embeddings.LayerNorm.weight", blown_up(kWidth / 2, kOutlier, 20.0F));
    CHECK(slices(pack_layer(open(model), 0, int8)) == whole);  // no block reads them
    // Groups of 192 have scales of their own.
    model = plain_model("squeezebert", "Model", kWidth, kWidth);
    model.set("embeddings.LayerNorm.weight", blown_up(kWidth, kOutlier, 20.0F));
    CHECK(slices(pack_layer(open(model), 0, int8)) == whole);
}

/// More sequences of six words than a block of rows has room for.
constexpr int kTexts = 12;
constexpr int kWords = 6;

/// The states of some of them, by one call.
std::vector<float> encode(const Model& model, int first, int last) {
    std::vector<std::int32_t> ids;
    std::vector<std::int32_t> ends{0};
    for (int text = first; text < last; ++text) {
        for (int word = 0; word < kWords; ++word) ids.push_back((5 * text + word * word) % 11);
        ends.push_back(static_cast<std::int32_t>(ids.size()));
    }
    std::vector<float> out(ids.size() * kWidth);
    model.encode({ids.data(), nullptr, ends.data(), last - first}, out.data());
    return out;
}

/// 1 - cosine of all features but the one that sticks out.
double distance(const std::vector<float>& a, const std::vector<float>& b) {
    double ab = 0.0;
    double aa = 0.0;
    double bb = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (i % kWidth == kOutlier) continue;
        ab += static_cast<double>(a[i]) * b[i];
        aa += static_cast<double>(a[i]) * a[i];
        bb += static_cast<double>(b[i]) * b[i];
    }
    return 1.0 - ab / std::sqrt(aa * bb);
}

TEST("outliers: the features of other slices keep their steps, whoever else is in the batch") {
    TinyModel model = outlier_model();
    // The slice with the outlier counts for nothing, so that what is lost is lost by the others.
    auto& weight = model.at("encoder.layer.1.intermediate.dense.weight");
    for (std::int64_t row = 0; row < weight.shape[0]; ++row) {
        std::fill_n(weight.data.begin() + row * kWidth * 4, kWidth / 3 * 4, '\0');
    }
    const TemporaryFolder folder;
    const std::string directory = model.write(folder);
    const Precisions exact = Precisions::all(Precision::float32);
    Precisions precisions = exact;
    precisions.intermediate = Precision::int8;
    for (const Isa isa : available_isas()) {
        const Environment forced("SQUEEZEBERT_ISA", name(isa));
        const auto expected = encode(Model(directory, exact, 1), 0, kTexts);
        const auto received = encode(Model(directory, precisions, 1), 0, kTexts);
        // 5e-4; with one scale for all 384 features, 4e-3.
        CHECK(distance(received, expected) < 1.5e-3);

        const Model one(directory, Precisions::all(Precision::int8), 1);
        const auto together = encode(one, 0, kTexts);
        CHECK(encode(Model(directory, Precisions::all(Precision::int8), 3), 0, kTexts) == together);
        for (int text = 0; text < kTexts; ++text) {
            const auto alone = encode(one, text, text + 1);
            const auto begin = together.begin() + text * kWords * kWidth;
            CHECK(std::equal(alone.begin(), alone.end(), begin));
        }
    }
}

}  // namespace
}  // namespace squeezebert
