#include "engine/batch.h"

#include <string>

#include "engine/error.h"

namespace squeezebert {

BatchCopy::BatchCopy(const std::int32_t* input_ids, const std::int32_t* token_type_ids,
                     std::size_t tokens, const std::int32_t* cu_seqlens, int sequences)
    : cu_seqlens_(cu_seqlens, cu_seqlens + sequences + 1), has_types_(token_type_ids != nullptr) {
    if (cu_seqlens_.front() != 0) {
        throw Error(
            ErrorKind::invalid_input,
            "cu_seqlens begins with " + std::to_string(cu_seqlens_.front()) + ", expected 0");
    }
    if (cu_seqlens_.back() < 0 || static_cast<std::size_t>(cu_seqlens_.back()) != tokens) {
        throw Error(ErrorKind::invalid_input,
                    "cu_seqlens ends with " + std::to_string(cu_seqlens_.back()) +
                        ", but there are " + std::to_string(tokens) + " input_ids");
    }
    if (tokens > 0) input_ids_.assign(input_ids, input_ids + tokens);
    if (tokens > 0 && has_types_) token_type_ids_.assign(token_type_ids, token_type_ids + tokens);
}

Batch BatchCopy::batch() const {
    return {input_ids_.data(), has_types_ ? token_type_ids_.data() : nullptr, cu_seqlens_.data(),
            static_cast<int>(cu_seqlens_.size()) - 1};
}

}  // namespace squeezebert
