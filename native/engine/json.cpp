#include "engine/json.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <locale>
#include <sstream>
#include <utility>

#include "engine/error.h"
#include "engine/utf8.h"

namespace squeezebert {

namespace {

constexpr int max_depth = 64;

/// Of a file: far more than any has, and little enough for memory whatever it holds.
constexpr std::uintmax_t max_file_bytes = 16U << 20U;

bool is_digit(char character) { return character >= '0' && character <= '9'; }

void append_utf8(std::string& out, unsigned code) {
    const auto tail = [&](unsigned shift) {
        out.push_back(static_cast<char>(0x80U | ((code >> shift) & 0x3FU)));
    };
    if (code < 0x80) {
        out.push_back(static_cast<char>(code));
    } else if (code < 0x800) {
        out.push_back(static_cast<char>(0xC0U | (code >> 6U)));
        tail(0);
    } else if (code < 0x10000) {
        out.push_back(static_cast<char>(0xE0U | (code >> 12U)));
        tail(6);
        tail(0);
    } else {
        out.push_back(static_cast<char>(0xF0U | (code >> 18U)));
        tail(12);
        tail(6);
        tail(0);
    }
}

}  // namespace

/// Reads one value by recursive descent.
class JsonReader {
public:
    JsonReader(std::string_view text, const std::string& where) : text_(text), where_(where) {}

    Json read_whole() {
        Json result = read_value(0);
        skip_space();
        if (at_ != text_.size()) fail("something stands after the value");
        return result;
    }

private:
    [[noreturn]] void fail(const std::string& what) const {
        std::size_t line = 1;
        std::size_t start = 0;
        for (std::size_t i = 0; i < at_ && i < text_.size(); ++i) {
            if (text_[i] == '\n') {
                ++line;
                start = i + 1;
            }
        }
        throw Error(ErrorKind::checkpoint, where_ + " is not readable JSON: " + what + " (line " +
                                               std::to_string(line) + ", column " +
                                               std::to_string(at_ - start + 1) + ")");
    }

    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    void skip_space() {
        while (at_ < text_.size() &&
               std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos) {
            ++at_;
        }
    }

    bool take(std::string_view expected) {
        if (text_.substr(at_, expected.size()) != expected) return false;
        at_ += expected.size();
        return true;
    }

    Json read_value(int depth) {
        skip_space();
        if (depth >= max_depth && (peek() == '{' || peek() == '[')) {
            fail("more than " + std::to_string(max_depth) + " levels");
        }
        Json result;
        if (at_ == text_.size()) {
            fail("it ends where a value is expected");
        } else if (peek() == '{') {
            result.value_ = read_object(depth);
        } else if (peek() == '[') {
            result.value_ = read_array(depth);
        } else if (peek() == '"') {
            result.value_ = read_string();
        } else if (peek() == '-' || is_digit(peek())) {
            read_number(result);
        } else if (take("true")) {
            result.value_ = true;
        } else if (take("false")) {
            result.value_ = false;
        } else if (take("null")) {
            result.value_ = nullptr;
        } else {
            fail("a value is expected");
        }
        return result;
    }

    Json::Object read_object(int depth) {
        Json::Object result;
        ++at_;
        skip_space();
        if (take("}")) return result;
        do {
            skip_space();
            if (peek() != '"') fail("a name in quotes is expected");
            std::string name = read_string();
            skip_space();
            if (!take(":")) fail("a colon is expected");
            if (result.count(name) != 0) fail("the name \"" + shown(name) + "\" stands twice");
            Json value = read_value(depth + 1);
            result.emplace(std::move(name), std::move(value));
            skip_space();
        } while (take(","));
        if (!take("}")) fail("a comma or } is expected");
        return result;
    }

    Json::Array read_array(int depth) {
        Json::Array result;
        ++at_;
        skip_space();
        if (take("]")) return result;
        do {
            result.push_back(read_value(depth + 1));
            skip_space();
        } while (take(","));
        if (!take("]")) fail("a comma or ] is expected");
        return result;
    }

    std::string read_string() {
        std::string result;
        ++at_;
        while (!take("\"")) {
            if (at_ == text_.size()) fail("it ends inside a text");
            if (static_cast<unsigned char>(peek()) < 0x20) {
                fail("a control character stands in a text");
            } else if (take("\\")) {
                read_escape(result);
            } else {
                const std::size_t length = utf8_length(text_, at_);
                if (length == 0) fail("a text is not UTF-8");
                result.append(text_.substr(at_, length));
                at_ += length;
            }
        }
        return result;
    }

    void read_escape(std::string& out) {
        constexpr std::string_view names = "\"\\/bfnrt";
        constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
        if (take("u")) {
            append_utf8(out, read_code_point());
        } else if (const std::size_t which = names.find(peek());
                   at_ < text_.size() && which != std::string_view::npos) {
            out.push_back(meanings[which]);
            ++at_;
        } else {
            fail("an unknown escape");
        }
    }

