#pragma once

#include <atomic>
#include <utility>
#include <vector>

#include "engine/model.h"
#include "engine/plan.h"

namespace squeezebert {

/// One call of a model's encoder: every layer, over all rows of a batch.
///
/// A block of rows goes through a whole layer in one sitting, while its values are in the cache:
/// attention over the keys and values that stand ready, the projection after it, LayerNorm, the
/// feed-forward network, LayerNorm, and then queries, keys and values of the next layer. Only
/// attention looks at other rows, so a block waits once a layer, for the blocks that hold the rest
/// of its sequences. Whole sequences that one thread takes alone wait for nobody.
class Encoder {
public:
    /// `wanted` are rows of the batch in ascending order, or null for all; the others are left out
    /// of the last layer as soon as they are not needed. `out` is (wanted rows, hidden_size).
    Encoder(const Model& model, const Batch& batch, const std::vector<int>* wanted, bool timed,
            float* out);

    /// Whether threads divide what is left to them together by columns, not by rows.
    bool by_columns() const { return split_; }

    /// Returns the seconds by stage, of all threads together, where it is timed.
    StageSeconds run(ThreadPool& pool, Workspace& workspace);

private:
    void work(int worker, Workspace& workspace);
    void prepare(const Plan& plan, States& states) const;
    void prepare(Scratch& scratch) const;

    /// What a block does at a level: 0 embeds; level n finishes layer n - 1. Each level but the
    /// last then makes layer n's queries, keys and values, of x as it was packed.
    void do_block(const Plan& plan, const Block& block, int level, States& states,
                  Scratch& scratch) const;
    void embed(const Block& block, const FloatRows& x, Scratch& scratch) const;
    void start_layer(const Plan& plan, const Block& block, int layer, const FloatRows& x,
                     States& states, Scratch& scratch) const;
    void attend(const Plan& plan, const Block& block, int layer, const States& states,
                Scratch& scratch) const;
    /// Attention for chosen rows of a block alone; returns their states, side by side.
    FloatRows attend_chosen(const Plan& plan, const Block& block, int layer, const States& states,
                            Scratch& scratch, const int* rows, int count) const;
    /// What follows attention; where there are `more` layers, x is packed for the next one's query.
    void finish_layer(int layer, const FloatRows& x, bool more, Scratch& scratch) const;
    /// x = LayerNorm(x), packed for the `next` projection too where that is not null.
    void normalize(const FloatRows& x, const LayerNormView& norm, const Projection* next,
                   const PackedRows& packed, Scratch& scratch) const;
    /// x += the network's output, of some groups of its second projection; `packed` is x for its
    /// first.
    void feed_forward(const PackedLayer& layer, const FloatRows& x, const PackedRows& packed,
                      int first_group, int last_group, Scratch& scratch) const;

    /// Where rows stand that are packed for a projection.
    PackedRows packed_rows(const Projection& projection, int count, Scratch& scratch) const;
    PackedRows pack(const Projection& projection, const FloatRows& x, Scratch& scratch) const;
    void project(const Projection& projection, const PackedRows& x, const FloatRows& out,
                 Store store = Store::assign) const;
    /// Columns [first, last) of a projection's outputs; `first` begins a panel.
    void project_columns(const Projection& projection, const PackedRows& x, Store store,
                         Activation activation, int first, int last, const FloatRows& out) const;
    /// Queries, keys or values of some groups, in attention's precision; those of bfloat16 times
    /// `factor`. Of several slices it must be all groups.
    void project_heads(const Projection& projection, const PackedRows& x, float factor,
                       int first_group, int last_group, const PackedRows& out,
                       Scratch& scratch) const;
    /// States into out_ from row `first` on.
    void write_out(const FloatRows& x, int first) const;
    FloatRows context_rows(int count, Scratch& scratch) const;
    PackedRows queries_of(const Plan& plan, const Block& block, const States& states) const;
    KeysValues memory_of(const Plan& plan, const States& states, int layer,
                         const Piece& piece) const;

    // --- A short batch by columns (encoder_split.cpp): each thread has its groups of a layer, so
    // that the threads together read its weights once. A layer is kSteps steps of one part a
    // thread, and all parts of a step wait for all of the one before.
    static constexpr int kSteps = 6;
    bool can_split() const;
    void prepare_split(States& states) const;
    void work_split(States& states, Scratch& scratch);
    void embed_part(int part, States& states, Scratch& scratch) const;
    void attend_part(int layer, int part, States& states, Scratch& scratch) const;
    void do_step(int layer, int step, int part, States& states, Scratch& scratch) const;
    /// Where all rows stand that are packed for a projection.
    PackedRows packed_together(const Projection& projection, States& states) const;
    /// Those whose states a layer's end is for: all of the plan, or the wanted ones.
    FloatRows rows_after(int layer, States& states) const;
    /// Of the plan's rows, the first and the last that are wanted: their places in wanted_.
    std::pair<int, int> wanted_range() const;

    const Model& model_;
    const Kernels& kernels_;
    const Batch& batch_;
    const std::vector<int>* wanted_;
    bool timed_;
    float* out_;
    int stride_;                   ///< floats of a row of states
    std::ptrdiff_t heads_stride_;  ///< bytes of a row of queries, keys or values
    Schedule schedule_;
    bool split_;  ///< whether schedule_.together is walked by columns
    std::atomic<std::int64_t> parts_done_{0};
    std::atomic<std::int64_t> next_alone_{0};
    std::atomic<std::int64_t> next_together_{0};
    std::vector<std::atomic<std::int64_t>> levels_done_;  ///< by block of schedule_.together
};

}  // namespace squeezebert
