#pragma once

#include "kernels/kernels.h"

namespace squeezebert {

/// The precision of each kind of product. What is not listed here (pooler, classifier, the masked
/// LM's transform, normalisations, softmax) is float32.
struct Precisions {
    Precision query, key, value, post_attention, intermediate, output;
    Precision bottleneck;  ///< from the embeddings up to the hidden size
    Precision vocabulary;  ///< of the masked LM's logits

    static constexpr Precisions all(Precision precision) {
        return {precision, precision, precision, precision,
                precision, precision, precision, precision};
    }
};

}  // namespace squeezebert
