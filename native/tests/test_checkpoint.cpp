#include "engine/checkpoint.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "engine/error.h"
#include "tests/check.h"
#include "tests/checkpoint_files.h"
#include "tests/model_files.h"

using namespace squeezebert;
using namespace squeezebert::tests;

TEST("checkpoint: all weights of both model types under our names") {
    const TemporaryFolder folder;
    for (const std::string type : {"squeezebert", "bert"}) {
        TinyModel model = tiny_model(type, "ForMaskedLM");
        const Checkpoint loaded = Checkpoint::open(model.write(folder));
        const bool bert = type == "bert";
        const std::string prefix = bert ? "bert." : "transformer.";
        const auto stored = [&](const std::string& name) { return floats_of(model.at(name)); };
        CHECK_EQUAL(loaded.config().hidden_size, 8);
        CHECK_EQUAL(loaded.config().v_groups, bert ? 1 : 2);
        check_rows(loaded.word_embeddings(), stored(prefix + "embeddings.word_embeddings.weight"));
        check_rows(loaded.position_embeddings(),
                   stored(prefix + "embeddings.position_embeddings.weight"));
        check_rows(loaded.token_type_embeddings(),
                   stored(prefix + "embeddings.token_type_embeddings.weight"));
        CHECK(loaded.embedding_layer_norm().bias == stored(prefix + "embeddings.LayerNorm.bias"));
        for (int i = 0; i < 2; ++i) {
            const LayerWeights& layer = loaded.layer(i);
            const std::string block =
                prefix + (bert ? "encoder.layer." : "encoder.layers.") + std::to_string(i) + ".";
            const auto check = [&](const LinearWeights& linear, const std::string& name) {
                check_rows(linear.weight, stored(block + name + ".weight"));
                CHECK(linear.bias == stored(block + name + ".bias"));
            };
            check(layer.query, bert ? "attention.self.query" : "attention.query");
            check(layer.key, bert ? "attention.self.key" : "attention.key");
            check(layer.value, bert ? "attention.self.value" : "attention.value");
            check(layer.post_attention, bert ? "attention.output.dense" : "post_attention.conv1d");
            check(layer.intermediate, bert ? "intermediate.dense" : "intermediate.conv1d");
            check(layer.output, bert ? "output.dense" : "output.conv1d");
            CHECK_EQUAL(layer.intermediate.weight.groups, bert ? 1 : 2);
            const std::string first =
                bert ? "attention.output.LayerNorm" : "post_attention.layernorm";
            CHECK(layer.attention_layer_norm.weight == stored(block + first + ".weight"));
            const std::string last = bert ? "output.LayerNorm" : "output.layernorm";
            CHECK(layer.output_layer_norm.bias == stored(block + last + ".bias"));
        }
        check_rows(loaded.masked_lm()->transform.weight,
                   stored("cls.predictions.transform.dense.weight"));
        CHECK(loaded.masked_lm()->layer_norm.bias ==
              stored("cls.predictions.transform.LayerNorm.bias"));
        CHECK(loaded.masked_lm()->decoder.bias == stored("cls.predictions.bias"));
        CHECK(loaded.masked_lm()->decoder.weight.data == loaded.word_embeddings().data);
        CHECK(!loaded.has_pooler() && !loaded.bottleneck() && !loaded.classifier());
        CHECK_EQUAL(loaded.labels(), 0);
    }
}

TEST("checkpoint: every head") {
    const TemporaryFolder folder;
    const struct {
        const char* architecture;
        HeadKind head;
        int labels;
        bool pooler;
    } cases[] = {
        {"Model", HeadKind::none, 0, false},
        {"ForMaskedLM", HeadKind::masked_lm, 0, false},
        {"ForSequenceClassification", HeadKind::text_classification, 3, true},
        {"ForTokenClassification", HeadKind::token_classification, 3, false},
        {"ForQuestionAnswering", HeadKind::question_answering, 2, false},
        {"ForMultipleChoice", HeadKind::multiple_choice, 1, true},
    };
    for (const auto& expected : cases) {
        for (const std::string type : {"squeezebert", "bert"}) {
            const TinyModel model = tiny_model(type, expected.architecture);
            const Checkpoint loaded = Checkpoint::open(model.write(folder));
            CHECK_EQUAL(loaded.head(), expected.head);
            CHECK_EQUAL(loaded.labels(), expected.labels);
            CHECK_EQUAL(loaded.has_pooler(), expected.pooler);
            CHECK_EQUAL(loaded.classifier().has_value(), expected.labels > 0);
        }
    }
    CHECK_EQUAL(std::string(head_name(HeadKind::multiple_choice)), "multiple_choice");
    CHECK_EQUAL(std::string(head_name(HeadKind::none)), "none");
}

