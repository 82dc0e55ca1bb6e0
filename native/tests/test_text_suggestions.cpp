#include <cmath>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "engine/error.h"
#include "include/squeezebert.h"
#include "tests/check.h"
#include "tests/text_models.h"
#include "text/suggestions.h"
#include "text/text_model.h"
#include "text/tokenizer_files.h"
#include "text/word_list.h"

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

TEST("suggestions: what errors cost") {
    CHECK_EQUAL(cost(U"abc", U"abc", false), 0);
    CHECK_EQUAL(cost(U"statoin", U"station", false), 2);   // neighbors exchanged
    CHECK_EQUAL(cost(U"tomorow", U"tomorrow", false), 2);  // left out
    CHECK_EQUAL(cost(U"carr", U"car", false), 2);          // twice
    CHECK_EQUAL(cost(U"care", U"car", false), 3);
    CHECK_EQUAL(cost(U"hpme", U"home", false), 2);  // the next key
    CHECK_EQUAL(cost(U"hqme", U"home", false), 3);  // one far away
    CHECK_EQUAL(cost(U"yeit", U"zeit", false), 3);  // beside it on neither keyboard
    CHECK_EQUAL(cost(U"uber", U"\u00fcber", false), 3);
    CHECK_EQUAL(cost(U"seperate", U"separate", false), 2);  // a vowel for another
    CHECK_EQUAL(cost(U"abc", U"abcdef", false), 6);
    CHECK_EQUAL(cost(U"abz", U"abcdef", true), 3);
    CHECK_EQUAL(cost(U"abc", U"abcdef", true), 0);
    CHECK_EQUAL(cost(U"abcdef", U"abc", true), 9);
}

TEST("suggestions: likely words, completions, corrections") {
    const Tokenizer tokenizer(
        tests::text_settings({"station", "state", "##ing", ".", "2024"}, false));
    const Vocabulary& vocabulary = tokenizer.vocabulary();
    const Lexicon lexicon(vocabulary);
    std::vector<float> row(static_cast<std::size_t>(vocabulary.size()), -9.0F);
    const auto set = [&](const char* token, float log_probability) {
        row[static_cast<std::size_t>(vocabulary.find(token))] = log_probability;
    };
    set("station", -2.0F);
    set("state", -1.0F);
    set("##ing", -0.1F);
    set(".", -0.1F);
    const auto words = [&](const char* typed, int top_k, bool finished = false) {
        return ranked(fitting_words(vocabulary, lexicon, row.data(), Typed(typed, finished)),
                      top_k);
    };
    CHECK_EQUAL(offered(words("", 2)), "state:n station:n");
    CHECK_EQUAL(offered(words("sta", 9)), "state:c station:c");
    CHECK_EQUAL(offered(words("sta", 9, true)), "");
    CHECK_EQUAL(offered(words("statoin", 9)), "station:c");
    CHECK_EQUAL(offered(words("Statoin", 9)), "Station:c");
    CHECK_EQUAL(offered(words("ststion", 9, true)), "station:c");
    CHECK_EQUAL(offered(words("xtation", 9, true)), "station:c");  // the first letter, too
    CHECK_EQUAL(offered(words("station", 9)), "station:t");
    CHECK_EQUAL(offered(words("qqqqqq", 9)), "");
    double sum = 0.0;
    for (const Suggestion& one : words("", 9)) sum += one.score;
    CHECK(sum > 0.999 && sum < 1.001);
}

