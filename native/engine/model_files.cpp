#include "engine/model_files.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "engine/error.h"

namespace squeezebert {

namespace fs = std::filesystem;

ModelFiles::ModelFiles(std::string where, std::shared_ptr<const Texts> texts,
                       std::shared_ptr<const WeightsFile> weights)
    : where_(std::move(where)), texts_(std::move(texts)), weights_(std::move(weights)) {}

ModelFiles ModelFiles::open(const std::string& path) {
    std::error_code ignored;
    if (fs::is_regular_file(fs::u8path(path), ignored)) return in_file(WeightsFile::open(path));
    return in_directory(path);
}

ModelFiles ModelFiles::in_memory(const void* data, std::size_t bytes) {
    return in_file(WeightsFile::copy(data, bytes, "the model in memory"));
}

ModelFiles ModelFiles::in_file(std::shared_ptr<const WeightsFile> weights) {
    // Shares the file's ownership, and points to what it holds.
    std::shared_ptr<const Texts> texts(weights, &weights->metadata());
    return {weights->path(), std::move(texts), weights};
}

ModelFiles ModelFiles::in_directory(const std::string& directory) { return {directory, {}, {}}; }

ModelFiles ModelFiles::with_texts(Texts texts, const std::string& where) {
    return {where, std::make_shared<const Texts>(std::move(texts)), {}};
}

std::optional<std::string> ModelFiles::read(std::string_view name) const {
    if (texts_) {
        const auto found = texts_->find(name);
        return found == texts_->end() ? std::nullopt : std::optional(found->second);
    }
    const fs::path file = fs::u8path(path(name));
    std::error_code ignored;
    if (!fs::is_regular_file(file, ignored)) return std::nullopt;
    std::ifstream stream(file, std::ios::binary);
    std::string content{std::istreambuf_iterator<char>(stream), {}};
    if (!stream.is_open() || stream.bad()) {
        throw Error(ErrorKind::checkpoint, path(name) + " cannot be read");
    }
    return content;
}

std::optional<Json> ModelFiles::read_json(std::string_view name) const {
    const std::optional<std::string> text = read(name);
    if (!text) return std::nullopt;
    Json value = Json::parse(*text, path(name));
    if (value.object() == nullptr) {
        throw Error(ErrorKind::checkpoint,
                    path(name) + " holds " + value.show() + ", expected an object");
    }
    return value;
}

std::string ModelFiles::path(std::string_view name) const {
    if (texts_) return std::string(name) + " of " + where_;
    return (fs::u8path(where_) / fs::u8path(name)).u8string();
}

}  // namespace squeezebert
