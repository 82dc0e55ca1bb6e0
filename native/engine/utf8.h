/// UTF-8: where characters begin and end, and what of a text a message may show.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace squeezebert {

/// Bytes of the character that begins at text[at]; 0 where none does (RFC 3629).
std::size_t utf8_length(std::string_view text, std::size_t at);

/// A text of unknown origin as a message shows it: control characters, marks that turn the
/// direction of writing and bytes that are no UTF-8 are escaped, and of what is longer than about
/// `most` bytes the middle is left out. What is escaped already stays as it is.
std::string shown(std::string_view text, std::size_t most = 160);

}  // namespace squeezebert
