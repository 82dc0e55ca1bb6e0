/// Model directories for tests: a temporary folder, a safetensors writer, and tiny models.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace squeezebert::tests {

/// A folder of its own, removed with all that is in it.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::random_device seed;
        path_ = std::filesystem::temp_directory_path() /
                ("squeezebert-test-" + std::to_string(seed()) + std::to_string(seed()));
        std::filesystem::create_directories(path_);
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    std::string path(const std::string& name = "") const {
        return (name.empty() ? path_ : path_ / name).u8string();
    }

private:
    std::filesystem::path path_;
};

/// Writes a whole file, and the folders above it.
inline void write_file(const std::string& path, const std::string& content) {
    std::filesystem::create_directories(std::filesystem::u8path(path).parent_path());
    std::ofstream(std::filesystem::u8path(path), std::ios::binary) << content;
}

/// A tensor to be written; `data` holds its bytes.
struct StoredTensor {
    std::string dtype = "F32";
    std::vector<std::int64_t> shape;
    std::string data;
};

using StoredTensors = std::vector<std::pair<std::string, StoredTensor>>;

template <class T>
std::string bytes_of(const std::vector<T>& values) {
    std::string data(values.size() * sizeof(T), '\0');
    if (!values.empty()) std::memcpy(&data[0], values.data(), data.size());
    return data;
}

/// "[2, 3]"
inline std::string json_of(const std::vector<std::int64_t>& shape) {
    std::string text = "[";
    for (std::size_t i = 0; i < shape.size(); ++i) {
        text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
    }
    return text + "]";
}

/// A file with that header, data after it.
inline std::string with_header(const std::string& header, const std::string& data) {
    std::string content(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) {
        content[i] = static_cast<char>((header.size() >> (8 * i)) & 0xFFU);
    }
    return content + header + data;
}

/// The bytes of a safetensors file, tensors in the order given. The data area begins at a
/// multiple of `alignment`, plus `shift`.
inline std::string safetensors(const StoredTensors& tensors, const std::string& metadata = "{}",
                               std::size_t alignment = 8, std::size_t shift = 0) {
    std::string header = R"({"__metadata__":)" + metadata;
    std::string data;
    for (const auto& [name, tensor] : tensors) {
        header += ",\"" + name + R"(":{"dtype":")" + tensor.dtype + R"(","shape":)" +
                  json_of(tensor.shape) + R"(,"data_offsets":[)" + std::to_string(data.size()) +
                  "," + std::to_string(data.size() + tensor.data.size()) + "]}";
        data += tensor.data;
    }
    header += "}";
    while ((header.size() + 8) % alignment != shift) header += " ";
    return with_header(header, data);
}

/// A model directory to be: change what a test is about, then write it.
struct TinyModel {
    std::map<std::string, std::string> config;  ///< JSON by field
    StoredTensors tensors;
    std::string metadata = "{}";

    StoredTensor& at(const std::string& name) {
        for (auto& [key, tensor] : tensors) {
            if (key == name) return tensor;
        }
        throw std::out_of_range(name);
    }

    void set(const std::string& name, const std::vector<float>& values) {
        at(name).data = bytes_of(values);
    }

    void remove(const std::string& name) {
        StoredTensors rest;
        for (auto& entry : tensors) {
            if (entry.first != name) rest.push_back(std::move(entry));
        }
        tensors = std::move(rest);
    }

    void rename(const std::function<std::string(const std::string&)>& change) {
        for (auto& entry : tensors) entry.first = change(entry.first);
    }

    /// Numbers that tell where they stand: multiples of 1/8 in [-4, 4), exact in every type.
    void add(const std::string& name, const std::vector<std::int64_t>& shape) {
        std::size_t count = 1;
        for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
        std::vector<float> values(count);
        const std::size_t start = 13 * tensors.size();
        for (std::size_t i = 0; i < count; ++i) {
            values[i] = (static_cast<float>((start + 7 * i) % 64) - 32.0F) / 8.0F;
        }
        tensors.push_back({name, {"F32", shape, bytes_of(values)}});
    }

    void add_linear(const std::string& name, std::int64_t outputs, std::int64_t inputs,
                    bool conv = false) {
        add(name + ".weight", conv ? std::vector<std::int64_t>{outputs, inputs, 1}
                                   : std::vector<std::int64_t>{outputs, inputs});
        add(name + ".bias", {outputs});
    }