    /// What follows \u: one code unit, or two that are a surrogate pair.
    unsigned read_code_point() {
        const unsigned first = read_code_unit();
        if (first < 0xD800 || first > 0xDFFF) return first;
        if (first <= 0xDBFF && take("\\u")) {
            const unsigned second = read_code_unit();
            if (second >= 0xDC00 && second <= 0xDFFF) {
                return 0x10000U + ((first - 0xD800U) << 10U) + (second - 0xDC00U);
            }
        }
        fail("half of a surrogate pair");
    }

    unsigned read_code_unit() {
        const std::string_view digits = text_.substr(at_, 4);
        unsigned unit = 0;
        const char* end = digits.data() + digits.size();
        // For an unsigned number from_chars takes neither a sign nor a prefix.
        const auto parsed = std::from_chars(digits.data(), end, unit, 16);
        if (digits.size() != 4 || parsed.ec != std::errc() || parsed.ptr != end) {
            fail("four hexadecimal digits are expected");
        }
        at_ += 4;
        return unit;
    }

    void read_number(Json& result) {
        const std::size_t start = at_;
        take("-");
        if (!take("0")) read_digits();
        bool whole = true;
        if (take(".")) {
            whole = false;
            read_digits();
        }
        if (take("e") || take("E")) {
            whole = false;
            if (!take("+")) take("-");
            read_digits();
        }
        const std::string_view token = text_.substr(start, at_ - start);
        std::int64_t integer = 0;
        if (whole &&
            std::from_chars(token.data(), token.data() + token.size(), integer).ec == std::errc()) {
            result.value_ = integer;
            return;
        }
        // Not strtod, which reads what the process's locale says; not from_chars, which libc++
        // lacks for floating point.
        std::istringstream stream{std::string(token)};
        stream.imbue(std::locale::classic());
        double number = 0.0;
        if (!(stream >> number)) fail("a number is out of range");
        result.value_ = number;
    }

    void read_digits() {
        if (!is_digit(peek())) fail("a digit is expected");
        while (is_digit(peek())) ++at_;
    }

    std::string_view text_;
    const std::string& where_;
    std::size_t at_ = 0;
};

Json Json::parse(std::string_view text, const std::string& where) {
    return JsonReader(text, where).read_whole();
}

Json Json::read_file(const std::string& path) {
    const auto native = std::filesystem::u8path(path);
    std::error_code ignored;
    // A directory opens as a stream that then fails in ways of its own.
    if (!std::filesystem::is_regular_file(native, ignored)) {
        throw Error(ErrorKind::checkpoint, "there is no file " + path,
                    "a model directory has config.json, tokenizer files and model.safetensors");
    }
    const std::uintmax_t bytes = std::filesystem::file_size(native, ignored);
    if (!ignored && bytes > max_file_bytes) {
        throw Error(ErrorKind::checkpoint, path + " is " + std::to_string(bytes) +
                                               " bytes long, expected at most " +
                                               std::to_string(max_file_bytes));
    }
    std::ifstream stream(native, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(stream), {}};
    if (!stream.is_open() || stream.bad()) {
        throw Error(ErrorKind::checkpoint, path + " cannot be read");
    }
    // Editors of some systems begin every file so.
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    const bool marked = content.compare(0, byte_order_mark.size(), byte_order_mark) == 0;
    return parse(std::string_view(content).substr(marked ? byte_order_mark.size() : 0), path);
}

std::optional<bool> Json::boolean() const {
    const bool* value = std::get_if<bool>(&value_);
    return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<std::int64_t> Json::integer() const {
    const std::int64_t* value = std::get_if<std::int64_t>(&value_);
    return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<double> Json::number() const {
    if (const auto whole = integer()) return static_cast<double>(*whole);
    const double* value = std::get_if<double>(&value_);
    return value == nullptr ? std::nullopt : std::optional(*value);
}

const Json* Json::find(std::string_view name) const {
    const Object* members = object();
    if (members == nullptr) return nullptr;
    const auto found = members->find(name);
    return found == members->end() ? nullptr : &found->second;
}

std::string Json::show() const {
    if (const auto* text = string()) return "'" + shown(*text) + "'";
    if (const auto flag = boolean()) return *flag ? "true" : "false";
    if (const auto whole = integer()) return std::to_string(*whole);
    if (const auto value = number()) {
        std::ostringstream stream;
        stream.imbue(std::locale::classic());
        stream << *value;
        return stream.str();
    }
    if (array() != nullptr) return "an array";
    if (object() != nullptr) return "an object";
    return "null";
}

}  // namespace squeezebert
