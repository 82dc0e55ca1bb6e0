#include "text/tokenizer_files.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/error.h"
#include "text/added_token_files.h"

namespace squeezebert {

namespace {

constexpr const char* tokenizer_name = "tokenizer.json";
constexpr const char* vocabulary_name = "vocab.txt";
/// The byte-order mark that an editor may have put.
constexpr std::string_view mark = "\xEF\xBB\xBF";

/// Refuses a part of a tokenizer.json that is not what BERT has.
void require_type(const Json* part, const char* expected, const char* what,
                  const std::string& where) {
    const Json* type = part == nullptr ? nullptr : part->find("type");
    if (type != nullptr && type->string() != nullptr && *type->string() == expected) return;
    throw Error(ErrorKind::checkpoint,
                where + " has the " + what + " " + (type == nullptr ? "null" : type->show()) +
                    ", expected '" + expected + "'",
                "BERT and SqueezeBERT checkpoints carry a WordPiece tokenizer");
}

/// The tokens of a model in a tokenizer.json, by id.
std::vector<std::string> read_vocabulary(const Json& model, const std::string& where) {
    const Json* vocabulary = model.find("vocab");
    if (vocabulary == nullptr || vocabulary->object() == nullptr) {
        throw Error(ErrorKind::checkpoint, where + " has no object vocab");
    }
    const Json::Object& entries = *vocabulary->object();
    std::vector<std::string> tokens(entries.size());
    std::vector<bool> taken(entries.size());
    for (const auto& [token, value] : entries) {
        const std::int64_t id = value.integer().value_or(-1);
        if (id < 0 || id >= static_cast<std::int64_t>(entries.size()) ||
            taken[static_cast<std::size_t>(id)]) {
            throw Error(ErrorKind::checkpoint, where + " gives '" + token + "' the id " +
                                                   value.show() + ", expected each of 0 to " +
                                                   std::to_string(entries.size() - 1) + " once");
        }
        taken[static_cast<std::size_t>(id)] = true;
        tokens[static_cast<std::size_t>(id)] = token;
    }
    return tokens;
}

/// What tokenizer_config.json says; what it leaves out is as in uncased BERT.
NormalizerSettings read_normalization(const Json& config, const std::string& where) {
    const Fields fields(config, where);
    NormalizerSettings settings;
    settings.lowercase = fields.boolean("do_lower_case", true);
    settings.strip_accents = fields.boolean("strip_accents", settings.lowercase, true);
    settings.handle_chinese_chars = fields.boolean("tokenize_chinese_chars", true);
    return settings;
}

/// The class that tokenizer_config.json names, or else config.json; empty where neither does.
std::string class_named(const std::optional<Json>& config, const ModelFiles& files) {
    const auto named = [](const std::optional<Json>& json) {
        const Json* name = json ? json->find("tokenizer_class") : nullptr;
        return name == nullptr || name->string() == nullptr ? std::string() : *name->string();
    };
    std::string name = named(config);
    if (name.empty()) name = named(files.read_json("config.json"));
    if (name.compare(0, 12, "BertJapanese") == 0) {
        throw Error(ErrorKind::checkpoint,
                    files.where() + ": the tokenizer is a '" + name + "', expected BERT's",
                    "it finds words by a Japanese dictionary, which is not supported");
    }
    return name;
}

/// Whether a class cuts texts as BERT's; that is what no class means.
bool is_berts(std::string_view name) {
    constexpr std::string_view fast = "Fast";
    if (name.size() > fast.size() && name.substr(name.size() - fast.size()) == fast) {
        name.remove_suffix(fast.size());
    }
    constexpr std::string_view known[] = {
        "",
        "BertTokenizer",
        "ConvBertTokenizer",
        "DistilBertTokenizer",
        "ElectraTokenizer",
        "LayoutLMTokenizer",
        "MegatronBertTokenizer",
        "MobileBertTokenizer",
        "RetriBertTokenizer",
        "SqueezeBertTokenizer",
    };
    return std::find(std::begin(known), std::end(known), name) != std::end(known);
}

/// What the normalizer of a tokenizer.json does; without one, nothing.
NormalizerSettings read_normalizer(const Json* normalizer, const std::string& where) {
    if (normalizer == nullptr || normalizer->is_null()) return {false, false, false, false};
    require_type(normalizer, "BertNormalizer", "normalizer", where);
    const Fields fields(*normalizer, where);
    NormalizerSettings settings;
    settings.clean_text = fields.boolean("clean_text", true);
    settings.handle_chinese_chars = fields.boolean("handle_chinese_chars", true);
    settings.lowercase = fields.boolean("lowercase", true);
    settings.strip_accents = fields.boolean("strip_accents", settings.lowercase, true);
    return settings;
}

TokenizerSettings read_tokenizer_json(const Json& json, const ModelFiles& files) {
    const std::string where = files.path(tokenizer_name);
    const std::optional<Json> config = files.read_json(tokenizer_config_name);
    const Json* model = json.find("model");
    require_type(model, "WordPiece", "model", where);
    TokenizerSettings settings;
    const Fields fields(*model, where);
    settings.unknown = fields.string("unk_token", settings.unknown);
    settings.prefix = fields.string("continuing_subword_prefix", settings.prefix);
    settings.max_word_length =
        static_cast<int>(fields.integer("max_input_chars_per_word", 100, 1, 1'000'000));
    settings.tokens = read_vocabulary(*model, where);
    settings.pieces = settings.tokens.size();
    AddedTokenFiles beside = read_added_tokens(files);
    settings.roles = beside.roles;

    const std::string named = class_named(config, files);
    if (!config || !is_berts(named)) {
        require_type(json.find("pre_tokenizer"), "BertPreTokenizer", "pre_tokenizer", where);
        settings.normalizer = read_normalizer(json.find("normalizer"), where);
    } else {
        settings.normalizer = read_normalization(*config, files.path(tokenizer_config_name));
        settings.unknown = settings.roles.unk;
    }
    const Json* added = json.find("added_tokens");
    if (added != nullptr && added->array() != nullptr) {
        for (const Json& json_token : *added->array()) {
            const auto id = Fields(json_token, where).integer("id", -1, 0, most_tokens);
            AddedToken token = read_added_token(json_token, where);
            token.id = static_cast<std::int32_t>(id);
            add_token(settings, std::move(token), where);
        }
    }
    for (AddedToken& token : beside.tokens) add_token(settings, std::move(token), where);
    return settings;
}

/// Lines as tokens; the last may end without a line break.
std::vector<std::string> read_lines(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        std::string line = text.substr(at, end - at);
        if (!line.empty() && line.back() == '\r') line.pop_back();
        lines.push_back(std::move(line));
        at = end + 1;
    }
    return lines;
}

TokenizerSettings read_vocabulary_file(const std::string& text, const ModelFiles& files) {
    TokenizerSettings settings;
    settings.tokens = read_lines(text);
    settings.pieces = settings.tokens.size();
    const std::optional<Json> config = files.read_json(tokenizer_config_name);
    const std::string where = files.path(tokenizer_config_name);
    if (config) settings.normalizer = read_normalization(*config, where);
    const std::string named = class_named(config, files);
    if (!is_berts(named)) {
        throw Error(
            ErrorKind::checkpoint,
            files.where() + ": the tokenizer is a '" + named + "', expected BERT's for a vocab.txt",
            "a tokenizer.json says by itself how it cuts texts");
    }
    AddedTokenFiles beside = read_added_tokens(files);
    settings.roles = beside.roles;
    settings.unknown = settings.roles.unk;
    for (AddedToken& token : beside.tokens) add_token(settings, std::move(token), where);
    const Roles& roles = settings.roles;
    for (const std::string& role : {roles.pad, roles.unk, roles.cls, roles.sep, roles.mask}) {
        const auto found = std::find(settings.tokens.begin(), settings.tokens.end(), role);
        if (found == settings.tokens.end()) continue;  // the tokenizer says so
        AddedToken token;
        token.content = role;
        token.id = static_cast<std::int32_t>(found - settings.tokens.begin());
        add_token(settings, std::move(token), where);
    }
    return settings;
}

}  // namespace

std::optional<std::string> read_text(const ModelFiles& files, std::string_view name) {
    std::optional<std::string> text = files.read(name);
    if (!text) return {};
    try {
        check_utf8(*text, files.path(name).c_str());
    } catch (const Error& error) {
        throw Error(ErrorKind::checkpoint, error.what());
    }
    if (text->compare(0, mark.size(), mark) == 0) text->erase(0, mark.size());
    return text;
}

TokenizerSettings read_tokenizer(const ModelFiles& files) {
    if (const std::optional<Json> json = files.read_json(tokenizer_name)) {
        return read_tokenizer_json(*json, files);
    }
    if (const std::optional<std::string> text = read_text(files, vocabulary_name)) {
        return read_vocabulary_file(*text, files);
    }
    throw Error(ErrorKind::checkpoint,
                files.where() + " holds neither tokenizer.json nor vocab.txt",
                "copy the tokenizer's files beside the weights");
}

}  // namespace squeezebert