    void add_layer_norm(const std::string& name, std::int64_t features) {
        add(name + ".weight", {features});
        add(name + ".bias", {features});
    }

    std::string config_json() const {
        std::string text = "{";
        for (const auto& [name, value] : config) {
            text += (text.size() == 1 ? "\"" : ", \"") + name + "\": " + value;
        }
        return text + "}";
    }

    /// Returns the directory.
    std::string write(const TemporaryFolder& folder, const std::string& name = "model",
                      std::size_t alignment = 8, std::size_t shift = 0) const {
        const std::string directory = folder.path(name);
        write_file(directory + "/config.json", config_json());
        write_file(directory + "/model.safetensors",
                   safetensors(tensors, metadata, alignment, shift));
        return directory;
    }
};

/// Two blocks of width `hidden`, 11 words; `architecture` ends as Hugging Face's classes do
/// ("Model", "ForMaskedLM"), an `embedding` under `hidden` makes a bottleneck.
inline TinyModel tiny_model(const std::string& type, const std::string& architecture,
                            std::int64_t embedding = 8, std::int64_t hidden = 8) {
    constexpr std::int64_t words = 11;
    const std::int64_t wide = 2 * hidden;
    const bool bert = type == "bert";
    const std::int64_t groups = bert ? 1 : 2;
    const std::string family = bert ? "Bert" : "SqueezeBert";
    TinyModel model;
    model.config = {
        {"model_type", "\"" + type + "\""},
        {"architectures", "[\"" + family + architecture + "\"]"},
        {"vocab_size", std::to_string(words)},
        {"embedding_size", std::to_string(embedding)},
        {"hidden_size", std::to_string(hidden)},
        {"num_hidden_layers", "2"},
        {"num_attention_heads", "2"},
        {"intermediate_size", std::to_string(wide)},
        {"max_position_embeddings", "6"},
    };
    if (!bert) {
        for (const char* name : {"q", "k", "v", "intermediate", "output"}) {
            model.config[std::string(name) + "_groups"] = std::to_string(groups);
        }
    }
    const std::string prefix =
        architecture == "Model" ? "" : std::string(bert ? "bert" : "transformer") + ".";
    model.add(prefix + "embeddings.word_embeddings.weight", {words, embedding});
    model.add(prefix + "embeddings.position_embeddings.weight", {6, embedding});
    model.add(prefix + "embeddings.token_type_embeddings.weight", {2, embedding});
    model.add_layer_norm(prefix + "embeddings.LayerNorm", embedding);
    if (embedding != hidden) model.add_linear(prefix + "embeddings.projection", hidden, embedding);
    for (int i = 0; i < 2; ++i) {
        const std::string block =
            prefix + (bert ? "encoder.layer." : "encoder.layers.") + std::to_string(i) + ".";
        for (const char* name : {"query", "key", "value"}) {
            model.add_linear(block + (bert ? "attention.self." : "attention.") + name, hidden,
                             hidden / groups, !bert);
        }
        const std::string after = bert ? "attention.output.dense" : "post_attention.conv1d";
        model.add_linear(block + after, hidden, hidden, !bert);
        model.add_layer_norm(
            block + (bert ? "attention.output.LayerNorm" : "post_attention.layernorm"), hidden);
        const std::string layer = bert ? ".dense" : ".conv1d";
        model.add_linear(block + "intermediate" + layer, wide, hidden / groups, !bert);
        model.add_linear(block + "output" + layer, hidden, wide / groups, !bert);
        model.add_layer_norm(block + (bert ? "output.LayerNorm" : "output.layernorm"), hidden);
    }
    if (architecture == "ForSequenceClassification" || architecture == "ForMultipleChoice") {
        model.add_linear(prefix + "pooler.dense", hidden, hidden);
    }
    if (architecture == "ForMaskedLM") {
        model.add_linear("cls.predictions.transform.dense", embedding, hidden);
        model.add_layer_norm("cls.predictions.transform.LayerNorm", embedding);
        model.add("cls.predictions.bias", {words});
    } else if (architecture == "ForQuestionAnswering") {
        model.add_linear("qa_outputs", 2, hidden);
    } else if (architecture != "Model") {
        model.add_linear("classifier", architecture == "ForMultipleChoice" ? 1 : 3, hidden);
    }
    return model;
}

}  // namespace squeezebert::tests
