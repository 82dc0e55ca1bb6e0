/// What comes after the encoder: pooler, classifiers, and the masked LM's vocabulary.
#include <algorithm>
#include <atomic>
#include <cmath>

#include "engine/encoder.h"
#include "engine/error.h"

namespace squeezebert {

namespace {

/// Vocabulary panels whose logits are made at once: 1024 tokens, 4 KB a row.
constexpr int kChunkPanels = 64;
constexpr int kChunk = kChunkPanels * kPanel;

/// Rows packed for a projection with one group, with their memory.
class PackedInput {
public:
    PackedInput(const Kernels& kernels, const Projection& projection, const float* rows,
                std::ptrdiff_t stride, int count)
        : data_((static_cast<std::size_t>(count) + 31) * projection.padded_inputs *
                element_size(projection.precision)),
          scale_(static_cast<std::size_t>(count)) {
        packed_ = {data_.data(),
                   static_cast<std::ptrdiff_t>(projection.padded_inputs) *
                       element_size(projection.precision),
                   scale_.data(), 1, count};
        kernels.pack(Packing(projection), {const_cast<float*>(rows), stride, count}, packed_);
    }
    const PackedRows& rows() const { return packed_; }

private:
    Buffer<std::byte> data_;
    Buffer<float> scale_;
    PackedRows packed_;
};

/// out (count, outputs) = activation(rows x weights + bias), on this thread.
void apply(const Kernels& kernels, const Projection& projection, const float* rows,
           std::int64_t count, Activation activation, float* out) {
    kernels.begin();
    for (std::int64_t first = 0; first < count; first += kBlockRows) {
        const int height = static_cast<int>(std::min<std::int64_t>(kBlockRows, count - first));
        const PackedInput input(kernels, projection, rows + first * projection.inputs,
                                projection.inputs, height);
        kernels.project(projection, {0, 0, 0, projection.panels}, input.rows(), Store::assign,
                        activation, {out + first * projection.outputs, projection.outputs, height});
    }
    kernels.end();
}

/// Calls body(chunk, first token, tokens) for all parts of a vocabulary, on all threads.
template <class Body>
void for_each_chunk(ThreadPool& pool, const Kernels& kernels, int vocabulary, const Body& body) {
    const int chunks = (vocabulary + kChunk - 1) / kChunk;
    std::atomic<int> next{0};
    pool.run(chunks, [&](int worker) noexcept {
        kernels.begin();
        for (int chunk; (chunk = next.fetch_add(1)) < chunks;) {
            body(worker, chunk, chunk * kChunk, std::min(kChunk, vocabulary - chunk * kChunk));
        }
        kernels.end();
    });
}

struct Candidate {
    float logit;
    std::int32_t id;
};

bool better(const Candidate& a, const Candidate& b) {
    return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

/// The `k` largest of a row of logits, in order.
void find_largest(const float* logits, int count, int first_id, int k, Candidate* best) {
    int found = 0;
    for (int index = 0; index < count; ++index) {
        const Candidate candidate{logits[index], first_id + index};
        if (found == k && !better(candidate, best[k - 1])) continue;
        int at = found < k ? found++ : k - 1;
        for (; at > 0 && better(candidate, best[at - 1]); --at) best[at] = best[at - 1];
        best[at] = candidate;
    }
}

/// Rows in ascending order, each once, and where each of the given ones stands among them.
struct Sorted {
    std::vector<int> rows;
    std::vector<int> where;

    Sorted(const std::int64_t* positions, std::int64_t count)
        : rows(positions, positions + count), where(static_cast<std::size_t>(count)) {
        std::sort(rows.begin(), rows.end());
        rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
        for (std::int64_t index = 0; index < count; ++index) {
            const auto at = std::lower_bound(rows.begin(), rows.end(), positions[index]);
            where[index] = static_cast<int>(at - rows.begin());
        }
    }
};

}  // namespace

void Model::logits(const Batch& batch, const std::int64_t* positions, std::int64_t count,
                   float* out) const {
    if (head() == HeadKind::none) {
        throw Error(ErrorKind::invalid_input, "the model has no head, so it gives no logits",
                    "fine-tune it, or ask for its hidden states");
    }
    check(batch);
    const std::size_t hidden = config().hidden_size;
    if (head() == HeadKind::masked_lm) {
        const std::vector<float> rows = transformed(batch, positions, count);
        const Projection& vocabulary = vocabulary_->view();
        for (std::int64_t first = 0; first < count; first += kBlockRows) {
            const int height = static_cast<int>(std::min<std::int64_t>(kBlockRows, count - first));
            const PackedInput input(kernels_, vocabulary, rows.data() + first * vocabulary.inputs,
                                    vocabulary.inputs, height);
            float* to = out + first * vocabulary.outputs;
            for_each_chunk(pool_, kernels_, vocabulary.outputs,
                           [&](int, int chunk, int token, int tokens) {
                               const int panels = (tokens + kPanel - 1) / kPanel;
                               kernels_.project(vocabulary, {0, 0, chunk * kChunkPanels, panels},
                                                input.rows(), Store::assign, Activation::none,
                                                {to + token, vocabulary.outputs, height});
                           });
        }
        return;
    }
    if (head() == HeadKind::token_classification || head() == HeadKind::question_answering) {
        std::vector<float> states(batch.tokens() * hidden);
        run(batch, nullptr, false, states.data());
        apply(kernels_, classifier_->view(), states.data(), batch.tokens(), Activation::none, out);
        return;
    }
    const std::vector<int> first_rows(batch.cu_seqlens, batch.cu_seqlens + batch.sequences);
    std::vector<float> states(batch.sequences * hidden);
    run(batch, &first_rows, false, states.data());
    std::vector<float> pooled(states.size());
    apply(kernels_, pooler_->view(), states.data(), batch.sequences, Activation::none,
          pooled.data());
    for (float& value : pooled) value = std::tanh(value);
    apply(kernels_, classifier_->view(), pooled.data(), batch.sequences, Activation::none, out);
}

std::vector<float> Model::transformed(const Batch& batch, const std::int64_t* given,
                                      std::int64_t count) const {
    // A copy, as the batch is one: what was checked is used, whatever others write meanwhile.
    const std::vector<std::int64_t> positions(given, given + count);
    check_positions(batch, positions.data(), count);
    const std::size_t hidden = config().hidden_size;
    const int size = config().embedding_size;
    const Sorted sorted(positions.data(), count);
    const auto unique = static_cast<std::int64_t>(sorted.rows.size());
    std::vector<float> states(unique * hidden);
    if (unique > 0) run(batch, &sorted.rows, false, states.data());
    std::vector<float> rows(static_cast<std::size_t>(unique) * size);
    apply(kernels_, transform_->view(), states.data(), unique, config().hidden_act, rows.data());
    const LayerNormWeights& norm = checkpoint_.masked_lm()->layer_norm;
    kernels_.layer_norm({rows.data(), size, static_cast<int>(unique)}, size, norm.weight.data(),
                        norm.bias.data(), config().layer_norm_eps, nullptr, {});
    std::vector<float> result(static_cast<std::size_t>(count) * size);
    for (std::int64_t index = 0; index < count; ++index) {
        std::copy_n(rows.data() + static_cast<std::size_t>(sorted.where[index]) * size, size,
                    result.data() + index * size);
    }
    return result;
}

void Model::top_k(const Batch& batch, const std::int64_t* positions, std::int64_t count, int k,
                  std::int32_t* ids, float* logits, float* log_normalisers) const {
    if (head() != HeadKind::masked_lm) {
        throw Error(ErrorKind::invalid_input,
                    std::string("top_k is for masked language models, this one's head is ") +
                        head_name(head()));
    }
    if (k < 1 || k > config().vocab_size) {
        throw Error(ErrorKind::invalid_input, "k is " + std::to_string(k) +
                                                  ", expected 1 to the vocabulary's size, " +
                                                  std::to_string(config().vocab_size));
    }
    check(batch);
    const std::vector<float> rows = transformed(batch, positions, count);
    const Projection& vocabulary = vocabulary_->view();
    const int chunks = (vocabulary.outputs + kChunk - 1) / kChunk;
    const int kept = std::min(k, kChunk);
    // By chunk and row: merged in the order of the chunks, whichever thread made which.
    std::vector<Candidate> best(static_cast<std::size_t>(chunks) * kBlockRows * kept);
    std::vector<float> largest(static_cast<std::size_t>(chunks) * kBlockRows);
    std::vector<float> sums(largest.size());
    std::vector<Buffer<float>> scratch(static_cast<std::size_t>(pool_.threads()));
    for (auto& buffer : scratch) buffer.reserve(static_cast<std::size_t>(kBlockRows) * kChunk);

    for (std::int64_t first = 0; first < count; first += kBlockRows) {
        const int height = static_cast<int>(std::min<std::int64_t>(kBlockRows, count - first));
        const PackedInput input(kernels_, vocabulary, rows.data() + first * vocabulary.inputs,
                                vocabulary.inputs, height);
        for_each_chunk(
            pool_, kernels_, vocabulary.outputs, [&](int worker, int chunk, int token, int tokens) {
                float* values = scratch[worker].data();
                kernels_.project(
                    vocabulary, {0, 0, chunk * kChunkPanels, (tokens + kPanel - 1) / kPanel},
                    input.rows(), Store::assign, Activation::none, {values, kChunk, height});
                for (int row = 0; row < height; ++row) {
                    const std::size_t at = static_cast<std::size_t>(chunk) * kBlockRows + row;
                    const float* from = values + static_cast<std::ptrdiff_t>(row) * kChunk;
                    find_largest(from, tokens, token, std::min(kept, tokens),
                                 best.data() + at * kept);
                    sums[at] = kernels_.sum_exp(from, tokens, &largest[at]);
                }
            });
        std::vector<Candidate> candidates;
        for (int row = 0; row < height; ++row) {
            candidates.clear();
            float top = -INFINITY;
            for (int chunk = 0; chunk < chunks; ++chunk) {
                const std::size_t at = static_cast<std::size_t>(chunk) * kBlockRows + row;
                const int tokens = std::min(kChunk, vocabulary.outputs - chunk * kChunk);
                candidates.insert(candidates.end(), best.data() + at * kept,
                                  best.data() + at * kept + std::min(kept, tokens));
                top = std::max(top, largest[at]);
            }
            float total = 0.0F;
            for (int chunk = 0; chunk < chunks; ++chunk) {
                const std::size_t at = static_cast<std::size_t>(chunk) * kBlockRows + row;
                total += sums[at] * std::exp(largest[at] - top);
            }
            log_normalisers[first + row] = top + std::log(total);
            std::partial_sort(candidates.begin(), candidates.begin() + k, candidates.end(), better);
            for (int rank = 0; rank < k; ++rank) {
                ids[(first + row) * k + rank] = candidates[rank].id;
                logits[(first + row) * k + rank] = candidates[rank].logit;
            }
        }
    }
}

}  // namespace squeezebert
