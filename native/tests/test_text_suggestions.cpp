#include <string>
#include <vector>

#include "engine/error.h"
#include "include/squeezebert.h"
#include "tests/check.h"
#include "tests/text_models.h"
#include "text/suggestions.h"
#include "text/text_model.h"

using namespace squeezebert;

namespace {

std::string word_before(const std::string& text, std::size_t cursor) {
    const WordPlace place = word_at(text, cursor);
    return text.substr(place.begin, place.end - place.begin);
}

/// The words that are offered, with their kinds' first letters: "next:n".
std::string offered(const std::vector<Suggestion>& words) {
    std::string result;
    for (const Suggestion& one : words) {
        result += (result.empty() ? "" : " ") + one.word + ":" +
                  "ntcc"[static_cast<std::size_t>(one.kind)];
    }
    return result;
}

}  // namespace

TEST("suggestions: the word at a cursor") {
    const std::string text = "I don't like K\xC3\xB6ln-Deutz, no";
    CHECK_EQUAL(word_before(text, 1), "I");
    CHECK_EQUAL(word_before(text, 2), "");
    CHECK_EQUAL(word_before(text, 7), "don't");
    CHECK_EQUAL(word_before(text, 6), "");              // an apostrophe joins what follows it, too
    CHECK_EQUAL(word_before(text, 15), "K\xC3\xB6ln");  // in the midst of a character
    CHECK_EQUAL(word_before(text, 24), "K\xC3\xB6ln-Deutz");
    CHECK_EQUAL(word_before(text, text.size()), "no");
    CHECK_EQUAL(word_before("", 0), "");
    CHECK_EQUAL(word_before("- ", 1), "");
}

TEST("suggestions: what is a word") {
    for (const char* word : {"a", "Zeit",
                             "\xC3\x9C"
                             "ber"})
        CHECK(is_word(word, "##"));
    for (const char* none : {"", "##ing", ".", "[MASK]", "3rd", "2024", "a.b", "'"}) {
        CHECK(!is_word(none, "##"));
    }
}

TEST("suggestions: edits") {
    CHECK_EQUAL(edits(U"statoin", U"station", 2, false), 1);  // neighbours exchanged
    CHECK_EQUAL(edits(U"tomorow", U"tomorrow", 2, false), 1);
    CHECK_EQUAL(edits(U"abc", U"abc", 2, false), 0);
    CHECK_EQUAL(edits(U"abc", U"xyz", 2, false), 3);
    CHECK_EQUAL(edits(U"abc", U"abcdef", 2, false), 3);
    CHECK_EQUAL(edits(U"abx", U"abcdef", 1, true), 1);
    CHECK_EQUAL(edits(U"abc", U"abcdef", 1, true), 0);
    CHECK_EQUAL(edits(U"abcdef", U"abc", 1, true), 2);
    CHECK_EQUAL(edits(U"", U"ab", 2, false), 2);
}

TEST("suggestions: likely words, completions, corrections") {
    const Tokenizer tokenizer(
        tests::text_settings({"station", "state", "##ing", ".", "2024"}, false));
    const Vocabulary& vocabulary = tokenizer.vocabulary();
    std::vector<float> logits(static_cast<std::size_t>(vocabulary.size()), 0.0F);
    const auto set = [&](const char* token, float logit) {
        logits[static_cast<std::size_t>(vocabulary.find(token))] = logit;
    };
    set("station", 2.0F);
    set("state", 3.0F);
    set("##ing", 9.0F);
    set(".", 9.0F);
    CHECK_EQUAL(offered(suggest_words(vocabulary, logits.data(), "", 2)), "state:n station:n");
    CHECK_EQUAL(offered(suggest_words(vocabulary, logits.data(), "sta", 9)), "state:c station:c");
    CHECK_EQUAL(offered(suggest_words(vocabulary, logits.data(), "statoin", 9)), "station:c");
    CHECK_EQUAL(offered(suggest_words(vocabulary, logits.data(), "Statoin", 9)), "Station:c");
    CHECK_EQUAL(offered(suggest_words(vocabulary, logits.data(), "station", 9)), "station:t");
    CHECK_EQUAL(offered(suggest_words(vocabulary, logits.data(), "qqqqqq", 9)), "");
    double sum = 0.0;
    for (const Suggestion& one : suggest_words(vocabulary, logits.data(), "", 9)) sum += one.score;
    CHECK(sum > 0.999 && sum < 1.001);
}

TEST("suggestions: by the C API") {
    const std::string path = std::string(SQUEEZEBERT_PRETRAINED) + "/squeezebert-mini-mlm";
    squeezebert_model* model = nullptr;
    CHECK_EQUAL(squeezebert_open(path.c_str(), nullptr, &model), 0);
    const std::string text = "\xF0\x9F\x98\x80 Where is the statoin";
    squeezebert_suggestions* found = nullptr;
    CHECK_EQUAL(
        squeezebert_suggest(model, text.data(), text.size(), 23, 3, SQUEEZEBERT_UTF16, &found), 0);
    CHECK_EQUAL(found->start, 16U);
    CHECK_EQUAL(found->end, 23U);
    CHECK_EQUAL(std::string(found->items[0].word), "station");
    CHECK_EQUAL(found->items[0].kind, SQUEEZEBERT_CORRECTION);
    squeezebert_free(found);
    CHECK_EQUAL(
        squeezebert_suggest(model, text.data(), text.size(), 24, 3, SQUEEZEBERT_UTF16, &found),
        SQUEEZEBERT_ERROR_INVALID_INPUT);
    CHECK(found == nullptr);
    CHECK_EQUAL(squeezebert_suggest(model, "", 0, 0, 0, SQUEEZEBERT_BYTES, &found),
                SQUEEZEBERT_ERROR_INVALID_INPUT);
    CHECK_EQUAL(squeezebert_suggest(model, "", 0, 0, 4, SQUEEZEBERT_BYTES, &found), 0);
    CHECK_EQUAL(found->count, 4U);
    squeezebert_free(found);
    squeezebert_close(model);
}
