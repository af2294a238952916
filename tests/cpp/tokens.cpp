// Tokens, what they tell, and the ways to them.

#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <tokenkeep.hpp>

#include "check.hpp"
#include "sandbox.hpp"
#include "suites.hpp"

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using tokenkeep::Client;
using tokenkeep::Config;
using tokenkeep::Headers;
using tokenkeep::Lifetime;
using tokenkeep::Status;
using tokenkeep::Token;

static void a_login_brings_a_token() {
    const Client client(sandbox::acquired(__func__).set("company_id", sandbox::company_id));
    const Token token = client.token({5s, 1min});
    CHECK(token.authorization() == "Bearer " + std::string(token.value()));
    CHECK(std::strlen(token.value().data()) == token.value().size());
    CHECK(sandbox::get("/acquired/v1/customers", token.authorization()) == 200);
    CHECK(token.query().empty() && token.scope().empty());
    CHECK(token.lifetime() == Lifetime::known);
    const auto remaining = token.expires_at().value() - std::chrono::system_clock::now();
    CHECK(remaining > 58min && remaining <= 1h);

    const Token again = client.token();
    CHECK(again.value() == token.value() && again.generation() == token.generation());
    CHECK(sandbox::count("acquired/login") == 1);
}

static void headers_are_a_range() {
    const Client client(sandbox::acquired(__func__).set("company_id", sandbox::company_id));
    std::vector<Headers::value_type> seen;
    const Token token = client.token();
    const Headers headers = token.headers();
    for (auto [name, value] : headers) {
        seen.emplace_back(name, value);
    }
    CHECK(headers.size() == 2 && seen.size() == 2 && !headers.empty());
    CHECK(seen[0] == headers[0] && headers[0].first == "Authorization");
    CHECK(headers[0].second == token.authorization());
    CHECK(headers[1] == Headers::value_type("Company-Id", sandbox::company_id));
    CHECK(headers[2].first.empty() && headers[2].second.empty());
    CHECK(std::vector<Headers::value_type>(headers.begin(), headers.end()) == seen);
    CHECK((*++headers.begin()).first == "Company-Id" && (*headers.begin()++).first == "Authorization");
}

/// The client and the token are gone once the loop begins.
static void headers_keep_their_token() {
    int count = 0;
    for (auto [name, value] : Client(sandbox::acquired(__func__)).token().headers()) {
        CHECK(name == "Authorization");
        CHECK_HAS(value, "Bearer ");
        ++count;
    }
    CHECK(count == 1);
}

static void a_token_outlives_its_client() {
    std::vector<Token> copies;
    {
        const Client client(sandbox::acquired(__func__));
        const Token token = client.token();
        copies.assign(3, token);
        copies.push_back(client.token());
    }
    CHECK(copies[0].value().data() == copies[1].value().data());
    copies[0] = std::move(copies[3]);
    copies[1] = copies[2];
    const Token &alias = copies[2];
    copies[2] = alias;
    CHECK_HAS(copies[0].authorization(), "Bearer ");
    CHECK(copies[0].value() == copies[2].value());
}

static void a_given_token_has_no_known_end() {
    const Client client(sandbox::config("acquire", __func__).set("access_token", "given"));
    const Token token = client.token();
    CHECK(token.value() == "given" && token.lifetime() == Lifetime::unknown && !token.expires_at());
}

static void a_token_may_go_into_the_query() {
    const Client client(sandbox::config("frederick", __func__)
                            .set("acts_as", "user")
                            .set("api_key", "SANDBOX-SECRET-frederick-api-key")
                            .set("client_id", "sandbox-frederick-client")
                            .set("client_secret", "SANDBOX-SECRET-frederick-client")
                            .set("email", "owner@frederick.example")
                            .set("password", "SANDBOX-SECRET-frederick-password")
                            .set("user_token_url", sandbox::url + "/frederick/v1/user_access_token")
                            .set("placement", "query"));
    const Token token = client.token();
    CHECK_HAS(token.query(), "access_token=");
    CHECK(token.authorization().empty());
    CHECK(token.lifetime() == Lifetime::never && !token.expires_at());
    CHECK(token.headers()[0].first == "x-api-key");
    char buffer[64];
    CHECK_THROWS(client.copy_header(buffer, sizeof(buffer)), Status::unsupported);
}

