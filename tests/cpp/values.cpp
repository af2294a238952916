// What needs no vendor: the types themselves, results, empty objects, native handles.

#include <chrono>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#if __cplusplus >= 202002L
#include <ranges>
#endif

#include <tokenkeep.hpp>

#include "check.hpp"
#include "suites.hpp"

using namespace std::chrono_literals;
using tokenkeep::CallOptions;
using tokenkeep::Client;
using tokenkeep::Config;
using tokenkeep::Consent;
using tokenkeep::Error;
using tokenkeep::Headers;
using tokenkeep::Result;
using tokenkeep::Status;
using tokenkeep::Text;
using tokenkeep::Token;

template <class Type>
constexpr bool moves_only =
    !std::is_copy_constructible_v<Type> && !std::is_copy_assignable_v<Type> &&
    std::is_nothrow_move_constructible_v<Type> && std::is_nothrow_move_assignable_v<Type>;

template <class Type>
constexpr bool copies_without_fail =
    std::is_nothrow_copy_constructible_v<Type> &&std::is_nothrow_copy_assignable_v<Type>
        &&std::is_nothrow_move_constructible_v<Type> &&std::is_nothrow_move_assignable_v<Type>;

static_assert(moves_only<Config> && moves_only<Client> && moves_only<Consent> && moves_only<Headers>);
static_assert(copies_without_fail<Token> && copies_without_fail<Error>);
static_assert(std::is_nothrow_move_constructible_v<Result<Token>> && moves_only<Result<Client>>);
static_assert(std::is_base_of_v<std::exception, Error>);
static_assert(sizeof(Client) == sizeof(void *) && sizeof(Token) == sizeof(void *));
#if __cplusplus >= 202002L
static_assert(std::ranges::forward_range<const Headers>);
#endif
static_assert(noexcept(std::declval<const Client &>().try_token()));
static_assert(noexcept(std::declval<const Consent &>().try_finish("")));

static void statuses_are_those_of_c() {
    CHECK(static_cast<int>(Status::ok) == 0);
    CHECK(static_cast<int>(Status::internal) == TOKENKEEP_INTERNAL);
    CHECK(tokenkeep::to_string(Status::consent_required) == "CONSENT_REQUIRED");
    CHECK(tokenkeep::to_string(static_cast<Status>(-1)) == "UNKNOWN");
    CHECK(tokenkeep::version() == tokenkeep_version());
    CHECK(tokenkeep::version_number() == TOKENKEEP_VERSION_NUMBER);
}

static void a_result_has_a_value() {
    Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
    CHECK(result && result.ok() && result.status() == Status::ok);
    CHECK(**result == 7 && *result.value() == 7 && *result->get() == 7);
    CHECK(*std::as_const(result).value() == 7);
    CHECK(*std::move(result).value_or(nullptr) == 7);
    Result<void>().value();
}

static void a_result_has_an_error() {
    Result<int> result = Error(Status::timeout);
    CHECK(!result && !result.ok() && result.status() == Status::timeout);
    CHECK(result.error().message() == "TIMEOUT");
    CHECK(result.value_or(7) == 7);
    CHECK_THROWS(result.value(), Status::timeout);
    CHECK_THROWS(*std::as_const(result), Status::timeout);
    CHECK_THROWS(*std::move(result), Status::timeout);
    CHECK_THROWS(Result<void>(Error(Status::server)).value(), Status::server);
}

static void an_error_may_be_a_status_alone() {
    const Error error(Status::would_block);
    const std::exception &base = error;
    CHECK(std::string_view(base.what()) == "WOULD_BLOCK");
    CHECK(error.http_status() == 0 && error.code().empty() && !error.retry_after() && !error.is_retryable());
    CHECK(error.required_capacity() == 0 && error.native_handle() == nullptr);
}

static void options_become_milliseconds() {
    const auto call = [](const CallOptions &options) { return tokenkeep::detail::c_call(options); };
    constexpr auto most = std::numeric_limits<std::uint32_t>::max();
    CHECK(call({}).timeout_ms == 0 && call({}).min_valid_ms == 0);
    CHECK(call({2s}).timeout_ms == 2000 && call({2s, 1min}).min_valid_ms == 60000);
    CHECK(call({0ms}).timeout_ms == 1 && call({-5s}).timeout_ms == 1);
    CHECK(call({std::nullopt, -5s}).timeout_ms == 0 && call({std::nullopt, -5s}).min_valid_ms == 0);
    CHECK(call({std::chrono::milliseconds::max(), std::chrono::milliseconds::max()}).timeout_ms == most);
}

