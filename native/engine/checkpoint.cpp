#include "engine/checkpoint.h"

#include <algorithm>
#include <utility>

#include "engine/error.h"
#include "engine/json.h"
#include "engine/tensor_source.h"

namespace squeezebert {

struct Checkpoint::Contents {
    Contents(const ModelFiles& files, const Json& json)
        : config(EncoderConfig::from_json(json)),
          source(open_tensors(files, config.model_type == "bert" ? "bert." : "transformer.")),
          head(read_head(files, json, source)) {}

    static TensorSource open_tensors(const ModelFiles& files, const char* prefix) {
        if (files.weights() != nullptr) return {files.weights(), prefix};
        return {files.where(), prefix};
    }

    EncoderConfig config;
    TensorSource source;  // owns what the matrices point to
    Head head;
    Matrix word{}, position{}, token_type{};
    LayerNormWeights layer_norm;
    std::optional<LinearWeights> bottleneck, pooler, classifier;
    std::vector<LayerWeights> layers;
    std::optional<MaskedLmWeights> masked_lm;
};

namespace {

/// Hugging Face's names of a block's layers, after "encoder.layer.N.".
struct BlockNames {
    const char* start;
    const char *query, *key, *value, *post_attention, *attention_layer_norm, *intermediate, *output,
        *output_layer_norm;
};

constexpr BlockNames bert_block = {
    "encoder.layer.",       "attention.self.query",   "attention.self.key",
    "attention.self.value", "attention.output.dense", "attention.output.LayerNorm",
    "intermediate.dense",   "output.dense",           "output.LayerNorm",
};

constexpr BlockNames squeezebert_block = {
    "encoder.layers.",     "attention.query",       "attention.key",
    "attention.value",     "post_attention.conv1d", "post_attention.layernorm",
    "intermediate.conv1d", "output.conv1d",         "output.layernorm",
};

bool wants_pooler(HeadKind head) {
    return head == HeadKind::text_classification || head == HeadKind::multiple_choice;
}

LinearWeights read_linear(TensorSource& source, const std::string& name, std::int64_t outputs,
                          std::int64_t inputs) {
    return {source.matrix(name + ".weight", outputs, inputs),
            source.vector(name + ".bias", outputs)};
}

LinearWeights read_projection(TensorSource& source, const std::string& name,
                              const ProjectionSize& size) {
    return {
        source.matrix(name + ".weight", size.outputs, size.inputs / size.groups, size.groups, true),
        source.vector(name + ".bias", size.outputs)};
}

/// Has a row for each label; where there are no labels, they are named by the rows.
LinearWeights read_classifier(TensorSource& source, std::vector<std::string>& labels,
                              std::int64_t inputs) {
    const std::int64_t outputs =
        labels.empty() ? std::max<std::int64_t>(source.rows_of("classifier.weight"), 1)
                       : static_cast<std::int64_t>(labels.size());
    LinearWeights classifier = read_linear(source, "classifier", outputs, inputs);
    if (labels.empty()) {
        for (std::int64_t i = 0; i < outputs; ++i) labels.push_back("LABEL_" + std::to_string(i));
    }
    return classifier;
}

LayerNormWeights read_layer_norm(TensorSource& source, const std::string& name,
                                 std::int64_t features) {
    return {source.vector(name + ".weight", features), source.vector(name + ".bias", features)};
}

bool same_rows(const Matrix& a, const Matrix& b) {
    std::vector<float> ours(static_cast<std::size_t>(a.columns));
    std::vector<float> theirs(ours.size());
    for (std::int64_t row = 0; row < a.rows; ++row) {
        a.read_row(row, ours.data());
        b.read_row(row, theirs.data());
        if (ours != theirs) return false;
    }
    return true;
}

/// What gives a masked LM's logits: the word embeddings, unless the config says that they are not
/// tied, or the file has others beside them. So does transformers.
LinearWeights read_decoder(TensorSource& source, const EncoderConfig& config, const Matrix& word) {
    const std::string name = "cls.predictions.decoder";
    const std::string shared_bias = "cls.predictions.bias";
    LinearWeights decoder{word, {}};
    if (source.has(name + ".weight") || !config.tie_word_embeddings) {
        const Matrix own =
            source.matrix(name + ".weight", config.vocab_size, config.embedding_size);
        if (!config.tie_word_embeddings || !same_rows(own, word)) decoder.weight = own;
    }
    const bool has_bias = source.has(name + ".bias");
    decoder.bias = source.vector(has_bias ? name + ".bias" : shared_bias, config.vocab_size);
    source.pass_over(shared_bias);
    return decoder;
}

LayerWeights read_layer(TensorSource& source, const EncoderConfig& config, int index) {
    const BlockNames& names = config.model_type == "bert" ? bert_block : squeezebert_block;
    const std::string start = names.start + std::to_string(index) + ".";
    const auto sizes = config.projection_sizes();
    return {
        read_projection(source, start + names.query, sizes[0]),
        read_projection(source, start + names.key, sizes[1]),
        read_projection(source, start + names.value, sizes[2]),
        read_projection(source, start + names.post_attention, sizes[3]),
        read_layer_norm(source, start + names.attention_layer_norm, config.hidden_size),
        read_projection(source, start + names.intermediate, sizes[4]),
        read_projection(source, start + names.output, sizes[5]),
        read_layer_norm(source, start + names.output_layer_norm, config.hidden_size),
    };
}

Json read_config(const ModelFiles& files) {
    auto config = files.read_json("config.json");
    if (!config) {
        throw Error(ErrorKind::checkpoint, "there is no config.json in " + files.where(),
                    files.weights() == nullptr
                        ? "a model directory has config.json, tokenizer files and "
                          "model.safetensors"
                        : "name the model's directory, or bundle it into one file");
    }
    return std::move(*config);
}

}  // namespace

Checkpoint Checkpoint::open(const ModelFiles& files) {
    auto contents = std::make_shared<Contents>(files, read_config(files));
    const EncoderConfig& config = contents->config;
    const HeadKind head = contents->head.kind;
    TensorSource& source = contents->source;

    const std::int64_t width = config.embedding_size;
    const std::int64_t hidden = config.hidden_size;
    contents->word = source.matrix("embeddings.word_embeddings.weight", config.vocab_size, width);
    contents->position = source.matrix("embeddings.position_embeddings.weight",
                                       config.max_position_embeddings, width);
    contents->token_type =
        source.matrix("embeddings.token_type_embeddings.weight", config.type_vocab_size, width);
    contents->layer_norm = read_layer_norm(source, "embeddings.LayerNorm", width);
    if (config.has_bottleneck()) {
        contents->bottleneck = read_linear(source, "embeddings.projection", hidden, width);
    }
    for (int i = 0; i < config.num_hidden_layers; ++i) {
        contents->layers.push_back(read_layer(source, config, i));
    }
    if (wants_pooler(head) || (head == HeadKind::none && source.has("pooler.dense.weight"))) {
        contents->pooler = read_linear(source, "pooler.dense", hidden, hidden);
    }
    if (head == HeadKind::masked_lm) {
        contents->masked_lm =
            MaskedLmWeights{read_linear(source, "cls.predictions.transform.dense", width, hidden),
                            read_layer_norm(source, "cls.predictions.transform.LayerNorm", width),
                            read_decoder(source, config, contents->word)};
    } else if (head == HeadKind::question_answering) {
        contents->classifier = read_linear(source, "qa_outputs", 2, hidden);
    } else if (head == HeadKind::multiple_choice) {
        contents->classifier = read_linear(source, "classifier", 1, hidden);
    } else if (head != HeadKind::none) {
        contents->classifier = read_classifier(source, contents->head.labels, hidden);
    }
    source.check_all_taken();
    return Checkpoint(std::move(contents));
}

Checkpoint::Checkpoint(std::shared_ptr<const Contents> contents) : contents_(std::move(contents)) {}

const EncoderConfig& Checkpoint::config() const { return contents_->config; }
HeadKind Checkpoint::head() const { return contents_->head.kind; }
int Checkpoint::labels() const {
    return contents_->classifier ? static_cast<int>(contents_->classifier->weight.rows) : 0;
}
void Checkpoint::check_unchanged() const { contents_->source.check_unchanged(); }
const std::vector<std::string>& Checkpoint::label_names() const { return contents_->head.labels; }
const WeightsFile::Metadata& Checkpoint::metadata() const { return contents_->source.metadata(); }
const Matrix& Checkpoint::word_embeddings() const { return contents_->word; }
const Matrix& Checkpoint::position_embeddings() const { return contents_->position; }
const Matrix& Checkpoint::token_type_embeddings() const { return contents_->token_type; }
const LayerNormWeights& Checkpoint::embedding_layer_norm() const { return contents_->layer_norm; }
const std::optional<LinearWeights>& Checkpoint::bottleneck() const { return contents_->bottleneck; }
const LayerWeights& Checkpoint::layer(int index) const {
    return contents_->layers[static_cast<std::size_t>(index)];
}
const std::optional<LinearWeights>& Checkpoint::pooler() const { return contents_->pooler; }
const std::optional<MaskedLmWeights>& Checkpoint::masked_lm() const { return contents_->masked_lm; }
const std::optional<LinearWeights>& Checkpoint::classifier() const { return contents_->classifier; }

}  // namespace squeezebert
