#pragma once

#include <array>
#include <chrono>

namespace squeezebert {

/// What a forward pass spends its time on.
enum class Stage {
    embeddings,
    query_key_value,
    attention,
    post_attention,
    intermediate,
    output,
    layer_norm,
    rounding,
    waiting,
    other
};

constexpr int kStages = static_cast<int>(Stage::other) + 1;
constexpr std::array<const char*, kStages> kStageNames = {
    "embeddings", "query_key_value", "attention", "post_attention", "intermediate",
    "output",     "layer_norm",      "rounding",  "waiting",        "other"};

using StageSeconds = std::array<double, kStages>;

/// Adds up a thread's time by stage. Off, it costs a branch.
class StageClock {
public:
    void start(bool on) {
        on_ = on;
        seconds = {};
        if (on_) last_ = Clock::now();
    }
    /// What has passed since the last call was this stage's.
    void lap(Stage stage) {
        if (!on_) return;
        const auto now = Clock::now();
        seconds[static_cast<std::size_t>(stage)] +=
            std::chrono::duration<double>(now - last_).count();
        last_ = now;
    }
    StageSeconds seconds{};

private:
    using Clock = std::chrono::steady_clock;
    bool on_ = false;
    Clock::time_point last_;
};

}  // namespace squeezebert
