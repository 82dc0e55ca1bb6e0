#pragma once

#include "engine/model_files.h"
#include "text/tokenizer.h"

namespace squeezebert {

/// The tokenizer of a model: its tokenizer.json, or else its vocab.txt with the settings of
/// tokenizer_config.json (`do_lower_case`, `strip_accents`, `tokenize_chinese_chars`,
/// `added_tokens_decoder`), read as transformers reads them.
///
/// Throws Error(checkpoint) for files that are missing or damaged, and for a tokenizer.json that
/// holds another tokenizer than BERT's.
TokenizerSettings read_tokenizer(const ModelFiles& files);

}  // namespace squeezebert
