/// Logits to probabilities, in double precision as NumPy computes them in squeezebert.tasks.
#pragma once

#include <algorithm>
#include <cmath>

namespace squeezebert {

/// Replaces `count` logits by their softmax.
inline void softmax(double* values, int count) {
    const double highest = *std::max_element(values, values + count);
    double sum = 0.0;
    for (int i = 0; i < count; ++i) sum += std::exp(values[i] - highest);
    const double normalizer = std::log(sum);
    for (int i = 0; i < count; ++i) values[i] = std::exp(values[i] - highest - normalizer);
}

/// The probability of yes.
inline double sigmoid(double logit) {
    const double small = std::exp(-std::fabs(logit));  // never overflows
    return (logit >= 0.0 ? 1.0 : small) / (1.0 + small);
}

}  // namespace squeezebert
