// Logs a person in with their own browser (RFC 8252), and uses the token. The settings are a profile with
// `grant = "authorization_code"` and `redirect_uri = "http://127.0.0.1/callback"`:
//
//     c++ -std=c++17 -pthread desktop.cpp $(pkg-config --cflags --libs tokenkeep) -o desktop
//     ./desktop PROFILE

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include <spawn.h>
#include <sys/wait.h>

#include <tokenkeep.hpp>

extern char **environ;

static void say_there_is_no_browser() {
    std::printf("Open that page in a browser on this machine.\n");
    std::fflush(stdout);
}

// Opens a URL in the person's browser, if there is a way to. No shell sees the URL.
static void open_browser(std::string url) {
    char program[] = "xdg-open";
    char *const arguments[] = {program, url.data(), nullptr};
    pid_t child = 0;
    if (posix_spawnp(&child, program, nullptr, nullptr, arguments, environ) != 0) {
        say_there_is_no_browser();
        return;
    }
    // It may stay for as long as the browser does: the person is waited for meanwhile.
    std::thread([child] {
        int outcome = 0;
        if (waitpid(child, &outcome, 0) == child && !(WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0)) {
            say_there_is_no_browser();
        }
    }).detach();
}

// Stands for your HTTP library: sends a request with these headers and returns the status of the answer.
static int list_files(const tokenkeep::Headers &headers) { return headers.empty() ? 401 : 200; }

static tokenkeep::Token log_in(const tokenkeep::Client &client) {
    using namespace std::chrono_literals;
    // The port is open from here on, until the person is back or the consent goes out of scope.
    const tokenkeep::Consent consent = client.consent();
    std::printf("Log in at %s\n", consent.url().data());
    std::fflush(stdout);
    open_browser(std::string(consent.url()));
    return consent.wait({10min});
}

int main(int argc, char **argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: desktop PROFILE\n");
        return 2;
    }
    try {
        const tokenkeep::Client client(tokenkeep::Config::load(argv[1]));
        auto token = client.try_token();
        // Only where a person must say yes first, or again.
        const bool asks = !token && token.error().status() == tokenkeep::Status::consent_required;
        const tokenkeep::Token usable = asks ? log_in(client) : token.value();
        std::printf("the vendor answered %d\n", list_files(usable.headers()));
        return 0;
    } catch (const tokenkeep::Error &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
