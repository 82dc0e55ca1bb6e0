/// How far single features of a model stick out, told from its LayerNorms alone.
///
/// int8 gives all features of a token (of a group, where a projection has several) one scale. The
/// largest takes all of it, and the others are left with few steps. What goes into a block's
/// products comes out of a LayerNorm, whose feature i has about the mean bias[i] and the deviation
/// weight[i]: so its largest value, over the root of the mean square, can be foretold without a
/// text. Trained models come near it (docs/quantization.md).
#pragma once

#include "engine/checkpoint.h"
#include "engine/precisions.h"

namespace squeezebert {

/// Up to this expected peak trained models lost next to nothing in int8 with one scale a token;
/// above it, dense layers take one for each few features (pack_layer).
constexpr float kMildPeak = 5.0F;

/// The largest feature that a LayerNorm gives, over the root mean square: of the worst of `groups`
/// equal parts of its features.
float expected_peak(const LayerNormWeights& norm, int groups);

/// The same of what goes into the queries, keys and values of a layer in [0, num_hidden_layers);
/// 0 for narrow embeddings, which are widened after their LayerNorm.
float expected_input_peak(const Checkpoint& checkpoint, int layer, int groups);

/// The worst of all that LayerNorms give the blocks' products.
float expected_peak(const Checkpoint& checkpoint);

/// The fastest choice that is safe for a model whose file records none.
Precisions default_precisions(const Checkpoint& checkpoint);

}  // namespace squeezebert
