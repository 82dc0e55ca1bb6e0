#include "text/word_list.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "text/lexicon.h"
#include "text/typing.h"

namespace squeezebert {
namespace {

/// Words are about as frequent as their place in such a list is high (Zipf), but for the first few.
double frequency(std::size_t place) { return 1.0 / (static_cast<double>(place) + 3.0); }

}  // namespace

WordList::WordList(std::string_view text, const Tokenizer& tokenizer)
    : listed_(static_cast<std::size_t>(tokenizer.vocabulary().size())) {
    struct Listed {
        std::size_t letters, letter_count, tokens, token_count;
        std::string_view text;
        double frequency;
    };
    std::vector<Listed> found;
    using Beginning = std::pair<std::int32_t, std::size_t>;  // first token, number of tokens
    std::map<Beginning, double> sums;
    std::size_t place = 0;
    for (std::size_t at = 0; at < text.size(); ++place) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        std::string_view word = text.substr(at, end - at);
        at = end + 1;
        if (!word.empty() && word.back() == '\r') word.remove_suffix(1);
        const std::vector<std::int32_t> tokens = tokenizer.encode(word).ids;
        if (std::find(tokens.begin(), tokens.end(), tokenizer.unk_id()) != tokens.end()) continue;
        if (tokens.size() == 1) listed_[static_cast<std::size_t>(tokens[0])] = true;
        const std::u32string small = letters_of(word, true);
        if (tokens.size() < 2 || small.size() > Typing::longest) continue;
        found.push_back(
            {letters_.size(), small.size(), tokens_.size(), tokens.size(), word, frequency(place)});
        sums[{tokens[0], tokens.size()}] += found.back().frequency;
        letters_ += small;
        tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
    }
    // What they point to moves no more.
    letters_.shrink_to_fit();
    tokens_.shrink_to_fit();
    words_.reserve(found.size());
    for (const Listed& one : found) {
        const std::int32_t* first = tokens_.data() + one.tokens;
        const double beginning = sums[{*first, one.token_count}];
        const auto letters = std::u32string_view(letters_).substr(one.letters, one.letter_count);
        const auto share = static_cast<float>(std::log(one.frequency / beginning));
        words_.push_back({one.text, letters, first, one.token_count, share});
    }
}

}  // namespace squeezebert
