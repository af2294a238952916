/// Checks that go on after a failure, and say where it was.

#ifndef CHECK_HPP
#define CHECK_HPP

#include <string_view>

#include <tokenkeep.hpp>

#define CHECK(condition) check::that(static_cast<bool>(condition), #condition, __FILE__, __LINE__)

/// The text has the part in it.
#define CHECK_HAS(text, part) check::has(text, part, #text, __FILE__, __LINE__)

/// A Result is a success, or a failure with this status.
#define CHECK_STATUS(result, expected) check::status(result, expected, #result, __FILE__, __LINE__)

/// An expression throws an Error with this status.
#define CHECK_THROWS(expression, expected)                                                                   \
    check::throws([&] { static_cast<void>(expression); }, expected, #expression, __FILE__, __LINE__)

namespace check {

bool that(bool holds, const char *what, const char *file, int line);
bool has(std::string_view text, std::string_view part, const char *what, const char *file, int line);
bool same(tokenkeep::Status actual, tokenkeep::Status expected, std::string_view message, const char *what,
          const char *file, int line);

template <class Value>
bool status(const tokenkeep::Result<Value> &result, tokenkeep::Status expected, const char *what,
            const char *file, int line) {
    return same(result.status(), expected, result ? "" : result.error().message(), what, file, line);
}

#if defined(__cpp_exceptions)
template <class Action>
bool throws(const Action &action, tokenkeep::Status expected, const char *what, const char *file, int line) {
    try {
        action();
    } catch (const tokenkeep::Error &error) {
        return same(error.status(), expected, error.message(), what, file, line);
    }
    return same(tokenkeep::Status::ok, expected, "", what, file, line);
}
#endif

/// Prints the counts. 0 if nothing failed.
int summary();

} // namespace check

#endif
