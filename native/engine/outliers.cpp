#include "engine/outliers.h"

#include <algorithm>
#include <cmath>

namespace squeezebert {

namespace {

/// How far from its mean a feature is taken to come.
constexpr float kDeviations = 3.0F;

/// Up to this expected peak trained models lost next to nothing in int8; above it stand planted
/// outliers, which took more (docs/quantization.md).
constexpr float kStrongPeak = 12.0F;

int groups_of(const LinearWeights& linear) { return static_cast<int>(linear.weight.groups); }

}  // namespace

float expected_peak(const LayerNormWeights& norm, int groups) {
    const std::size_t size = norm.weight.size() / static_cast<std::size_t>(groups);
    float worst = 0.0F;
    for (std::size_t first = 0; first < norm.weight.size(); first += size) {
        float largest = 0.0F;
        double squares = 0.0;
        for (std::size_t feature = first; feature < first + size; ++feature) {
            const float mean = std::fabs(norm.bias[feature]);
            const float spread = std::fabs(norm.weight[feature]);
            largest = std::max(largest, mean + kDeviations * spread);
            squares += static_cast<double>(mean) * mean + static_cast<double>(spread) * spread;
        }
        if (largest == 0.0F) continue;  // all zeros: nothing sticks out
        const double root = std::sqrt(squares / static_cast<double>(size));
        worst = std::max(worst, static_cast<float>(largest / root));
    }
    return worst;
}

float expected_input_peak(const Checkpoint& checkpoint, int layer, int groups) {
    if (layer > 0) return expected_peak(checkpoint.layer(layer - 1).output_layer_norm, groups);
    if (checkpoint.bottleneck()) return 0.0F;
    return expected_peak(checkpoint.embedding_layer_norm(), groups);
}

float expected_peak(const Checkpoint& checkpoint) {
    float worst = 0.0F;
    for (int index = 0; index < checkpoint.config().num_hidden_layers; ++index) {
        const LayerWeights& layer = checkpoint.layer(index);
        for (const LinearWeights* linear : {&layer.query, &layer.key, &layer.value}) {
            worst = std::max(worst, expected_input_peak(checkpoint, index, groups_of(*linear)));
        }
        worst = std::max(worst,
                         expected_peak(layer.attention_layer_norm, groups_of(layer.intermediate)));
    }
    return worst;
}

Precisions default_precisions(const Checkpoint& checkpoint) {
    Precisions precisions = Precisions::all(Precision::int8);
    if (expected_peak(checkpoint) > kStrongPeak) {
        // All that multiply what comes out of a LayerNorm.
        precisions.query = precisions.key = precisions.value = precisions.intermediate =
            Precision::bf16;
    }
    return precisions;
}

}  // namespace squeezebert
