// Tokens that the vendor refuses.

#include <tokenkeep.hpp>

#include "check.hpp"
#include "sandbox.hpp"
#include "suites.hpp"

using tokenkeep::Client;
using tokenkeep::Status;
using tokenkeep::Token;

static int use(const Token &token) { return sandbox::get("/acquired/v1/customers", token.authorization()); }

static void a_refused_token_is_replaced() {
    const Client client(sandbox::acquired(__func__));
    const Token refused = client.token();
    sandbox::control("vendors/acquired/revoke", "{}");
    CHECK(use(refused) == 401);
    client.rejected(refused, 401, "Bearer error=\"invalid_token\"");
    const Token fresh = client.token();
    CHECK(use(fresh) == 200 && fresh.generation() != refused.generation());

    // Late news of the old token does not harm the new one.
    client.rejected(refused.generation(), 401);
    CHECK(client.token().generation() == fresh.generation());
}

static void another_token_does_not_always_help() {
    const Client client(sandbox::acquired(__func__));
    const Token token = client.token();
    CHECK_THROWS(client.rejected(token, 403), Status::rejected);
    CHECK_STATUS(client.try_rejected(token, 401, "Bearer error=\"insufficient_scope\""), Status::rejected);
    CHECK_STATUS(client.try_rejected(token, 9), Status::invalid_argument);
    CHECK(client.token().generation() == token.generation());
}

/// Where an HTTP library has no such header, it may say so by NULL.
static void a_refusal_may_come_without_a_header() {
    const Client client(sandbox::acquired(__func__));
    const char *const none = nullptr;
    client.rejected(client.token(), 401, none);
    const Token token = client.token();
    CHECK_STATUS(client.try_rejected(token, 403, none), Status::rejected);
    CHECK_STATUS(client.try_rejected(token.generation(), 403, none), Status::rejected);
    CHECK_THROWS(client.rejected(token.generation(), 403, none), Status::rejected);
}

static void tokens_are_given_back() {
    const Client client(sandbox::acquired(__func__));
    CHECK(client.token());
    client.revoke();
    CHECK(!client.peek());
    CHECK_STATUS(client.try_revoke(), Status::ok);
}

void test_refusals() {
    a_refused_token_is_replaced();
    another_token_does_not_always_help();
    a_refusal_may_come_without_a_header();
    tokens_are_given_back();
}
