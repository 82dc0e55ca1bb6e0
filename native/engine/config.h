#pragma once

#include <array>
#include <string>

#include "engine/json.h"
#include "kernels/kernels.h"

namespace squeezebert {

/// What a projection maps: `groups` diagonal blocks of inputs / groups to outputs / groups.
struct ProjectionSize {
    int inputs;
    int outputs;
    int groups;
};

/// The sizes of an encoder, with Hugging Face's field names and squeezebert.config's defaults and
/// rules. Fields that only training needs are left out.
struct EncoderConfig {
    std::string model_type = "squeezebert";  ///< or "bert", where every group count is 1
    int vocab_size = 30522;
    int embedding_size = 768;
    int hidden_size = 768;
    int num_hidden_layers = 12;
    int num_attention_heads = 12;
    int intermediate_size = 3072;
    int max_position_embeddings = 512;
    int type_vocab_size = 2;
    int q_groups = 4;
    int k_groups = 4;
    int v_groups = 4;
    int post_attention_groups = 1;
    int intermediate_groups = 4;
    int output_groups = 4;
    Activation hidden_act = Activation::gelu;
    float layer_norm_eps = 1e-12F;
    bool tie_word_embeddings = true;  ///< whether a masked LM's decoder is the word embeddings

    int head_size() const { return hidden_size / num_attention_heads; }
    /// Whether a projection up to hidden_size follows the embeddings' LayerNorm.
    bool has_bottleneck() const { return embedding_size != hidden_size; }
    /// Query, key, value, post_attention, intermediate and output, in this order.
    std::array<ProjectionSize, 6> projection_sizes() const;

    /// Reads the fields of a Hugging Face config.json. Throws Error(config) for another model type,
    /// for sizes that cannot be, and for a field that makes BERT compute what the engine does not
    /// (docs/engine.md lists them); fields that change nothing are left alone.
    static EncoderConfig from_json(const Json& values);
};

}  // namespace squeezebert
