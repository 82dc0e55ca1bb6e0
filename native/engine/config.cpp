#include "engine/config.h"

#include <cmath>
#include <limits>
#include <utility>

#include "engine/error.h"

namespace squeezebert {

namespace {

struct SizeField {
    const char* name;
    int EncoderConfig::* member;
};

constexpr SizeField plain_sizes[] = {
    {"vocab_size", &EncoderConfig::vocab_size},
    {"hidden_size", &EncoderConfig::hidden_size},
    {"num_hidden_layers", &EncoderConfig::num_hidden_layers},
    {"num_attention_heads", &EncoderConfig::num_attention_heads},
    {"intermediate_size", &EncoderConfig::intermediate_size},
    {"max_position_embeddings", &EncoderConfig::max_position_embeddings},
    {"type_vocab_size", &EncoderConfig::type_vocab_size},
};

/// In the order of the computation, as projection_sizes().
constexpr SizeField group_counts[] = {
    {"q_groups", &EncoderConfig::q_groups},
    {"k_groups", &EncoderConfig::k_groups},
    {"v_groups", &EncoderConfig::v_groups},
    {"post_attention_groups", &EncoderConfig::post_attention_groups},
    {"intermediate_groups", &EncoderConfig::intermediate_groups},
    {"output_groups", &EncoderConfig::output_groups},
};

[[noreturn]] void refuse(const std::string& message, const std::string& hint = "") {
    throw Error(ErrorKind::config, message, hint);
}

std::string show(const Json* value) { return value == nullptr ? "null" : value->show(); }

void read_size(const Json& values, const SizeField& field, EncoderConfig& config) {
    const Json* value = values.find(field.name);
    if (value == nullptr) return;
    const auto size = value->integer();
    if (!size || *size < 1) {
        refuse(std::string(field.name) + " is " + value->show() +
               ", expected a positive whole number");
    }
    if (*size > std::numeric_limits<int>::max()) {
        refuse(std::string(field.name) + " is " + value->show() + ", which is too large");
    }
    config.*field.member = static_cast<int>(*size);
}

Activation read_activation(const Json& values) {
    const Json* value = values.find("hidden_act");
    if (value == nullptr) return Activation::gelu;
    // Names of transformers' functions; some have several, by how they are computed.
    constexpr std::pair<const char*, Activation> names[] = {
        {"gelu", Activation::gelu},
        {"gelu_python", Activation::gelu},
        {"gelu_new", Activation::gelu_tanh},
        {"gelu_pytorch_tanh", Activation::gelu_tanh},
        {"gelu_python_tanh", Activation::gelu_tanh},
        {"gelu_fast", Activation::gelu_tanh},
        {"gelu_accurate", Activation::gelu_tanh},
        {"relu", Activation::relu},
        {"silu", Activation::silu},
        {"swish", Activation::silu},
    };
    std::string known;
    for (const auto& [name, activation] : names) {
        if (value->string() != nullptr && *value->string() == name) return activation;
        known += (known.empty() ? "" : ", ") + std::string(name);
    }
    refuse("hidden_act is " + value->show() + ", expected one of " + known);
}

/// A field that is true, false or null; `missing` where it is not there.
bool read_flag(const Json& values, const char* name, bool missing) {
    const Json* value = values.find(name);
    if (value == nullptr || value->is_null()) return missing;
    const auto flag = value->boolean();
    if (!flag) refuse(std::string(name) + " is " + value->show() + ", expected true or false");
    return *flag;
}

/// Whether a value says nothing: null, false, or without a member.
bool is_empty(const Json& value) {
    return value.is_null() || value.boolean() == false ||
           (value.object() != nullptr && value.object()->empty()) ||
           (value.array() != nullptr && value.array()->empty());
}

/// Refuses what makes a BERT of transformers compute something else.
void check_variant(const Json& values) {
    for (const char* name : {"is_decoder", "add_cross_attention", "is_encoder_decoder"}) {
        if (read_flag(values, name, false)) {
            refuse(std::string(name) + " is true, but only encoders are supported");
        }
    }
    const Json* positions = values.find("position_embedding_type");
    if (positions != nullptr && !positions->is_null() &&
        (positions->string() == nullptr || *positions->string() != "absolute")) {
        refuse("position_embedding_type is " + positions->show() + ", expected 'absolute'");
    }
    const Json* pruned = values.find("pruned_heads");
    if (pruned != nullptr && !is_empty(*pruned)) {
        refuse(
            "pruned_heads is not empty, but layers of different numbers of heads are not "
            "supported",
            "use the model from before its heads were pruned");
    }
    const Json* quantized = values.find("quantization_config");
    if (quantized != nullptr && !is_empty(*quantized)) {
        refuse(
            "quantization_config is there, but weights that another library quantized are not "
            "supported",
            "take the model from before, and squeezebert quantize");
    }
}

float read_epsilon(const Json& values) {
    const Json* value = values.find("layer_norm_eps");
    if (value == nullptr) return EncoderConfig().layer_norm_eps;
    const auto number = value->number();
    if (!number || !(*number >= 0.0 && *number < 1.0)) {
        refuse("layer_norm_eps is " + value->show() + ", expected a number in [0, 1)");
    }
    return static_cast<float>(*number);
}

/// The engine computes no padding, so the id itself is of no concern; that it is one is.
void check_padding(const Json& values, int vocab_size) {
    const Json* value = values.find("pad_token_id");
    if (value == nullptr || value->is_null()) return;
    const auto id = value->integer();
    if (!id || *id < 0 || *id >= vocab_size) {
        refuse("pad_token_id is " + value->show() + ", expected an id below " +
               std::to_string(vocab_size));
    }
}

void check_divisions(const EncoderConfig& config) {
    if (config.hidden_size % config.num_attention_heads != 0) {
        refuse("num_attention_heads is " + std::to_string(config.num_attention_heads) +
               ", which does not divide hidden_size " + std::to_string(config.hidden_size));
    }
    const auto sizes = config.projection_sizes();
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        const auto [inputs, outputs, groups] = sizes[i];
        if (config.model_type == "bert" && groups != 1) {
            refuse("a model of type 'bert' has group counts other than 1",
                   "grouped projections make it a 'squeezebert'");
        }
        if (inputs % groups != 0 || outputs % groups != 0) {
            const std::string both = std::to_string(inputs) + " and " + std::to_string(outputs);
            refuse(std::string(group_counts[i].name) + " is " + std::to_string(groups) +
                       ", which does not divide both " + both,
                   "use a common divisor of " + both);
        }
    }
}

}  // namespace

