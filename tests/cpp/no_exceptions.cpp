/// The C++ interface without exceptions and RTTI: no_exceptions SANDBOX_URL.

#include <chrono>
#include <cstdio>
#include <string>
#include <type_traits>
#include <utility>

#include <tokenkeep.hpp>

#include "check.hpp"
#include "http.hpp"
#include "sandbox.hpp"

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "this is to be compiled with -fno-exceptions -fno-rtti"
#endif

using namespace std::chrono_literals;
using tokenkeep::Client;
using tokenkeep::Config;
using tokenkeep::Error;
using tokenkeep::Status;

static_assert(!std::is_polymorphic_v<Error>);
static_assert(!std::is_constructible_v<Client, const Config &>);

static void a_login_brings_a_token() {
    const auto client = Client::try_create(sandbox::acquired(__func__));
    CHECK_STATUS(client, Status::ok);
    CHECK_STATUS(client->try_peek(), Status::would_block);
    const auto token = client->try_token({5s});
    CHECK_STATUS(token, Status::ok);
    CHECK(sandbox::get("/acquired/v1/customers", token->authorization()) == 200);
    CHECK(client->try_token()->generation() == token->generation());
    for (auto [name, value] : token->headers()) {
        CHECK(name == "Authorization" && value == token->authorization());
    }

    char buffer[1024];
    CHECK(client->try_copy_header(buffer, sizeof(buffer))->text == token->authorization());
    CHECK(client->try_copy_header(buffer, 1).error().required_capacity() > 1);
    CHECK(client->try_stats()->renewals == 1);
    CHECK(!client->try_last_error().value());
    CHECK_STATUS(client->try_rejected(*token, 403), Status::rejected);
    CHECK_STATUS(client->try_rejected(*token, 401), Status::ok);
    CHECK_STATUS(client->try_prefetch(), Status::ok);
    CHECK_STATUS(client->try_revoke(), Status::ok);
    CHECK_STATUS(client->try_with("mid", sandbox::mid), Status::ok);
    CHECK_STATUS(client->try_consent(), Status::unsupported);
}

static void errors_are_values() {
    CHECK_STATUS(Client::try_create(Config("acquired")), Status::config);
    CHECK_STATUS(Config::try_load("shop", "/nowhere/tokenkeep.toml"), Status::config);
    const auto client = Client::try_create(sandbox::acquired(__func__).set("app_key", "wrong"));
    const auto denied = client->try_token();
    CHECK_STATUS(denied, Status::denied);
    const Error kept = denied.error();
    CHECK(kept.http_status() == 401 && kept.code() == "unauthorized" && kept.message() == kept.what());
}

static void a_log_is_told() {
    int calls = 0;
    Config config = sandbox::acquired(__func__);
    config.on_log(tokenkeep::Level::debug, [&calls](tokenkeep::Level, std::string_view) { ++calls; });
    const auto client = Client::try_create(config);
    CHECK_STATUS(client->try_token(), Status::ok);
    CHECK(calls > 0);
}

/// A store that is down.
class Absent : public tokenkeep::Store {
public:
    bool load(std::string_view, std::optional<std::string> &) override { return false; }
    bool save(std::string_view, std::string_view,
              std::optional<std::chrono::system_clock::time_point>) override {
        return false;
    }
    bool remove(std::string_view) override { return false; }
    Lock lock(std::string_view, std::chrono::milliseconds) override { return Lock::failed; }
    void unlock(std::string_view) override {}
};

static void a_store_that_fails_is_told() {
    std::string told;
    Config config = sandbox::acquired(__func__)
                        .set("store_key", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
                        .store(std::make_shared<Absent>());
    config.on_log(tokenkeep::Level::warn,
                  [&told](tokenkeep::Level, std::string_view message) { told += message; });
    CHECK_STATUS(Client::try_create(config)->try_token(), Status::ok);
    CHECK_HAS(told, "could not load a record: it returned 13");
}

static void a_person_says_yes() {
    const auto client = Client::try_create(sandbox::config("pink", __func__)
                                               .set("grant", "authorization_code")
                                               .set("client_id", "public-client")
                                               .set("client_auth", "none")
                                               .set("redirect_uri", "http://127.0.0.1:8/callback")
                                               .set("authorize_url", sandbox::url + "/pink/oauth/authorize")
                                               .set("token_url", sandbox::url + "/pink/oauth/token"));
    CHECK_STATUS(client->try_token(), Status::consent_required);
    const auto consent = client->try_consent();
    CHECK_STATUS(consent, Status::ok);
    const std::string url = http::request("GET", consent->url()).header("location");
    CHECK_STATUS(consent->try_finish(url), Status::ok);
    CHECK_STATUS(client->try_token(), Status::ok);
}

int main(int count, char **words) {
    if (count != 2) {
        std::fprintf(stderr, "usage: %s SANDBOX_URL\n", words[0]);
        return 2;
    }
    sandbox::url = words[1];
    sandbox::reset();
    a_login_brings_a_token();
    errors_are_values();
    a_log_is_told();
    a_store_that_fails_is_told();
    a_person_says_yes();
    return check::summary();
}
