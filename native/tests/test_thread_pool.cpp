#include "engine/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/cores.h"
#include "tests/check.h"

#if !defined(_WIN32)
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#endif

namespace {

using squeezebert::ThreadPool;
using squeezebert::wait_for;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

/// A job whose caller stays until all participants have come; false if some don't within a minute.
bool all_come(ThreadPool& pool, int participants) {
    std::atomic<int> arrived{0};
    bool complete = false;
    const auto deadline = steady_clock::now() + seconds(60);
    pool.run(participants, [&](int worker) noexcept {
        arrived.fetch_add(1);
        while (worker == 0 && !complete && steady_clock::now() < deadline) {
            complete = arrived.load() == participants;
            std::this_thread::yield();
        }
    });
    return complete;
}

/// Adds up 0 .. items-1 by claiming; what every job of the engine does.
std::int64_t sum_by_claiming(ThreadPool& pool, int participants, std::int64_t items) {
    std::atomic<std::int64_t> next{0}, total{0};
    pool.run(participants, [&](int) noexcept {
        for (std::int64_t item = next.fetch_add(1); item < items; item = next.fetch_add(1)) {
            total.fetch_add(item, std::memory_order_relaxed);
        }
    });
    return total.load();
}

/// Steps that each need the whole step before, as layers do: every item of step s + 1 reads two
/// items of step s. Returns the number of paths, 2^steps for each item.
std::int64_t dependent_steps(ThreadPool& pool, int participants, int items, int steps) {
    std::vector<std::vector<std::int64_t>> values(static_cast<std::size_t>(steps) + 1);
    for (auto& row : values) row.assign(static_cast<std::size_t>(items), 1);
    std::vector<std::atomic<std::int64_t>> next(values.size()), done(values.size());
    pool.run(participants, [&](int) noexcept {
        for (std::size_t step = 1; step < values.size(); ++step) {
            if (step > 1) wait_for(done[step - 1], items);
            for (auto i = next[step].fetch_add(1); i < items; i = next[step].fetch_add(1)) {
                const auto& before = values[step - 1];
                const auto at = static_cast<std::size_t>(i);
                values[step][at] = before[at] + before[(at + 1) % before.size()];
                done[step].fetch_add(1, std::memory_order_release);
            }
        }
        wait_for(done.back(), items);
    });
    std::int64_t total = 0;
    for (const auto value : values.back()) total += value;
    return total / items;
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SQUEEZEBERT_THREAD_SANITIZER
#endif
#elif defined(__SANITIZE_THREAD__)
#define SQUEEZEBERT_THREAD_SANITIZER
#endif

#if !defined(_WIN32)
/// These tests' children start threads, which ThreadSanitizer takes for their parent's, and on
/// which an emulator of another processor (qemu-user) crashes.
void skip_where_children_have_no_threads() {
#if defined(SQUEEZEBERT_THREAD_SANITIZER)
    SKIP("ThreadSanitizer cannot start threads after fork()");
#elif defined(__aarch64__)
    std::string processor;  // the machine's own, whatever uname() is made to say
    std::ifstream("/proc/sys/kernel/arch") >> processor;
    if (!processor.empty() && processor != "aarch64") {
        SKIP("qemu-user cannot start threads after fork()");
    }
#endif
}

/// Runs body in a forked child, which must end by itself within a minute. True if body was.
template <class Body>
bool holds_in_child(const Body& body) {
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        _exit(body() ? 0 : 1);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}
#endif

}  // namespace

TEST("thread pool: number of threads") {
    CHECK_EQUAL(ThreadPool(1).threads(), 1);
    CHECK_EQUAL(ThreadPool(5).threads(), 5);
    CHECK_EQUAL(ThreadPool(0).threads(), squeezebert::usable_cores());
    CHECK_THROWS(ThreadPool(-1), "threads is -1; expected 1 to 1024");
    CHECK_THROWS(ThreadPool(1025), "threads is 1025");
}

TEST("thread pool: each worker at most once, the caller's own always") {
    ThreadPool pool(4);
    for (int participants = -1; participants <= 6; ++participants) {
        for (int job = 0; job < 300; ++job) {
            std::atomic<int> calls[8] = {};
            const auto caller = std::this_thread::get_id();
            bool on_caller = false;
            pool.run(participants, [&](int worker) noexcept {
                calls[worker].fetch_add(1);
                if (worker == 0) on_caller = std::this_thread::get_id() == caller;
            });
            CHECK_EQUAL(calls[0].load(), 1);
            CHECK(on_caller);
            for (int worker = 1; worker < 8; ++worker) {
                const int most = worker < participants && worker < pool.threads() ? 1 : 0;
                CHECK(calls[worker].load() <= most);
            }
        }
    }
}

TEST("thread pool: helpers come when awake and when asleep") {
    ThreadPool pool(4);
    for (int round = 0; round < 20; ++round) {
        CHECK(all_come(pool, 2 + round % 3));
        if (round % 2 == 0) std::this_thread::sleep_for(milliseconds(3));  // they fall asleep
    }
}

TEST("thread pool: a worker number is always the same thread") {
    ThreadPool pool(3);
    std::thread::id first[3];
    for (int job = 0; job < 500; ++job) {
        bool same[3] = {true, true, true};
        pool.run(3, [&](int worker) noexcept {
            const auto self = std::this_thread::get_id();
            if (first[worker] == std::thread::id()) first[worker] = self;
            same[worker] = first[worker] == self;
        });
        CHECK(same[0] && same[1] && same[2]);
    }
}

TEST("thread pool: no one enters or stays once run() has returned") {
    ThreadPool pool(3);
    for (int job = 0; job < 2000; ++job) {
        auto entered = std::make_unique<std::atomic<int>>(0);
        pool.run(3, [&](int) noexcept { entered->fetch_add(1); });
        const int then = entered->load();
        if (job % 100 == 0) std::this_thread::sleep_for(milliseconds(2));
        CHECK_EQUAL(entered->load(), then);  // a late helper would touch freed memory next
    }
}

TEST("thread pool: results are exact whoever works") {
    ThreadPool pool(4);
    for (int job = 0; job < 2000; ++job) {
        CHECK_EQUAL(sum_by_claiming(pool, 1 + job % 4, 100), 4950);
    }
}

TEST("thread pool: many callers at once") {
    ThreadPool pool(4);
    std::atomic<int> wrong{0};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 8; ++caller) {
        callers.emplace_back([&pool, &wrong, caller] {
            for (int job = 0; job < 500; ++job) {
                const int items = 1 + (caller * 37 + job) % 200;
                const std::int64_t expected = std::int64_t{items} * (items - 1) / 2;
                if (sum_by_claiming(pool, 1 + job % 5, items) != expected) wrong.fetch_add(1);
                if (job % 50 == caller) std::this_thread::sleep_for(milliseconds(1));
            }
        });
    }
    for (auto& caller : callers) caller.join();
    CHECK_EQUAL(wrong.load(), 0);
}

