#pragma once

#include <stdexcept>
#include <string>

#include "engine/utf8.h"

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
/// what to do about it and may be empty. Both are valid UTF-8 without control characters and of
/// bounded length, whatever stood in a file (names and values are bounded one by one before, with
/// shown()).
class Error : public std::runtime_error {
public:
    Error(ErrorKind kind, const std::string& message, const std::string& hint = "")
        : std::runtime_error(shown(message, longest)), kind_(kind), hint_(shown(hint, longest)) {}

    ErrorKind kind() const { return kind_; }
    const std::string& hint() const { return hint_; }

    /// Bytes of a message before escapes.
    static constexpr std::size_t longest = 2000;

private:
    ErrorKind kind_;
    std::string hint_;
};

}  // namespace squeezebert
