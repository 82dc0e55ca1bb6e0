#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace squeezebert {

/// What the numbers of a tensor are, as safetensors knows it.
enum class DType {
    float32,
    float16,
    bfloat16,
    float64,
    float8,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
    boolean,
};

/// How safetensors writes a type ("F32", "I8"); both kinds of float8 are "F8".
const char* dtype_name(DType dtype);

/// A tensor of a weight file, not copied: row-major, little-endian, anywhere in the file (read it
/// with std::memcpy). `bytes` is the product of `shape` times the size of a number.
struct TensorView {
    DType dtype;
    std::vector<std::int64_t> shape;
    const std::byte* data;
    std::size_t bytes;
};

/// A shape as messages show it: "(768, 192, 1)".
std::string show_shape(const std::vector<std::int64_t>& shape);

/// A safetensors file, mapped read-only: processes that open the same file share its memory (on
/// Windows each has a copy of its own). The file's first byte is 64-byte aligned in memory.
///
/// What it gives out is valid as long as the object. The file must not be cut short while it is
/// open; replacing it by renaming another over it is fine.
class WeightsFile {
public:
    using Tensors = std::map<std::string, TensorView, std::less<>>;
    using Metadata = std::map<std::string, std::string, std::less<>>;

    /// Throws Error(checkpoint) for a file that is not there, or is no safetensors file in any
    /// respect: every offset and size is checked here, none later.
    static std::shared_ptr<const WeightsFile> open(const std::string& path);

    /// The tensor of that name, or nullptr.
    const TensorView* find(std::string_view name) const;
    /// All tensors by name.
    const Tensors& tensors() const { return tensors_; }
    /// The texts that the file carries beside its tensors.
    const Metadata& metadata() const { return metadata_; }
    /// As it was opened, UTF-8.
    const std::string& path() const { return path_; }

private:
    WeightsFile(std::string path, std::shared_ptr<const std::byte> content, std::size_t bytes);

    std::string path_;
    Tensors tensors_;
    Metadata metadata_;
    std::shared_ptr<const std::byte> content_;
};

}  // namespace squeezebert