static void peek_never_asks() {
    const Client client(sandbox::acquired(__func__));
    const int before = sandbox::count("acquired/login");
    CHECK(!client.peek());
    CHECK_STATUS(client.try_peek(), Status::would_block);
    CHECK(sandbox::count("acquired/login") == before);
    client.prefetch();
    for (int tries = 0; tries < 500 && !client.peek(); ++tries) {
        std::this_thread::sleep_for(20ms);
    }
    CHECK(client.peek()->value() == client.try_peek().value().value());
    CHECK(sandbox::count("acquired/login") == before + 1);
}

static void a_header_is_copied() {
    const Client client(sandbox::acquired(__func__));
    std::vector<char> buffer(1024, 'x');
    const tokenkeep::CopiedHeader copied = client.copy_header(buffer.data(), buffer.size());
    const Token token = client.token();
    CHECK(copied.text.data() == buffer.data() && copied.text == token.authorization());
    CHECK(copied.generation == token.generation() && buffer[copied.text.size()] == '\0');
}

static void a_buffer_may_be_too_small() {
    const Client client(sandbox::acquired(__func__));
    const auto nowhere = client.try_copy_header(nullptr, 0);
    CHECK_STATUS(nowhere, Status::buffer_too_small);
    std::vector<char> buffer(nowhere.error().required_capacity(), 'x');
    CHECK_THROWS(client.copy_header(buffer.data(), buffer.size() - 1), Status::buffer_too_small);
    CHECK(buffer[0] == '\0');
    CHECK(client.copy_header(buffer.data(), buffer.size()).text == client.token().authorization());
    CHECK_STATUS(client.try_copy_header(nullptr, 16), Status::invalid_argument);
}

static void a_client_has_clones_and_variants() {
    const Client base(sandbox::acquired(__func__));
    const int before = sandbox::count("acquired/login");
    const Client clone = base.clone();
    const Client variant = base.with("mid", sandbox::mid);
    CHECK(clone.token().value() == base.token().value());
    CHECK(variant.token().value() == base.token().value());
    CHECK(base.token().headers().size() == 1);
    CHECK(variant.token().headers()[1] == Headers::value_type("Mid", sandbox::mid));
    CHECK(sandbox::count("acquired/login") == before + 1);
    CHECK_THROWS(base.with("mld", "x"), Status::config);
    CHECK_THROWS(base.with("mid\0x"sv, "y"), Status::config);
}

static void tokens_go_to_the_apis_hosts_alone() {
    const Client client(
        Config("acquire").set("access_token", "given").set("api_hosts", "api.example *.pay.example"));
    CHECK(client.may_send_to("https://api.example/v1/payments?page=2"));
    CHECK(client.may_send_to(std::string("https://eu.pay.example/")));
    CHECK(!client.may_send_to("http://api.example/") &&
          !client.may_send_to("https://api.example.evil.example/"));
    CHECK(!client.may_send_to("") && !client.may_send_to(nullptr));
}

static void numbers_are_kept() {
    const Client client(sandbox::acquired(__func__));
    CHECK(client.token().value() == client.token().value());
    const tokenkeep::Stats stats = client.stats();
    CHECK(stats.hits >= 1 && stats.renewals == 1 && stats.failures == 0 && stats.shared_waits == 0);
    CHECK(stats.next_renewal > std::chrono::system_clock::now());
    CHECK(!client.last_error());
}

static void an_id_token_is_handed_out_as_it_came() {
    sandbox::control("vendors/oauth2", R"({"answer_extra": {"id_token": "SANDBOX-TOKEN.id"}})");
    const Client client(sandbox::config("oauth2", __func__)
                            .set("token_url", sandbox::url + "/oauth2/token")
                            .set("client_id", "sandbox-oauth2-client")
                            .set("client_secret", "SANDBOX-SECRET-oauth2-client"));
    CHECK(client.token().id_token() == "SANDBOX-TOKEN.id"sv);
    sandbox::reset();
    CHECK(Client(sandbox::acquired(__func__)).token().id_token().empty());
}

void test_tokens() {
    a_login_brings_a_token();
    headers_are_a_range();
    headers_keep_their_token();
    a_token_outlives_its_client();
    a_given_token_has_no_known_end();
    a_token_may_go_into_the_query();
    peek_never_asks();
    a_header_is_copied();
    a_buffer_may_be_too_small();
    a_client_has_clones_and_variants();
    tokens_go_to_the_apis_hosts_alone();
    numbers_are_kept();
    an_id_token_is_handed_out_as_it_came();
}
