#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "engine/buffer.h"
#include "engine/stages.h"
#include "kernels/kernels.h"

namespace squeezebert {

/// What a plan's tokens carry from one layer to the next.
struct States {
    Buffer<float> x;            ///< (rows, stride): the residual stream
    Buffer<std::byte> queries;  ///< (rows, stride) in attention's precision
    /// Keys and values of this layer and of the next: a layer's are written while others still read
    /// those of the one before.
    Buffer<std::byte> keys[2], values[2];
    std::vector<std::size_t> slots_before;  ///< by sequence of the plan
    /// What threads pass to one another where each has its columns: (rows, stride).
    Buffer<float> context, chosen, scale;
    Buffer<std::byte> packed;
};

/// How much of Scratch a model needs for each row.
struct ScratchSizes {
    std::size_t wide = 0;          ///< floats
    std::size_t packed = 0;        ///< bytes
    std::size_t packed_slice = 0;  ///< bytes
    std::size_t scales = 0;
};

/// What a thread needs while it works on a block.
struct Scratch {
    /// What lives for a moment, in one place that stays in the cache: keys and values on their way
    /// to where attention finds them; then the context; then the wide layer, or its widest slice.
    Buffer<std::byte> passing;
    Buffer<float> product, chosen;     ///< (block_rows, stride)
    Buffer<std::byte> chosen_queries;  ///< (block_rows, stride) as attention takes them
    Buffer<std::byte> packed, packed_slice;
    Buffer<float> scale, slice_scale;
    Buffer<float> attention;
    StageClock clock;
};

/// The memory of one call, kept for the next.
struct Workspace {
    States together;
    std::vector<States> alone;     ///< one a thread
    std::vector<Scratch> scratch;  ///< one a thread
};

/// Workspaces that no call uses now. As many are made as calls run at once.
class Workspaces {
public:
    std::unique_ptr<Workspace> take(int threads) {
        std::unique_ptr<Workspace> workspace;
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            if (!idle_.empty()) {
                workspace = std::move(idle_.back());
                idle_.pop_back();
            }
        }
        if (workspace == nullptr) workspace = std::make_unique<Workspace>();
        workspace->alone.resize(static_cast<std::size_t>(threads));
        workspace->scratch.resize(static_cast<std::size_t>(threads));
        return workspace;
    }
    void give_back(std::unique_ptr<Workspace> workspace) {
        const std::lock_guard<std::mutex> lock(mutex_);
        idle_.push_back(std::move(workspace));
    }

private:
    std::mutex mutex_;
    std::vector<std::unique_ptr<Workspace>> idle_;
};

}  // namespace squeezebert
