#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

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

/// A batch of a caller's arrays, copied. Another thread may write to those at any time, and what is
/// used must be what was checked.
class BatchCopy {
public:
    /// `token_type_ids` may be null. Throws Error(invalid_input) unless cu_seqlens goes from 0 to
    /// `tokens`, so that no array is read past its end; the model checks the rest.
    BatchCopy(const std::int32_t* input_ids, const std::int32_t* token_type_ids, std::size_t tokens,
              const std::int32_t* cu_seqlens, int sequences);

    /// Valid as long as this lives.
    Batch batch() const;

private:
    std::vector<std::int32_t> input_ids_, token_type_ids_, cu_seqlens_;
    bool has_types_;
};

}  // namespace squeezebert