static void times_fit_the_clock() {
    using std::chrono::system_clock;
    using tokenkeep::detail::time_point;
    constexpr auto never = std::numeric_limits<std::int64_t>::max();
    CHECK(!time_point(never));
    CHECK(time_point(1500) == system_clock::time_point(1500ms));
    CHECK(time_point(-1500) == system_clock::time_point(-1500ms));
    CHECK(time_point(never - 1) > system_clock::now() + 24h);
    CHECK(time_point(std::numeric_limits<std::int64_t>::min()) < system_clock::now() - 24h);
}

static void an_empty_client_fails() {
    Client client(Config("acquire").set("access_token", "given"));
    const Client taken = std::move(client);
    CHECK(taken && !client); // NOLINT: what a moved-from client does is what is tested
    CHECK_THROWS(client.token(), Status::invalid_argument);
    CHECK_THROWS(client.peek(), Status::invalid_argument);
    CHECK_THROWS(client.prefetch(), Status::invalid_argument);
    CHECK_THROWS(client.rejected(1, 401), Status::invalid_argument);
    CHECK_THROWS(client.revoke(), Status::invalid_argument);
    CHECK_THROWS(client.stats(), Status::invalid_argument);
    CHECK_THROWS(client.last_error(), Status::invalid_argument);
    CHECK_THROWS(client.consent(), Status::invalid_argument);
    CHECK_THROWS(client.with("account", "alice"), Status::invalid_argument);
    CHECK(!client.clone());
    client.close();
}

static void an_empty_token_has_nothing() {
    Token token = Client(Config("acquire").set("access_token", "given")).token();
    const Token taken = std::move(token);
    CHECK(taken && !token); // NOLINT: what a moved-from token does is what is tested
    CHECK(token.value().empty() && token.authorization().empty() && token.query().empty());
    CHECK(token.scope().empty() && token.generation() == 0 && token.headers().empty());
    CHECK(token.headers().begin() == token.headers().end());
    CHECK(token.lifetime() == tokenkeep::Lifetime::unknown && !token.expires_at());
    CHECK(!Token(token));
}

/// The chain ends before the config is used.
static void a_config_outlives_the_chain_that_made_it() {
    const auto &config = Config("acquire")
                             .set("access_token", "given")
                             .on_log(tokenkeep::Level::warn, [](tokenkeep::Level, std::string_view) {});
    CHECK(Client(config).token().value() == "given");
}

static void text_is_given_in_every_way() {
    const std::string string = "given";
    const std::string_view part = std::string_view("given away").substr(0, 5);
    char array[] = "given";
    char *pointer = array;
    for (const Text text : {Text(string), Text(part), Text(array), Text(pointer), Text("given")}) {
        CHECK(Client(Config("acquire").set("access_token", text)).token().value() == "given");
    }
    // As the strings of some frameworks do.
    struct Foreign {
        operator const char *() const { return "given"; }
    };
    CHECK(Client(Config("acquire").set("access_token", Foreign())).token().value() == "given");
    CHECK(Text().data() == nullptr && Text().length() == 0 && Text(nullptr).length() == TOKENKEEP_NUL_ENDED);
}

static void an_empty_config_makes_no_client() {
    Config config("acquire");
    const Config taken = std::move(config);
    CHECK(taken && !config); // NOLINT: what a moved-from config does is what is tested
    config.set("access_token", "given");
    CHECK_STATUS(Client::try_create(config), Status::invalid_argument);
}

static void handles_go_to_c_and_back() {
    Config config = Config("acquire").set("access_token", "given");
    config = Config::adopt(config.release());
    Client client(config);
    client = Client::adopt(client.release());
    Token token = client.token();
    CHECK(tokenkeep_token_generation(token.native_handle()) == token.generation());
    token = Token::adopt(token.release());
    CHECK(token.value() == "given");
    // Tokens are not changed by anybody.
    static_assert(std::is_same_v<decltype(token.native_handle()), const tokenkeep_token *>);
}

void test_values() {
    statuses_are_those_of_c();
    a_result_has_a_value();
    a_result_has_an_error();
    an_error_may_be_a_status_alone();
    options_become_milliseconds();
    times_fit_the_clock();
    an_empty_client_fails();
    an_empty_token_has_nothing();
    a_config_outlives_the_chain_that_made_it();
    text_is_given_in_every_way();
    an_empty_config_makes_no_client();
    handles_go_to_c_and_back();
}
