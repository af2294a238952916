/* Tokens, their accessors, and the ways to them. */

#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <tokenkeep.h>

#include "check.h"
#include "sandbox.h"
#include "suites.h"

static tokenkeep_token *token_of(tokenkeep_client *client) {
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;

    CHECK_STATUS(tokenkeep_client_token(client, NULL, &token, &error), TOKENKEEP_OK, &error);
    return token;
}

static void a_header_is_called(const tokenkeep_token *token, size_t index, const char *name,
                               const char *value) {
    const char *name_text = NULL;
    const char *value_text = NULL;
    size_t name_length = 0;
    size_t value_length = 0;

    CHECK(tokenkeep_token_header(token, index, &name_text, &name_length, &value_text, &value_length) ==
          TOKENKEEP_OK);
    CHECK_TEXT(name_text, name);
    CHECK_TEXT(value_text, value);
    CHECK(name_length == strlen(name) && value_length == strlen(value));
    CHECK(tokenkeep_token_header(token, index, &name_text, NULL, &value_text, NULL) == TOKENKEEP_OK);
}

static void what_a_token_tells(void) {
    tokenkeep_config *config = sandbox_acquired(__func__);
    tokenkeep_client *client;
    tokenkeep_token *token, *again;
    const char *authorization;
    const char *name = "left over";
    const char *value = "left over";
    int64_t seconds;
    size_t length = 0;

    set(config, "company_id", "5a4b7a4e-0c3c-4d57-9b0f-1f6f1a3c0001");
    client = sandbox_client(config);
    token = token_of(client);
    authorization = tokenkeep_token_authorization(token, &length);
    CHECK_HAS(authorization, "Bearer ");
    CHECK(length == strlen(authorization));
    CHECK_TEXT(tokenkeep_token_value(token, &length), authorization + strlen("Bearer "));
    CHECK(length == strlen(authorization) - strlen("Bearer "));
    CHECK(sandbox_get("/acquired/v1/customers", authorization) == 200);

    CHECK(tokenkeep_token_header_count(token) == 2);
    a_header_is_called(token, 0, "Authorization", authorization);
    a_header_is_called(token, 1, "Company-Id", "5a4b7a4e-0c3c-4d57-9b0f-1f6f1a3c0001");
    CHECK(tokenkeep_token_header(token, 2, &name, NULL, &value, NULL) == TOKENKEEP_INVALID_ARGUMENT);
    CHECK(name == NULL && value == NULL);

    CHECK(tokenkeep_token_query(token, &length) == NULL && length == 0);
    CHECK(tokenkeep_token_scope(token, NULL) == NULL);
    CHECK(tokenkeep_token_lifetime(token) == TOKENKEEP_LIFETIME_KNOWN);
    seconds = tokenkeep_token_expires_at_ms(token) / 1000 - (int64_t)time(NULL);
    CHECK(seconds > 3500 && seconds <= 3600);

    again = token_of(client);
    CHECK(tokenkeep_token_generation(again) == tokenkeep_token_generation(token));
    CHECK_TEXT(tokenkeep_token_value(again, NULL), tokenkeep_token_value(token, NULL));
    CHECK(sandbox_count("acquired/login") == 1);
    tokenkeep_token_free(again);
    tokenkeep_token_free(token);
    tokenkeep_client_free(client);
}

static void a_token_outlives_its_client(void) {
    tokenkeep_client *client = sandbox_client(sandbox_acquired(__func__));
    tokenkeep_token *token = token_of(client);
    tokenkeep_token *same = tokenkeep_token_clone(token);

    tokenkeep_client_free(client);
    CHECK(tokenkeep_token_value(token, NULL) == tokenkeep_token_value(same, NULL));
    tokenkeep_token_free(token);
    CHECK_HAS(tokenkeep_token_authorization(same, NULL), "Bearer ");
    tokenkeep_token_free(same);
}

