#include <string>

#include "tests/check.h"
#include "tests/model_files.h"
#include "tests/text_models.h"
#include "text/tokenizer_files.h"

using namespace squeezebert;
using tests::shown_tokens;

namespace {

const std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\r\n\xC3\xA4\nx y\n";

Tokenizer made_of(ModelFiles::Texts texts) {
    return Tokenizer(read_tokenizer(ModelFiles::with_texts(std::move(texts), "m")));
}

/// A tokenizer.json with some of its parts put in.
std::string json(const std::string& added = "", const std::string& normalizer = "null",
                 const std::string& vocab = R"("a": 5, "##b": 6)") {
    return R"({"added_tokens": [)" + added + R"(], "normalizer": )" + normalizer +
           R"(, "pre_tokenizer": {"type": "BertPreTokenizer"}, "model": {"type": "WordPiece",
           "unk_token": "[UNK]", "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3,
           "[MASK]": 4, )" +
           vocab + "}}}";
}

}  // namespace

TEST("text tokenizer files: a vocabulary by lines, cased or not") {
    const Tokenizer uncased = made_of({{"vocab.txt", vocabulary}});
    CHECK_EQUAL(uncased.vocabulary().size(), 9);
    CHECK_EQUAL(shown_tokens(uncased, "AB \xC3\x84[MASK]"), "a[0,1) ##b[1,2) a[3,5) [MASK][5,11)");
    const Tokenizer cased = made_of(
        {{"vocab.txt", vocabulary}, {"tokenizer_config.json", R"({"do_lower_case": false})"}});
    CHECK_EQUAL(shown_tokens(cased, "ab A\xC3\xA4 \xC3\xA4"),
                "a[0,1) ##b[1,2) [UNK][3,6) \xC3\xA4[7,9)");
    const Tokenizer accents = made_of(
        {{"vocab.txt", vocabulary}, {"tokenizer_config.json", R"({"strip_accents": false})"}});
    CHECK_EQUAL(shown_tokens(accents, "\xC3\x84 A"), "\xC3\xA4[0,2) a[3,4)");
}

TEST("text tokenizer files: tokens that are added") {
    const Tokenizer tokenizer =
        made_of({{"vocab.txt", vocabulary},
                 {"tokenizer_config.json",
                  R"({"added_tokens_decoder": {"10": {"content": "<b>", "lstrip": true},
              "9": {"content": "<A>", "normalized": false, "rstrip": true}}})"}});
    CHECK_EQUAL(shown_tokens(tokenizer, "a <A> a <B>"), "a[0,1) <A>[2,6) a[6,7) <b>[7,11)");
    // What is added is no piece of a word.
    const Tokenizer word = made_of(
        {{"tokenizer.json",
          json(R"({"id": 7, "content": "abc", "single_word": true, "normalized": false})")}});
    CHECK_EQUAL(shown_tokens(word, "abc abcb"), "abc[0,3) [UNK][4,8)");
    CHECK_THROWS(made_of({{"vocab.txt", vocabulary},
                          {"tokenizer_config.json",
                           R"({"added_tokens_decoder": {"11": {"content": "<b>"}}})"}}),
                 "'<b>' is added as id 11, but the vocabulary makes it 9");
    CHECK_THROWS(made_of({{"tokenizer.json", json(R"({"id": 5, "content": "c"})")}}),
                 "'c' is added as id 5, but the vocabulary makes it 7");
}

TEST("text tokenizer files: a single word is one") {
    const Tokenizer tokenizer = made_of(
        {{"tokenizer.json",
          json(R"({"id": 7, "content": "<x>", "single_word": true, "normalized": false})")}});
    CHECK_EQUAL(shown_tokens(tokenizer, "<x> a<x>"),
                "<x>[0,3) a[4,5) [UNK][5,6) [UNK][6,7) [UNK][7,8)");
}

TEST("text tokenizer files: tokenizer.json goes before vocab.txt, with all its settings") {
    const Tokenizer plain = made_of({{"tokenizer.json", json()}, {"vocab.txt", "nothing"}});
    CHECK_EQUAL(shown_tokens(plain, "ab AB"), "a[0,1) ##b[1,2) [UNK][3,5)");
    const Tokenizer bert = made_of({{"tokenizer.json", json("", R"({"type": "BertNormalizer",
        "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,
        "lowercase": true})")}});
    CHECK_EQUAL(shown_tokens(bert, "AB\xCC\x81"), "a[0,1) ##b[1,2)");
}

TEST("text tokenizer files: tokenizer_config.json goes before tokenizer.json's normalizer") {
    const std::string bert = R"({"tokenizer_class": "BertTokenizer", "do_lower_case": true})";
    const std::string generic = R"({"tokenizer_class": "PreTrainedTokenizerFast"})";
    for (const auto& [config, shown] :
         {std::pair(bert, "a[0,1) ##b[1,2)"), std::pair(generic, "[UNK][0,2)")}) {
        const Tokenizer tokenizer =
            made_of({{"tokenizer.json", json()}, {"tokenizer_config.json", config}});
        CHECK_EQUAL(shown_tokens(tokenizer, "AB"), shown);
    }
    CHECK_EQUAL(shown_tokens(made_of({{"vocab.txt", "\xEF\xBB\xBF" + vocabulary}}), "[PAD]"),
                "[PAD][0,5)");
}

TEST("text tokenizer files: what is wrong is named") {
    CHECK_THROWS(made_of({}), "m holds neither tokenizer.json nor vocab.txt");
    CHECK_THROWS(made_of({{"vocab.txt", "a\nb\n"}}), "the vocabulary lacks [UNK]");
    CHECK_THROWS(made_of({{"vocab.txt", vocabulary + "a\n"}}), "holds 'a' twice, as ids 5 and 9");
    CHECK_THROWS(made_of({{"vocab.txt", "a\xFF\n"}}), "vocab.txt of m is not UTF-8: byte 1");
    CHECK_THROWS(made_of({{"vocab.txt", vocabulary}, {"tokenizer_config.json", "[]"}}),
                 "tokenizer_config.json of m holds an array, expected an object");
    CHECK_THROWS(made_of({{"vocab.txt", vocabulary},
                          {"tokenizer_config.json", R"({"do_lower_case": "no"})"}}),
                 "do_lower_case is 'no', expected true or false");
    CHECK_THROWS(made_of({{"tokenizer.json", R"({"model": {"type": "BPE"}})"}}),
                 "has the model 'BPE', expected 'WordPiece'");
    CHECK_THROWS(made_of({{"tokenizer.json", json("", R"({"type": "NFC"})")}}),
                 "has the normalizer 'NFC', expected 'BertNormalizer'");
    CHECK_THROWS(made_of({{"tokenizer.json", json("", "null", R"("a": 5, "b": 5)")}}),
                 "gives 'b' the id 5, expected each of 0 to 6 once");
    CHECK_THROWS(made_of({{"tokenizer.json", json("", "null", R"("a": 7)")}}),
                 "gives 'a' the id 7, expected each of 0 to 5 once");
}

TEST("text tokenizer files: a directory") {
    const tests::TemporaryFolder folder;
    CHECK_THROWS(read_tokenizer(ModelFiles::in_directory(folder.path())),
                 "holds neither tokenizer.json nor vocab.txt");
    tests::write_file(folder.path("vocab.txt"), vocabulary);
    const Tokenizer tokenizer(read_tokenizer(ModelFiles::in_directory(folder.path())));
    CHECK_EQUAL(shown_tokens(tokenizer, "ab"), "a[0,1) ##b[1,2)");
}
