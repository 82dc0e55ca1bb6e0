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

/// A safetensors file in memory; its first byte is 64-byte aligned there.
///
/// A small file is copied, so that nothing that happens to it later matters. A large one is mapped
/// read-only, so that processes which open the same file share its memory (on Windows every file is
/// copied). A mapped file must not be written to while it is open: check_unchanged() tells, but
/// what is cut short in the very moment of a call takes the process down. Renaming another over it
/// is fine.
///
/// What it gives out is valid as long as the object.
class WeightsFile {
public:
    /// Files of at most so many bytes are copied: mini and small models are, full-size ones not.
    static constexpr std::size_t most_copied = std::size_t{32} << 20U;

    using Tensors = std::map<std::string, TensorView, std::less<>>;
    using Metadata = std::map<std::string, std::string, std::less<>>;

    /// Throws Error(checkpoint) for a file that is not there, or is no safetensors file in any
    /// respect: every offset and size is checked here, none later. Files of more than `copied`
    /// bytes are mapped.
    static std::shared_ptr<const WeightsFile> open(const std::string& path,
                                                   std::size_t copied = most_copied);

    /// The same for bytes in memory, which are copied; messages call them `name`.
    static std::shared_ptr<const WeightsFile> copy(const void* data, std::size_t bytes,
                                                   const std::string& name);

    /// Throws Error(checkpoint) where a mapped file has been written to or cut short since it was
    /// opened: what it gives out is no longer what was checked.
    void check_unchanged() const;

    /// The tensor of that name, or nullptr.
    const TensorView* find(std::string_view name) const;
    /// All tensors by name.
    const Tensors& tensors() const { return tensors_; }
    /// The texts that the file carries beside its tensors.
    const Metadata& metadata() const { return metadata_; }
    /// As it was opened, UTF-8.
    const std::string& path() const { return path_; }

private:
    class Content;
    WeightsFile(std::string path, std::shared_ptr<const Content> content);

    std::string path_;
    Tensors tensors_;
    Metadata metadata_;
    std::shared_ptr<const Content> content_;
};

}  // namespace squeezebert
