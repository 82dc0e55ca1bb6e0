#include <string>
#include <vector>

#include "tests/check.h"
#include "text/tag_decoder.h"
#include "text/tag_set.h"
#include "text/task_spec.h"
#include "text/text_model.h"
#include "text/windows.h"
#include "text/words.h"

using namespace squeezebert;

namespace {

std::string words_of(const std::string& text, bool apart = true) {
    std::string result;
    for (const Span& word : split_words(text, apart)) {
        result += (result.empty() ? "" : "|") + text.substr(word.begin, word.end - word.begin);
    }
    return result;
}

TaskSpec spec_of(const std::string& task, HeadKind head, std::vector<std::string> labels) {
    return read_task_spec(ModelFiles::with_texts({{"task.json", task}}, "m"), head, labels);
}

}  // namespace

TEST("text words: letters, numbers, signs") {
    CHECK_EQUAL(words_of("Ada's U.S. trip to Rolls-Royce cost 3,000.50..."),
                "Ada|'s|U.S.|trip|to|Rolls-Royce|cost|3,000.50|...");
    CHECK_EQUAL(words_of("didn't O'Neill rock'n'roll dogs'"), "didn|'t|O'Neill|rock'n'roll|dogs|'");
    CHECK_EQUAL(words_of("1/2/2024 12:30 1. a.b A.B"), "1/2/2024|12:30|1|.|a|.|b|A|.|B");
    CHECK_EQUAL(words_of("a_b \x01 _"), "a|_|b|_");
    CHECK_EQUAL(words_of(""), "");
}

TEST("text words: marks decide nothing, ideographs stand alone") {
    CHECK_EQUAL(words_of("a\xCC\x88"
                         "b !\xEF\xB8\x8F!"),
                "a\xCC\x88"
                "b|!\xEF\xB8\x8F!");
    CHECK_EQUAL(words_of("\xCC\x88 \xE2\x80\x8D"
                         "a\xE2\x80\x8D"),
                "a");
    CHECK_EQUAL(words_of("caf\xE2\x80\x8B"
                         "e\xCC\x81\xE2\x80\x8B."),
                "caf\xE2\x80\x8B"
                "e\xCC\x81|.");
    CHECK_EQUAL(words_of("\xE6\x9D\xB1\xE4\xBA\xAC"
                         "a"),
                "\xE6\x9D\xB1|\xE4\xBA\xAC|a");
    CHECK_EQUAL(words_of("\xE6\x9D\xB1\xE4\xBA\xAC"
                         "a",
                         false),
                "\xE6\x9D\xB1\xE4\xBA\xAC"
                "a");
}

TEST("text words: touching symbols are one") {
    const std::string woman = "\xF0\x9F\x91\xA9", rocket = "\xF0\x9F\x9A\x80";
    CHECK_EQUAL(words_of(woman + "\xE2\x80\x8D" + rocket + "a"),
                woman + "\xE2\x80\x8D" + rocket + "|a");
    CHECK_EQUAL(words_of(woman + rocket + " " + rocket), woman + rocket + "|" + rocket);
}

