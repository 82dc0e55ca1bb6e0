/// The whole test framework: TEST makes a test, the CHECKs fail it, SKIP leaves it out.
///
///     TEST("json: numbers") {
///         CHECK_EQUAL(parse("12").as_int(), 12);
///         CHECK_NEAR(parse("1e-3").as_double(), 0.001, 1e-12);
///         CHECK_THROWS(parse("1e"), "a digit was expected");
///     }
///
/// squeezebert_tests runs all, or those whose names begin with one of its arguments.
#pragma once

#include <cmath>
#include <exception>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace squeezebert::tests {

struct Test {
    const char* name;
    void (*body)();
};

/// All tests, in the order in which the linker met their files.
inline std::vector<Test>& all_tests() {
    static std::vector<Test> tests;
    return tests;
}

struct Registration {
    Registration(const char* name, void (*body)()) { all_tests().push_back({name, body}); }
};

/// Ends a test that failed; what() names file, line, expression and values.
struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Ends a test that cannot run here; what() says why.
struct Skipped : std::runtime_error {
    using std::runtime_error::runtime_error;
};

template <class T, class = void>
struct IsStreamable : std::false_type {};
template <class T>
struct IsStreamable<T, std::void_t<decltype(std::declval<std::ostream&>() << std::declval<T>())>>
    : std::true_type {};

/// A value as a person reads it; enumerations as their numbers.
template <class T>
std::string shown(const T& value) {
    std::ostringstream text;
    text.precision(9);
    if constexpr (std::is_same_v<T, bool>) {
        text << (value ? "true" : "false");
    } else if constexpr (std::is_enum_v<T>) {
        text << static_cast<long long>(value);
    } else if constexpr (sizeof(T) == 1 && std::is_arithmetic_v<T>) {
        text << static_cast<int>(value);
    } else if constexpr (IsStreamable<const T&>::value) {
        text << value;
    } else {
        text << "(" << sizeof(T) << " bytes)";
    }
    return text.str();
}

/// Where a check stands, and what it says.
struct Place {
    const char* file;
    int line;
    const char* expression;

    [[noreturn]] void fail(const std::string& what) const {
        throw Failure(std::string(file) + ":" + std::to_string(line) + ": " + expression +
                      "\n    " + what);
    }
};

inline void check(bool holds, const Place& place) {
    if (!holds) {
        place.fail("is false");
    }
}

template <class A, class B>
void check_equal(const A& received, const B& expected, const Place& place) {
    if (!(received == expected)) {
        place.fail("received " + shown(received) + ", expected " + shown(expected));
    }
}

/// |received - expected| <= tolerance, which a NaN never meets.
inline void check_near(double received, double expected, double tolerance, const Place& place) {
    if (!(std::fabs(received - expected) <= tolerance)) {
        place.fail("received " + shown(received) + ", expected " + shown(expected) + " within " +
                   shown(tolerance));
    }
}

/// What an expression threw had a message that holds the text.
inline void check_message(const std::string& message, std::string_view text, const Place& place) {
    if (message.find(text) == std::string::npos) {
        place.fail("threw \"" + message + "\", expected \"" + std::string(text) + "\" in it");
    }
}

}  // namespace squeezebert::tests

#define SQUEEZEBERT_JOIN_(a, b) a##b
#define SQUEEZEBERT_JOIN(a, b) SQUEEZEBERT_JOIN_(a, b)
#define SQUEEZEBERT_PLACE(text) \
    ::squeezebert::tests::Place { __FILE__, __LINE__, text }

#define TEST(name)                                                                     \
    static void SQUEEZEBERT_JOIN(test_body_, __LINE__)();                              \
    static const ::squeezebert::tests::Registration SQUEEZEBERT_JOIN(test_, __LINE__)( \
        name, &SQUEEZEBERT_JOIN(test_body_, __LINE__));                                \
    static void SQUEEZEBERT_JOIN(test_body_, __LINE__)()

#define CHECK(expression) \
    ::squeezebert::tests::check(static_cast<bool>(expression), SQUEEZEBERT_PLACE(#expression))
#define CHECK_EQUAL(received, expected)                   \
    ::squeezebert::tests::check_equal(received, expected, \
                                      SQUEEZEBERT_PLACE(#received " == " #expected))
#define CHECK_NEAR(received, expected, tolerance)                   \
    ::squeezebert::tests::check_near(received, expected, tolerance, \
                                     SQUEEZEBERT_PLACE(#received " ~ " #expected))
#define CHECK_THROWS(expression, text)                                                     \
    do {                                                                                   \
        bool test_threw = false;                                                           \
        try {                                                                              \
            static_cast<void>(expression);                                                 \
        } catch (const std::exception& error) {                                            \
            test_threw = true;                                                             \
            ::squeezebert::tests::check_message(error.what(), text,                        \
                                                SQUEEZEBERT_PLACE(#expression));           \
        }                                                                                  \
        ::squeezebert::tests::check(test_threw, SQUEEZEBERT_PLACE(#expression " throws")); \
    } while (false)
#define SKIP(why) throw ::squeezebert::tests::Skipped(why)
