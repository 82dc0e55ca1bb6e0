#include "engine/weights_file.h"

#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "engine/error.h"
#include "tests/check.h"
#include "tests/model_files.h"

using namespace squeezebert;
using namespace squeezebert::tests;

namespace {

StoredTensors two_tensors() {
    return {{"a", {"F32", {2, 3}, bytes_of(std::vector<float>{1, 2, 3, 4, 5, 6})}},
            {"b", {"I8", {5}, bytes_of(std::vector<std::int8_t>{-1, 2, -3, 4, -5})}}};
}

/// Opens a file with that content.
std::shared_ptr<const WeightsFile> open_bytes(const TemporaryFolder& folder,
                                              const std::string& content) {
    write_file(folder.path("w.safetensors"), content);
    return WeightsFile::open(folder.path("w.safetensors"));
}

/// Opens a file with that header and five bytes of data.
std::shared_ptr<const WeightsFile> open_header(const TemporaryFolder& folder,
                                               const std::string& header) {
    return open_bytes(folder, with_header(header, "12345"));
}

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"({"a": {"dtype": )" + dtype + R"(, "shape": )" + shape + R"(, "data_offsets": )" +
           offsets + "}}";
}

}  // namespace

TEST("weights file: tensors and metadata") {
    const TemporaryFolder folder;
    const auto file = open_bytes(folder, safetensors(two_tensors(), R"({"k": "v"})", 64));
    CHECK_EQUAL(file->tensors().size(), 2U);
    CHECK_EQUAL(file->metadata().at("k"), "v");
    const TensorView* a = file->find("a");
    CHECK(a != nullptr && a->dtype == DType::float32);
    CHECK_EQUAL(show_shape(a->shape), "(2, 3)");
    CHECK_EQUAL(reinterpret_cast<std::uintptr_t>(a->data) % 64, 0U);
    float last = 0.0F;
    std::memcpy(&last, a->data + 5 * sizeof last, sizeof last);
    CHECK_EQUAL(last, 6.0F);
    const TensorView* b = file->find("b");
    CHECK_EQUAL(show_shape(b->shape), "(5,)");
    CHECK_EQUAL(std::to_integer<int>(b->data[0]), 255);
    CHECK_EQUAL(b->bytes, 5U);
    CHECK(file->find("c") == nullptr);
}

