/// The pool in WebAssembly: helpers are workers that share the memory, which JavaScript starts
/// (web/src/module.ts). There is one model in a memory, and so one team, which nobody owns. In a
/// build without shared memory no helper ever comes.
#include <algorithm>
#include <string>

#include "engine/cores.h"
#include "engine/door.h"
#include "engine/error.h"
#include "engine/thread_pool.h"

extern "C" {
void stackRestore(void* top);  // of Emscripten's compiler-rt
void squeezebert_help(int worker, void* stack_top);
}

namespace squeezebert {
namespace {

/// Looks, each some nanoseconds long, before a thread sleeps.
constexpr int kLooks = 5000;
constexpr std::int64_t kNapNanoseconds = 50000;

std::atomic<Door> door{0};
/// Changes with each job: what helpers sleep on.
std::atomic<int> bell{0};
// Written by the holder while the door is closed and no one is inside.
const void* the_job = nullptr;
void (*the_call)(const void* job, int worker) noexcept = nullptr;
std::atomic<bool> held{false};

void sleep_on([[maybe_unused]] std::atomic<int>& word, [[maybe_unused]] int value,
              [[maybe_unused]] std::int64_t nanoseconds) {
#if defined(__wasm_atomics__)
    __builtin_wasm_memory_atomic_wait32(reinterpret_cast<int*>(&word), value, nanoseconds);
#endif
}

void wake([[maybe_unused]] std::atomic<int>& word, [[maybe_unused]] int sleepers) {
#if defined(__wasm_atomics__)
    __builtin_wasm_memory_atomic_notify(reinterpret_cast<int*>(&word),
                                        static_cast<unsigned>(sleepers));
#endif
}

/// Looks again and again whether it `is_so`, with naps once it takes long.
template <class Condition>
void wait_until(Condition is_so) {
    static std::atomic<int> nothing{0};
    for (int looks = 0; !is_so(); ++looks) {
        if (looks > kLooks) sleep_on(nothing, 0, kNapNanoseconds);
    }
}

/// What a helper does all its life.
[[gnu::noinline]] void serve(int worker) {
    std::uint32_t done = 0;
    for (int looks = 0;; ++looks) {
        const int heard = bell.load();
        Door seen = door.load();
        if (worker < open_to(seen) && job_number(seen) != done) {
            if (door.compare_exchange_weak(seen, seen + 1)) {
                done = job_number(seen);
                the_call(the_job, worker);
                door.fetch_sub(1);
                looks = 0;
            }
        } else if (looks > kLooks) {
            sleep_on(bell, heard, -1);
            looks = 0;
        }
    }
}

}  // namespace

class ThreadPool::Team {};

ThreadPool::ThreadPool(int threads) : threads_(std::max(threads, 1)) {
    if (threads < 0 || threads > kMostThreads) {
        throw Error(ErrorKind::invalid_input, "threads is " + std::to_string(threads) +
                                                  "; expected 1 to " +
                                                  std::to_string(kMostThreads));
    }
}

ThreadPool::~ThreadPool() = default;

void ThreadPool::run_job(int participants, const void* job, Call call) {
    participants = std::min(participants, threads_);
    if (participants < 2 || held.exchange(true)) {
        call(job, 0);
        return;
    }
    the_job = job;
    the_call = call;
    door.store(make_door(job_number(door.load()) + 1, participants));
    bell.fetch_add(1);
    wake(bell, participants - 1);
    call(job, 0);
    door.fetch_and(~make_door(0, 0xffff));
    wait_until([] { return inside(door.load()) == 0; });
    held.store(false);
}

void wait_patiently(const std::atomic<std::int64_t>& counter, std::int64_t target) {
    wait_until([&] { return counter.load(std::memory_order_acquire) >= target; });
}

}  // namespace squeezebert

/// A worker's instance of the module has a stack pointer of its own, and needs a stack.
void squeezebert_help(int worker, void* stack_top) {
    stackRestore(stack_top);
    squeezebert::serve(worker);
}
