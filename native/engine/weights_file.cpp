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
constexpr std::align_val_t alignment{64};
/// A hundred times what a large model has, and little enough for memory whatever it holds. (The
/// safetensors library allows 100 MB.)
constexpr std::uint64_t max_header_bytes = 16U << 20U;

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

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
    throw Error(ErrorKind::checkpoint, path + " is not a readable safetensors file: " + what,
                "copy or download it again");
}

/// The size of the file of that name, which must be one that can be a weight file.
std::uintmax_t checked_size(const std::string& path) {
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
    return bytes;
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
    if (name == nullptr) refuse(path, "the tensor " + shown(tensor) + " has no dtype");
    for (const DTypeEntry& entry : dtypes) {
        if (*name == entry.name) return entry;
    }
    refuse(path, "the tensor " + shown(tensor) + " has the unknown dtype " + shown(*name));
}

/// One entry of the header; `area` is what the offsets count from.
TensorView read_tensor(const std::string& path, const std::string& key, const Json& info,
                       const std::byte* area, std::size_t area_bytes) {
    const DTypeEntry& dtype = find_dtype(path, key, info.find("dtype"));
    const std::string name = shown(key);  // for messages
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
            refuse(path, "its __metadata__ holds " + text.show() + " as " + shown(key) +
                             ", expected a text");
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

/// The bytes of a file: a copy, or a mapping of the file, which is then kept open.
class WeightsFile::Content {
public:
    Content(const std::string& path, std::size_t copied);
    Content(const void* data, std::size_t bytes);
    ~Content();
    Content(const Content&) = delete;
    Content& operator=(const Content&) = delete;

    const std::byte* data() const { return data_; }
    std::size_t bytes() const { return bytes_; }
    /// Whether a mapped file is as it was.
    bool is_unchanged() const;

private:
    /// For the copy; data_ owns it from then on.
    std::byte* allocate();

    const std::byte* data_ = nullptr;
    std::size_t bytes_ = 0;
#ifndef _WIN32
    int file_ = -1;  ///< of a mapped file
    timespec written_{};
#endif
};

std::byte* WeightsFile::Content::allocate() {
    auto* memory = static_cast<std::byte*>(::operator new(bytes_, alignment));
    data_ = memory;
    return memory;
}

WeightsFile::Content::Content(const void* data, std::size_t bytes) : bytes_(bytes) {
    std::memcpy(allocate(), data, bytes);
}

#ifdef _WIN32

WeightsFile::Content::Content(const std::string& path, std::size_t)
    : bytes_(static_cast<std::size_t>(checked_size(path))) {
    std::ifstream stream(std::filesystem::u8path(path), std::ios::binary);
    std::byte* memory = allocate();
    stream.read(reinterpret_cast<char*>(memory), static_cast<std::streamsize>(bytes_));
    if (!stream) {
        ::operator delete(memory, alignment);
        refuse(path, "it cannot be read");
    }
}

WeightsFile::Content::~Content() { ::operator delete(const_cast<std::byte*>(data_), alignment); }

bool WeightsFile::Content::is_unchanged() const { return true; }

#else

namespace {

timespec last_write(const struct stat& status) {
#if defined(__APPLE__)
    return status.st_mtimespec;
#else
    return status.st_mtim;
#endif
}

/// Closes a file unless it is kept.
struct OpenFile {
    explicit OpenFile(const std::string& path)
        : number(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
        if (number < 0) refuse(path, std::string("it cannot be opened: ") + std::strerror(errno));
    }
    ~OpenFile() {
        if (number >= 0) ::close(number);
    }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    int number;
};

/// Reads exactly `bytes`; false where the file ends before or cannot be read.
bool read_all(int file, std::byte* to, std::size_t bytes) {
    while (bytes > 0) {
        const ssize_t got = ::read(file, to, std::min<std::size_t>(bytes, 1U << 30U));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        to += got;
        bytes -= static_cast<std::size_t>(got);
    }
    return true;
}

}  // namespace

WeightsFile::Content::Content(const std::string& path, std::size_t copied) {
    checked_size(path);
    OpenFile file(path);
    // Asked again of the open file: the one of that name may be another by now.
    struct stat status = {};
    if (::fstat(file.number, &status) != 0 || status.st_size < 1) refuse(path, "it is empty");
    bytes_ = static_cast<std::size_t>(status.st_size);
    if (bytes_ <= copied) {
        std::byte* memory = allocate();
        if (!read_all(file.number, memory, bytes_)) {
            ::operator delete(memory, alignment);
            refuse(path, "it cannot be read to its end");
        }
        return;
    }
    void* address = ::mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, file.number, 0);
    if (address == MAP_FAILED) {
        refuse(path, std::string("it cannot be mapped: ") + std::strerror(errno));
    }
    data_ = static_cast<const std::byte*>(address);
    written_ = last_write(status);
    file_ = std::exchange(file.number, -1);
}

WeightsFile::Content::~Content() {
    auto* memory = const_cast<std::byte*>(data_);
    if (file_ < 0) {
        ::operator delete(memory, alignment);
    } else {
        ::munmap(memory, bytes_);
        ::close(file_);
    }
}

bool WeightsFile::Content::is_unchanged() const {
    if (file_ < 0) return true;
    struct stat status = {};
    if (::fstat(file_, &status) != 0) return false;
    const timespec written = last_write(status);
    return static_cast<std::size_t>(status.st_size) == bytes_ &&
           written.tv_sec == written_.tv_sec && written.tv_nsec == written_.tv_nsec;
}

#endif

std::shared_ptr<const WeightsFile> WeightsFile::open(const std::string& path, std::size_t copied) {
    auto content = std::make_shared<const Content>(path, copied);
    return std::shared_ptr<const WeightsFile>(new WeightsFile(path, std::move(content)));
}

std::shared_ptr<const WeightsFile> WeightsFile::copy(const void* data, std::size_t bytes,
                                                     const std::string& name) {
    auto content = std::make_shared<const Content>(data, bytes);
    return std::shared_ptr<const WeightsFile>(new WeightsFile(name, std::move(content)));
}

void WeightsFile::check_unchanged() const {
    if (content_->is_unchanged()) return;
    throw Error(
        ErrorKind::checkpoint, path_ + " was written to while a model has it open",
        "load the model again; to replace a file, write a new one and rename it over the old");
}

WeightsFile::WeightsFile(std::string path, std::shared_ptr<const Content> content)
    : path_(std::move(path)), content_(std::move(content)) {
    const std::size_t bytes = content_->bytes();
    std::uint64_t header_bytes = 0;
    for (std::size_t i = 0; i < prefix_bytes && i < bytes; ++i) {
        header_bytes |= std::to_integer<std::uint64_t>(content_->data()[i]) << (8 * i);
    }
    if (bytes < prefix_bytes || header_bytes > bytes - prefix_bytes ||
        header_bytes > max_header_bytes) {
        refuse(path_, "its header claims " + std::to_string(header_bytes) + " bytes of " +
                          std::to_string(bytes));
    }
    const std::byte* header = content_->data() + prefix_bytes;
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
