#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/model_files.h"
#include "text/tokenizer.h"

namespace squeezebert {

/// A text of lines that belongs to a model, without a byte-order mark; nothing where there is none.
/// Throws Error(checkpoint) for one that cannot be read or is not UTF-8.
std::optional<std::string> read_text(const ModelFiles& files, std::string_view name);

/// The tokenizer of a model: its tokenizer.json, or else its vocab.txt, with tokenizer_config.json
/// as transformers reads it. Its `do_lower_case`, `strip_accents` and `tokenize_chinese_chars` hold
/// for a vocab.txt, and for a tokenizer.json too unless it names a class that is not BERT's, such
/// as PreTrainedTokenizerFast. Special and added tokens: see added_token_files.h.
///
/// Throws Error(checkpoint) for files that are missing or damaged, and for a tokenizer.json that
/// holds another tokenizer than BERT's.
TokenizerSettings read_tokenizer(const ModelFiles& files);

}  // namespace squeezebert
