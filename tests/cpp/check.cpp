#include "check.hpp"

#include <atomic>
#include <cstdio>

namespace check {

static std::atomic<int> checks;
static std::atomic<int> failures;

static int width(std::string_view text) { return static_cast<int>(text.size()); }

bool that(bool holds, const char *what, const char *file, int line) {
    ++checks;
    if (!holds) {
        ++failures;
        std::fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
    }
    return holds;
}

bool has(std::string_view text, std::string_view part, const char *what, const char *file, int line) {
    if (!that(text.find(part) != std::string_view::npos, what, file, line)) {
        std::fprintf(stderr, "    expected \"%.*s\" in \"%.*s\"\n", width(part), part.data(), width(text),
                     text.data());
        return false;
    }
    return true;
}

bool same(tokenkeep::Status actual, tokenkeep::Status expected, std::string_view message, const char *what,
          const char *file, int line) {
    if (!that(actual == expected, what, file, line)) {
        std::fprintf(stderr, "    expected %s, got %s\n    %.*s\n", tokenkeep::to_string(expected).data(),
                     tokenkeep::to_string(actual).data(), width(message), message.data());
        return false;
    }
    return true;
}

int summary() {
    std::printf("%d checks, %d failed\n", checks.load(), failures.load());
    return failures == 0 ? 0 : 1;
}

} // namespace check