TEST("checkpoint: heads by task.json and by tensors' names") {
    const TemporaryFolder folder;
    TinyModel model = tiny_model("bert", "ForTokenClassification");
    model.config.erase("architectures");
    CHECK(refused_with(model, "has a classifier, but config.json does not say of which kind"));
    const std::string task = folder.path("model/task.json");
    write_file(task, R"({"task": "token_classification", "labels": ["O", "B", "I"]})");
    const Checkpoint loaded = Checkpoint::open(model.write(folder));
    CHECK_EQUAL(loaded.head(), HeadKind::token_classification);
    CHECK_EQUAL(loaded.label_names()[1], "B");
    write_file(task, R"({"task": "token_classification", "labels": ["O"]})");
    CHECK_THROWS(Checkpoint::open(folder.path("model")),
                 "classifier.weight of shape (3, 8), expected (1, 8)");
    write_file(task, R"({"task": "token_classification"})");
    CHECK_THROWS(Checkpoint::open(folder.path("model")), "expected at least one");
    write_file(task, R"({"task": "poetry"})");
    CHECK_THROWS(Checkpoint::open(folder.path("model")), "names the task 'poetry'");
    for (const char* architecture : {"ForMaskedLM", "ForQuestionAnswering"}) {
        const TemporaryFolder other;
        TinyModel untold = tiny_model("squeezebert", architecture);
        const HeadKind head = Checkpoint::open(untold.write(other)).head();
        untold.config.erase("architectures");
        CHECK_EQUAL(Checkpoint::open(untold.write(other)).head(), head);
    }
}

TEST("checkpoint: labels") {
    const TemporaryFolder folder;
    TinyModel model = tiny_model("bert", "ForSequenceClassification");
    CHECK_EQUAL(Checkpoint::open(model.write(folder)).label_names()[2], "LABEL_2");
    model.config["id2label"] = R"({"1": "ham", "0": "spam", "2": 7})";
    const Checkpoint named = Checkpoint::open(model.write(folder));
    CHECK_EQUAL(named.label_names()[0], "spam");
    CHECK_EQUAL(named.label_names()[2], "7");
    model.config["id2label"] = R"({"0": "spam", "1": "ham"})";
    CHECK(refused_with(model, "classifier.weight of shape (3, 8), expected (2, 8)"));
    model.config["id2label"] = R"({"0": "spam", "2": "ham"})";
    CHECK(refused_with(model, "none for 1; expected the ids 0 and up, no gap"));
}

TEST("checkpoint: prefixes, old spellings, dense or convolution shapes, what nobody uses") {
    const TemporaryFolder folder;
    for (const std::string type : {"squeezebert", "bert"}) {
        const std::string prefix = type == "bert" ? "bert." : "transformer.";
        TinyModel headed = tiny_model(type, "ForMaskedLM");
        headed.rename([&](const std::string& name) {
            return name.find(prefix) == 0 ? name.substr(prefix.size()) : name;
        });
        CHECK_EQUAL(Checkpoint::open(headed.write(folder)).head(), HeadKind::masked_lm);

        TinyModel bare = tiny_model(type, "Model");
        bare.rename([&](const std::string& name) {
            std::string old = prefix + name;
            const auto ends = [&](const std::string& end) {
                return old.size() > end.size() &&
                       old.compare(old.size() - end.size(), end.size(), end) == 0;
            };
            for (const std::string layer : {"LayerNorm", "layernorm"}) {
                if (ends(layer + ".weight")) old.replace(old.size() - 6, 6, "gamma");
                if (ends(layer + ".bias")) old.replace(old.size() - 4, 4, "beta");
            }
            return old;
        });
        bare.add_linear("pooler.dense", 8, 8);
        bare.add("cls.seq_relationship.weight", {2, 8});
        bare.add("cls.predictions.decoder.weight", {11, 8});
        const StoredTensor position_ids{"I64", {1, 6}, std::string(48, 'x')};
        bare.tensors.push_back({prefix + "embeddings.position_ids", position_ids});
        for (auto& [name, tensor] : bare.tensors) {
            if (tensor.shape.size() == 3) {
                tensor.shape.pop_back();
            } else if (name.find("encoder.") != std::string::npos && tensor.shape.size() == 2) {
                tensor.shape.push_back(1);
            }
        }
        const Checkpoint loaded = Checkpoint::open(bare.write(folder));
        CHECK_EQUAL(loaded.head(), HeadKind::none);
        CHECK(loaded.has_pooler());
        CHECK(loaded.embedding_layer_norm().weight ==
              floats_of(bare.at(prefix + "embeddings.LayerNorm.gamma")));
    }
}

