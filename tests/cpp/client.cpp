/// Tests the C++ interface against a sandbox: client SANDBOX_URL [SUITE].

#include <cstdio>
#include <string_view>

#include "check.hpp"
#include "sandbox.hpp"
#include "suites.hpp"

namespace {

struct Suite {
    const char *name;
    void (*run)();
};

constexpr Suite suites[] = {
    {"values", test_values},     {"tokens", test_tokens}, {"errors", test_errors},
    {"refusals", test_refusals}, {"logs", test_logs},     {"threads", test_threads},
    {"consents", test_consents}, {"stores", test_stores},
};

} // namespace

int main(int count, char **words) {
    if (count < 2) {
        std::fprintf(stderr, "usage: %s SANDBOX_URL [SUITE]\n", words[0]);
        return 2;
    }
    sandbox::url = words[1];
    for (const Suite &suite : suites) {
        if (count < 3 || std::string_view(words[2]) == suite.name) {
            std::printf("%s\n", suite.name);
            std::fflush(stdout);
            sandbox::reset();
            suite.run();
        }
    }
    return check::summary();
}
