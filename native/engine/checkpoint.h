#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/config.h"
#include "engine/head_kind.h"
#include "engine/matrix.h"
#include "engine/model_files.h"
#include "engine/weights_file.h"

namespace squeezebert {

/// A projection: weight (outputs, inputs / groups), bias (outputs,).
struct LinearWeights {
    Matrix weight;
    std::vector<float> bias;
};

/// Both (features,).
struct LayerNormWeights {
    std::vector<float> weight;
    std::vector<float> bias;
};

/// One block of the encoder.
struct LayerWeights {
    LinearWeights query, key, value, post_attention;
    LayerNormWeights attention_layer_norm;
    LinearWeights intermediate, output;
    LayerNormWeights output_layer_norm;
};

/// The masked-LM head.
struct MaskedLmWeights {
    LinearWeights transform;      ///< (embedding_size, hidden_size)
    LayerNormWeights layer_norm;  ///< (embedding_size,)
    LinearWeights decoder;        ///< (vocab_size, embedding_size), mostly the word embeddings
};

/// Config, head and weights of a model directory (Hugging Face's layout), under our own names.
///
/// Copies are cheap and share the mapped files. References and the matrices' pointers are valid
/// as long as one copy lives.
class Checkpoint {
public:
    /// Reads config.json, and model.safetensors or model.safetensors.index.json, whose files may
    /// lie in neighbouring directories. Every shape is checked against the config.
    /// Throws Error(config) for a shape or type of model that cannot be, Error(checkpoint) for
    /// files that are missing, damaged, or do not belong to the config; both name what and where.
    static Checkpoint open(const ModelFiles& files);
    static Checkpoint open(const std::string& directory) {
        return open(ModelFiles::open(directory));
    }

    const EncoderConfig& config() const;
    HeadKind head() const;
    /// Rows of the classifier; 0 where there is none (masked LM, bare encoder).
    int labels() const;
    /// The classes' names in the order of the logits, UTF-8; empty where there are none.
    const std::vector<std::string>& label_names() const;
    bool has_pooler() const { return pooler().has_value(); }
    /// The texts in the weight file, such as "squeezebert.layout"; of an index, those of the files
    /// in the directory itself.
    const WeightsFile::Metadata& metadata() const;

    /// (vocab_size, embedding_size)
    const Matrix& word_embeddings() const;
    /// (max_position_embeddings, embedding_size)
    const Matrix& position_embeddings() const;
    /// (type_vocab_size, embedding_size)
    const Matrix& token_type_embeddings() const;
    /// (embedding_size,)
    const LayerNormWeights& embedding_layer_norm() const;
    /// (hidden_size, embedding_size), where config().has_bottleneck().
    const std::optional<LinearWeights>& bottleneck() const;
    /// The block of that index, in [0, num_hidden_layers).
    const LayerWeights& layer(int index) const;
    /// (hidden_size, hidden_size): there for text classification and multiple choice, and for a
    /// bare encoder that has one.
    const std::optional<LinearWeights>& pooler() const;
    /// There for head masked_lm only.
    const std::optional<MaskedLmWeights>& masked_lm() const;
    /// (labels, hidden_size): there for all heads but masked_lm and none.
    const std::optional<LinearWeights>& classifier() const;

    /// Throws Error(checkpoint) where one of the files was written to since it was opened, and that
    /// matters (see WeightsFile).
    void check_unchanged() const;

private:
    struct Contents;
    explicit Checkpoint(std::shared_ptr<const Contents> contents);
    std::shared_ptr<const Contents> contents_;
};

}  // namespace squeezebert
