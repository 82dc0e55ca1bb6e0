#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace squeezebert {

/// A JSON value, read strictly (RFC 8259): valid UTF-8, no key twice in an object, nothing after
/// the value, at most 64 levels.
///
/// The accessors answer "nothing" for a value of another type, so that callers word the error.
class Json {
public:
    using Array = std::vector<Json>;
    using Object = std::map<std::string, Json, std::less<>>;

    /// Throws Error(checkpoint) that names `where` (a file), line and column.
    static Json parse(std::string_view text, const std::string& where);
    /// The whole of a file; throws as parse, also where there is no such file.
    static Json read_file(const std::string& path);

    bool is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }
    std::optional<bool> boolean() const;
    /// A number that was written without fraction or exponent and fits.
    std::optional<std::int64_t> integer() const;
    /// Any number.
    std::optional<double> number() const;
    const std::string* string() const { return std::get_if<std::string>(&value_); }
    const Array* array() const { return std::get_if<Array>(&value_); }
    const Object* object() const { return std::get_if<Object>(&value_); }
    /// An object's value of that name; nullptr where there is none, or no object.
    const Json* find(std::string_view name) const;

    /// Short, for messages: `'text'`, `12`, `an array`.
    std::string show() const;

private:
    friend class JsonReader;
    std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object> value_;
};

}  // namespace squeezebert
