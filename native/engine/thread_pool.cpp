#include "engine/thread_pool.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "engine/cores.h"
#include "engine/door.h"
#include "engine/error.h"

#if !defined(_WIN32)
#include <pthread.h>
#include <signal.h>
#endif

namespace squeezebert {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

/// Spinning answers fastest, but holds a core that the thread waited for may need.
constexpr microseconds kSpin{50};
/// A helper without a job is awake for so long, so that a call soon after finds it ready.
constexpr microseconds kIdle{100};
/// Yielding still takes its share of a core; after so long it is time to sleep.
constexpr microseconds kYield{2000};
constexpr microseconds kNap{50};

void pause_processor() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("isb");  // "yield" is a no-op on most cores, too short to spare anything
#endif
}

/// Waiting that grows more considerate the longer it lasts.
class Patience {
public:
    /// Waits a little; returns how long this has lasted.
    microseconds step() {
        if (waited_ < kSpin) {
            pause_processor();
            if (++spins_ % 16 != 0) {
                return waited_;  // reading the clock costs as much as a pause
            }
        } else if (waited_ < kYield) {
            std::this_thread::yield();
        } else {
            std::this_thread::sleep_for(kNap);
        }
        waited_ = std::chrono::duration_cast<microseconds>(Clock::now() - start_);
        return waited_;
    }

private:
    Clock::time_point start_ = Clock::now();
    microseconds waited_{0};
    unsigned spins_ = 0;
};

/// How often this process's ancestors and itself came out of fork() since the first pool was used.
unsigned forks() {
#if defined(_WIN32)
    return 0;
#else
    static std::atomic<unsigned> count{0};
    static const int failure = pthread_atfork(nullptr, nullptr, [] { count.fetch_add(1); });
    if (failure != 0) {
        throw std::bad_alloc();  // the only failure that pthread_atfork knows
    }
    return count.load(std::memory_order_relaxed);
#endif
}

/// Threads started while this stands receive no signals: handlers belong to the program's own.
class SignalsBlocked {
#if !defined(_WIN32)
public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

private:
    sigset_t before_;
#endif
};

void name_this_thread(int worker) {
    const std::string name = "squeezebert-" + std::to_string(worker);  // Linux allows 15 letters
#if defined(__linux__)
    pthread_setname_np(pthread_self(), name.c_str());
#elif defined(__APPLE__)
    pthread_setname_np(name.c_str());
#else
    static_cast<void>(name);
#endif
}

/// A thread, and what it sleeps on. Each has a lock of its own, so waking one disturbs no other.
struct Helper {
    std::thread thread;
    std::mutex mutex;
    std::condition_variable woken;
    std::atomic<bool> asleep{false};

    void wake() {
        if (asleep.load()) {
            {
                const std::lock_guard<std::mutex> lock(mutex);
                asleep.store(false);
            }
            woken.notify_one();
        }
    }
};

}  // namespace

/// The helpers of one process, and the job they work on. A process that came out of fork() has none
/// of its parent's threads and may hold locks that no one will ever release: it makes a new team.
class ThreadPool::Team {
public:
    Team(int threads, unsigned born) : born_(born) {
        helpers_.reserve(static_cast<std::size_t>(threads) - 1);
    }

    ~Team() {
        stopping_.store(true);
        for (const auto& helper : helpers_) {
            helper->wake();
            helper->thread.join();
        }
    }

    unsigned born() const { return born_; }

    void run(int participants, const void* job, Call call) {
        if (held_.exchange(true, std::memory_order_acquire)) {
            call(job, 0);
            return;
        }
        start_helpers(participants - 1);
        job_ = job;
        call_ = call;
        // Helpers say that they are asleep before they look at the door a last time, we open it
        // before we look whether they are asleep, all in one total order: none sleeps through.
        door_.store(make_door(job_number(door_.load(std::memory_order_relaxed)) + 1, participants));
        const int helpers = std::min(participants - 1, static_cast<int>(helpers_.size()));
        for (int index = 0; index < helpers; ++index) {
            helpers_[static_cast<std::size_t>(index)]->wake();
        }
        call(job, 0);
        close();
        held_.store(false, std::memory_order_release);
    }

private:
    void start_helpers(int wanted) {
        while (static_cast<int>(helpers_.size()) < wanted && !short_of_threads_) {
            try {
                const int worker = static_cast<int>(helpers_.size()) + 1;
                auto helper = std::make_unique<Helper>();
                const SignalsBlocked blocked;
                Helper& self = *helper;
                helper->thread = std::thread([this, worker, &self] { serve(worker, self); });
                helpers_.push_back(std::move(helper));
            } catch (const std::exception&) {
                short_of_threads_ = true;  // a limit of the system: those there are do the work
            }
        }
    }

