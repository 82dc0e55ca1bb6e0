#include "text/vocabulary.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "engine/error.h"
#include "text/code_points.h"

namespace squeezebert {

namespace {

/// Spreads what hash_byte gathered over all bits.
std::uint64_t mix(std::uint64_t hash) { return (hash ^ hash >> 32U) * 0x9E3779B97F4A7C15U; }

std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = Vocabulary::hash_start;
    for (const char byte : text) hash = Vocabulary::hash_byte(hash, byte);
    return hash;
}

/// The least number of bits that count up to `count`.
int bits_for(std::size_t count) {
    int bits = 6;
    while ((std::size_t{1} << bits) < count) ++bits;
    return bits;
}

}  // namespace

Vocabulary::Vocabulary(const std::vector<std::string>& tokens, std::size_t pieces,
                       std::string prefix)
    : prefix_(std::move(prefix)),
      pieces_(static_cast<int>(std::min(pieces, tokens.size()))),
      prefix_hash_(hash_of(prefix_)) {
    const int slot_bits = bits_for(2 * tokens.size());
    const int filter_bits = slot_bits + 3;
    slot_shift_ = 64 - slot_bits;
    filter_shift_ = 64 - filter_bits;
    slots_.assign(std::size_t{1} << slot_bits, {0, -1});
    filter_.assign(std::size_t{1} << (filter_bits - 6), 0);
    ends_.reserve(tokens.size() + 1);
    ends_.push_back(0);
    for (const std::string& token : tokens) {
        const int id = size();
        if (id >= pieces_) {
            pool_ += token;
            ends_.push_back(static_cast<std::uint32_t>(pool_.size()));
            continue;
        }
        if (find(token) >= 0) {
            throw Error(ErrorKind::checkpoint,
                        "the vocabulary holds '" + token + "' twice, as ids " +
                            std::to_string(find(token)) + " and " + std::to_string(id));
        }
        pool_ += token;
        ends_.push_back(static_cast<std::uint32_t>(pool_.size()));
        const std::uint64_t mixed = mix(hash_of(token));
        std::size_t at = mixed >> slot_shift_;
        while (slots_[at].id >= 0) at = (at + 1) & (slots_.size() - 1);
        slots_[at] = {static_cast<std::uint32_t>(mixed), id};
        const std::uint64_t bit = mixed >> filter_shift_;
        filter_[bit >> 6U] |= std::uint64_t{1} << (bit & 63U);
        const std::size_t skipped = continues_word(id) ? prefix_.size() : 0;
        longest_ = std::max(longest_, static_cast<std::uint32_t>(token.size() - skipped));
    }
}

std::string_view Vocabulary::token(int id) const {
    const auto at = static_cast<std::size_t>(id);
    return std::string_view(pool_).substr(ends_[at], ends_[at + 1] - ends_[at]);
}

bool Vocabulary::continues_word(int id) const {
    return token(id).substr(0, prefix_.size()) == prefix_;
}

int Vocabulary::find(std::string_view token) const {
    const int piece = lookup(hash_of(token), token, false);
    if (piece >= 0) return piece;
    for (int id = pieces_; id < size(); ++id) {
        if (this->token(id) == token) return id;
    }
    return -1;
}

int Vocabulary::lookup(std::uint64_t hash, std::string_view text, bool after_prefix) const {
    const std::uint64_t mixed = mix(hash);
    const std::uint64_t bit = mixed >> filter_shift_;
    if ((filter_[bit >> 6U] >> (bit & 63U) & 1U) == 0) return -1;
    const auto tag = static_cast<std::uint32_t>(mixed);
    for (std::size_t at = mixed >> slot_shift_; slots_[at].id >= 0;
         at = (at + 1) & (slots_.size() - 1)) {
        if (slots_[at].tag != tag) continue;
        std::string_view found = token(slots_[at].id);
        if (after_prefix) {
            if (found.substr(0, prefix_.size()) != prefix_) continue;
            found.remove_prefix(prefix_.size());
        }
        if (found == text) return slots_[at].id;
    }
    return -1;
}

bool Vocabulary::cut(std::string_view word, std::vector<Piece>& pieces) const {
    pieces.clear();
    // Hashes of the first so many characters, with the bytes that they take.
    struct Candidate {
        std::uint64_t hash;
        std::uint32_t end;
    };
    std::vector<Candidate> more;
    std::array<Candidate, 128> few;
    std::uint32_t start = 0;
    while (start < word.size()) {
        const auto end = std::min(static_cast<std::uint32_t>(word.size()), start + longest_);
        Candidate* candidates = few.data();
        if (end - start > few.size()) {
            more.resize(end - start);
            candidates = more.data();
        }
        std::size_t count = 0;
        std::uint64_t hash = start == 0 ? hash_start : prefix_hash_;
        for (std::uint32_t at = start; at < end;) {
            hash = hash_byte(hash, word[at++]);
            if (at == word.size() || !continues_utf8(word[at])) candidates[count++] = {hash, at};
        }
        int id = -1;
        while (id < 0 && count > 0) {
            const Candidate& candidate = candidates[--count];
            id = lookup(candidate.hash, word.substr(start, candidate.end - start), start > 0);
            if (id >= 0) {
                pieces.push_back({id, candidate.end});
                start = candidate.end;
            }
        }
        if (id < 0) return false;
    }
    return !word.empty();
}

}  // namespace squeezebert
