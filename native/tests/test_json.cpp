#include "engine/json.h"

#include <cstdint>
#include <limits>
#include <string>

#include "engine/error.h"
#include "tests/check.h"
#include "tests/model_files.h"

using squeezebert::Json;

namespace {

Json parse(const std::string& text) { return Json::parse(text, "t.json"); }

std::string text_of(const std::string& json) {
    const Json value = parse(json);
    return value.string() == nullptr ? "(no text)" : *value.string();
}

}  // namespace

TEST("json: values of every type, and no other") {
    const Json value = parse(R"( {"a": [1, -2.5e1, true, null, "x"], "b": {}} )");
    const Json::Array& a = *value.find("a")->array();
    CHECK_EQUAL(a.size(), 5U);
    CHECK_EQUAL(*a[0].integer(), 1);
    CHECK_EQUAL(*a[0].number(), 1.0);
    CHECK_EQUAL(*a[1].number(), -25.0);
    CHECK(!a[1].integer());
    CHECK_EQUAL(*a[2].boolean(), true);
    CHECK(!a[2].integer() && !a[2].number());
    CHECK(a[3].is_null() && !a[2].is_null());
    CHECK_EQUAL(*a[4].string(), "x");
    CHECK(a[4].object() == nullptr && a[4].find("a") == nullptr);
    CHECK(value.find("b")->object()->empty());
    CHECK(value.find("c") == nullptr);
}

TEST("json: numbers") {
    CHECK_EQUAL(*parse("9223372036854775807").integer(), std::numeric_limits<std::int64_t>::max());
    CHECK_EQUAL(*parse("-9223372036854775808").integer(), std::numeric_limits<std::int64_t>::min());
    CHECK(!parse("9223372036854775808").integer());
    CHECK_EQUAL(*parse("9223372036854775808").number(), 9223372036854775808.0);
    CHECK_EQUAL(*parse("1e-12").number(), 1e-12);
    CHECK_EQUAL(*parse("0").integer(), 0);
    CHECK_EQUAL(*parse("-0.0").number(), 0.0);
    for (const char* bad : {"01", "+1", ".5", "1.", "1e", "-", "0x1", "1e+", "NaN", "Infinity"}) {
        CHECK_THROWS(parse(bad), "is not readable JSON");
    }
    CHECK_THROWS(parse("1e999"), "a number is out of range");
}

