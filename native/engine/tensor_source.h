#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/matrix.h"
#include "engine/weights_file.h"

namespace squeezebert {

/// The metadata key of a compact file, and the one value it may have.
constexpr std::string_view layout_key = "squeezebert.layout";
constexpr std::string_view panels_layout = "panels-16";
/// The metadata key with the plain shapes of the packed tensors: a JSON object by name.
constexpr std::string_view shapes_key = "squeezebert.shapes";

/// The tensors of a model directory by one spelling of their names, each taken once and checked.
///
/// Names are given without a model's prefix ("bert.", "transformer."), which a file may have or
/// not, and without those of what a model was wrapped in ("module.", "_orig_mod.", "model.") where
/// all its names have them; "gamma" and "beta" in a file are "weight" and "bias" here. What is left
/// over at the end belongs to another model.
class TensorSource {
public:
    /// Opens model.safetensors, or the files that model.safetensors.index.json lists. They lie in
    /// the directory itself, where links may stand for them as in the Hugging Face hub's cache, or
    /// in one beside it.
    /// Throws Error(checkpoint) for no weights, a damaged file, an index that points outside.
    TensorSource(const std::string& directory, std::string_view prefix);
    /// The tensors of one file. Throws Error(checkpoint) as above.
    TensorSource(std::shared_ptr<const WeightsFile> file, std::string_view prefix);

    bool has(std::string_view name) const { return entries_.count(name) != 0; }
    bool has_any_below(std::string_view start) const;
    /// The first axis of a tensor; 0 for one that is not there or a scalar.
    std::int64_t rows_of(std::string_view name) const;

    /// Takes a matrix (rows, columns). A matrix with `groups` may be packed, one that is `conv`
    /// has a third axis of 1 in files of transformers.
    /// Throws Error(checkpoint), as vector(), for a tensor that is missing, misshapen or of a type
    /// that weights cannot have.
    Matrix matrix(std::string_view name, std::int64_t rows, std::int64_t columns,
                  std::int64_t groups = 1, bool conv = false);
    /// Takes a vector (size,) as float32.
    std::vector<float> vector(std::string_view name, std::int64_t size);

    /// Leaves a tensor out on purpose, where there is one of that name.
    void pass_over(std::string_view name);
    /// Throws Error(checkpoint) where tensors were not taken that no model leaves out.
    void check_all_taken() const;
    /// See WeightsFile.
    void check_unchanged() const;

    const WeightsFile::Metadata& metadata() const { return metadata_; }

private:
    using Shapes = std::map<std::string, std::vector<std::int64_t>, std::less<>>;

    struct File {
        std::shared_ptr<const WeightsFile> weights;
        Shapes packed;  ///< plain shapes of the packed tensors
    };

    /// A tensor of a file, by the name that it has there.
    struct Stored {
        std::string name;
        const File* file;
    };

    /// A tensor that is no scale.
    struct Entry {
        std::string name;
        const File* file;
        const TensorView* view;
        bool taken = false;
    };

    /// Each returns all tensors.
    std::vector<Stored> open_single(std::shared_ptr<const WeightsFile> weights);
    std::vector<Stored> open_index(const std::string& path);
    const File& keep(std::shared_ptr<const WeightsFile> weights);
    void add_all(const std::vector<Stored>& tensors);
    void add(const Stored& tensor, std::size_t wrapper);
    const Entry& take(std::string_view name);
    void check_packed(const Entry& entry, const Matrix& matrix) const;
    const float* scales(const Entry& entry, std::int64_t rows);
    [[noreturn]] void refuse(const std::string& what, const std::string& hint = "") const;

    std::string directory_;
    std::string prefix_;
    std::deque<File> files_;                             // a deque, so that pointers stay
    std::map<std::string, Entry, std::less<>> entries_;  // by our spelling
    std::map<std::string, const TensorView*, std::less<>> scales_;  // "NAME.scale", file's spelling
    std::deque<std::vector<float>> aligned_scales_;
    WeightsFile::Metadata metadata_;
};

}  // namespace squeezebert
