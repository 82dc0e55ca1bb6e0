#include "text/added_tokens.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "text/unicode.h"

namespace squeezebert {

namespace {

bool is_word(char32_t c) {
    return c == U'_' || (word_properties(c) & (word_letter | word_mark)) != 0;
}

bool is_space(char32_t c) { return (properties(c) & space) != 0; }

/// Where the character before a position begins.
std::size_t before(std::string_view text, std::size_t at) {
    do {
        --at;
    } while (continues_utf8(text[at]));
    return at;
}

std::size_t after(std::string_view text, std::size_t at) {
    return at + static_cast<std::size_t>(utf8_bytes(text[at]));
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) {
    for (AddedToken& token : tokens) {
        const bool known =
            token.content.empty() ||
            std::any_of(tokens_.begin(), tokens_.end(),
                        [&](const AddedToken& other) { return other.content == token.content; });
        if (!known) tokens_.push_back(std::move(token));
    }
    std::stable_sort(tokens_.begin(), tokens_.end(), [](const AddedToken& a, const AddedToken& b) {
        return a.content.size() > b.content.size();
    });
    for (const AddedToken& token : tokens_) {
        const auto first = static_cast<unsigned char>(token.content[0]);
        only_start_ = only_start_ == -1 || only_start_ == first ? first : -2;
        starts_[first] = true;
    }
}

std::size_t AddedTokens::next_start(std::string_view text, std::size_t from) const {
    if (from >= text.size() || tokens_.empty()) return text.size();
    if (only_start_ >= 0) {
        const void* found = std::memchr(text.data() + from, only_start_, text.size() - from);
        if (found == nullptr) return text.size();
        return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    }
    while (from < text.size() && !starts_[static_cast<unsigned char>(text[from])]) ++from;
    return from;
}

const AddedToken* AddedTokens::longest_at(std::string_view text, std::size_t at) const {
    for (const AddedToken& token : tokens_) {
        if (text.compare(at, token.content.size(), token.content) == 0) return &token;
    }
    return nullptr;
}

bool AddedTokens::none_in(std::string_view text) const {
    std::size_t at = next_start(text, 0);
    while (at < text.size() && longest_at(text, at) == nullptr) at = next_start(text, at + 1);
    return at >= text.size();
}

std::vector<AddedTokens::Part> AddedTokens::split(std::string_view text) const {
    std::vector<Part> parts;
    std::size_t done = 0;
    const auto add = [&](std::int32_t id, std::size_t begin, std::size_t end) {
        if (begin < end) {
            parts.push_back(
                {id, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
        }
    };
    for (std::size_t at = next_start(text, 0); at < text.size();) {
        const AddedToken* token = longest_at(text, at);
        if (token == nullptr) {
            at = next_start(text, at + 1);
            continue;
        }
        std::size_t begin = at, end = at + token->content.size();
        at = next_start(text, end);
        if (token->single_word) {
            const bool inside =
                (begin > 0 && is_word(read_utf8(text.data() + before(text, begin)))) ||
                (end < text.size() && is_word(read_utf8(text.data() + end)));
            if (inside) continue;
        }
        if (token->lstrip) {
            while (begin > done && is_space(read_utf8(text.data() + before(text, begin)))) {
                begin = before(text, begin);
            }
        }
        if (token->rstrip) {
            while (end < text.size() && is_space(read_utf8(text.data() + end))) {
                end = after(text, end);
            }
        }
        add(-1, done, begin);
        add(token->id, begin, end);
        done = end;
    }
    add(-1, done, text.size());
    return parts;
}

}  // namespace squeezebert