TEST("json: texts") {
    CHECK_EQUAL(text_of(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
    CHECK_EQUAL(text_of(R"("\u0041\u00e9\u20AC\ud83d\ude00")"),
                "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    CHECK_EQUAL(text_of("\"\xC3\xA9\xF0\x9F\x98\x80\""), "\xC3\xA9\xF0\x9F\x98\x80");
    CHECK_EQUAL(text_of(R"("a\u0000b")").size(), 3U);
    for (const char* bad : {R"("\ud83d")", R"("\ude00")", R"("\ud83d\u0041")", R"("\ud83dx")"}) {
        CHECK_THROWS(parse(bad), "half of a surrogate pair");
    }
    for (const char* bad : {R"("\u12")", R"("\u12g4")", R"("\u-123")", "\"\\u"}) {
        CHECK_THROWS(parse(bad), "four hexadecimal digits are expected");
    }
    CHECK_THROWS(parse(R"("\x")"), "an unknown escape");
    CHECK_THROWS(parse("\"\\"), "an unknown escape");
    CHECK_THROWS(parse("\"abc"), "it ends inside a text");
    CHECK_THROWS(parse("\"a\nb\""), "a control character stands in a text");
}

TEST("json: texts are UTF-8") {
    const char* bad[] = {"\x80",
                         "\xC3",
                         "\xC0\xAF",
                         "\xE0\x80\xAF",
                         "\xED\xA0\x80",
                         "\xF5\x80\x80\x80",
                         "\xF0\x80\x80\x80",
                         "\xF4\x90\x80\x80",
                         "\xE2\x82",
                         "\xFF"};
    for (const char* sequence : bad) {
        CHECK_THROWS(parse("\"" + std::string(sequence) + "\""), "a text is not UTF-8");
        CHECK_THROWS(parse("\"" + std::string(sequence)), "a text is not UTF-8");
    }
}

TEST("json: errors name line and column") {
    CHECK_THROWS(parse("{\n  \"a\": ?\n}"),
                 "t.json is not readable JSON: a value is expected "
                 "(line 2, column 8)");
    CHECK_THROWS(parse(""), "it ends where a value is expected (line 1, column 1)");
    CHECK_THROWS(parse("[1, 2"), "a comma or ] is expected (line 1, column 6)");
    CHECK_THROWS(parse("{\"a\" 1}"), "a colon is expected");
    CHECK_THROWS(parse("{\"a\": 1, }"), "a name in quotes is expected");
    CHECK_THROWS(parse("{\"a\": 1 2}"), "a comma or } is expected");
    CHECK_THROWS(parse("[1] x"), "something stands after the value (line 1, column 5)");
    CHECK_THROWS(parse("{\"a\": 1, \"b\": 2, \"a\": 3}"), "the name \"a\" stands twice");
    CHECK_THROWS(parse("\xEF\xBB\xBF{}"), "a value is expected");
}

TEST("json: depth is limited") {
    const std::string deep(64, '[');
    CHECK(parse(deep + std::string(64, ']')).array() != nullptr);
    CHECK_THROWS(parse(deep + "[]" + std::string(64, ']')), "more than 64 levels");
    CHECK_THROWS(parse(std::string(1'000'000, '[')), "more than 64 levels");
}

TEST("json: long and hostile names are bounded and escaped in messages") {
    const std::string key(300'000, 'k');
    try {
        parse("{\"" + key + "\": 1, \"" + key + "\": 2}");
        CHECK(false);
    } catch (const squeezebert::Error& error) {
        CHECK(std::string(error.what()).size() < 300);
    }
    CHECK_THROWS(parse("{\"\\u001b[2J\": 1, \"\\u001b[2J\": 2}"), "the name \"\\x1b[2J\" stands");
    CHECK_EQUAL(parse("\"a\\nb\\u202e\"").show(), "'a\\nb\\u202e'");
    CHECK(parse("\"" + key + "\"").show().size() < 200);
}

TEST("json: values as messages show them") {
    CHECK_EQUAL(parse("\"x\"").show(), "'x'");
    CHECK_EQUAL(parse("12").show(), "12");
    CHECK_EQUAL(parse("0.5").show(), "0.5");
    CHECK_EQUAL(parse("true").show(), "true");
    CHECK_EQUAL(parse("null").show(), "null");
    CHECK_EQUAL(parse("[]").show(), "an array");
    CHECK_EQUAL(parse("{}").show(), "an object");
}

TEST("json: files") {
    const squeezebert::tests::TemporaryFolder folder;
    squeezebert::tests::write_file(folder.path("a.json"), "{\"x\": 1}");
    CHECK_EQUAL(*Json::read_file(folder.path("a.json")).find("x")->integer(), 1);
    squeezebert::tests::write_file(folder.path("empty.json"), "");
    CHECK_THROWS(Json::read_file(folder.path("empty.json")), "it ends where a value is expected");
    CHECK_THROWS(Json::read_file(folder.path("none.json")), "there is no file");
    CHECK_THROWS(Json::read_file(folder.path()), "there is no file");
    squeezebert::tests::write_file(folder.path("marked.json"), "\xEF\xBB\xBF{\"x\": 2}");
    CHECK_EQUAL(*Json::read_file(folder.path("marked.json")).find("x")->integer(), 2);
    squeezebert::tests::write_file(folder.path("long.json"), std::string((16U << 20U) + 1, ' '));
    CHECK_THROWS(Json::read_file(folder.path("long.json")),
                 "16777217 bytes long, expected at most");
}