TEST("checkpoint: what a model was wrapped in") {
    const TemporaryFolder folder;
    const TinyModel plain = tiny_model("bert", "ForTokenClassification");
    for (const char* wrapper : {"module.", "_orig_mod.", "model.", "module._orig_mod.",
                                "_orig_mod.module.model.", "model.model."}) {
        TinyModel wrapped = plain;
        wrapped.rename([&](const std::string& name) { return wrapper + name; });
        const Checkpoint loaded = Checkpoint::open(wrapped.write(folder));
        CHECK_EQUAL(loaded.head(), HeadKind::token_classification);
        check_rows(loaded.classifier()->weight,
                   floats_of(wrapped.at(wrapper + std::string("classifier.weight"))));
    }
    // Not all of them: then it is a name of its own.
    TinyModel half = plain;
    half.rename([](const std::string& name) {
        return (name.find("classifier") == 0 ? "module." : "") + name;
    });
    CHECK(refused_with(half, "lacks the tensor classifier.weight"));
    // Scales and shapes of packed tensors go by the file's spelling.
    TinyModel compact = compact_model();
    compact.rename([](const std::string& name) { return "module." + name; });
    for (const std::string& name : {word, query}) {
        compact.metadata.replace(compact.metadata.find(name), 0, "module.");
    }
    CHECK(Checkpoint::open(compact.write(folder, "compact", 64)).word_embeddings().packed);
}

TEST("checkpoint: a masked LM's decoder of its own") {
    const TemporaryFolder folder;
    const std::string decoder = "cls.predictions.decoder.weight";
    TinyModel model = tiny_model("bert", "ForMaskedLM");
    const auto loaded = [&] { return Checkpoint::open(model.write(folder)); };
    const std::vector<float> words = floats_of(model.at("bert.embeddings.word_embeddings.weight"));
    const std::vector<float> bias = floats_of(model.at("cls.predictions.bias"));
    // Written down beside what it is tied to; in whatever type.
    model.add(decoder, {11, 8});
    const std::vector<float> own = floats_of(model.at(decoder));
    CHECK(own != words);
    model.set(decoder, words);
    model.config["tie_word_embeddings"] = "true";
    check_rows(loaded().masked_lm()->decoder.weight, words);
    // Others in the file are used, tied or not.
    for (const char* tied : {"true", "null", "false"}) {
        model.config["tie_word_embeddings"] = tied;
        model.set(decoder, own);
        const Checkpoint checkpoint = Checkpoint::open(model.write(folder));
        check_rows(checkpoint.masked_lm()->decoder.weight, own);
        check_rows(checkpoint.word_embeddings(), words);
        CHECK(checkpoint.masked_lm()->decoder.bias == bias);
    }
    model.add("cls.predictions.decoder.bias", {11});
    const std::vector<float> own_bias = floats_of(model.at("cls.predictions.decoder.bias"));
    CHECK(own_bias != bias);
    CHECK(loaded().masked_lm()->decoder.bias == own_bias);
    model.remove("cls.predictions.bias");
    CHECK(loaded().masked_lm()->decoder.bias == own_bias);
    quantise(model, decoder);
    check_rows(loaded().masked_lm()->decoder.weight, own, 4.0 / 254 + 1e-6);
    model.config["tie_word_embeddings"] = "\"no\"";
    CHECK(refused_with(model, "tie_word_embeddings is 'no', expected true or false"));
    model = tiny_model("squeezebert", "ForMaskedLM");
    model.config["tie_word_embeddings"] = "false";
    CHECK(refused_with(model, "lacks the tensor cls.predictions.decoder.weight"));
}