TEST("thread pool: more participants than cores, each step waiting for the last") {
    ThreadPool pool(8);
    for (int job = 0; job < 20; ++job) {
        CHECK_EQUAL(dependent_steps(pool, 8, 31, 12), 1 << 12);
    }
}

TEST("thread pool: a job inside a job runs alone") {
    ThreadPool pool(2);
    std::atomic<int> inner{0};
    int outer = 0;
    pool.run(2, [&](int worker) noexcept {
        if (worker == 0) {
            ++outer;
            pool.run(2, [&](int) noexcept { inner.fetch_add(1); });
        }
    });
    CHECK_EQUAL(outer, 1);
    CHECK_EQUAL(inner.load(), 1);
}

TEST("thread pool: ends whether helpers never were, work, spin or sleep") {
    for (int round = 0; round < 30; ++round) {
        ThreadPool unused(3);
        ThreadPool pool(3);
        pool.run(3, [](int) noexcept {});
        if (round % 3 == 1) CHECK(all_come(pool, 3));
        if (round % 3 == 2) std::this_thread::sleep_for(milliseconds(2));
    }
}

TEST("wait_for: returns once the counter is there, at once or much later") {
    std::atomic<std::int64_t> counter{3};
    wait_for(counter, 3);
    wait_for(counter, -1);
    std::thread late([&counter] {
        std::this_thread::sleep_for(milliseconds(10));
        counter.store(7, std::memory_order_release);
    });
    wait_for(counter, 6);
    CHECK_EQUAL(counter.load(), 7);
    late.join();
}

