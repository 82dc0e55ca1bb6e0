#include "engine/utf8.h"

#include <string>

#include "engine/error.h"
#include "tests/check.h"

using squeezebert::Error;
using squeezebert::ErrorKind;
using squeezebert::shown;

TEST("utf8: what a terminal would act on is escaped, all else is shown") {
    CHECK_EQUAL(shown("caf\xC3\xA9 \xE5\x8C\x97\xE4\xBA\xAC \xF0\x9F\x98\x80 'x' \\n"),
                "caf\xC3\xA9 \xE5\x8C\x97\xE4\xBA\xAC \xF0\x9F\x98\x80 'x' \\n");
    CHECK_EQUAL(shown("\x1B[31m\r\n\t\x07\x7F"), "\\x1b[31m\\x0d\\n\\t\\x07\\x7f");
    CHECK_EQUAL(shown(std::string("a\0b", 3)), "a\\x00b");
    CHECK_EQUAL(shown("\xC2\x9B\xE2\x80\xAE\xE2\x81\xA6\xEF\xBB\xBF"),
                "\\x9b\\u202e\\u2066\\ufeff");
    // Bytes that are no characters: paths may have any.
    CHECK_EQUAL(shown("\xFF/\xC3/\xED\xA0\x80"), "\\xff/\\xc3/\\xed\\xa0\\x80");
    CHECK_EQUAL(shown(""), "");
}

TEST("utf8: of what is long both ends are shown") {
    const std::string text = "begin" + std::string(300'000, 'x') + "end";
    const std::string cut = shown(text);
    CHECK(cut.size() < 200);
    CHECK(cut.find("begin") == 0 && cut.rfind("end") == cut.size() - 3);
    CHECK(cut.find(" \xE2\x80\xA6 ") != std::string::npos);
    // Characters stay whole wherever it is cut.
    for (std::size_t most = 1; most < 60; ++most) {
        std::string wide;
        for (int i = 0; i < 30; ++i) wide += "\xF0\x9F\x98\x80\xC3\xA9";
        CHECK(shown(wide, most).find('\\') == std::string::npos);
    }
}

TEST("utf8: an error's message and hint are bounded and clean whatever goes in") {
    const Error error(ErrorKind::checkpoint, "\x1B" + std::string(1'000'000, '\x02') + "\xFF",
                      "\n" + std::string(100'000, 'h'));
    const std::string message = error.what();
    CHECK(message.size() < 4 * Error::longest + 100);
    CHECK(error.hint().size() < Error::longest + 100);
    for (const char character : message + error.hint()) {
        CHECK(static_cast<unsigned char>(character) >= 0x20);
    }
    CHECK_EQUAL(message.substr(0, 4), "\\x1b");
    CHECK_EQUAL(message.substr(message.size() - 4), "\\xff");
}
