// What errors tell, thrown and as results.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include <tokenkeep.hpp>

#include "check.hpp"
#include "sandbox.hpp"
#include "suites.hpp"

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using std::chrono::steady_clock;
using tokenkeep::Client;
using tokenkeep::Config;
using tokenkeep::Error;
using tokenkeep::Status;

static Config with_a_wrong_key(std::string_view account) {
    return sandbox::acquired(account).set("app_key", "SANDBOX-SECRET-that-is-wrong");
}

static void wrong_credentials_throw() {
    const Client client(with_a_wrong_key(__func__));
    try {
        CHECK(!client.token());
    } catch (const std::exception &thrown) {
        const auto *error = dynamic_cast<const Error *>(&thrown);
        CHECK(error != nullptr && error->status() == Status::denied && error->http_status() == 401);
        CHECK(error != nullptr && error->code() == "unauthorized" && !error->is_retryable());
        CHECK(std::string_view(thrown.what()).find("SANDBOX-SECRET") == std::string_view::npos);
    }
    CHECK_THROWS(client.token(), Status::denied);
}

static void wrong_credentials_are_a_result() {
    const Client client(with_a_wrong_key(__func__));
    const auto result = client.try_token();
    CHECK_STATUS(result, Status::denied);
    CHECK(result.error().http_status() == 401 && result.error().code() == "unauthorized");
    CHECK(result.error().native_handle() != nullptr);
}

static Error denied(std::string_view account) {
    return Client(with_a_wrong_key(account)).try_token().error();
}

static void a_copy_of_an_error_says_the_same() {
    Error kept(Status::internal);
    {
        const Error error = denied(__func__);
        kept = error;
        CHECK(kept.what() == error.what());
    }
    CHECK(kept.status() == Status::denied && !kept.message().empty());
}

static void all_faults_come_at_once() {
    Config config("acquired");
    config.set("app_ld", "12345678").set("timeout", "soon").set("mid\0x"sv, "y");
    config.set("app_id", std::getenv("TOKENKEEP_NO_SUCH_VARIABLE"));
    const auto client = Client::try_create(config);
    CHECK_STATUS(client, Status::config);
    for (const char *part : {"app_ld", "app_id is NULL", "timeout", "mid\xef\xbf\xbdx"}) {
        CHECK_HAS(client.error().message(), part);
    }
    CHECK_THROWS(Client(config), Status::config);
    CHECK_STATUS(Client::try_create(Config("acquired\0"sv)), Status::config);
}

/// As of std::getenv, where there is no such variable.
static void a_null_is_a_fault_like_any_other() {
    const char *const null = nullptr;
    const auto nobodys = Client::try_create(Config(null));
    CHECK_STATUS(nobodys, Status::config);
    CHECK_HAS(nobodys.error().message(), "the provider is NULL");
    const auto nameless = Client::try_create(sandbox::acquired(__func__).set(null, "x").set("mid", null));
    CHECK_STATUS(nameless, Status::config);
    CHECK_HAS(nameless.error().message(), "the name of a setting is NULL");
    CHECK_HAS(nameless.error().message(), "the value of mid is NULL");
    CHECK_THROWS(Config::load(null), Status::invalid_argument);
    const Client client(sandbox::acquired(__func__));
    CHECK_THROWS(client.with(null, "x"), Status::invalid_argument);
    CHECK_STATUS(client.try_with("mid", null), Status::invalid_argument);
    CHECK_THROWS(client.resume(null), Status::invalid_argument);
}

static void profiles_are_loaded() {
    std::string path = std::filesystem::temp_directory_path() / "tokenkeep-profiles-XXXXXX";
    std::FILE *profiles = fdopen(mkstemp(path.data()), "w");
    std::fprintf(profiles, "[shop]\nprovider = \"acquired\"\nbase_url = \"%s/acquired\"\napp_id = \"%s\"\n",
                 sandbox::url.c_str(), sandbox::app_id.data());
    std::fclose(profiles);

    const Client client(Config::load("shop", path).set("app_key", sandbox::app_key));
    CHECK_HAS(client.token().authorization(), "Bearer ");
    CHECK_THROWS(Config::load("stall", path), Status::config);
    CHECK_THROWS(Config::load("shop", "/nowhere/tokenkeep.toml"), Status::config);
    CHECK_STATUS(Config::try_load("shop\0"sv, path), Status::config);
    std::filesystem::remove(path);
}

static void a_deadline_passes() {
    sandbox::control("faults", R"({"endpoint": "acquired/login", "times": 0, "hang": true})");
    const Client client(sandbox::acquired(__func__).set("timeout", "20 s"));
    const auto start = steady_clock::now();
    CHECK_STATUS(client.try_token({200ms}), Status::timeout);
    CHECK_THROWS(client.token({0ms}), Status::timeout);
    CHECK_THROWS(client.token({-1s}), Status::timeout);
    CHECK(steady_clock::now() - start < 10s);
    sandbox::reset();
}

static void a_vendor_asks_for_patience() {
    sandbox::control("faults", R"({"endpoint": "acquired/login", "times": 0, "status": 429,
                                   "headers": {"Retry-After": "7"}})");
    const Client client(sandbox::acquired(__func__).set("max_attempts", "1"));
    const auto result = client.try_token();
    CHECK_STATUS(result, Status::rate_limited);
    CHECK(result.error().is_retryable());
    CHECK(result.error().retry_after() > 5s && result.error().retry_after() <= 7s);
    sandbox::reset();
}

/// A renewal that fails while the token in memory lives is kept to be asked for.
static void a_failure_that_nobody_saw() {
    sandbox::control("vendors/acquired", R"({"lifetime": 60})");
    const Client client(sandbox::acquired(__func__).set("max_attempts", "1"));
    CHECK(client.token());
    CHECK(!client.last_error());
    sandbox::control("faults", R"({"endpoint": "acquired/login", "times": 0, "status": 503})");
    std::this_thread::sleep_for(200ms);
    CHECK_THROWS(client.token({std::nullopt, 59900ms}), Status::server);
    CHECK(client.token());
    const std::optional<Error> unseen = client.last_error();
    CHECK(unseen && unseen->status() == Status::server && unseen->http_status() == 503);
    sandbox::reset();
}

void test_errors() {
    wrong_credentials_throw();
    wrong_credentials_are_a_result();
    a_copy_of_an_error_says_the_same();
    all_faults_come_at_once();
    a_null_is_a_fault_like_any_other();
    profiles_are_loaded();
    a_deadline_passes();
    a_vendor_asks_for_patience();
    a_failure_that_nobody_saw();
}