static void a_given_token_has_no_known_end(void) {
    tokenkeep_config *config = sandbox_config("acquire");
    tokenkeep_client *client;
    tokenkeep_token *token;

    set(config, "access_token", "SANDBOX-SECRET-acquire-SANDBOX-TOKEN-0000");
    client = sandbox_client(config);
    token = token_of(client);
    CHECK(tokenkeep_token_lifetime(token) == TOKENKEEP_LIFETIME_UNKNOWN);
    CHECK(tokenkeep_token_expires_at_ms(token) == INT64_MAX);
    CHECK_TEXT(tokenkeep_token_value(token, NULL), "SANDBOX-SECRET-acquire-SANDBOX-TOKEN-0000");
    tokenkeep_token_free(token);
    tokenkeep_client_free(client);
}

static void an_id_token_is_handed_out_as_it_came(void) {
    tokenkeep_config *config = sandbox_config("oauth2");
    tokenkeep_client *client;
    tokenkeep_token *token;
    char token_url[128];
    size_t length = 9;

    snprintf(token_url, sizeof(token_url), "%s/oauth2/token", sandbox_url);
    set(config, "token_url", token_url);
    set(config, "client_id", "sandbox-oauth2-client");
    set(config, "client_secret", "SANDBOX-SECRET-oauth2-client");
    client = sandbox_client(config);
    token = token_of(client);
    CHECK(tokenkeep_token_id_token(token, &length) == NULL && length == 0);
    CHECK(tokenkeep_client_rejected(client, tokenkeep_token_generation(token), 401, NULL, 0, NULL) ==
          TOKENKEEP_OK);
    tokenkeep_token_free(token);
    sandbox_control("vendors/oauth2", "{\"answer_extra\": {\"id_token\": \"SANDBOX-TOKEN.id\"}}");
    token = token_of(client);
    CHECK_TEXT(tokenkeep_token_id_token(token, &length), "SANDBOX-TOKEN.id");
    CHECK(length == strlen("SANDBOX-TOKEN.id"));
    tokenkeep_token_free(token);
    tokenkeep_client_free(client);
    sandbox_reset();
}

static void peek_never_asks(void) {
    tokenkeep_client *client = sandbox_client(sandbox_acquired(__func__));
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;
    int tries;

    sandbox_reset();
    CHECK(tokenkeep_client_peek(client, &token) == TOKENKEEP_WOULD_BLOCK);
    CHECK(token == NULL && sandbox_count("acquired/login") == 0);
    CHECK_STATUS(tokenkeep_client_prefetch(client, &error), TOKENKEEP_OK, &error);
    for (tries = 0; tries < 500 && tokenkeep_client_peek(client, &token) != TOKENKEEP_OK; tries++) {
        sleep_ms(20);
    }
    CHECK_HAS(tokenkeep_token_authorization(token, NULL), "Bearer ");
    CHECK(sandbox_count("acquired/login") == 1);
    tokenkeep_token_free(token);
    tokenkeep_client_free(client);
}