TEST("suggestions: what was typed, letter by letter") {
    const std::u32string typed = U"statoin";
    Typing typing(typed, true);
    for (const char32_t letter : std::u32string(U"stat")) typing.push(letter);
    CHECK_EQUAL(typing.least(), 0);
    CHECK(typing.may_fit() && !typing.fit());
    for (const char32_t letter : std::u32string(U"ion")) typing.push(letter);
    CHECK_EQUAL(typing.whole(), 2);
    CHECK(typing.fit()->kind == SuggestionKind::correction);
    Typing far(typed, false);
    for (const char32_t letter : std::u32string(U"xyz")) far.push(letter);
    CHECK(!far.may_fit() && !far.fit());
    const std::string long_word(Typing::longest + 1, 'a');
    CHECK(!Typed(long_word, false).may_be_word());
    CHECK(!Typed("3rd", false).may_be_word());
    CHECK(Typed("don't", false).may_be_word());
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

TEST("suggestions: words of several tokens, and what stands there") {
    const std::string path = std::string(SQUEEZEBERT_PRETRAINED) + "/squeezebert-mini-mlm";
    squeezebert_model* model = nullptr;
    CHECK_EQUAL(squeezebert_open(path.c_str(), nullptr, &model), 0);
    const struct {
        const char *text, *word, *right;
    } cases[] = {{"We have two resturants ", "resturants", "restaurants"},
                 {"She is studying Psychoogy ", "Psychoogy", "Psychology"},
                 {"What shall we have for breaakfast ", "breaakfast", "breakfast"},
                 {"I know that you don\xE2\x80\x99t ", "don\xE2\x80\x99t", "don\xE2\x80\x99t"},
                 {"I know that you do\xE2\x80\x99nt ", "do\xE2\x80\x99nt", "don\xE2\x80\x99t"},
                 {"My name is Schwarzkopf ", "Schwarzkopf", "Schwarzkopf"},
                 {"I know that you don't ", "don't", "don't"}};
    for (const auto& one : cases) {
        squeezebert_suggestions* found = nullptr;
        const std::string text = one.text;
        CHECK_EQUAL(squeezebert_suggest(model, text.data(), text.size(), text.size() - 1, 3,
                                        SQUEEZEBERT_BYTES, &found),
                    0);
        CHECK(found->count > 0);
        CHECK_EQUAL(std::string(found->items[0].word), one.right);
        CHECK_EQUAL(text.substr(found->start, found->end - found->start), one.word);
        squeezebert_free(found);
    }
    squeezebert_close(model);
}

TEST("suggestions: a list of words") {
    const Tokenizer tokenizer(read_tokenizer(ModelFiles::with_texts(
        {{"vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nwork\n##ing\n##er\n##s\nt\n"}},
        "here")));
    const WordList list("the\r\nworking\n\nworker\nunknown\nworks\nworkers", tokenizer);
    // One token is no long word, and what the tokenizer does not know is none.
    CHECK_EQUAL(list.words().size(), 4U);
    CHECK(list.lists(tokenizer.vocabulary().find("the")));
    CHECK(!list.lists(tokenizer.vocabulary().find("work")));
    CHECK_EQUAL(std::string(list.words()[1].text), "worker");
    CHECK(list.words()[1].letters == U"worker");
    double two = 0.0;
    for (const WordList::Word& word : list.words()) {
        if (word.size == 2) two += std::exp(word.share);
    }
    CHECK(two > 0.999 && two < 1.001);
    CHECK(list.words()[0].share > list.words()[1].share);
    CHECK_EQUAL(list.words()[3].share, 0.0F);  // alone of three tokens
}

TEST("suggestions: a file of words") {
    const ModelFiles files =
        ModelFiles::with_texts({{"words.txt", "\xEF\xBB\xBFthe\n"}, {"bad.txt", "\xFF"}}, "here");
    CHECK_EQUAL(*read_text(files, "words.txt"), "the\n");
    CHECK(!read_text(files, "none.txt"));
    CHECK_THROWS(read_text(files, "bad.txt"), "bad.txt of here");
}

TEST("suggestions: gaps filled together") {
    const std::string path = std::string(SQUEEZEBERT_PRETRAINED) + "/squeezebert-mini-mlm";
    squeezebert_model* model = nullptr;
    CHECK_EQUAL(squeezebert_open(path.c_str(), nullptr, &model), 0);
    const std::string text = "\xF0\x9F\x98\x80 I would like [MASK][MASK] of coffee.";
    for (const squeezebert_content content : {SQUEEZEBERT_WORDS, SQUEEZEBERT_TOKENS}) {
        squeezebert_fillings* found = nullptr;
        CHECK_EQUAL(squeezebert_fill_all(model, text.data(), text.size(), 5, content,
                                         SQUEEZEBERT_UTF16, &found),
                    0);
        CHECK_EQUAL(found->gaps, 2U);
        CHECK_EQUAL(found->starts[0], 16U);
        CHECK_EQUAL(found->ends[1], 28U);
        CHECK_EQUAL(found->count, 5U);
        for (std::size_t i = 0; i < found->count; ++i) {
            const squeezebert_filling& one = found->items[i];
            CHECK(one.score > 0.0 && (i == 0 || one.score <= found->items[i - 1].score));
            if (content == SQUEEZEBERT_TOKENS) continue;
            CHECK(is_word(one.tokens[0], "##") && is_word(one.tokens[1], "##"));
            CHECK_EQUAL(std::string(one.text), "\xF0\x9F\x98\x80 I would like " +
                                                   std::string(one.tokens[0]) + " " +
                                                   one.tokens[1] + " of coffee.");
        }
        squeezebert_free(found);
    }
    squeezebert_fillings* none = nullptr;
    for (const auto& [bad, top_k, content] :
         {std::tuple("no gap", 5, 0), std::tuple("[MASK]", 0, 0), std::tuple("[MASK]", 5, 2)}) {
        CHECK_EQUAL(squeezebert_fill_all(model, bad, SQUEEZEBERT_TERMINATED, top_k, content,
                                         SQUEEZEBERT_BYTES, &none),
                    SQUEEZEBERT_ERROR_INVALID_INPUT);
        CHECK(none == nullptr);
    }
    std::string too_long = "[MASK]";
    for (int i = 0; i < 600; ++i) too_long += " a";
    CHECK_EQUAL(squeezebert_fill_all(model, too_long.data(), too_long.size(), 5, SQUEEZEBERT_WORDS,
                                     SQUEEZEBERT_BYTES, &none),
                SQUEEZEBERT_ERROR_INVALID_INPUT);
    squeezebert_close(model);
}

TEST("suggestions: odd texts and cursors") {
    const std::string path = std::string(SQUEEZEBERT_PRETRAINED) + "/squeezebert-mini-mlm";
    squeezebert_model* model = nullptr;
    CHECK_EQUAL(squeezebert_open(path.c_str(), nullptr, &model), 0);
    const char* parts[] = {
        "a",      "Qu", "ing", " ",  "'",        "-", "\xC3\x9F",         "\xCC\x88",
        "[MASK]", "7",  ".",   "\n", "\xC4\xB0", "x", "\xF0\x9F\x98\x80", "[SEP]"};
    std::uint32_t state = 7;
    const auto draw = [&state](std::uint32_t below) {
        state = state * 1664525U + 1013904223U;
        return (state >> 16U) % below;
    };
    for (int round = 0; round < 12; ++round) {
        std::string text;
        for (std::uint32_t i = draw(round == 11 ? 400 : 14); i > 0; --i) text += parts[draw(16)];
        const std::size_t cursor = draw(static_cast<std::uint32_t>(text.size()) + 1);
        squeezebert_suggestions* found = nullptr;
        CHECK_EQUAL(squeezebert_suggest(model, text.data(), text.size(), cursor, 3,
                                        SQUEEZEBERT_BYTES, &found),
                    0);
        CHECK(found->start <= found->end && found->end <= text.size() && found->count <= 3);
        for (std::size_t i = 0; i < found->count; ++i) {
            CHECK(found->items[i].word[0] != '\0');
            CHECK(found->items[i].score >= 0.0 && found->items[i].score < 1.0001);
        }
        squeezebert_free(found);
    }
    const std::string endless(5000, 'a');
    squeezebert_suggestions* none = nullptr;
    CHECK_EQUAL(
        squeezebert_suggest(model, endless.data(), endless.size(), 3, 3, SQUEEZEBERT_BYTES, &none),
        0);
    CHECK_EQUAL(none->count, 0U);
    squeezebert_free(none);
    squeezebert_close(model);
}