    /// Lets no one in any more and waits for those inside.
    void close() {
        door_.fetch_and(~make_door(0, 0xffff), std::memory_order_acq_rel);
        Patience patience;
        // A body that called fork() comes back in the child too, where no helper ever leaves.
        while (inside(door_.load(std::memory_order_acquire)) > 0 && forks() == born_) {
            patience.step();
        }
    }

    bool has_job_for(int worker, std::uint32_t done, Door door) const {
        return worker < open_to(door) && job_number(door) != done;
    }

    /// What a helper does all its life.
    void serve(int worker, Helper& self) {
        name_this_thread(worker);
        std::uint32_t done = 0;
        Patience patience;
        while (!stopping_.load()) {
            Door door = door_.load(std::memory_order_acquire);
            if (has_job_for(worker, done, door)) {
                if (door_.compare_exchange_weak(door, door + 1, std::memory_order_acq_rel)) {
                    done = job_number(door);
                    call_(job_, worker);
                    door_.fetch_sub(1, std::memory_order_release);
                    patience = Patience();
                }
            } else if (patience.step() >= kIdle) {
                sleep(worker, done, self);
                patience = Patience();
            }
        }
    }

    void sleep(int worker, std::uint32_t done, Helper& self) {
        self.asleep.store(true);
        if (has_job_for(worker, done, door_.load()) || stopping_.load()) {
            self.asleep.store(false);
            return;
        }
        std::unique_lock<std::mutex> lock(self.mutex);
        self.woken.wait(lock, [&self] { return !self.asleep.load(); });
    }

    alignas(64) std::atomic<Door> door_{0};
    std::atomic<bool> stopping_{false};
    // Written by the holder while the door is closed and no one is inside.
    const void* job_ = nullptr;
    Call call_ = nullptr;
    alignas(64) std::atomic<bool> held_{false};
    // Of the holder, too.
    std::vector<std::unique_ptr<Helper>> helpers_;
    bool short_of_threads_ = false;
    unsigned born_;
};

ThreadPool::ThreadPool(int threads) : threads_(threads == 0 ? usable_cores() : threads) {
    if (threads_ < 0 || threads_ > kMostThreads) {
        throw Error(ErrorKind::invalid_input,
                    "threads is " + std::to_string(threads_) + "; expected 1 to " +
                        std::to_string(kMostThreads) + ", or 0 for all cores");
    }
}

ThreadPool::~ThreadPool() {
    Team* team = team_.load(std::memory_order_acquire);
    if (team != nullptr && team->born() == forks()) {  // else: see team_of_this_process()
        delete team;
    }
}

void ThreadPool::run_job(int participants, const void* job, Call call) {
    participants = std::min(participants, threads_);
    if (participants > 1) {
        team_of_this_process().run(participants, job, call);
    } else {
        call(job, 0);
    }
}

ThreadPool::Team& ThreadPool::team_of_this_process() {
    const unsigned now = forks();
    Team* team = team_.load(std::memory_order_acquire);
    while (team == nullptr || team->born() != now) {
        auto fresh = std::make_unique<Team>(threads_, now);
        // A parent's team is left as it is: it has no threads here to join, and destroying a lock
        // that one of them held would be undefined.
        if (team_.compare_exchange_strong(team, fresh.get(), std::memory_order_acq_rel)) {
            team = fresh.release();
        }
    }
    return *team;
}

void wait_patiently(const std::atomic<std::int64_t>& counter, std::int64_t target) {
    Patience patience;
    while (counter.load(std::memory_order_acquire) < target) {
        patience.step();
    }
}

}  // namespace squeezebert
