#include <string>

#include "engine/error.h"
#include "tests/check.h"
#include "tests/text_models.h"
#include "text/unicode.h"

using namespace squeezebert;
using tests::shown_tokens;
using tests::text_settings;

namespace {

/// Ids of "a" and "##a" alternate with nothing else known.
Tokenizer letters(bool lowercase = true) {
    return Tokenizer(text_settings(
        {"a", "##a", "b", "##b", ".", "'", "un", "##seen", "##se", "unseen"}, lowercase));
}

}  // namespace

TEST("text tokenizer: words into the longest pieces, with their places") {
    const Tokenizer tokenizer = letters();
    CHECK_EQUAL(shown_tokens(tokenizer, "a b. unseenseen"),
                "a[0,1) b[2,3) .[3,4) unseen[5,11) ##seen[11,15)");
    CHECK_EQUAL(shown_tokens(tokenizer, "unsee"), "[UNK][0,5)");
    CHECK_EQUAL(shown_tokens(tokenizer, "ab'a"), "a[0,1) ##b[1,2) '[2,3) a[3,4)");
    CHECK_EQUAL(shown_tokens(tokenizer, ""), "");
    CHECK_EQUAL(shown_tokens(tokenizer, " \t\n"), "");
}

TEST("text tokenizer: letters and accents as the settings say") {
    CHECK_EQUAL(shown_tokens(letters(),
                             "\xC3\x84"
                             "b A\xCC\x88"),
                "a[0,2) ##b[2,3) a[4,5)");
    CHECK_EQUAL(shown_tokens(letters(false), "Ab ab"), "[UNK][0,2) a[3,4) ##b[4,5)");
    auto settings = text_settings({"\xC3\xA4", "##b"});
    settings.normalizer.strip_accents = false;
    CHECK_EQUAL(shown_tokens(Tokenizer(settings),
                             "\xC3\x84"
                             "B"),
                "\xC3\xA4[0,2) ##b[2,3)");
}

TEST("text tokenizer: what is dropped is in no token, but between its bytes") {
    const Tokenizer tokenizer = letters();
    const std::string soft_hyphen = "\xC2\xAD";
    CHECK_EQUAL(shown_tokens(tokenizer, "a" + soft_hyphen + "b"), "a[0,1) ##b[3,4)");
    CHECK_EQUAL(shown_tokens(tokenizer, std::string("a\0b", 3)), "a[0,1) ##b[2,3)");
    CHECK_EQUAL(shown_tokens(tokenizer,
                             "\xEF\xBF\xBD"
                             "ab\x01"),
                "a[3,4) ##b[4,5)");
    CHECK_EQUAL(shown_tokens(tokenizer,
                             "a\xC2\xA0"
                             "b\xE2\x80\xA8"
                             "a"),
                "a[0,1) b[3,4) a[7,8)");
}

TEST("text tokenizer: ideographs stand alone") {
    auto settings = text_settings({"\xE5\xAD\x97", "a", "##\xE5\xAD\x97"});
    CHECK_EQUAL(shown_tokens(Tokenizer(settings), "a\xE5\xAD\x97\xE5\xAD\x97"),
                "a[0,1) \xE5\xAD\x97[1,4) \xE5\xAD\x97[4,7)");
    settings.normalizer.handle_chinese_chars = false;
    CHECK_EQUAL(shown_tokens(Tokenizer(settings), "a\xE5\xAD\x97\xE5\xAD\x97"),
                "a[0,1) ##\xE5\xAD\x97[1,4) ##\xE5\xAD\x97[4,7)");
}

TEST("text tokenizer: a character that becomes several has one place") {
    // U+0130 is i and a dot above, Hangul's syllables their letters.
    auto settings = text_settings({"i", "##\xCC\x87", "\xE1\x84\x80", "##\xE1\x85\xA1"});
    settings.normalizer.strip_accents = false;
    CHECK_EQUAL(shown_tokens(Tokenizer(settings), "\xC4\xB0"), "i[0,2) ##\xCC\x87[0,2)");
    settings.normalizer.strip_accents = true;
    CHECK_EQUAL(shown_tokens(Tokenizer(settings), "\xEA\xB0\x80"),
                "\xE1\x84\x80[0,3) ##\xE1\x85\xA1[0,3)");
}

TEST("text tokenizer: a mark that changes places leaves the places in order") {
    // U+1BAA has the class 9 and is no nonspacing mark; the accent before it has 230 and goes.
    const auto settings = text_settings({"a", "##\xE1\xAE\xAA", "##b"});
    CHECK_EQUAL(shown_tokens(Tokenizer(settings),
                             "b. a\xCC\x81\xE1\xAE\xAA"
                             "b"),
                "[UNK][0,1) [UNK][1,2) a[3,4) ##\xE1\xAE\xAA[4,6) ##b[9,10)");
}

TEST("text tokenizer: special tokens in a text") {
    const Tokenizer tokenizer = letters();
    CHECK_EQUAL(shown_tokens(tokenizer, "a [MASK]b[SEP]"), "a[0,1) [MASK][2,8) b[8,9) [SEP][9,14)");
    CHECK_EQUAL(shown_tokens(tokenizer, "[MASK"), "[UNK][0,1) [UNK][1,5)");
    CHECK_EQUAL(shown_tokens(tokenizer, "[mask]"), "[UNK][0,1) [UNK][1,5) [UNK][5,6)");
}

