#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/json.h"
#include "engine/weights_file.h"

namespace squeezebert {

/// What a model is made of: a directory with its weights and texts (config.json, task.json,
/// vocab.txt and their like), or one safetensors file whose metadata holds the texts under their
/// names. Copies are cheap and share the file.
class ModelFiles {
public:
    using Texts = std::map<std::string, std::string, std::less<>>;

    /// A directory or a file (UTF-8). Throws Error(checkpoint) for a file that cannot be read.
    static ModelFiles open(const std::string& path);
    /// One file, held in memory; it is copied. Throws Error(checkpoint) where it is none.
    static ModelFiles in_memory(const void* data, std::size_t bytes);
    /// The files of a directory, read when they are asked for.
    static ModelFiles in_directory(const std::string& directory);
    /// Texts alone, by file name; `where` names what holds them, for messages.
    static ModelFiles with_texts(Texts texts, const std::string& where);

    /// The whole of a text; nothing where there is none. Throws Error(checkpoint) for a file that
    /// is there and cannot be read.
    std::optional<std::string> read(std::string_view name) const;
    /// The same, as JSON: an object. Throws Error(checkpoint) for anything else.
    std::optional<Json> read_json(std::string_view name) const;
    /// What messages call a text.
    std::string path(std::string_view name) const;
    /// What messages call the model.
    const std::string& where() const { return where_; }
    /// The one file; null for a directory.
    const std::shared_ptr<const WeightsFile>& weights() const { return weights_; }

private:
    ModelFiles(std::string where, std::shared_ptr<const Texts> texts,
               std::shared_ptr<const WeightsFile> weights);
    static ModelFiles in_file(std::shared_ptr<const WeightsFile> weights);

    std::string where_;
    std::shared_ptr<const Texts> texts_;  ///< null: they are in the directory
    std::shared_ptr<const WeightsFile> weights_;
};

}  // namespace squeezebert
