#include "engine/machine_peak.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <thread>

#include "engine/buffer.h"
#include "engine/caches.h"
#include "engine/cores.h"
#include "engine/error.h"
#include "engine/thread_pool.h"

namespace squeezebert {
namespace {

using Clock = std::chrono::steady_clock;

/// Short enough that a busy system leaves some windows undisturbed.
constexpr double kWindowSeconds = 1e-3;
constexpr std::size_t kKibibyte = 1024;
constexpr std::size_t kMebibyte = 1024 * kKibibyte;

double seconds_between(Clock::time_point start, Clock::time_point end) {
    return std::chrono::duration<double>(end - start).count();
}

double seconds_since(Clock::time_point start) { return seconds_between(start, Clock::now()); }

void check(int threads, double seconds) {
    if (threads < 1 || threads > kMostThreads) {
        throw Error(ErrorKind::invalid_input, "threads is " + std::to_string(threads) +
                                                  "; expected 1 to " +
                                                  std::to_string(kMostThreads));
    }
    if (!(seconds > 0 && seconds <= 60)) {
        throw Error(ErrorKind::invalid_input,
                    "seconds is " + std::to_string(seconds) + "; expected more than 0, at most 60");
    }
}

/// What one thread did in one window.
struct Stretch {
    Clock::time_point start, end;
    double done = 0;
};

/// The best window's work per second of all threads together. A window lasts from its first
/// thread's start to its last thread's end, so threads that took turns on a core don't count twice.
///
/// begin(thread) and end(thread) are called on the thread itself, before and after all calls of
/// work(thread), each of which returns how much it did.
template <class Begin, class Work, class End>
double best_rate(int threads, double seconds, const Begin& begin, const Work& work,
                 const End& end) {
    const auto count = static_cast<std::size_t>(threads);
    std::vector<std::vector<Stretch>> stretches(count);
    std::atomic<std::int64_t> arrived{0}, windows{std::numeric_limits<std::int64_t>::max()};
    const auto body = [&](int thread) {
        begin(thread);
        const Clock::time_point first_start = Clock::now();
        for (std::int64_t window = 0;; ++window) {
            if (thread == 0 && window > 0 && seconds_since(first_start) >= seconds) {
                windows.store(window, std::memory_order_relaxed);
            }
            arrived.fetch_add(1, std::memory_order_release);
            wait_for(arrived, threads * (window + 1));
            if (window >= windows.load(std::memory_order_relaxed)) break;
            Stretch stretch;
            stretch.start = Clock::now();
            do {
                stretch.done += work(thread);
                stretch.end = Clock::now();
            } while (seconds_between(stretch.start, stretch.end) < kWindowSeconds);
            stretches[static_cast<std::size_t>(thread)].push_back(stretch);
        }
        end(thread);
    };
    std::vector<std::thread> others;
    others.reserve(count - 1);
    const auto join_all = [&others] {
        for (std::thread& other : others) other.join();
    };
    try {
        for (int thread = 1; thread < threads; ++thread) others.emplace_back(body, thread);
    } catch (...) {  // a limit of the system: those that wait for the rest may go
        windows.store(0, std::memory_order_relaxed);
        arrived.store(std::numeric_limits<std::int64_t>::max() / 2, std::memory_order_release);
        join_all();
        throw;
    }
    body(0);
    join_all();

    double best = 0;
    for (std::size_t window = 0; window < stretches[0].size(); ++window) {
        Stretch whole = stretches[0][window];
        for (std::size_t thread = 1; thread < count; ++thread) {
            const Stretch& stretch = stretches[thread][window];
            whole.start = std::min(whole.start, stretch.start);
            whole.end = std::max(whole.end, stretch.end);
            whole.done += stretch.done;
        }
        best = std::max(best, whole.done / seconds_between(whole.start, whole.end));
    }
    return best;
}

constexpr std::size_t kWordsAtOnce = 32;  // enough running sums to hide the additions' latency

using AddUp = std::uint64_t (*)(const std::uint64_t* words, std::size_t count);

/// The sum of words, a multiple of kWordsAtOnce, in the widest vectors of whatever calls this.
[[gnu::always_inline]] inline std::uint64_t add_up(const std::uint64_t* words, std::size_t count) {
    std::uint64_t sums[kWordsAtOnce] = {};
    for (std::size_t i = 0; i < count; i += kWordsAtOnce) {
        for (std::size_t lane = 0; lane < kWordsAtOnce; ++lane) sums[lane] += words[i + lane];
    }
    std::uint64_t total = 0;
    for (const std::uint64_t sum : sums) total += sum;
    return total;
}

std::uint64_t add_up_plain(const std::uint64_t* words, std::size_t count) {
    return add_up(words, count);
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] std::uint64_t add_up_avx2(const std::uint64_t* words, std::size_t count) {
    return add_up(words, count);
}
[[gnu::target("avx512f")]] std::uint64_t add_up_avx512(const std::uint64_t* words,
                                                       std::size_t count) {
    return add_up(words, count);
}
#endif

/// The plain processor's vectors of x86-64 are too narrow to load what the first levels can give.
AddUp widest_add_up() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")) return add_up_avx512;
    if (__builtin_cpu_supports("avx2")) return add_up_avx2;
#endif
    return add_up_plain;
}

/// Reads a buffer of its own over and over, some each time it is asked.
class alignas(64) Reader {
public:
    explicit Reader(std::size_t words) : buffer_(words), words_(words) {}

