/// Threads that stand ready, and a way to wait for one another that bears a crowded machine.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

namespace squeezebert {

/// Threads that stand ready for one model.
///
/// A job's body is called on the calling thread (worker 0) and on any helper thread that comes in
/// time; bodies claim their work themselves from shared counters, so a helper that comes late, or
/// never, costs speed but not correctness. Safe to use from many threads at once. After fork() the
/// child's pool starts helpers of its own.
class ThreadPool {
public:
    /// `threads` counts the caller too; 0 takes usable_cores() (engine/cores.h). Helpers are
    /// started by the first job that wants them. Throws Error (invalid input) when `threads` is
    /// not in [0, kMostThreads].
    explicit ThreadPool(int threads);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int threads() const { return threads_; }

    /// Calls body(worker) for workers in [0, min(participants, threads())): for 0 always, on this
    /// thread, for any other at most once, always on the same helper. Returns when the caller's
    /// own body has returned and every helper that entered has left; after the caller's body
    /// returns no further helper enters. If another job holds the pool, body(0) runs alone.
    template <class Body>
    void run(int participants, const Body& body) {
        static_assert(std::is_nothrow_invocable_v<const Body&, int>,
                      "write the body as [&](int worker) noexcept { ... }");
        run_job(participants, &body, [](const void* job, int worker) noexcept {
            (*static_cast<const Body*>(job))(worker);
        });
    }

private:
    using Call = void (*)(const void* job, int worker) noexcept;
    class Team;

    void run_job(int participants, const void* job, Call call);
    Team& team_of_this_process();

    int threads_;
    std::atomic<Team*> team_{nullptr};
};

/// The part of wait_for() that waits.
void wait_patiently(const std::atomic<std::int64_t>& counter, std::int64_t target);

/// Returns once counter >= target. Spins for about 50 microseconds, then gives the core away, so
/// that the thread waited for can run where cores are shared.
inline void wait_for(const std::atomic<std::int64_t>& counter, std::int64_t target) {
    if (counter.load(std::memory_order_acquire) < target) {
        wait_patiently(counter, target);
    }
}

}  // namespace squeezebert
