#include "text/added_token_files.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/error.h"

namespace squeezebert {

namespace {

constexpr const char* map_name = "special_tokens_map.json";
constexpr const char* added_name = "added_tokens.json";

struct RoleField {
    const char* name;
    std::string Roles::* role;
};

constexpr RoleField role_fields[] = {{"pad_token", &Roles::pad},
                                     {"unk_token", &Roles::unk},
                                     {"cls_token", &Roles::cls},
                                     {"sep_token", &Roles::sep},
                                     {"mask_token", &Roles::mask}};

AddedToken special_token(const Json& json, const char* name, const std::string& where) {
    AddedToken token;
    if (json.string() != nullptr) {
        token.content = *json.string();
    } else {
        if (json.object() == nullptr) Fields(json, where).refuse(name, json, "a token");
        const Fields fields(json, where);
        token = read_added_token(json, where);
        token.normalized = fields.boolean("normalized", false);
    }
    if (token.content.empty()) Fields(json, where).refuse(name, json, "a token with a content");
    token.id = -1;
    return token;
}

std::int32_t read_id(const Json& id, const std::string& content, const std::string& where) {
    const std::int64_t value = id.integer().value_or(-1);
    if (value < 0 || value > most_tokens) {
        throw Error(ErrorKind::checkpoint, where + ": the id of '" + content + "' is " + id.show());
    }
    return static_cast<std::int32_t>(value);
}

void sort_by_id(AddedTokenFiles::Tokens& tokens) {
    std::stable_sort(tokens.begin(), tokens.end(),
                     [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
}

/// The roles and extra tokens that a file names, put in place of what stood there.
void read_special(const Json& json, const std::string& where, AddedTokenFiles& found,
                  AddedTokenFiles::Tokens (&roles)[5], AddedTokenFiles::Tokens& extra) {
    for (std::size_t i = 0; i < 5; ++i) {
        const Json* value = json.find(role_fields[i].name);
        if (value == nullptr || value->is_null()) continue;
        roles[i] = {special_token(*value, role_fields[i].name, where)};
        found.roles.*role_fields[i].role = roles[i][0].content;
    }
    for (const char* name : {"extra_special_tokens", "additional_special_tokens"}) {
        const Json* value = json.find(name);
        if (value == nullptr || value->is_null()) continue;
        AddedTokenFiles::Tokens tokens;
        if (value->object() != nullptr) {
            for (const auto& entry : *value->object()) {
                tokens.push_back(special_token(entry.second, name, where));
            }
        } else if (value->array() != nullptr) {
            for (const Json& one : *value->array()) {
                tokens.push_back(special_token(one, name, where));
            }
        } else {
            Fields(json, where).refuse(name, *value, "a list");
        }
        if (tokens.empty()) continue;
        extra = std::move(tokens);
        return;
    }
}

AddedTokenFiles::Tokens read_decoder(const Json& decoder, const std::string& where) {
    AddedTokenFiles::Tokens tokens;
    for (const auto& [key, value] : *decoder.object()) {
        AddedToken token = read_added_token(value, where);
        token.id = read_id(Json::parse(key, where), token.content, where);
        tokens.push_back(std::move(token));
    }
    sort_by_id(tokens);
    return tokens;
}

}  // namespace

bool Fields::boolean(const char* name, bool otherwise, bool may_be_null) const {
    const Json* value = object_.find(name);
    if (value == nullptr || (may_be_null && value->is_null())) return otherwise;
    if (!value->boolean()) refuse(name, *value, "true or false");
    return *value->boolean();
}

std::string Fields::string(const char* name, const std::string& otherwise) const {
    const Json* value = object_.find(name);
    if (value == nullptr || value->is_null()) return otherwise;
    if (value->string() == nullptr) refuse(name, *value, "a text");
    return *value->string();
}

std::int64_t Fields::integer(const char* name, std::int64_t otherwise, std::int64_t least,
                             std::int64_t most) const {
    const Json* value = object_.find(name);
    if (value == nullptr || value->is_null()) return otherwise;
    const auto number = value->integer();
    if (!number || *number < least || *number > most) {
        refuse(name, *value, std::to_string(least) + " to " + std::to_string(most));
    }
    return *number;
}

void Fields::refuse(const char* name, const Json& value, const std::string& expected) const {
    throw Error(ErrorKind::checkpoint,
                where_ + ": " + name + " is " + value.show() + ", expected " + expected);
}

AddedToken read_added_token(const Json& json, const std::string& where) {
    const Fields fields(json, where);
    AddedToken token;
    token.content = fields.string("content", "");
    token.single_word = fields.boolean("single_word", false);
    token.lstrip = fields.boolean("lstrip", false);
    token.rstrip = fields.boolean("rstrip", false);
    token.normalized = fields.boolean("normalized", !fields.boolean("special", false));
    return token;
}

AddedTokenFiles read_added_tokens(const ModelFiles& files) {
    AddedTokenFiles found;
    AddedTokenFiles::Tokens roles[5], extra;
    const std::string where = files.path(tokenizer_config_name);
    const std::optional<Json> config = files.read_json(tokenizer_config_name);
    const Json* decoder = config ? config->find("added_tokens_decoder") : nullptr;
    if (decoder != nullptr && decoder->is_null()) decoder = nullptr;
    if (config) {
        if (Fields(*config, where).boolean("split_special_tokens", false, true)) {
            throw Error(ErrorKind::checkpoint,
                        where + ": split_special_tokens is true, expected false",
                        "a special token in a text is read as that token");
        }
        read_special(*config, where, found, roles, extra);
    }
    if (decoder != nullptr) {
        if (decoder->object() == nullptr) {
            Fields(*config, where).refuse("added_tokens_decoder", *decoder, "an object");
        }
        found.tokens = read_decoder(*decoder, where);
    } else if (const std::optional<Json> map = files.read_json(map_name)) {
        read_special(*map, files.path(map_name), found, roles, extra);
    }
    AddedTokenFiles::Tokens special;
    for (const AddedTokenFiles::Tokens& role : roles) {
        special.insert(special.end(), role.begin(), role.end());
    }
    special.insert(special.end(), extra.begin(), extra.end());
    const std::optional<Json> added =
        decoder != nullptr ? std::nullopt : files.read_json(added_name);
    if (added) {
        for (const auto& [content, value] : *added->object()) {
            const std::int32_t id = read_id(value, content, files.path(added_name));
            bool named = false;
            for (AddedToken& token : special) {
                if (token.content != content) continue;
                token.id = id;
                named = true;
            }
            if (named) continue;
            AddedToken token;
            token.content = content;
            token.id = id;
            token.normalized = true;
            found.tokens.push_back(std::move(token));
        }
        sort_by_id(found.tokens);
        sort_by_id(special);
    }
    found.tokens.insert(found.tokens.end(), special.begin(), special.end());
    return found;
}

void add_token(TokenizerSettings& settings, AddedToken token, const std::string& where) {
    for (const AddedToken& other : settings.added) {
        if (other.content == token.content) return;
    }
    std::vector<std::string>& tokens = settings.tokens;
    const auto at = std::find(tokens.begin(), tokens.end(), token.content);
    const auto id = static_cast<std::int32_t>(at - tokens.begin());
    if (token.id >= 0 && token.id != id) {
        throw Error(ErrorKind::checkpoint,
                    where + ": '" + token.content + "' is added as id " + std::to_string(token.id) +
                        ", but the vocabulary makes it " + std::to_string(id),
                    "the files of two tokenizers lie in the directory");
    }
    token.id = id;
    if (at == tokens.end()) tokens.push_back(token.content);
    settings.added.push_back(std::move(token));
}

}  // namespace squeezebert
