// exit BASE_URL WAY: begins a renewal that hangs, prints "leaving" and ends, in one of the ways below.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <thread>

#include <tokenkeep.hpp>

// Destroyed after main has returned.
static std::optional<tokenkeep::Client> kept;

static void leave() {
    std::puts("leaving");
    std::fflush(stdout);
}

int main(int count, char **words) {
    if (count != 3) {
        std::fprintf(stderr, "usage: exit BASE_URL WAY\n");
        return 2;
    }
    const std::string_view way = words[2];
    kept.emplace(tokenkeep::Config("acquired")
                     .set("base_url", words[1])
                     .set("app_id", "sbx00001")
                     .set("app_key", "SANDBOX-SECRET-app-key-000000001"));
    tokenkeep::CallOptions brief;
    brief.timeout = std::chrono::milliseconds(50);
    if (kept->try_token(brief).error().status() != tokenkeep::Status::timeout) {
        std::fprintf(stderr, "no renewal is under way\n");
        return 2;
    }
    if (way == "return") {
        leave();
    } else if (way == "exit") {
        leave();
        std::exit(0);
    } else if (way == "waiter") {
        std::thread([own = kept->clone()] { static_cast<void>(own.try_token()); }).detach();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        leave();
    } else {
        return 2;
    }
    return 0;
}