TEST("checkpoint: a bottleneck") {
    const TemporaryFolder folder;
    const TinyModel model = tiny_model("squeezebert", "ForMaskedLM", 4);
    const Checkpoint loaded = Checkpoint::open(model.write(folder));
    CHECK_EQUAL(loaded.bottleneck()->weight.rows, 8);
    CHECK_EQUAL(loaded.bottleneck()->weight.columns, 4);
    CHECK_EQUAL(loaded.masked_lm()->transform.weight.rows, 4);
    CHECK_EQUAL(loaded.word_embeddings().columns, 4);
}

TEST("checkpoint: an index, and a table that is shared") {
    const TemporaryFolder folder;
    compact_model().write(folder, "first", 64);
    const std::string directory = write_indexed(folder, "second", "../first/model.safetensors");
    const Checkpoint loaded = Checkpoint::open(directory);
    CHECK(loaded.word_embeddings().packed);
    CHECK_EQUAL(loaded.metadata().size(), 1U);
    CHECK_EQUAL(loaded.metadata().at("mine"), "yes");
    const Checkpoint first = Checkpoint::open(folder.path("first"));
    CHECK(row_of(loaded.word_embeddings(), 10) == row_of(first.word_embeddings(), 10));
}

#if !defined(_WIN32)
TEST("checkpoint: links into the blobs of a cache") {
    const TemporaryFolder folder;
    const TinyModel model = tiny_model("bert", "ForTokenClassification");
    const std::string snapshot = folder.path("models--a--b/snapshots/0123");
    const std::string blobs = folder.path("models--a--b/blobs");
    std::string map;
    for (const auto& [tensor, stored] : model.tensors) {
        map += (map.empty() ? "\"" : ", \"") + tensor + "\": \"model-00001-of-00001.safetensors\"";
    }
    write_file(blobs + "/c0", model.config_json());
    write_file(blobs + "/c1", safetensors(model.tensors));
    write_file(blobs + "/c2", "{\"weight_map\": {" + map + "}}");
    std::filesystem::create_directories(snapshot);
    const auto link = [&](const char* blob, const std::string& name) {
        std::filesystem::create_symlink(std::string("../../blobs/") + blob, snapshot + "/" + name);
    };
    link("c0", "config.json");
    link("c1", "model-00001-of-00001.safetensors");
    link("c2", "model.safetensors.index.json");
    CHECK_EQUAL(Checkpoint::open(snapshot).labels(), 3);
    // A link to the directory, as people make for short names.
    std::filesystem::create_directory_symlink(snapshot, folder.path("short"));
    CHECK_EQUAL(Checkpoint::open(folder.path("short")).labels(), 3);
    // What an index names outside is refused all the same, and so is a link that a name leads
    // through.
    write_file(blobs + "/c2", "{\"weight_map\": {\"a\": \"../../blobs/c1\"}}");
    CHECK_THROWS(Checkpoint::open(snapshot), "points outside");
    std::filesystem::create_directory_symlink(blobs, folder.path("models--a--b/snapshots/way"));
    write_file(blobs + "/c2", "{\"weight_map\": {\"a\": \"../way/c1\"}}");
    CHECK_THROWS(Checkpoint::open(snapshot), "points outside");
    for (const char* name : {"", ".", "..", "/", "../.."}) {
        write_file(blobs + "/c2", "{\"weight_map\": {\"a\": \"" + std::string(name) + "\"}}");
        CHECK_THROWS(Checkpoint::open(snapshot), "");
    }
}
#endif

TEST("checkpoint: copies outlive what they were copied from") {
    const TemporaryFolder folder;
    std::vector<float> expected;
    std::vector<Checkpoint> kept;
    {
        const Checkpoint first = Checkpoint::open(compact_model().write(folder, "model", 64));
        expected = row_of(first.word_embeddings(), 3);
        kept.push_back(first);
    }
    CHECK(row_of(kept[0].word_embeddings(), 3) == expected);
}