std::array<ProjectionSize, 6> EncoderConfig::projection_sizes() const {
    return {{
        {hidden_size, hidden_size, q_groups},
        {hidden_size, hidden_size, k_groups},
        {hidden_size, hidden_size, v_groups},
        {hidden_size, hidden_size, post_attention_groups},
        {hidden_size, intermediate_size, intermediate_groups},
        {intermediate_size, hidden_size, output_groups},
    }};
}

EncoderConfig EncoderConfig::from_json(const Json& values) {
    EncoderConfig config;
    const Json* type = values.find("model_type");
    const std::string* name = type == nullptr ? nullptr : type->string();
    if (name == nullptr || (*name != "squeezebert" && *name != "bert")) {
        refuse("model_type is " + show(type) + ", expected 'squeezebert' or 'bert'",
               "other architectures are not supported");
    }
    config.model_type = *name;
    check_variant(values);
    config.tie_word_embeddings = read_flag(values, "tie_word_embeddings", true);
    for (const SizeField& field : plain_sizes) read_size(values, field, config);
    config.embedding_size = config.hidden_size;
    read_size(values, {"embedding_size", &EncoderConfig::embedding_size}, config);
    for (const SizeField& field : group_counts) {
        if (config.model_type == "bert") config.*field.member = 1;
        read_size(values, field, config);
    }
    config.hidden_act = read_activation(values);
    config.layer_norm_eps = read_epsilon(values);
    check_padding(values, config.vocab_size);
    check_divisions(config);
    return config;
}

}  // namespace squeezebert