    /// On the thread that will read it, which places it in near memory.
    void fill() { std::fill_n(buffer_.data(), words_, 1); }

    /// Bytes read: enough that looking at the clock after it costs nothing.
    double read() {
        std::size_t done = 0;
        while (done < kMebibyte / sizeof(std::uint64_t)) {
            const std::size_t some = std::min(words_ - at_, kMebibyte / sizeof(std::uint64_t));
            sum_ += add_up_(buffer_.data() + at_, some);
            at_ = at_ + some == words_ ? 0 : at_ + some;
            done += some;
        }
        return static_cast<double>(done * sizeof(std::uint64_t));
    }

private:
    Buffer<std::uint64_t> buffer_;
    std::size_t words_;
    std::size_t at_ = 0;
    std::uint64_t sum_ = 0;
    AddUp add_up_ = widest_add_up();
};

std::size_t largest_cache() {
    std::size_t largest = 0;
    for (const Cache& cache : data_caches()) largest = std::max(largest, cache.bytes);
    return largest;
}

/// Four times the largest cache is read from memory but for a small part. Not without limit: all
/// threads' buffers together are at most 512 MiB.
std::size_t memory_bytes(int threads) {
    const std::size_t total = std::clamp(4 * largest_cache(), 64 * kMebibyte, 512 * kMebibyte);
    return std::max(total / static_cast<std::size_t>(threads), 64 * kKibibyte);
}

}  // namespace

double peak_giga_operations_per_second(Isa isa, Precision precision, int threads, double seconds) {
    check(threads, seconds);
    const Kernels& table = kernels(isa);
    constexpr std::int64_t iterations = 2000;  // some 10 microseconds
    return 1e-9 * best_rate(
                      threads, seconds, [&](int) { table.begin(); },
                      [&](int) { return table.peak(precision, iterations); },
                      [&](int) { table.end(); });
}

double read_gigabytes_per_second(std::size_t bytes, int threads, double seconds) {
    check(threads, seconds);
    constexpr std::size_t step = kWordsAtOnce * sizeof(std::uint64_t);
    const std::size_t words = std::max(bytes / step, std::size_t{1}) * kWordsAtOnce;
    std::vector<Reader> readers;
    for (int thread = 0; thread < threads; ++thread) readers.emplace_back(words);
    return 1e-9 * best_rate(
                      threads, seconds,
                      [&](int thread) { readers[static_cast<std::size_t>(thread)].fill(); },
                      [&](int thread) { return readers[static_cast<std::size_t>(thread)].read(); },
                      [](int) {});
}

std::vector<ReadBandwidth> read_roofs(int threads, double seconds) {
    check(threads, seconds);
    const int cpus = std::max(static_cast<int>(std::thread::hardware_concurrency()), 1);
    std::vector<ReadBandwidth> roofs;
    for (const Cache& cache : data_caches()) {
        // Threads stand evenly over the machine's CPUs.
        const int here = std::max((threads * cache.sharers + cpus - 1) / cpus, 1);
        const std::size_t bytes = cache.bytes / 2 / static_cast<std::size_t>(here);
        roofs.push_back({cache.level, bytes, read_gigabytes_per_second(bytes, threads, seconds)});
    }
    const std::size_t bytes = memory_bytes(threads);
    roofs.push_back({0, bytes, read_gigabytes_per_second(bytes, threads, seconds)});
    return roofs;
}

std::vector<std::size_t> sweep_sizes(int threads) {
    check(threads, 1);
    const std::size_t largest = memory_bytes(threads);
    std::vector<std::size_t> sizes;
    for (std::size_t bytes = 8 * kKibibyte; bytes <= largest; bytes *= 2) sizes.push_back(bytes);
    return sizes;
}

}  // namespace squeezebert