#if !defined(_WIN32)

TEST("thread pool: idle helpers take no time") {
    ThreadPool pool(4);
    CHECK(all_come(pool, 4));
    const auto cpu_ms = [] {
        timespec now{};
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
    };
    // One that spins takes 200 each time, or a fair share of a full machine. On such a one a helper
    // may come to its end of spinning late, so it is given more than one try.
    double least = 1e9;
    for (int attempt = 0; attempt < 50 && least >= 20; ++attempt) {
        const double before = cpu_ms();
        std::this_thread::sleep_for(milliseconds(200));
        least = std::min(least, cpu_ms() - before);
    }
    CHECK(least < 20);
}

TEST("thread pool: helpers have names and leave signals to others") {
    ThreadPool pool(2);
    std::string name;
    bool blocked = false;
    CHECK(all_come(pool, 2));
    for (int job = 0; job < 1000 && name.empty(); ++job) {
        std::atomic<std::int64_t> seen{0};
        pool.run(2, [&](int worker) noexcept {
            if (worker == 1) {
                char text[32] = {};
                pthread_getname_np(pthread_self(), text, sizeof text);
                name = text;
                sigset_t mask;
                pthread_sigmask(SIG_SETMASK, nullptr, &mask);
                blocked = sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGCHLD) == 1;
                seen.store(1, std::memory_order_release);
            } else {
                wait_for(seen, 1);
            }
        });
    }
    CHECK_EQUAL(name, std::string("squeezebert-1"));
    CHECK(blocked);
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    CHECK_EQUAL(sigismember(&mask, SIGINT), 0);
}

TEST("thread pool: after fork() the child has helpers of its own") {
    skip_where_children_have_no_threads();
    auto pool = std::make_unique<ThreadPool>(3);
    CHECK(all_come(*pool, 3));
    const auto works_and_ends = [&pool] {
        const bool works = all_come(*pool, 3) && sum_by_claiming(*pool, 3, 100) == 4950;
        pool.reset();
        return works;
    };
    CHECK(holds_in_child(works_and_ends));  // helpers spin
    std::this_thread::sleep_for(milliseconds(5));
    CHECK(holds_in_child(works_and_ends));  // helpers sleep
    CHECK(holds_in_child([&] { return holds_in_child(works_and_ends) && works_and_ends(); }));
    CHECK(holds_in_child([&pool] {  // destroyed unused
        pool.reset();
        return true;
    }));
    CHECK(all_come(*pool, 3));
}

TEST("thread pool: fork() at any moment of other threads' jobs") {
    skip_where_children_have_no_threads();
    ThreadPool pool(3);
    std::atomic<bool> enough{false};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 2; ++caller) {
        callers.emplace_back([&pool, &enough, caller] {
            while (!enough.load()) {
                sum_by_claiming(pool, 3, 20);
                if (caller == 0) std::this_thread::sleep_for(std::chrono::microseconds(120));
            }
        });
    }
    int failed = 0;
    for (int child = 0; child < 40; ++child) {
        failed += !holds_in_child(
            [&pool] { return all_come(pool, 3) && sum_by_claiming(pool, 3, 100) == 4950; });
    }
    enough.store(true);
    for (auto& caller : callers) caller.join();
    CHECK_EQUAL(failed, 0);
}

TEST("thread pool: fork() inside a job") {
    skip_where_children_have_no_threads();
    ThreadPool pool(2);
    pid_t child = -1;
    std::atomic<std::int64_t> come{0};
    pool.run(2, [&](int worker) noexcept {
        if (worker == 0) {
            wait_for(come, 1);  // the helper is inside, for ever as the child sees it
            child = fork();
            if (child == 0) alarm(60);
        } else {
            come.store(1, std::memory_order_release);
            std::this_thread::sleep_for(milliseconds(20));
        }
    });
    if (child == 0) {
        _exit(sum_by_claiming(pool, 2, 100) == 4950 && all_come(pool, 2) ? 0 : 1);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK_EQUAL(status, 0);
}

#endif
