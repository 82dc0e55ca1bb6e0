#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <type_traits>
#include <utility>

namespace squeezebert {

/// Memory for numbers at a 64-byte boundary. It grows when more is asked for and is kept until the
/// end, so that a loop that asks again allocates once.
template <class Number>
class Buffer {
    static_assert(std::is_trivial_v<Number>);

public:
    Buffer() = default;
    explicit Buffer(std::size_t count) { reserve(count); }
    Buffer(Buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
    Buffer& operator=(Buffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(count_, other.count_);
        return *this;
    }
    ~Buffer() { std::free(data_); }

    /// Room for `count` numbers at least; what was there is lost when it grows. Throws bad_alloc.
    Number* reserve(std::size_t count) {
        if (count > count_) {
            std::free(data_);
            count_ = 0;
            const std::size_t bytes = (count * sizeof(Number) + 63) / 64 * 64;
            data_ = static_cast<Number*>(std::aligned_alloc(64, bytes));
            if (data_ == nullptr) throw std::bad_alloc();
            count_ = count;
        }
        return data_;
    }

    Number* data() { return data_; }
    const Number* data() const { return data_; }
    std::size_t size() const { return count_; }

private:
    Number* data_ = nullptr;
    std::size_t count_ = 0;
};

}  // namespace squeezebert