TEST("weights file: empty tensors, no tensors, every dtype") {
    const TemporaryFolder folder;
    CHECK(open_bytes(folder, with_header("{}", ""))->tensors().empty());
    const auto file = open_bytes(
        folder,
        safetensors({{"x", {"F32", {0, 3}, ""}}, {"y", {"U8", {}, "1"}}, {"z", {"I64", {0}, ""}}}));
    CHECK_EQUAL(file->find("x")->bytes, 0U);
    CHECK_EQUAL(show_shape(file->find("y")->shape), "()");
    const std::pair<const char*, std::size_t> dtypes[] = {
        {"F64", 8},     {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F8_E4M3", 1},
        {"F8_E5M2", 1}, {"I64", 8}, {"I32", 4}, {"I16", 2},  {"I8", 1},
        {"U64", 8},     {"U32", 4}, {"U16", 2}, {"U8", 1},   {"BOOL", 1}};
    for (const auto& [name, size] : dtypes) {
        const StoredTensor stored{name, {3}, std::string(3 * size, 'x')};
        const auto one = open_bytes(folder, safetensors({{"t", stored}}));
        CHECK_EQUAL(one->find("t")->bytes, 3 * size);
        // Both kinds of float8 are one type here.
        const std::string shown = dtype_name(one->find("t")->dtype);
        CHECK_EQUAL(shown, std::string(name).substr(0, shown.size()));
    }
}

TEST("weights file: files that are none") {
    const TemporaryFolder folder;
    CHECK_THROWS(WeightsFile::open(folder.path("none")), "there is no weight file");
    CHECK_THROWS(WeightsFile::open(folder.path()), "it is no regular file");
    CHECK_THROWS(open_bytes(folder, ""), "it is 0 bytes long");
    CHECK_THROWS(open_bytes(folder, "1234567"), "it is 7 bytes long");
    CHECK_THROWS(open_bytes(folder, "12345678"), "its header claims");
    CHECK_THROWS(open_bytes(folder, std::string(8, '\0')), "it ends where a value is expected");
    CHECK_THROWS(open_bytes(folder, std::string(200, '\xFF')), "its header claims");
    std::string off_by_one = with_header("{}", "");
    off_by_one[0] = 3;
    CHECK_THROWS(open_bytes(folder, off_by_one), "its header claims 3 bytes of 10");
    CHECK_THROWS(open_bytes(folder, with_header("[]", "")), "its header is an array");
    CHECK_THROWS(open_bytes(folder, with_header("{", "")), "is not readable JSON");
}

TEST("weights file: an error has a kind and a hint") {
    const TemporaryFolder folder;
    try {
        open_bytes(folder, "");
        CHECK(false);
    } catch (const Error& error) {
        CHECK_EQUAL(error.kind(), ErrorKind::checkpoint);
        CHECK_EQUAL(error.hint(), "copy or download it again");
        CHECK(std::string(error.what()).find(folder.path()) == 0);
    }
}

TEST("weights file: headers that cannot be") {
    const TemporaryFolder folder;
    const struct {
        std::string header;
        const char* message;
    } cases[] = {
        {R"({"a": 1})", "the tensor a has no dtype"},
        {R"({"a": {"dtype": 3}})", "the tensor a has no dtype"},
        {R"({"a": {"dtype": "F4"}})", "the tensor a has the unknown dtype F4"},
        {R"({"a": {"dtype": "I8"}})", "the tensor a has no shape"},
        {entry("\"I8\"", "5", "[0, 5]"), "the tensor a has no shape of whole numbers"},
        {entry("\"I8\"", "[-5]", "[0, 5]"), "the tensor a has no shape of whole numbers"},
        {entry("\"I8\"", "[5.0]", "[0, 5]"), "the tensor a has no shape of whole numbers"},
        {entry("\"I8\"", "[5]", "[5]"), "the tensor a has no two data_offsets"},
        {entry("\"I8\"", "[5]", "[0, 5, 5]"), "the tensor a has no two data_offsets"},
        {entry("\"I8\"", "[5]", "[-1, 4]"), "the tensor a has no two data_offsets"},
        {entry("\"I8\"", "[5]", "[0, 6]"), "the data_offsets 0 and 6, but there are 5 bytes"},
        {entry("\"I8\"", "[5]", "[5, 0]"), "the data_offsets 5 and 0"},
        {entry("\"I8\"", "[5]", "[9223372036854775807, 9223372036854775807]"), "the data_offsets"},
        {entry("\"I8\"", "[5]", "[0, 9223372036854775808]"), "has no two data_offsets"},
        {entry("\"I8\"", "[4]", "[0, 5]"), "the tensor a of shape (4,) and dtype I8 has 5 bytes"},
        {entry("\"F32\"", "[5]", "[0, 5]"), "the tensor a of shape (5,) and dtype F32 has 5 bytes"},
        // 2^32 * 2^32 is 0, and 3 * 6148914691236517207 is 5, where products wrap.
        {entry("\"I8\"", "[4294967296, 4294967296]", "[0, 0]"), "has 0 bytes"},
        {entry("\"I8\"", "[3, 6148914691236517207]", "[0, 5]"), "has 5 bytes"},
        {entry("\"F64\"", "[2305843009213693952]", "[0, 0]"), "has 0 bytes"},
        {entry("\"I8\"", "[4]", "[0, 4]"), "it has bytes that belong to no tensor"},
        {entry("\"I8\"", "[4]", "[1, 5]"), "its tensors overlap or leave gaps"},
        {R"({"a": {"dtype": "I8", "shape": [3], "data_offsets": [0, 3]},
             "b": {"dtype": "I8", "shape": [3], "data_offsets": [2, 5]}})",
         "its tensors overlap or leave gaps"},
        {R"({"a": {"dtype": "I8", "shape": [5], "data_offsets": [0, 5]},
             "a": {"dtype": "I8", "shape": [5], "data_offsets": [0, 5]}})",
         "the name \"a\" stands twice"},
        {R"({"__metadata__": 1})", "its __metadata__ is 1"},
        {R"({"__metadata__": {"x": 1}})", "its __metadata__ holds 1 as x, expected a text"},
    };
    for (const auto& [header, message] : cases) CHECK_THROWS(open_header(folder, header), message);
    CHECK_EQUAL(open_header(folder, entry("\"I8\"", "[5]", "[0, 5]"))->tensors().size(), 1U);
}

