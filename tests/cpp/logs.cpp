// Log callbacks: what they are told, when they are destroyed, what they throw.

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <tokenkeep.hpp>

#include "check.hpp"
#include "sandbox.hpp"
#include "suites.hpp"

using tokenkeep::Client;
using tokenkeep::Config;
using tokenkeep::Level;
using tokenkeep::Status;

/// Does what there is to tell about. Once for an account: a second new token refused would be one too many.
static void keep_busy(const Client &client) {
    client.rejected(client.token(), 401);
    CHECK(client.token());
}

static void a_renewal_is_told() {
    std::vector<std::string> messages;
    const auto thread = std::this_thread::get_id();
    Config config = sandbox::acquired(__func__);
    config.on_log(Level::debug, [&](Level level, std::string_view message) {
        CHECK(level >= Level::error && level <= Level::debug && std::this_thread::get_id() == thread);
        messages.emplace_back(message);
    });
    keep_busy(Client(config));
    CHECK(!messages.empty());
    for (const std::string &message : messages) {
        CHECK(!message.empty() && message.find("SANDBOX-SECRET") == std::string::npos);
    }
}

/// A callable that cannot be copied, and counts how often it was called and destroyed.
class Counter {
public:
    Counter(int &calls, int &ends) : calls_(&calls), ends_(&ends) {}
    Counter(Counter &&other) noexcept : calls_(other.calls_), ends_(std::exchange(other.ends_, nullptr)) {}
    Counter &operator=(Counter &&) = delete;

    ~Counter() {
        if (ends_ != nullptr) {
            ++*ends_;
        }
    }

    void operator()(Level, std::string_view) { ++*calls_; }

private:
    int *calls_;
    int *ends_;
};

static void a_callable_is_destroyed_once() {
    int calls = 0;
    int ends = 0;
    std::optional<Config> config = sandbox::acquired(__func__).on_log(Level::debug, Counter(calls, ends));
    std::optional<Client> client(*config);
    std::optional<Client> clone = client->clone();
    std::optional<Client> variant = client->with("account", "another");
    config.reset();
    client.reset();
    keep_busy(*clone);
    clone.reset();
    CHECK(calls > 0 && ends == 0);
    calls = 0;
    keep_busy(*variant);
    CHECK(calls > 0 && ends == 0);
    variant.reset();
    CHECK(ends == 1);
}

static void a_callable_is_replaced() {
    int calls = 0;
    int ends = 0;
    Config config = sandbox::acquired(__func__);
    config.on_log(Level::debug, Counter(calls, ends)).on_log(Level::debug, Counter(calls, ends));
    CHECK(ends == 1);
    config.on_log(static_cast<Level>(99), Counter(calls, ends));
    CHECK(ends == 2);
    CHECK_HAS(Client::try_create(config).error().message(), "99");
    CHECK(calls == 0);
}

static void ignore(Level, std::string_view) {}

static void an_empty_callable_ends_the_log() {
    int calls = 0;
    int ends = 0;
    Config config = sandbox::acquired(__func__);
    config.on_log(Level::debug, Counter(calls, ends));
    config.on_log(Level::debug, std::function<void(Level, std::string_view)>());
    CHECK(ends == 1);
    config.on_log(Level::debug, Counter(calls, ends));
    config.on_log(Level::debug, static_cast<void (*)(Level, std::string_view)>(nullptr));
    CHECK(ends == 2);
    keep_busy(Client(config));
    CHECK(calls == 0);
    config.on_log(Level::debug, ignore).set("account", "another");
    keep_busy(Client(config));
}

static void what_a_callable_throws_stays_inside() {
    int calls = 0;
    Config config = sandbox::acquired(__func__);
    config.on_log(Level::debug, [&calls](Level, std::string_view) {
        ++calls;
        throw std::runtime_error("a full disk");
    });
    keep_busy(Client(config));
    CHECK(calls > 0);
}

static void a_callable_cannot_call_its_client() {
    int calls = 0;
    std::optional<Client> client;
    Config config = sandbox::acquired(__func__);
    config.on_log(Level::debug, [&](Level, std::string_view) {
        if (client) {
            ++calls;
            CHECK_THROWS(client->token(), Status::reentrant);
            CHECK_THROWS(client->peek(), Status::reentrant);
            CHECK_STATUS(client->try_stats(), Status::reentrant);
            CHECK_STATUS(client->try_last_error(), Status::reentrant);
        }
    });
    client.emplace(config);
    keep_busy(*client);
    CHECK(calls > 0);
}

void test_logs() {
    a_renewal_is_told();
    a_callable_is_destroyed_once();
    a_callable_is_replaced();
    an_empty_callable_ends_the_log();
    what_a_callable_throws_stays_inside();
    a_callable_cannot_call_its_client();
}