static void a_call_may_say_how(void) {
    tokenkeep_client *client = sandbox_client(sandbox_acquired(__func__));
    tokenkeep_call call = TOKENKEEP_CALL_INIT;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;
    struct {
        tokenkeep_call call;
        uint64_t added;
    } newer = {TOKENKEEP_CALL_INIT, 0};

    call.timeout_ms = 20000;
    call.min_valid_ms = 60000;
    CHECK_STATUS(tokenkeep_client_token(client, &call, &token, &error), TOKENKEEP_OK, &error);
    tokenkeep_token_free(token);

    newer.call.struct_size = sizeof(newer);
    CHECK_STATUS(tokenkeep_client_token(client, &newer.call, &token, &error), TOKENKEEP_OK, &error);
    tokenkeep_token_free(token);
    newer.added = 1;
    CHECK_STATUS(tokenkeep_client_token(client, &newer.call, &token, &error), TOKENKEEP_UNSUPPORTED, &error);
    CHECK(token == NULL);

    call.struct_size = sizeof(call) - 1;
    CHECK_STATUS(tokenkeep_client_token(client, &call, &token, &error), TOKENKEEP_INVALID_ARGUMENT, &error);
    call.struct_size = 0;
    CHECK_STATUS(tokenkeep_client_token(client, &call, &token, &error), TOKENKEEP_INVALID_ARGUMENT, &error);
    call.struct_size = (size_t)-1;
    CHECK_STATUS(tokenkeep_client_token(client, &call, &token, &error), TOKENKEEP_INVALID_ARGUMENT, &error);
    call.struct_size = sizeof(call);
    call.flags = 1;
    CHECK_STATUS(tokenkeep_client_token(client, &call, &token, &error), TOKENKEEP_INVALID_ARGUMENT, &error);
    call.flags = 0;
    call.reserved = 1;
    CHECK_STATUS(tokenkeep_client_token(client, &call, &token, &error), TOKENKEEP_INVALID_ARGUMENT, &error);
    tokenkeep_client_free(client);
}

static void numbers_are_kept(void) {
    tokenkeep_client *client = sandbox_client(sandbox_acquired(__func__));
    tokenkeep_stats stats = TOKENKEEP_STATS_INIT;
    struct {
        tokenkeep_stats stats;
        uint64_t added;
    } newer = {TOKENKEEP_STATS_INIT, 7};

    tokenkeep_token_free(token_of(client));
    tokenkeep_token_free(token_of(client));
    CHECK(tokenkeep_client_stats(client, &stats) == TOKENKEEP_OK);
    CHECK(stats.struct_size == sizeof(stats));
    CHECK(stats.hits >= 1 && stats.renewals == 1 && stats.failures == 0);
    CHECK(stats.next_renewal_ms > (int64_t)time(NULL) * 1000 && stats.next_renewal_ms < INT64_MAX);

    newer.stats.struct_size = sizeof(newer);
    CHECK(tokenkeep_client_stats(client, &newer.stats) == TOKENKEEP_OK);
    CHECK(newer.stats.renewals == 1 && newer.added == 0 && newer.stats.struct_size == sizeof(newer));
    stats.struct_size = sizeof(stats) - 1;
    CHECK(tokenkeep_client_stats(client, &stats) == TOKENKEEP_INVALID_ARGUMENT);
    tokenkeep_client_free(client);
}

static void clients_of_one_credential_share_a_token(void) {
    tokenkeep_client *one, *other, *clone, *changed = NULL;
    tokenkeep_token *first, *second, *third;
    tokenkeep_error *error = NULL;

    sandbox_reset();
    one = sandbox_client(sandbox_acquired(__func__));
    other = sandbox_client(sandbox_acquired(__func__));
    clone = tokenkeep_client_clone(one);
    CHECK_STATUS(tokenkeep_client_with(one, "mid", "5a4b7a4e-0c3c-4d57-9b0f-1f6f1a3c0002",
                                       TOKENKEEP_NUL_ENDED, &changed, &error),
                 TOKENKEEP_OK, &error);
    first = token_of(one);
    second = token_of(other);
    third = token_of(changed);
    tokenkeep_client_free(one);
    tokenkeep_token_free(token_of(clone));
    CHECK(sandbox_count("acquired/login") == 1);
    CHECK_TEXT(tokenkeep_token_value(second, NULL), tokenkeep_token_value(first, NULL));
    CHECK_TEXT(tokenkeep_token_value(third, NULL), tokenkeep_token_value(first, NULL));
    CHECK(tokenkeep_token_header_count(first) == 1);
    a_header_is_called(third, 1, "Mid", "5a4b7a4e-0c3c-4d57-9b0f-1f6f1a3c0002");

    tokenkeep_client_free(other);
    CHECK_STATUS(tokenkeep_client_with(clone, "mld", "x", 1, &other, &error), TOKENKEEP_CONFIG, &error);
    CHECK(other == NULL);
    tokenkeep_token_free(first);
    tokenkeep_token_free(second);
    tokenkeep_token_free(third);
    tokenkeep_client_free(clone);
    tokenkeep_client_free(changed);
}

