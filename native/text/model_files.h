#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/json.h"

namespace squeezebert {

/// The texts that belong to a model (config.json, task.json, vocab.txt and their like): in a
/// directory, or held in memory.
class ModelFiles {
public:
    using Texts = std::map<std::string, std::string, std::less<>>;

    /// The files of a directory (UTF-8), read when they are asked for.
    static ModelFiles in_directory(const std::string& directory);
    /// Texts by file name; `where` names what holds them, for messages.
    static ModelFiles in_memory(Texts texts, const std::string& where);

    /// The whole of a text; nothing where there is none. Throws Error(checkpoint) for a file that
    /// is there and cannot be read.
    std::optional<std::string> read(std::string_view name) const;
    /// The same, as JSON: an object. Throws Error(checkpoint) for anything else.
    std::optional<Json> read_json(std::string_view name) const;
    /// What messages call a text.
    std::string path(std::string_view name) const;
    /// What messages call the model.
    const std::string& where() const { return where_; }

private:
    ModelFiles(std::string where, std::optional<Texts> texts);

    std::string where_;
    std::optional<Texts> texts_;  ///< nothing: they are in the directory
};

}  // namespace squeezebert
