// Many threads and one client.

#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include <tokenkeep.hpp>

#include "check.hpp"
#include "sandbox.hpp"
#include "suites.hpp"

using tokenkeep::Client;
using tokenkeep::Status;
using tokenkeep::Token;

/// Runs an action with a clone of the client on each of so many threads, and then one more here.
template <class Action, class Meanwhile>
static void on_threads(int many, const Client &client, const Action &action, const Meanwhile &meanwhile) {
    std::vector<std::thread> threads;
    for (int count = 0; count < many; ++count) {
        threads.emplace_back([&action, clone = client.clone()] { action(clone); });
    }
    meanwhile();
    for (std::thread &thread : threads) {
        thread.join();
    }
}

static void many_threads_share_a_client() {
    const Client client(sandbox::acquired(__func__));
    const auto hammer = [](const Client &own) {
        char buffer[1024];
        Token kept = own.token();
        for (int round = 0; round < 200; ++round) {
            const auto copied = own.try_copy_header(buffer, sizeof(buffer));
            CHECK_STATUS(copied, Status::ok);
            CHECK(copied && copied->generation >= kept.generation());
            kept = own.token();
            CHECK_HAS(kept.headers()[0].second, "Bearer ");
        }
    };
    on_threads(8, client, hammer, [] {});
}

static void many_threads_make_one_request() {
    sandbox::reset();
    sandbox::control("faults", R"({"endpoint": "acquired/login", "delay_ms": 300})");
    const Client client(sandbox::acquired(__func__));
    on_threads(
        64, client, [](const Client &own) { CHECK_STATUS(own.try_token(), Status::ok); }, [] {});
    CHECK(sandbox::count("acquired/login") == 1);
}

static void whoever_waits_for_anothers_renewal_is_counted() {
    sandbox::reset();
    // Time enough for all of them to ask, also under valgrind on a busy machine.
    sandbox::control("faults", R"({"endpoint": "acquired/login", "delay_ms": 2000})");
    const Client client(sandbox::acquired(__func__));
    client.prefetch();
    on_threads(
        8, client, [](const Client &own) { CHECK(own.token()); }, [] {});
    const tokenkeep::Stats stats = client.stats();
    CHECK(stats.renewals == 1 && stats.failures == 0 && stats.hits == 0 && stats.shared_waits == 8);
}

static void closing_ends_the_wait() {
    sandbox::reset();
    sandbox::control("faults", R"({"endpoint": "acquired/login", "times": 0, "hang": true})");
    const Client client(sandbox::acquired(__func__).set("timeout", "20 s"));
    const auto close = [&client] {
        CHECK(sandbox::wait_for("acquired/login", 1));
        client.close();
    };
    on_threads(
        8, client, [](const Client &own) { CHECK_THROWS(own.token(), Status::cancelled); }, close);
    CHECK_STATUS(client.try_token(), Status::cancelled);
    sandbox::reset();
}

void test_threads() {
    many_threads_share_a_client();
    many_threads_make_one_request();
    whoever_waits_for_anothers_renewal_is_counted();
    closing_ends_the_wait();
}