static tokenkeep_config *frederick(void) {
    tokenkeep_config *config = sandbox_config("frederick");
    char url[256];

    set(config, "acts_as", "user");
    set(config, "api_key", "SANDBOX-SECRET-frederick-api-key");
    set(config, "client_id", "sandbox-frederick-client");
    set(config, "client_secret", "SANDBOX-SECRET-frederick-client");
    set(config, "email", "owner@frederick.example");
    set(config, "password", "SANDBOX-SECRET-frederick-password");
    snprintf(url, sizeof(url), "%s/frederick/v1/user_access_token", sandbox_url);
    set(config, "user_token_url", url);
    return config;
}

static void a_token_may_go_into_the_query(void) {
    tokenkeep_config *config = frederick();
    tokenkeep_client *client;
    tokenkeep_token *token;
    tokenkeep_error *error = NULL;
    const char *query;
    char buffer[64] = "left over";
    size_t length = 9;
    uint64_t generation = 9;

    set(config, "placement", "query");
    client = sandbox_client(config);
    token = token_of(client);
    query = tokenkeep_token_query(token, &length);
    CHECK_HAS(query, "access_token=");
    CHECK(query != NULL && length == strlen(query));
    CHECK(tokenkeep_token_authorization(token, &length) == NULL && length == 0);
    CHECK(tokenkeep_token_lifetime(token) == TOKENKEEP_LIFETIME_NEVER);
    CHECK(tokenkeep_token_expires_at_ms(token) == INT64_MAX);
    CHECK(tokenkeep_token_header_count(token) == 1);
    a_header_is_called(token, 0, "x-api-key", "SANDBOX-SECRET-frederick-api-key");
    CHECK_STATUS(
        tokenkeep_client_copy_header(client, NULL, buffer, sizeof(buffer), &length, &generation, &error),
        TOKENKEEP_UNSUPPORTED, &error);
    CHECK(buffer[0] == '\0' && length == 0 && generation == 0);
    tokenkeep_token_free(token);
    tokenkeep_client_free(client);
}

static void tokens_go_to_the_apis_hosts_alone(void) {
    static const char url[] = "https://api.example/v1/payments";
    tokenkeep_config *config = tokenkeep_config_new("acquire");
    tokenkeep_client *client;

    set(config, "access_token", "given");
    set(config, "api_hosts", "api.example");
    client = sandbox_client(config);
    CHECK(tokenkeep_client_may_send_to(client, url, TOKENKEEP_NUL_ENDED) == 1);
    CHECK(tokenkeep_client_may_send_to(client, url, strlen("https://api.example")) == 1);
    CHECK(tokenkeep_client_may_send_to(client, url, strlen("https://api.exam")) == 0);
    CHECK(tokenkeep_client_may_send_to(client, url, sizeof(url)) == 0);
    CHECK(tokenkeep_client_may_send_to(client, "http://api.example/", TOKENKEEP_NUL_ENDED) == 0);
    CHECK(tokenkeep_client_may_send_to(client, NULL, TOKENKEEP_NUL_ENDED) == 0);
    CHECK(tokenkeep_client_may_send_to(NULL, url, TOKENKEEP_NUL_ENDED) == 0);
    tokenkeep_client_free(client);
}

void test_tokens(void) {
    tokens_go_to_the_apis_hosts_alone();
    what_a_token_tells();
    a_token_outlives_its_client();
    a_given_token_has_no_known_end();
    an_id_token_is_handed_out_as_it_came();
    peek_never_asks();
    a_call_may_say_how();
    numbers_are_kept();
    clients_of_one_credential_share_a_token();
    a_token_may_go_into_the_query();
}
