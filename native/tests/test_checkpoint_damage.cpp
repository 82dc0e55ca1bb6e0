#include <cstdint>
#include <random>
#include <string>

#include "engine/checkpoint.h"
#include "engine/error.h"
#include "tests/check.h"
#include "tests/checkpoint_files.h"
#include "tests/model_files.h"

using namespace squeezebert;
using namespace squeezebert::tests;

TEST("checkpoint: compact files that are not as they say") {
    const TemporaryFolder folder;
    CHECK_THROWS(Checkpoint::open(compact_model().write(folder, "shifted", 64, 8)),
                 "does not begin at a multiple of 64 bytes");
    TinyModel model = compact_model();
    model.metadata.replace(model.metadata.find("panels-16"), 9, "panels-32");
    CHECK(refused_with(model, "has the layout 'panels-32', expected 'panels-16'"));
    model.metadata = R"({"squeezebert.layout": "panels-16"})";
    CHECK(refused_with(model, "squeezebert.shapes of "));
    model.metadata = R"({"squeezebert.layout": "panels-16", "squeezebert.shapes": "{"})";
    CHECK(refused_with(model, "is not readable JSON"));
    // Neither plain nor what the config's groups give.
    model = compact_model();
    model.metadata = R"({"squeezebert.layout": "panels-16", "squeezebert.shapes": "{}"})";
    CHECK(refused_with(model, "of shape (1, 1, 16, 16, 4), expected (11, 8)"));
    model = compact_model();
    model.at(query).shape = {1, 2, 16, 16, 4};
    CHECK(refused_with(model, "shape (1, 2, 16, 16, 4), expected I8 and (2, 1, 16, 16, 4)"));
    model = compact_model();
    model.at(query).dtype = "U8";
    CHECK(refused_with(model, "of dtype U8"));
}

TEST("checkpoint: an index that cannot be") {
    const TemporaryFolder folder;
    write_file(folder.path("outside.safetensors"), "");
    const auto open_with = [&](const std::string& shared) {
        return Checkpoint::open(write_indexed(folder, "models/a", shared));
    };
    CHECK_THROWS(open_with("../../outside.safetensors"), "points outside");
    CHECK_THROWS(open_with("/etc/hostname"), "points outside");
    CHECK_THROWS(open_with("../../\\u0000/../a/b/c"), "points outside");
    CHECK_THROWS(open_with("../first/none.safetensors"), "there is no weight file");
    CHECK_THROWS(open_with("part.safetensors"), "lacks the tensor " + word);
    const std::string index = folder.path("models/a/model.safetensors.index.json");
    for (const char* bad : {"[]", "{}", R"({"weight_map": []})"}) {
        write_file(index, bad);
        CHECK_THROWS(Checkpoint::open(folder.path("models/a")), "has no object weight_map");
    }
    write_file(index, R"({"weight_map": {"a": 1}})");
    CHECK_THROWS(Checkpoint::open(folder.path("models/a")), "has 1 as the file of a");
}

TEST("checkpoint: what is missing, misshapen or left over is named") {
    const TinyModel good = tiny_model("squeezebert", "ForTokenClassification");
    TinyModel model = good;
    model.remove("transformer.encoder.layers.1.output.conv1d.bias");
    CHECK(refused_with(model, "lacks the tensor encoder.layers.1.output.conv1d.bias"));
    model = good;
    model.at(query).shape = {4, 8, 1};
    CHECK(refused_with(model, query + " of shape (4, 8, 1), expected (8, 4)"));
    model = good;
    model.at("classifier.bias").shape = {3, 1};
    CHECK(refused_with(model, "classifier.bias of shape (3, 1), expected (3,)"));
    model = good;
    model.at("classifier.bias").dtype = "I32";
    CHECK(refused_with(model, "classifier.bias of dtype I32, expected F32, F16 or BF16"));
    model = good;
    model.at(query).dtype = "U32";
    CHECK(refused_with(model, query + " of dtype U32, expected F32, F16, BF16 or I8"));
    model = good;
    model.add("x", {1});
    model.add("transformer.encoder.layers.2.output.conv1d.bias", {8});
    CHECK(refused_with(model, "has tensors that the model does not: transformer.encoder.layers.2"));
    model = good;
    model.add("encoder.layers.0.output.conv1d.bias", {8});
    CHECK(refused_with(model, "has the same tensor as"));
    model = good;
    model.config["q_groups"] = "4";
    CHECK(refused_with(model, "layers.0.attention.query.weight of shape (8, 4, 1), expected (8"));
    model = good;
    model.config["num_hidden_layers"] = "2147483647";
    CHECK(refused_with(model, "lacks the tensor encoder.layers.2.attention.query.weight"));
    const TemporaryFolder folder;
    CHECK_THROWS(Checkpoint::open(folder.path("none")), "there is no config.json in");
    write_file(folder.path("a/config.json"), "[]");
    CHECK_THROWS(Checkpoint::open(folder.path("a")), "holds an array, expected an object");
    write_file(folder.path("a/config.json"), good.config_json());
    CHECK_THROWS(Checkpoint::open(folder.path("a")), "there is no model.safetensors in");
}

TEST("checkpoint: damage of any kind is refused or read within bounds") {
    std::mt19937 random(11);
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
    const TemporaryFolder folder;
    const TinyModel model = compact_model();
    const std::string weights = safetensors(model.tensors, model.metadata, 64);
    const std::string config = model.config_json();
    const auto header_end = static_cast<std::size_t>(weights.rfind('}'));
    int refused = 0;
    int loaded = 0;
    for (int round = 0; round < 3000; ++round) {
        std::string changed_weights = weights;
        std::string changed_config = config;
        const bool both = round % 8 == 0;
        if (round % 2 == 0 || both) {
            // Mostly in the header, where it matters, and mostly a digit for a digit.
            const std::size_t at = below(4) == 0 ? below(weights.size()) : below(header_end);
            const bool digit = changed_weights[at] >= '0' && changed_weights[at] <= '9';
            changed_weights[at] = static_cast<char>(digit ? '0' + below(10) : below(256));
            if (below(16) == 0) changed_weights.resize(below(weights.size()));
        }
        if (round % 2 == 1 || both) {
            const std::size_t at = below(config.size());
            const bool digit = config[at] >= '0' && config[at] <= '9';
            changed_config[at] = static_cast<char>(digit ? '0' + below(10) : below(256));
        }
        write_file(folder.path("m/config.json"), changed_config);
        write_file(folder.path("m/model.safetensors"), changed_weights);
        try {
            const Checkpoint checkpoint = Checkpoint::open(folder.path("m"));
            for (const Matrix* matrix :
                 {&checkpoint.word_embeddings(), &checkpoint.position_embeddings(),
                  &checkpoint.layer(0).query.weight, &checkpoint.layer(0).output.weight}) {
                for (std::int64_t r = 0; r < matrix->rows; ++r) row_of(*matrix, r);
            }
            ++loaded;
        } catch (const Error&) {
            ++refused;
        }
    }
    CHECK(refused > 1000);
    CHECK(loaded > 100);
}
