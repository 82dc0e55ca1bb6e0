#pragma once

#include <cstdint>

namespace squeezebert {

/// Sequences of token ids in a row, without padding: sequence i has the tokens from cu_seqlens[i]
/// to cu_seqlens[i + 1].
struct Batch {
    const std::int32_t* input_ids = nullptr;       ///< (tokens,)
    const std::int32_t* token_type_ids = nullptr;  ///< (tokens,); null means 0 everywhere
    const std::int32_t* cu_seqlens = nullptr;      ///< (sequences + 1,), from 0 to tokens
    int sequences = 0;

    int tokens() const { return sequences == 0 ? 0 : cu_seqlens[sequences]; }
};

}  // namespace squeezebert
