#include "engine/tensor_source.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <set>
#include <utility>

#include "engine/error.h"
#include "engine/json.h"
#include "engine/utf8.h"

namespace squeezebert {

namespace {

namespace fs = std::filesystem;

constexpr const char* weights_name = "model.safetensors";
constexpr const char* index_name = "model.safetensors.index.json";
constexpr std::string_view scale_suffix = ".scale";
constexpr const char* other_head = "the weights belong to another head or another configuration";
constexpr std::uintptr_t packed_alignment = 64;

bool starts_with(std::string_view text, std::string_view start) {
    return text.substr(0, start.size()) == start;
}

bool ends_with(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

/// Tensors of checkpoints that no model of ours has a use for.
bool is_unused(std::string_view name) {
    constexpr std::string_view exactly[] = {
        "cls.seq_relationship.weight",  // the second pretraining objective's head
        "cls.seq_relationship.bias",
        "embeddings.position_ids",  // a constant that old checkpoints saved
    };
    return std::find(std::begin(exactly), std::end(exactly), name) != std::end(exactly) ||
           ends_with(name, ".embeddings.position_ids");
}

/// What other heads leave out, theirs and ours: a pooler serves sentence-level heads only, a
/// decoder may be written down beside the embeddings that it is tied to.
bool may_be_left(std::string_view name) {
    for (const std::string_view optional :
         {"pooler.dense.weight", "pooler.dense.bias", "cls.predictions.decoder.weight",
          "cls.predictions.decoder.bias"}) {
        if (name == optional || ends_with(name, std::string(".") + std::string(optional))) {
            return true;
        }
    }
    return false;
}

/// How long the prefixes are that wrappers (DataParallel, torch.compile, Lightning's modules) put
/// before all names.
std::size_t wrapper_length(const std::vector<std::string_view>& names) {
    constexpr std::string_view wrappers[] = {"module.", "_orig_mod.", "model."};
    std::size_t length = 0;
    for (bool found = !names.empty(); found;) {
        found = false;
        for (const std::string_view wrapper : wrappers) {
            const auto has = [&](std::string_view name) {
                return starts_with(name.substr(std::min(length, name.size())), wrapper);
            };
            if (std::all_of(names.begin(), names.end(), has)) {
                length += wrapper.size();
                found = true;
            }
        }
    }
    return length;
}

/// A file's spelling made ours.
std::string normalise(std::string_view name, std::string_view prefix) {
    if (starts_with(name, prefix)) name.remove_prefix(prefix.size());
    constexpr std::pair<std::string_view, std::string_view> old_spellings[] = {
        {".gamma", ".weight"}, {".beta", ".bias"}};
    for (const auto& [old, ours] : old_spellings) {
        if (ends_with(name, old)) {
            return std::string(name.substr(0, name.size() - old.size())) + std::string(ours);
        }
    }
    return std::string(name);
}

/// The file that an index calls `name`, empty where it may not call any so. Names stay in the
/// directory or one beside it, and so does what a name leads to that leaves the directory; links in
/// the directory itself lead to where a cache keeps its files, as one for model.safetensors may.
fs::path locate(const std::string& directory, const std::string& name) {
    const fs::path given = fs::u8path(name);
    // The system would read a name only up to a zero in it.
    if (name.empty() || name.find('\0') != std::string::npos || given.has_root_path()) return {};
    std::error_code problem;
    const fs::path folder = fs::canonical(fs::u8path(directory), problem);
    if (problem) return {};
    if (!given.has_parent_path() && name != "." && name != "..") return folder / given;
    // One level up and no further: a shared table lies in a neighbouring model's directory.
    const fs::path root = folder.parent_path();
    const fs::path file = fs::weakly_canonical(folder / given, problem);
    const auto parts = std::mismatch(root.begin(), root.end(), file.begin(), file.end());
    return problem || parts.first != root.end() ? fs::path() : file;
}

std::map<std::string, std::vector<std::int64_t>, std::less<>> read_packed_shapes(
    const WeightsFile& file) {
    std::map<std::string, std::vector<std::int64_t>, std::less<>> result;
    const auto layout = file.metadata().find(layout_key);
    if (layout == file.metadata().end()) return result;
    if (layout->second != panels_layout) {
        throw Error(ErrorKind::checkpoint,
                    file.path() + " has the layout '" + shown(layout->second) + "', expected '" +
                        std::string(panels_layout) + "'",
                    "write it again with this version of squeezebert");
    }
    const auto shapes = file.metadata().find(shapes_key);
    const std::string where = std::string(shapes_key) + " of " + file.path();
    const Json json = Json::parse(shapes == file.metadata().end() ? "null" : shapes->second, where);
    if (json.object() == nullptr) {
        throw Error(ErrorKind::checkpoint, where + " is " + json.show() + ", expected an object");
    }
    for (const auto& [name, value] : *json.object()) {
        std::vector<std::int64_t> shape;
        for (const Json& size : value.array() == nullptr ? Json::Array() : *value.array()) {
            shape.push_back(size.integer().value_or(-1));
        }
        result.emplace(name, std::move(shape));
    }
    return result;
}

}  // namespace

TensorSource::TensorSource(const std::string& directory, std::string_view prefix)
    : directory_(directory), prefix_(prefix) {
    const fs::path folder = fs::u8path(directory);
    std::error_code ignored;
    std::vector<Stored> tensors;
    if (fs::is_regular_file(folder / weights_name, ignored)) {
        tensors = open_single(WeightsFile::open((folder / weights_name).u8string()));
    } else if (fs::is_regular_file(folder / index_name, ignored)) {
        tensors = open_index((folder / index_name).u8string());
    } else {
        throw Error(ErrorKind::checkpoint,
                    std::string("there is no ") + weights_name + " in " + directory,
                    "save a model with an old pytorch_model.bin again as safetensors");
    }
    add_all(tensors);
}

TensorSource::TensorSource(std::shared_ptr<const WeightsFile> file, std::string_view prefix)
    : directory_(file->path()), prefix_(prefix) {
    add_all(open_single(std::move(file)));
}

void TensorSource::add_all(const std::vector<Stored>& tensors) {
    std::vector<std::string_view> names;
    for (const Stored& tensor : tensors) names.emplace_back(tensor.name);
    const std::size_t wrapper = wrapper_length(names);
    for (const Stored& tensor : tensors) add(tensor, wrapper);
}

std::vector<TensorSource::Stored> TensorSource::open_single(
    std::shared_ptr<const WeightsFile> weights) {
    const File& file = keep(std::move(weights));
    std::vector<Stored> tensors;
    for (const auto& [name, view] : file.weights->tensors()) tensors.push_back({name, &file});
    metadata_ = file.weights->metadata();
    return tensors;
}

std::vector<TensorSource::Stored> TensorSource::open_index(const std::string& path) {
    const Json index = Json::read_file(path);
    const Json* weight_map = index.find("weight_map");
    if (weight_map == nullptr || weight_map->object() == nullptr) {
        throw Error(ErrorKind::checkpoint, path + " has no object weight_map");
    }
    std::map<std::string, const File*> opened;
    std::vector<Stored> tensors;
    for (const auto& [tensor, value] : *weight_map->object()) {
        if (value.string() == nullptr) {
            throw Error(ErrorKind::checkpoint,
                        path + " has " + value.show() + " as the file of " + shown(tensor));
        }
        const std::string& name = *value.string();
        auto found = opened.find(name);
        if (found == opened.end()) {
            const fs::path file = locate(directory_, name);
            if (file.empty()) {
                throw Error(ErrorKind::checkpoint,
                            path + " points outside " + fs::u8path(directory_).u8string() +
                                " and the directories beside it: " + shown(name));
            }
            found = opened.emplace(name, &keep(WeightsFile::open(file.u8string()))).first;
            const auto& texts = found->second->weights->metadata();
            // Others' files are shared tables.
            if (!fs::u8path(name).has_parent_path()) metadata_.insert(texts.begin(), texts.end());
        }
        tensors.push_back({tensor, found->second});
    }
    return tensors;
}

const TensorSource::File& TensorSource::keep(std::shared_ptr<const WeightsFile> weights) {
    Shapes packed = read_packed_shapes(*weights);
    files_.push_back({std::move(weights), std::move(packed)});
    return files_.back();
}

void TensorSource::add(const Stored& tensor, std::size_t wrapper) {
    const TensorView* view = tensor.file->weights->find(tensor.name);
    if (view == nullptr) {
        throw Error(ErrorKind::checkpoint,
                    tensor.file->weights->path() + " lacks the tensor " + shown(tensor.name));
    }
    const std::string_view name = std::string_view(tensor.name).substr(wrapper);
    if (ends_with(name, scale_suffix)) {
        scales_.emplace(tensor.name, view);
    } else if (!is_unused(name)) {
        const auto [entry, is_new] =
            entries_.emplace(normalise(name, prefix_), Entry{tensor.name, tensor.file, view});
        if (!is_new) {
            refuse("has the same tensor as " + shown(entry->second.name) + " and as " +
                   shown(tensor.name));
        }
    }
}

void TensorSource::check_unchanged() const {
    for (const File& file : files_) file.weights->check_unchanged();
}

bool TensorSource::has_any_below(std::string_view start) const {
    const auto next = entries_.lower_bound(start);
    return next != entries_.end() && starts_with(next->first, start);
}

std::int64_t TensorSource::rows_of(std::string_view name) const {
    const auto found = entries_.find(name);
    const bool none = found == entries_.end() || found->second.view->shape.empty();
    return none ? 0 : found->second.view->shape.front();
}

void TensorSource::refuse(const std::string& what, const std::string& hint) const {
    throw Error(ErrorKind::checkpoint, directory_ + " " + what, hint);
}

const TensorSource::Entry& TensorSource::take(std::string_view name) {
    const auto found = entries_.find(name);
    if (found == entries_.end()) {
        refuse("lacks the tensor " + shown(name), other_head);
    }
    found->second.taken = true;
    return found->second;
}

Matrix TensorSource::matrix(std::string_view name, std::int64_t rows, std::int64_t columns,
                            std::int64_t groups, bool conv) {
    const Entry& entry = take(name);
    const auto packed = entry.file->packed.find(entry.name);
    Matrix result{entry.view->dtype,
                  rows,
                  columns,
                  groups,
                  entry.view->data,
                  nullptr,
                  packed != entry.file->packed.end()};
    const auto& shape = result.packed ? packed->second : entry.view->shape;
    const std::vector<std::int64_t> dense{rows, columns};
    const std::vector<std::int64_t> convolution{rows, columns, 1};
    if (shape != dense && !(conv && shape == convolution)) {
        refuse("has the tensor " + shown(entry.name) + " of shape " + show_shape(shape) +
                   ", expected " + show_shape(dense),
               other_head);
    }
    if (result.packed) check_packed(entry, result);
    if (result.dtype == DType::int8) {
        result.scales = scales(entry, rows);
    } else if (!is_weight_type(result.dtype)) {
        refuse("has the tensor " + shown(entry.name) + " of dtype " + dtype_name(result.dtype) +
               ", expected F32, F16, BF16 or I8");
    }
    return result;
}

void TensorSource::check_packed(const Entry& entry, const Matrix& matrix) const {
    const auto expected = packed_shape(matrix.rows, matrix.columns, matrix.groups);
    if (matrix.dtype != DType::int8 || entry.view->shape != expected) {
        refuse("has the packed tensor " + shown(entry.name) + " of dtype " +
               dtype_name(matrix.dtype) + " and shape " + show_shape(entry.view->shape) +
               ", expected I8 and " + show_shape(expected));
    }
    if (reinterpret_cast<std::uintptr_t>(matrix.data) % packed_alignment != 0) {
        refuse("has the packed tensor " + shown(entry.name) +
                   ", which does not begin at a multiple of 64 bytes",
               "another program has written the file anew: write it again with squeezebert");
    }
}

const float* TensorSource::scales(const Entry& entry, std::int64_t rows) {
    const std::string name = entry.name + std::string(scale_suffix);
    const auto found = scales_.find(name);
    const std::vector<std::int64_t> expected{rows};
    if (found == scales_.end() || found->second->shape != expected ||
        found->second->dtype != DType::float32) {
        refuse("has the int8 tensor " + shown(entry.name) + " without a float32 " + shown(name) +
               " with a scale for each of its " + std::to_string(rows) + " rows");
    }
    auto& values = aligned_scales_.emplace_back(static_cast<std::size_t>(rows));
    widen(DType::float32, found->second->data, rows, values.data());
    return values.data();
}

std::vector<float> TensorSource::vector(std::string_view name, std::int64_t size) {
    const Entry& entry = take(name);
    const std::vector<std::int64_t> expected{size};
    if (entry.view->shape != expected) {
        refuse("has the tensor " + shown(entry.name) + " of shape " +
                   show_shape(entry.view->shape) + ", expected " + show_shape(expected),
               other_head);
    }
    if (!is_weight_type(entry.view->dtype)) {
        refuse("has the tensor " + shown(entry.name) + " of dtype " +
               dtype_name(entry.view->dtype) + ", expected F32, F16 or BF16");
    }
    std::vector<float> result(static_cast<std::size_t>(size));
    widen(entry.view->dtype, entry.view->data, size, result.data());
    return result;
}

void TensorSource::pass_over(std::string_view name) {
    const auto found = entries_.find(name);
    if (found != entries_.end()) found->second.taken = true;
}

void TensorSource::check_all_taken() const {
    std::vector<std::string> left;
    for (const auto& [name, entry] : entries_) {
        if (!entry.taken && !may_be_left(name)) left.push_back(shown(entry.name));
    }
    if (left.empty()) return;
    constexpr std::size_t shown = 5;
    std::string names;
    for (std::size_t i = 0; i < std::min(left.size(), shown); ++i) {
        names += (i == 0 ? "" : ", ") + left[i];
    }
    if (left.size() > shown) names += " and " + std::to_string(left.size() - shown) + " more";
    refuse("has tensors that the model does not: " + names, other_head);
}

}  // namespace squeezebert
