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

WordList::WordList(std::string text, const Tokenizer& tokenizer)
    : text_(std::move(text)), listed_(static_cast<std::size_t>(tokenizer.vocabulary().size())) {
    struct Letters {
        std::size_t begin, size;
    };
    std::vector<Letters> letters;
    std::vector<double> frequencies;
    using Beginning = std::pair<std::int32_t, std::size_t>;  // first token, number of tokens
    std::map<Beginning, double> sums;
    std::size_t place = 0;
    for (std::size_t at = 0; at < text_.size(); ++place) {
        const std::size_t end = std::min(text_.find('\n', at), text_.size());
        std::string_view word = std::string_view(text_).substr(at, end - at);
        at = end + 1;
        if (!word.empty() && word.back() == '\r') word.remove_suffix(1);
        std::vector<std::int32_t> tokens = tokenizer.encode(word).ids;
        if (std::find(tokens.begin(), tokens.end(), tokenizer.unk_id()) != tokens.end()) continue;
        if (tokens.size() == 1) listed_[static_cast<std::size_t>(tokens[0])] = true;
        const std::u32string small = letters_of(word, true);
        if (tokens.size() < 2 || small.size() > Typing::longest) continue;
        letters.push_back({letters_.size(), small.size()});
        letters_ += small;
        frequencies.push_back(frequency(place));
        sums[{tokens[0], tokens.size()}] += frequencies.back();
        words_.push_back({word, {}, std::move(tokens), 0.0F});
    }
    for (std::size_t i = 0; i < words_.size(); ++i) {
        Word& word = words_[i];
        word.letters = std::u32string_view(letters_).substr(letters[i].begin, letters[i].size);
        const double all = sums[{word.tokens[0], word.tokens.size()}];
        word.share = static_cast<float>(std::log(frequencies[i] / all));
    }
}

}  // namespace squeezebert
