/// Tokenizers for tests, made of a few tokens.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace squeezebert::tests {

/// Special tokens are ids 0 to 4; the others follow in their order.
inline TokenizerSettings text_settings(std::initializer_list<const char*> tokens,
                                       bool lowercase = true) {
    TokenizerSettings settings;
    settings.normalizer.lowercase = settings.normalizer.strip_accents = lowercase;
    for (const char* special : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}) {
        AddedToken token;
        token.content = special;
        token.id = static_cast<std::int32_t>(settings.tokens.size());
        settings.added.push_back(token);
        settings.tokens.emplace_back(special);
    }
    settings.tokens.insert(settings.tokens.end(), tokens.begin(), tokens.end());
    return settings;
}

/// Tokens and places as one text: "un[0,2) ##seen[2,6)".
inline std::string shown_tokens(const Tokenizer& tokenizer, const Tokens& tokens) {
    std::string result;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (i > 0) result += ' ';
        result += tokenizer.vocabulary().token(tokens.ids[i]);
        result += '[' + std::to_string(tokens.spans[i].begin) + ',' +
                  std::to_string(tokens.spans[i].end) + ')';
    }
    return result;
}

inline std::string shown_tokens(const Tokenizer& tokenizer, const std::string& text) {
    return shown_tokens(tokenizer, tokenizer.encode(text));
}

}  // namespace squeezebert::tests