TEST("weights file: it stays readable when another takes its name") {
    const TemporaryFolder folder;
    for (const std::size_t copied : {std::size_t{0}, WeightsFile::most_copied}) {
        write_file(folder.path("w.safetensors"), safetensors(two_tensors()));
        const auto file = WeightsFile::open(folder.path("w.safetensors"), copied);
        write_file(folder.path("new"), "other content");
        std::filesystem::rename(folder.path("new"), folder.path("w.safetensors"));
        file->check_unchanged();
        CHECK_EQUAL(std::to_integer<int>(file->find("b")->data[1]), 2);
    }
}

TEST("weights file: a small one is a copy, a large one tells when it was written to") {
    const TemporaryFolder folder;
    const std::string path = folder.path("w.safetensors");
    const std::string content = safetensors(two_tensors());
    write_file(path, content);
    const auto copy = WeightsFile::open(path);
    write_file(path, "");
    copy->check_unchanged();
    CHECK_EQUAL(std::to_integer<int>(copy->find("b")->data[1]), 2);
#if !defined(_WIN32)
    const auto changed = [&](const std::string& other) {
        write_file(path, content);
        // Its own moment, however coarse the clock of the file system is.
        const auto now = std::filesystem::last_write_time(path);
        std::filesystem::last_write_time(path, now - std::chrono::hours(1));
        const auto mapped = WeightsFile::open(path, 0);
        mapped->check_unchanged();
        write_file(path, other);
        CHECK_THROWS(mapped->check_unchanged(), "was written to while a model has it open");
    };
    changed("");
    changed(content.substr(0, content.size() / 2));
    changed(content);
    changed(content + "x");
#endif
}

TEST("weights file: damage of any kind is refused or read within bounds") {
    const TemporaryFolder folder;
    const std::string valid = safetensors(two_tensors(), R"({"k": "v"})");
    std::mt19937 random(7);
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
    int refused = 0;
    int read = 0;
    for (int round = 0; round < 3000; ++round) {
        std::string content = valid;
        for (std::size_t i = 0; i <= below(3); ++i) {
            content[below(content.size())] = static_cast<char>(below(256));
        }
        if (below(4) == 0) content.resize(below(content.size()));
        if (below(8) == 0) content += std::string(below(9), 'x');
        try {
            const auto file = open_bytes(folder, content);
            std::size_t sum = 0;
            std::size_t bytes = 0;
            for (const auto& [name, tensor] : file->tensors()) {
                bytes += tensor.bytes;
                for (std::size_t i = 0; i < tensor.bytes; ++i) {
                    sum += std::to_integer<std::size_t>(tensor.data[i]);
                }
            }
            CHECK(bytes < content.size() && sum <= 255 * bytes);
            ++read;
        } catch (const Error&) {
            ++refused;
        }
    }
    CHECK(refused > 1000);
    CHECK(read > 100);
}
