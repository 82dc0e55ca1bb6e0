#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/json.h"
#include "engine/model_files.h"
#include "text/tokenizer.h"

namespace squeezebert {

inline constexpr const char* tokenizer_config_name = "tokenizer_config.json";
/// Ids beyond it are not of a vocabulary that could be held.
inline constexpr std::int64_t most_tokens = 1 << 24;

/// An object of JSON whose fields are read one by one. Refuses with Error(checkpoint).
class Fields {
public:
    Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {}

    /// The field, or `otherwise` where it is missing, or null if it may be.
    bool boolean(const char* name, bool otherwise, bool may_be_null = false) const;
    std::string string(const char* name, const std::string& otherwise) const;
    std::int64_t integer(const char* name, std::int64_t otherwise, std::int64_t least,
                         std::int64_t most) const;

    [[noreturn]] void refuse(const char* name, const Json& value,
                             const std::string& expected) const;

private:
    const Json& object_;
    std::string where_;
};

/// What a tokenizer's files say of special and added tokens.
struct AddedTokenFiles {
    /// A token, with the id that a file gives it, or -1.
    using Tokens = std::vector<AddedToken>;

    Roles roles;
    Tokens tokens;  ///< in the order in which they are added
};

/// One added token as tokenizer.json and added_tokens_decoder hold it, but for its id.
AddedToken read_added_token(const Json& json, const std::string& where);

/// Reads `pad_token` and its like, `added_tokens_decoder` and `extra_special_tokens` of
/// tokenizer_config.json; without an added_tokens_decoder special_tokens_map.json and
/// added_tokens.json too, as transformers does. Throws Error(checkpoint) for what is no token.
AddedTokenFiles read_added_tokens(const ModelFiles& files);

/// Puts an added token into the vocabulary, behind all others where it is new; the first of a name
/// counts. Throws Error(checkpoint) where the vocabulary has another id for it.
void add_token(TokenizerSettings& settings, AddedToken token, const std::string& where);

}  // namespace squeezebert