TEST("text words: long texts in little time") {
    for (const std::string part : {"a", "1,", "a.", "'", "-", "a'", "\xCC\x88", "1"}) {
        std::string text;
        for (int i = 0; i < 300'000; ++i) text += part;
        CHECK(split_words(text, true).size() <= 600'000U);
    }
}

TEST("text windows: a word is decided once") {
    const auto windows = cut_windows({0, 1, 2, 3, 4, 5}, 4, 2);
    CHECK_EQUAL(windows.size(), 2U);
    CHECK(windows[0].words == (std::vector<std::int32_t>{0, 1, 2, -1}));
    CHECK(windows[1].words == (std::vector<std::int32_t>{-1, 3, 4, 5}));
    CHECK_EQUAL(cut_windows({}, 4, 2).size(), 0U);
    CHECK_THROWS(cut_windows({0}, 4, 4), "overlap is 4, expected 0 to 3");
}

TEST("text tags: the best sequence") {
    const Transitions iob2 = {
        {0.0, 0.0, std::nullopt}, {0.0, 0.0, 0.0}, {0.0, 0.0, 0.0}, {0.0, 0.0, std::nullopt}};
    const std::vector<float> scores = {2.0F, 1.5F, 0.0F, 0.0F, 0.0F, 3.0F};
    CHECK(TagDecoder(iob2, 3).decode(scores) == (std::vector<std::int32_t>{1, 2}));
    CHECK(TagDecoder({}, 3).decode(scores) == (std::vector<std::int32_t>{0, 2}));
    CHECK(TagDecoder(iob2, 3).decode({}).empty());
    CHECK_THROWS(TagDecoder({{0.0}}, 3),
                 "the transitions have 1 rows of 1 scores, expected 4 of 3");
    CHECK_THROWS(TagDecoder({{0.0}, {std::nullopt}}, 1), "let nothing follow");
}

TEST("text tags: entities by each naming") {
    const auto spans = [](const std::vector<std::string>& names,
                          const std::vector<std::int32_t>& labels) {
        std::string result;
        for (const WordSpan& span : TagSet(names).spans(labels)) {
            result += span.type + std::to_string(span.begin) + std::to_string(span.end) + " ";
        }
        return result;
    };
    // What cannot go on with an entity starts one, as in conlleval.
    CHECK_EQUAL(spans({"O", "B-PER", "I-PER", "B-LOC", "I-LOC"}, {1, 2, 0, 4, 4, 2, 1, 1}),
                "PER02 LOC35 PER56 PER67 PER78 ");
    CHECK_EQUAL(spans({"O", "I-PER", "B-PER"}, {1, 1, 2, 0}), "PER02 PER23 ");
    CHECK_EQUAL(spans({"O", "B-A", "I-A", "E-A", "S-A"}, {4, 1, 2, 3, 2, 4}), "A01 A14 A45 A56 ");
    CHECK_EQUAL(spans({"O", "B-A", "I-A", "L-A", "U-A"}, {1, 3, 4}), "A02 A23 ");
    CHECK_EQUAL(spans({"O", "PER", "LOC"}, {1, 1, 2, 0, 2}), "PER02 LOC23 LOC45 ");
    CHECK_EQUAL(spans({"NOUN", "VERB"}, {0, 0, 1}), "NOUN01 NOUN12 VERB23 ");
}

TEST("text tasks: what task.json says") {
    const TaskSpec spec = spec_of(R"({"problem_type": "multi_label", "max_length": 64,
        "temperature": 2, "labels": ["a"]})",
                                  HeadKind::text_classification, {"a"});
    CHECK(spec.problem_type == ProblemType::multi_label);
    CHECK_EQUAL(spec.max_length, 64);
    CHECK_EQUAL(spec.temperature, 2.0);
    const auto read = [](const std::string& task) {
        return spec_of(task, HeadKind::token_classification, {"O", "B-X"});
    };
    CHECK_THROWS(read(R"({"max_length": 3})"), "max_length is 3, expected 4 to");
    CHECK_THROWS(read(R"({"temperature": 0})"), "temperature is 0, expected a number above 0");
    CHECK_THROWS(read(R"({"problem_type": "x"})"), "problem_type is 'x'");
    CHECK_THROWS(read(R"({"transitions": [["a"]]})"), "the transitions hold 'a'");
    CHECK_THROWS(read(R"({"words": "x"})"), "words is 'x', expected conll or pre_tokens");
    CHECK(read(R"({"words": "pre_tokens"})").words == WordRule::pre_tokens);
    CHECK_THROWS(spec_of("{}", HeadKind::token_classification, {"O", "O"}), "hold one twice");
    CHECK_THROWS(spec_of("{}", HeadKind::text_classification, {"a"}), "expected 2 or more");
}

TEST("text gaps: a token that continues a word stands close to it") {
    CHECK_EQUAL(filled("go [MASK] now", {3, 9}, "home"), "go home now");
    CHECK_EQUAL(filled("go\xC2\xA0 [MASK] now", {5, 11}, "##ing"), "going now");
    CHECK_EQUAL(filled("[MASK]", {0, 6}, "##x"), "x");
}
