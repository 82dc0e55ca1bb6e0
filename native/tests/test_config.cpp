/// Every field of config.json that changes what a BERT computes is honoured or refused by name
/// (docs/engine.md has the list).
#include "engine/config.h"

#include <string>

#include "engine/error.h"
#include "tests/check.h"

using squeezebert::Activation;
using squeezebert::EncoderConfig;
using squeezebert::Json;

namespace {

/// A tiny BERT's config with further members.
EncoderConfig read(const std::string& members) {
    return EncoderConfig::from_json(Json::parse(
        R"({"model_type": "bert", "hidden_size": 8, "num_attention_heads": 2, "vocab_size": 11)" +
            (members.empty() ? "" : ", " + members) + "}",
        "config.json"));
}

}  // namespace

TEST("config: variants of BERT that are not ours are refused by name") {
    const struct {
        const char* members;
        const char* message;
    } cases[] = {
        {R"("is_decoder": true)", "is_decoder is true"},
        {R"("is_decoder": "true")", "is_decoder is 'true', expected true or false"},
        {R"("is_decoder": 1)", "is_decoder is 1, expected true or false"},
        {R"("add_cross_attention": true)", "add_cross_attention is true"},
        {R"("is_encoder_decoder": true)", "is_encoder_decoder is true"},
        {R"("position_embedding_type": "relative_key")",
         "position_embedding_type is 'relative_key'"},
        {R"("position_embedding_type": 1)", "position_embedding_type is 1, expected 'absolute'"},
        {R"("pruned_heads": {"0": [1]})", "pruned_heads is not empty"},
        {R"("pruned_heads": [1])", "pruned_heads is not empty"},
        {R"("quantization_config": {"quant_method": "gptq"})", "quantization_config is there"},
        {R"("hidden_act": "gelu_10")",
         "hidden_act is 'gelu_10', expected one of gelu, gelu_python"},
        {R"("hidden_act": "quick_gelu")", "hidden_act is 'quick_gelu'"},
        {R"("hidden_act": null)", "hidden_act is null"},
        {R"("hidden_act": ["gelu"])", "hidden_act is an array"},
        {R"("tie_word_embeddings": 0)", "tie_word_embeddings is 0, expected true or false"},
        {R"("layer_norm_eps": "1e-12")", "layer_norm_eps is '1e-12', expected a number in [0, 1)"},
        {R"("layer_norm_eps": 1)", "layer_norm_eps is 1, expected a number in [0, 1)"},
        {R"("num_hidden_layers": 0)", "num_hidden_layers is 0, expected a positive whole number"},
        {R"("num_hidden_layers": 2.0)", "num_hidden_layers is 2, expected a positive whole"},
        {R"("num_hidden_layers": 1e400)", "a number is out of range"},
        {R"("intermediate_size": 99999999999999999999)", "intermediate_size is 1e+20, expected a"},
        {R"("intermediate_size": 4294967297)", "intermediate_size is 4294967297, which is too"},
        {R"("q_groups": 2)", "a model of type 'bert' has group counts other than 1"},
        {R"("pad_token_id": 11)", "pad_token_id is 11, expected an id below 11"},
    };
    for (const auto& [members, message] : cases) CHECK_THROWS(read(members), message);
}

TEST("config: fields that change nothing are let be") {
    const EncoderConfig plain = read("");
    for (const char* members : {
             R"("is_decoder": false, "add_cross_attention": null, "is_encoder_decoder": false)",
             R"("position_embedding_type": "absolute", "pruned_heads": {})",
             R"("position_embedding_type": null, "pruned_heads": null)",
             R"("quantization_config": null, "use_cache": true, "output_attentions": true)",
             R"("chunk_size_feed_forward": 4, "classifier_dropout": 0.3, "torch_dtype": "float16")",
             R"("hidden_dropout_prob": 0.5, "attention_probs_dropout_prob": 0.5, "layerdrop": 0.1)",
             R"("gradient_checkpointing": true, "return_dict": false, "bos_token_id": 99)",
         }) {
        const EncoderConfig config = read(members);
        CHECK_EQUAL(config.hidden_size, plain.hidden_size);
        CHECK_EQUAL(config.hidden_act, plain.hidden_act);
        CHECK(config.tie_word_embeddings);
    }
    CHECK(!read(R"("tie_word_embeddings": false)").tie_word_embeddings);
}

TEST("config: activations go by all the names that transformers has for them") {
    const struct {
        const char* name;
        Activation activation;
    } cases[] = {
        {"gelu", Activation::gelu},
        {"gelu_python", Activation::gelu},
        {"gelu_new", Activation::gelu_tanh},
        {"gelu_fast", Activation::gelu_tanh},
        {"gelu_accurate", Activation::gelu_tanh},
        {"gelu_pytorch_tanh", Activation::gelu_tanh},
        {"gelu_python_tanh", Activation::gelu_tanh},
        {"relu", Activation::relu},
        {"silu", Activation::silu},
        {"swish", Activation::silu},
    };
    for (const auto& [name, activation] : cases) {
        CHECK_EQUAL(read("\"hidden_act\": \"" + std::string(name) + "\"").hidden_act, activation);
    }
}