TEST("text tokenizer: a word of more than 100 characters is unknown") {
    const Tokenizer tokenizer = letters();
    const std::string longest(100, 'a');
    CHECK_EQUAL(tokenizer.encode(longest).size(), 100U);
    CHECK_EQUAL(shown_tokens(tokenizer, longest + "a b"), "[UNK][0,101) b[102,103)");
    std::string accents;
    for (int i = 0; i < 100; ++i) accents += "a\xCC\x81";
    CHECK_EQUAL(tokenizer.encode(accents).size(), 100U);
    CHECK_EQUAL(shown_tokens(tokenizer, accents + "a"), "[UNK][0,301)");
    CHECK_EQUAL(shown_tokens(tokenizer, std::string(1'000'000, 'a')), "[UNK][0,1000000)");
    auto settings = text_settings({"a", "##a"});
    settings.max_word_length = 2;
    CHECK_EQUAL(shown_tokens(Tokenizer(settings), "aa aaa"), "a[0,1) ##a[1,2) [UNK][3,6)");
}

TEST("text tokenizer: words by themselves, a token for each") {
    const Tokenizer tokenizer = letters();
    const std::string text = "ab \x01 [MASK]";
    std::vector<std::int32_t> words;
    const Tokens tokens = tokenizer.encode_words(text, {{0, 2}, {3, 4}, {5, 11}}, words);
    CHECK_EQUAL(shown_tokens(tokenizer, tokens), "a[0,1) ##b[1,2) [UNK][3,4) [MASK][5,11)");
    CHECK(words == (std::vector<std::int32_t>{0, 0, 1, 2}));
}

TEST("text tokenizer: words that the pre-tokenizer sees") {
    const Tokenizer tokenizer = letters();
    const std::vector<Span> words = tokenizer.pre_tokens("ab.xyz [MASK]\xE5\xAD\x97");
    CHECK(words == (std::vector<Span>{{0, 2}, {2, 3}, {3, 6}, {7, 13}, {13, 16}}));
    CHECK_EQUAL(tokenizer.pre_tokens("a\xCC\x81\xE1\xAE\xAA b " + std::string(101, 'a')).size(),
                3U);
}

TEST("text tokenizer: texts that are no UTF-8 are refused") {
    const Tokenizer tokenizer = letters();
    for (const char* bad :
         {"a\x80", "ab\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xF0\x80\x80\x80",
          "\xF4\x90\x80\x80", "\xE2\x82", "\xFF", "abcdefgh\xE2\x28\xA1"}) {
        CHECK_THROWS(tokenizer.encode(bad), "is not UTF-8");
    }
    CHECK_THROWS(tokenizer.encode("good\xC3\xA4 \xC3"), "byte 7 is 195");
}

TEST("text tokenizer: vocabularies that cannot be") {
    CHECK_THROWS(Tokenizer(text_settings({"a", "b", "a"})), "holds 'a' twice, as ids 5 and 7");
    auto settings = text_settings({});
    settings.tokens.pop_back();
    settings.added.pop_back();
    CHECK_THROWS(Tokenizer(settings), "the vocabulary lacks [MASK]");
}

TEST("text tokenizer: spans in code points and in UTF-16") {
    const std::string text =
        "\xC3\xA4"
        "a\xF0\x9F\x98\x80"
        "b";
    const std::vector<Span> bytes = {{0, 2}, {2, 3}, {2, 7}, {7, 8}};
    std::vector<Span> spans = bytes;
    convert_spans(text, TextUnit::bytes, spans);
    CHECK(spans == bytes);
    convert_spans(text, TextUnit::code_points, spans);
    CHECK(spans == (std::vector<Span>{{0, 1}, {1, 2}, {1, 3}, {3, 4}}));
    spans = bytes;
    convert_spans(text, TextUnit::utf16, spans);
    CHECK(spans == (std::vector<Span>{{0, 1}, {1, 2}, {1, 4}, {4, 5}}));
}

TEST("text unicode: decompositions, small letters and classes") {
    const CodePoints parts = decompose(0x1F82);  // alpha with three marks
    CHECK_EQUAL(parts.count, 4);
    CHECK(parts.values[0] == 0x3B1 && parts.values[3] == 0x345);
    CHECK_EQUAL(decompose(0xAC01).count, 3);
    CHECK_EQUAL(decompose(0xD7A4).count, 1);
    CHECK(to_lower(0x1E9E).values[0] == 0xDF);
    CHECK_EQUAL(to_lower(0x130).count, 2);
    CHECK_EQUAL(combining_class(0x301), 230);
    CHECK_EQUAL(combining_class(U'a'), 0);
    CHECK_EQUAL(static_cast<int>(properties(0x10FFFF)), 0);
    CHECK(is_ideograph(0x4E00) && !is_ideograph(0x2B820) && !is_ideograph(U'a'));
}
