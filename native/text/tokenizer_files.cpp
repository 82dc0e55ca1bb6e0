#include "text/tokenizer_files.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/error.h"

namespace squeezebert {

namespace {

constexpr const char* tokenizer_name = "tokenizer.json";
constexpr const char* vocabulary_name = "vocab.txt";
constexpr const char* config_name = "tokenizer_config.json";
constexpr std::int64_t most_tokens = 1 << 24;
/// The byte-order mark that an editor may have put.
constexpr const char* mark = "\xEF\xBB\xBF";

/// An object of JSON whose fields are read one by one.
class Fields {
public:
    Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {}

    /// The field, or `otherwise` where it is missing, or null if it may be.
    bool boolean(const char* name, bool otherwise, bool may_be_null = false) const {
        const Json* value = object_.find(name);
        if (value == nullptr || (may_be_null && value->is_null())) return otherwise;
        if (!value->boolean()) refuse(name, *value, "true or false");
        return *value->boolean();
    }
    std::string string(const char* name, const std::string& otherwise) const {
        const Json* value = object_.find(name);
        if (value == nullptr || value->is_null()) return otherwise;
        if (value->string() == nullptr) refuse(name, *value, "a text");
        return *value->string();
    }
    std::int64_t integer(const char* name, std::int64_t otherwise, std::int64_t least,
                         std::int64_t most) const {
        const Json* value = object_.find(name);
        if (value == nullptr || value->is_null()) return otherwise;
        const auto number = value->integer();
        if (!number || *number < least || *number > most) {
            refuse(name, *value, std::to_string(least) + " to " + std::to_string(most));
        }
        return *number;
    }

    [[noreturn]] void refuse(const char* name, const Json& value,
                             const std::string& expected) const {
        throw Error(ErrorKind::checkpoint,
                    where_ + ": " + name + " is " + value.show() + ", expected " + expected);
    }

private:
    const Json& object_;
    std::string where_;
};

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

/// Puts an added token into the vocabulary, behind all others where it is new.
void add_token(TokenizerSettings& settings, AddedToken token, const std::string& where) {
    const auto id = static_cast<std::size_t>(token.id);
    std::vector<std::string>& tokens = settings.tokens;
    if (id == tokens.size()) tokens.push_back(token.content);
    if (id > tokens.size() || tokens[id] != token.content) {
        throw Error(ErrorKind::checkpoint,
                    where + " adds '" + token.content + "' as id " + std::to_string(id) +
                        ", which is " +
                        (id < tokens.size()
                             ? "'" + tokens[id] + "'"
                             : "beyond the " + std::to_string(tokens.size()) + " tokens so far"));
    }
    settings.added.push_back(std::move(token));
}

AddedToken read_added(const Json& json, std::int32_t id, const std::string& where) {
    const Fields fields(json, where);
    AddedToken token;
    token.content = fields.string("content", "");
    token.id = id;
    token.single_word = fields.boolean("single_word", false);
    token.lstrip = fields.boolean("lstrip", false);
    token.rstrip = fields.boolean("rstrip", false);
    token.normalized = fields.boolean("normalized", !fields.boolean("special", false));
    return token;
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

/// Whether transformers takes a tokenizer.json as it is, and does not build BERT's normalizer.
bool is_generic(const std::optional<Json>& config) {
    const Json* name = config ? config->find("tokenizer_class") : nullptr;
    return !config || (name != nullptr && name->string() != nullptr &&
                       (*name->string() == "PreTrainedTokenizerFast" ||
                        *name->string() == "TokenizersBackend"));
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
    const std::optional<Json> config = files.read_json(config_name);
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

    if (is_generic(config)) {
        require_type(json.find("pre_tokenizer"), "BertPreTokenizer", "pre_tokenizer", where);
        settings.normalizer = read_normalizer(json.find("normalizer"), where);
    } else {
        settings.normalizer = read_normalization(*config, files.path(config_name));
    }
    const Json* added = json.find("added_tokens");
    if (added != nullptr && added->array() != nullptr) {
        for (const Json& token : *added->array()) {
            const auto id = Fields(token, where).integer("id", -1, 0, most_tokens);
            add_token(settings, read_added(token, static_cast<std::int32_t>(id), where), where);
        }
    }
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
    try {
        check_utf8(text, files.path(vocabulary_name).c_str());
    } catch (const Error& error) {
        throw Error(ErrorKind::checkpoint, error.what());
    }
    TokenizerSettings settings;
    settings.tokens = read_lines(text.substr(0, 3) == mark ? text.substr(3) : text);
    settings.pieces = settings.tokens.size();
    const std::optional<Json> config = files.read_json(config_name);
    const Json* decoder = nullptr;
    const std::string where = files.path(config_name);
    if (config) {
        settings.normalizer = read_normalization(*config, where);
        decoder = config->find("added_tokens_decoder");
    }
    if (decoder != nullptr && decoder->object() != nullptr) {
        std::vector<AddedToken> tokens;
        for (const auto& [key, value] : *decoder->object()) {
            const Json id = Json::parse(key, where);
            if (id.integer().value_or(-1) < 0 || *id.integer() > most_tokens) {
                throw Error(ErrorKind::checkpoint,
                            where + ": added_tokens_decoder has the id '" + key + "'");
            }
            tokens.push_back(read_added(value, static_cast<std::int32_t>(*id.integer()), where));
        }
        std::sort(tokens.begin(), tokens.end(),
                  [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
        for (AddedToken& token : tokens) add_token(settings, std::move(token), where);
    }
    for (const char* special : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}) {
        const auto found = std::find(settings.tokens.begin(), settings.tokens.end(), special);
        if (found == settings.tokens.end()) continue;  // the tokenizer says so
        AddedToken token;
        token.content = special;
        token.id = static_cast<std::int32_t>(found - settings.tokens.begin());
        settings.added.push_back(std::move(token));
    }
    return settings;
}

}  // namespace

TokenizerSettings read_tokenizer(const ModelFiles& files) {
    if (const std::optional<Json> json = files.read_json(tokenizer_name)) {
        return read_tokenizer_json(*json, files);
    }
    if (const std::optional<std::string> text = files.read(vocabulary_name)) {
        return read_vocabulary_file(*text, files);
    }
    throw Error(ErrorKind::checkpoint,
                files.where() + " holds neither tokenizer.json nor vocab.txt",
                "copy the tokenizer's files beside the weights");
}

}  // namespace squeezebert
