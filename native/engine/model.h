#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/batch.h"
#include "engine/checkpoint.h"
#include "engine/packed_projection.h"
#include "engine/precision_choice.h"
#include "engine/stages.h"
#include "engine/thread_pool.h"
#include "engine/workspace.h"
#include "kernels/dispatch.h"

namespace squeezebert {

struct LayerNormView {
    const float* weight;
    const float* bias;
};

/// A block of the encoder, packed.
struct PackedLayer {
    PackedProjection query, key, value, post_attention, intermediate, output;
    LayerNormView attention_layer_norm, output_layer_norm;
};

/// Packs the block of that index; a copy of the checkpoint must outlive it. int8 inputs have a
/// scale for each 256 of a group's features at most, where single ones are expected to stick out.
PackedLayer pack_layer(const Checkpoint& checkpoint, int index, const Precisions& precisions);

/// A loaded model: packed weights, kernels and threads. All calls are const and may be made from
/// many threads at once; results do not depend on the other sequences of a batch, nor on the number
/// of threads.
class Model {
public:
    /// Throws Error for a directory that cannot be read (see Checkpoint::open), for a record of
    /// precisions that cannot be, where it is asked, and for `threads` out of range; 0 threads are
    /// all usable cores.
    Model(const ModelFiles& files, const PrecisionWishes& wishes, int threads);
    Model(const std::string& directory, const PrecisionWishes& wishes, int threads)
        : Model(ModelFiles::open(directory), wishes, threads) {}
    ~Model();
    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;

    const EncoderConfig& config() const { return checkpoint_.config(); }
    HeadKind head() const { return checkpoint_.head(); }
    int labels() const { return checkpoint_.labels(); }
    const std::vector<std::string>& label_names() const { return checkpoint_.label_names(); }
    const Precisions& precisions() const { return precisions_; }
    Isa isa() const { return isa_; }
    int threads() const { return pool_.threads(); }

    /// The last hidden states: out (tokens, hidden_size).
    /// Throws Error(invalid_input) for ids, types, lengths or offsets that the model cannot take;
    /// so do all calls below.
    void encode(const Batch& batch, float* out) const;

    /// The same, with the seconds that all threads together spent on each stage.
    StageSeconds profile(const Batch& batch, float* out) const;

    /// The mean of each sequence's last hidden states: out (sequences, hidden_size).
    void mean_pooled(const Batch& batch, float* out) const;

    /// What the head gives; `positions` are rows of the batch, `count` of them; masked LM only.
    /// Text classification and multiple choice: out (sequences, labels); token classification and
    /// question answering: (tokens, labels); masked LM: (count, vocab_size).
    void logits(const Batch& batch, const std::int64_t* positions, std::int64_t count,
                float* out) const;

    /// A masked LM's k likeliest tokens at each position, the likeliest first, without a row of all
    /// logits in memory.
    /// ids and logits: (count, k); log_normalisers: (count,), the logarithm of the sum of all
    /// exponentials, so that logit - log_normaliser is a log probability.
    void top_k(const Batch& batch, const std::int64_t* positions, std::int64_t count, int k,
               std::int32_t* ids, float* logits, float* log_normalisers) const;

private:
    friend class Encoder;

    void measure_scratch();
    void check(const Batch& batch) const;
    void check_positions(const Batch& batch, const std::int64_t* positions,
                         std::int64_t count) const;
    /// The masked LM's transform at `positions`: (count, embedding_size).
    std::vector<float> transformed(const Batch& batch, const std::int64_t* positions,
                                   std::int64_t count) const;
    StageSeconds run(const Batch& batch, const std::vector<int>* wanted, bool timed,
                     float* out) const;

    Checkpoint checkpoint_;
    Precisions precisions_;
    Isa isa_;
    const Kernels& kernels_;
    mutable ThreadPool pool_;
    AttentionShape attention_;
    std::vector<PackedLayer> layers_;
    std::optional<PackedProjection> bottleneck_;
    std::optional<PackedProjection> pooler_;
    std::optional<PackedProjection> classifier_;
    std::optional<PackedProjection> transform_;
    std::optional<PackedProjection> vocabulary_;
    std::vector<float> positions_;    ///< (max_position_embeddings, embedding_size)
    std::vector<float> token_types_;  ///< (type_vocab_size, embedding_size)

    bool sliced_ = true;  ///< whether the feed-forward network can be walked slice by slice
    ScratchSizes scratch_sizes_;
    std::unique_ptr<Workspaces> workspaces_;
};

}  // namespace squeezebert
