#include "engine/weights_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <new>
#include <optional>
#include <utility>

#ifndef _WIN32
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

#include "engine/error.h"
#include "engine/json.h"

namespace squeezebert {

namespace {

constexpr std::size_t prefix_bytes = 8;
/// What the safetensors library allows, so that a damaged length does not cost all memory.
constexpr std::uint64_t max_header_bytes = 100'000'000;

struct DTypeEntry {
    const char* name;
    DType dtype;
    std::size_t bytes;
};

constexpr DTypeEntry dtypes[] = {
    {"F32", DType::float32, 4}, {"F16", DType::float16, 2},    {"BF16", DType::bfloat16, 2},
    {"F64", DType::float64, 8}, {"F8_E4M3", DType::float8, 1}, {"F8_E5M2", DType::float8, 1},
    {"I8", DType::int8, 1},     {"I16", DType::int16, 2},      {"I32", DType::int32, 4},
    {"I64", DType::int64, 8},   {"U8", DType::uint8, 1},       {"U16", DType::uint16, 2},
    {"U32", DType::uint32, 4},  {"U64", DType::uint64, 8},     {"BOOL", DType::boolean, 1},
};

struct Content {
    std::shared_ptr<const std::byte> data;
    std::size_t bytes;
};

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
    throw Error(ErrorKind::checkpoint, path + " is not a readable safetensors file: " + what,
                "copy or download it again");
}

#ifdef _WIN32

Content map_file(const std::string& path, std::size_t bytes) {
    constexpr std::align_val_t alignment{64};
    auto* memory = static_cast<std::byte*>(::operator new(bytes, alignment));
    std::shared_ptr<const std::byte> data(memory, [alignment](const std::byte* p) {
        ::operator delete(const_cast<std::byte*>(p), alignment);
    });
    std::ifstream stream(std::filesystem::u8path(path), std::ios::binary);
    stream.read(reinterpret_cast<char*>(memory), static_cast<std::streamsize>(bytes));
    if (!stream) refuse(path, "it cannot be read");
    return {std::move(data), bytes};
}

#else

Content map_file(const std::string& path, std::size_t) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) refuse(path, std::string("it cannot be opened: ") + std::strerror(errno));
    struct stat status = {};
    // Asked again of the open file: the one of that name may be another by now.
    const bool known = ::fstat(file, &status) == 0 && status.st_size > 0;
    const auto bytes = known ? static_cast<std::size_t>(status.st_size) : 0;
    void* address = known ? ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file, 0) : MAP_FAILED;
    const int reason = errno;
    ::close(file);
    if (address == MAP_FAILED) {
        refuse(path, std::string("it cannot be mapped: ") + std::strerror(reason));
    }
    std::shared_ptr<const std::byte> data(
        static_cast<const std::byte*>(address),
        [address, bytes](const std::byte*) { ::munmap(address, bytes); });
    return {std::move(data), bytes};
}

#endif

Content read_file(const std::string& path) {
    const auto native = std::filesystem::u8path(path);
    std::error_code problem;
    if (!std::filesystem::exists(native, problem)) {
        throw Error(ErrorKind::checkpoint, "there is no weight file " + path);
    }
    if (!std::filesystem::is_regular_file(native, problem)) refuse(path, "it is no regular file");
    const std::uintmax_t bytes = std::filesystem::file_size(native, problem);
    if (problem) refuse(path, problem.message());
    if (bytes < prefix_bytes || bytes > std::numeric_limits<std::size_t>::max() / 2) {
        refuse(path, "it is " + std::to_string(bytes) + " bytes long");
    }
    return map_file(path, static_cast<std::size_t>(bytes));
}

/// Numbers of a JSON array that are whole and not negative, or nothing.
std::optional<std::vector<std::int64_t>> read_sizes(const Json* value) {
    const Json::Array* array = value == nullptr ? nullptr : value->array();
    if (array == nullptr) return std::nullopt;
    std::vector<std::int64_t> sizes;
    for (const Json& element : *array) {
        const auto size = element.integer();
        if (!size || *size < 0) return std::nullopt;
        sizes.push_back(*size);
    }
    return sizes;
}

/// The bytes that a tensor takes, or nothing where they are more than any file has.
std::optional<std::uint64_t> product(const std::vector<std::int64_t>& shape, std::uint64_t each) {
    std::uint64_t bytes = each;
    for (const std::int64_t size : shape) {
        const auto factor = static_cast<std::uint64_t>(size);
        if (factor != 0 && bytes > std::numeric_limits<std::uint64_t>::max() / factor) {
            return std::nullopt;
        }
        bytes *= factor;
    }
    return bytes;
}

const DTypeEntry& find_dtype(const std::string& path, const std::string& tensor,
                             const Json* value) {
    const std::string* name = value == nullptr ? nullptr : value->string();
    if (name == nullptr) refuse(path, "the tensor " + tensor + " has no dtype");
    for (const DTypeEntry& entry : dtypes) {
        if (*name == entry.name) return entry;
    }
    refuse(path, "the tensor " + tensor + " has the unknown dtype " + *name);
}

