#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace squeezebert {

/// What went wrong, by whose fault it is. In Python these are CheckpointError, ConfigError and
/// InvalidInputError of squeezebert.errors.
enum class ErrorKind {
    checkpoint,     ///< a model directory or weight file that cannot be read
    config,         ///< a model configuration or an option that cannot be as it is given
    invalid_input,  ///< a value passed to a call that cannot be used
};

/// Every error that the engine throws on purpose.
///
/// The message says what is wrong, where, what was received and what was expected; `hint` says
/// what to do about it and may be empty.
class Error : public std::runtime_error {
public:
    Error(ErrorKind kind, const std::string& message, std::string hint = "")
        : std::runtime_error(message), kind_(kind), hint_(std::move(hint)) {}

    ErrorKind kind() const { return kind_; }
    const std::string& hint() const { return hint_; }

private:
    ErrorKind kind_;
    std::string hint_;
};

}  // namespace squeezebert
