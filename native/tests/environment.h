/// An environment variable as a test wants it, and as it was before once this object is gone.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace squeezebert::tests {

class Environment {
public:
    /// `value` null: not set.
    Environment(const char* name, const char* value) : name_(name) {
        if (const char* before = std::getenv(name)) before_ = before;
        set(value);
    }
    ~Environment() { set(before_ ? before_->c_str() : nullptr); }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

private:
    void set(const char* value) const {
#if defined(_WIN32)
        _putenv_s(name_, value == nullptr ? "" : value);
#else
        value == nullptr ? unsetenv(name_) : setenv(name_, value, 1);
#endif
    }

    const char* name_;
    std::optional<std::string> before_;
};

}  // namespace squeezebert::tests