/// One entry of the header; `area` is what the offsets count from.
TensorView read_tensor(const std::string& path, const std::string& name, const Json& info,
                       const std::byte* area, std::size_t area_bytes) {
    const DTypeEntry& dtype = find_dtype(path, name, info.find("dtype"));
    auto shape = read_sizes(info.find("shape"));
    if (!shape) refuse(path, "the tensor " + name + " has no shape of whole numbers");
    const auto offsets = read_sizes(info.find("data_offsets"));
    if (!offsets || offsets->size() != 2) {
        refuse(path, "the tensor " + name + " has no two data_offsets");
    }
    const auto begin = static_cast<std::uint64_t>((*offsets)[0]);
    const auto end = static_cast<std::uint64_t>((*offsets)[1]);
    if (begin > end || end > area_bytes) {
        refuse(path, "the tensor " + name + " has the data_offsets " + std::to_string(begin) +
                         " and " + std::to_string(end) + ", but there are " +
                         std::to_string(area_bytes) + " bytes of data");
    }
    if (product(*shape, dtype.bytes) != end - begin) {
        refuse(path, "the tensor " + name + " of shape " + show_shape(*shape) + " and dtype " +
                         dtype.name + " has " + std::to_string(end - begin) + " bytes");
    }
    return {dtype.dtype, std::move(*shape), area + begin, static_cast<std::size_t>(end - begin)};
}

WeightsFile::Metadata read_metadata(const std::string& path, const Json& value) {
    WeightsFile::Metadata metadata;
    if (value.object() == nullptr) refuse(path, "its __metadata__ is " + value.show());
    for (const auto& [key, text] : *value.object()) {
        if (text.string() == nullptr) {
            refuse(path,
                   "its __metadata__ holds " + text.show() + " as " + key + ", expected a text");
        }
        metadata.emplace(key, *text.string());
    }
    return metadata;
}

/// The format knows no gaps and no overlaps: what the offsets leave out would be damage.
void check_coverage(const std::string& path, const WeightsFile::Tensors& tensors,
                    const std::byte* area, std::size_t area_bytes) {
    std::vector<const TensorView*> order;
    for (const auto& [name, tensor] : tensors) order.push_back(&tensor);
    std::sort(order.begin(), order.end(), [](const TensorView* a, const TensorView* b) {
        return a->data != b->data ? a->data < b->data : a->bytes < b->bytes;
    });
    const std::byte* next = area;
    for (const TensorView* tensor : order) {
        if (tensor->data != next) refuse(path, "its tensors overlap or leave gaps");
        next += tensor->bytes;
    }
    if (next != area + area_bytes) refuse(path, "it has bytes that belong to no tensor");
}

}  // namespace

const char* dtype_name(DType dtype) {
    if (dtype == DType::float8) return "F8";
    const auto* entry = std::find_if(std::begin(dtypes), std::end(dtypes),
                                     [&](const DTypeEntry& e) { return e.dtype == dtype; });
    return entry->name;
}

std::string show_shape(const std::vector<std::int64_t>& shape) {
    std::string text = "(";
    for (std::size_t i = 0; i < shape.size(); ++i) {
        text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
    }
    // As in Python, where a tuple of one has a comma.
    return text + (shape.size() == 1 ? ",)" : ")");
}

std::shared_ptr<const WeightsFile> WeightsFile::open(const std::string& path) {
    Content content = read_file(path);
    return std::shared_ptr<const WeightsFile>(
        new WeightsFile(path, std::move(content.data), content.bytes));
}

WeightsFile::WeightsFile(std::string path, std::shared_ptr<const std::byte> content,
                         std::size_t bytes)
    : path_(std::move(path)), content_(std::move(content)) {
    std::uint64_t header_bytes = 0;
    for (std::size_t i = 0; i < prefix_bytes && i < bytes; ++i) {
        header_bytes |= std::to_integer<std::uint64_t>(content_.get()[i]) << (8 * i);
    }
    if (bytes < prefix_bytes || header_bytes > bytes - prefix_bytes ||
        header_bytes > max_header_bytes) {
        refuse(path_, "its header claims " + std::to_string(header_bytes) + " bytes of " +
                          std::to_string(bytes));
    }
    const std::byte* header = content_.get() + prefix_bytes;
    const std::byte* area = header + header_bytes;
    const std::size_t area_bytes = bytes - prefix_bytes - static_cast<std::size_t>(header_bytes);
    const Json json =
        Json::parse({reinterpret_cast<const char*>(header), static_cast<std::size_t>(header_bytes)},
                    "the header of " + path_);
    if (json.object() == nullptr) refuse(path_, "its header is " + json.show());
    for (const auto& [name, value] : *json.object()) {
        if (name == "__metadata__") {
            metadata_ = read_metadata(path_, value);
        } else {
            tensors_.emplace(name, read_tensor(path_, name, value, area, area_bytes));
        }
    }
    check_coverage(path_, tensors_, area, area_bytes);
}

const TensorView* WeightsFile::find(std::string_view name) const {
    const auto found = tensors_.find(name);
    return found == tensors_.end() ? nullptr : &found->second;
}

}  // namespace squeezebert
