/* What an error tells. */

#include <string.h>

#include <tokenkeep.h>

#include "check.h"
#include "sandbox.h"
#include "suites.h"

/* The error of asking for a token, which fails with this status; the caller frees it. */
static tokenkeep_error *failure(tokenkeep_client *client, tokenkeep_status expected) {
    tokenkeep_token *token = (tokenkeep_token *)&token;
    tokenkeep_error *error = NULL;
    tokenkeep_status status = tokenkeep_client_token(client, NULL, &token, &error);

    CHECK(token == NULL);
    CHECK_TEXT(tokenkeep_status_name(status), tokenkeep_status_name(expected));
    CHECK(tokenkeep_error_status(error) == status);
    CHECK(tokenkeep_error_message(error) != NULL &&
          strstr(tokenkeep_error_message(error), "SANDBOX-SECRET") == NULL);
    return error;
}

static void wrong_credentials(void) {
    tokenkeep_config *config = sandbox_config("acquired");
    tokenkeep_client *client;
    tokenkeep_error *error;

    set(config, "app_id", SANDBOX_APP_ID);
    set(config, "app_key", "SANDBOX-SECRET-that-is-wrong");
    client = sandbox_client(config);
    error = failure(client, TOKENKEEP_DENIED);
    CHECK(tokenkeep_error_http_status(error) == 401);
    CHECK_TEXT(tokenkeep_error_code(error), "unauthorized");
    CHECK(tokenkeep_error_is_retryable(error) == 0);
    tokenkeep_error_free(error);

    /* The vendor's word is remembered: it is not asked again. */
    tokenkeep_error_free(failure(client, TOKENKEEP_DENIED));
    CHECK(sandbox_count("acquired/login") == 1);
    tokenkeep_client_free(client);
}

static void a_vendor_that_is_busy(void) {
    tokenkeep_config *config = sandbox_acquired(__func__);
    tokenkeep_client *client;
    tokenkeep_error *error;

    set(config, "max_attempts", "1");
    sandbox_reset();
    sandbox_control("faults", "{\"endpoint\": \"acquired/login\", \"times\": 0, \"status\": 429, "
                              "\"headers\": {\"Retry-After\": \"7\"}}");
    client = sandbox_client(config);
    error = failure(client, TOKENKEEP_RATE_LIMITED);
    CHECK(tokenkeep_error_http_status(error) == 429);
    CHECK(tokenkeep_error_retry_after_ms(error) > 5000 && tokenkeep_error_retry_after_ms(error) <= 7000);
    CHECK(tokenkeep_error_is_retryable(error) == 1);
    tokenkeep_error_free(error);
    tokenkeep_client_free(client);
    sandbox_reset();
}

static void a_vendor_that_is_not_there(void) {
    tokenkeep_config *config = tokenkeep_config_new("acquired");
    tokenkeep_client *client;
    tokenkeep_error *error;

    set(config, "app_id", SANDBOX_APP_ID);
    set(config, "app_key", SANDBOX_APP_KEY);
    set(config, "base_url", "http://127.0.0.1:9");
    set(config, "max_attempts", "1");
    client = sandbox_client(config);
    error = failure(client, TOKENKEEP_NETWORK);
    CHECK_HAS(tokenkeep_error_message(error), "127.0.0.1");
    CHECK(tokenkeep_error_http_status(error) == 0 && tokenkeep_error_code(error) == NULL);
    CHECK(tokenkeep_error_is_retryable(error) == 1);
    tokenkeep_error_free(error);
    tokenkeep_client_free(client);
}

static void a_deadline_that_passes(void) {
    tokenkeep_config *config = sandbox_acquired(__func__);
    tokenkeep_client *client;
    tokenkeep_call call = TOKENKEEP_CALL_INIT;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;

    set(config, "timeout", "2 s");
    sandbox_control("faults", "{\"endpoint\": \"acquired/login\", \"hang\": true}");
    client = sandbox_client(config);
    call.timeout_ms = 200;
    CHECK_STATUS(tokenkeep_client_token(client, &call, &token, &error), TOKENKEEP_TIMEOUT, &error);
    tokenkeep_client_free(client);
    sandbox_reset();
}

/* A renewal that fails while the token in memory lives is kept to be asked for. */
static void a_failure_that_nobody_saw(void) {
    tokenkeep_config *config = sandbox_acquired(__func__);
    tokenkeep_client *client;
    tokenkeep_token *token = NULL;
    tokenkeep_error *unseen = NULL;
    tokenkeep_error *error = NULL;
    tokenkeep_stats stats = TOKENKEEP_STATS_INIT;
    int tries;

    set(config, "max_attempts", "1");
    sandbox_control("vendors/acquired", "{\"lifetime\": 3}");
    client = sandbox_client(config);
    CHECK_STATUS(tokenkeep_client_token(client, NULL, &token, &error), TOKENKEEP_OK, &error);
    tokenkeep_token_free(token);
    CHECK(tokenkeep_client_last_error(client, &unseen) == TOKENKEEP_OK && unseen == NULL);

    sandbox_control("faults", "{\"endpoint\": \"acquired/login\", \"times\": 0, \"status\": 503}");
    for (tries = 0; tries < 100 && unseen == NULL; tries++) {
        CHECK_STATUS(tokenkeep_client_token(client, NULL, &token, &error), TOKENKEEP_OK, &error);
        tokenkeep_token_free(token);
        sleep_ms(50);
        CHECK(tokenkeep_client_last_error(client, &unseen) == TOKENKEEP_OK);
    }
    CHECK(tokenkeep_error_status(unseen) == TOKENKEEP_SERVER && tokenkeep_error_http_status(unseen) == 503);
    tokenkeep_error_free(unseen);
    CHECK(tokenkeep_client_stats(client, &stats) == TOKENKEEP_OK && stats.failures == 1);
    tokenkeep_client_free(client);
    sandbox_reset();
}

static void no_error_at_all(void) {
    CHECK(tokenkeep_error_status(NULL) == TOKENKEEP_OK);
    CHECK(tokenkeep_error_http_status(NULL) == 0);
    CHECK(tokenkeep_error_message(NULL) == NULL);
    CHECK(tokenkeep_error_code(NULL) == NULL);
    CHECK(tokenkeep_error_retry_after_ms(NULL) == -1);
    CHECK(tokenkeep_error_is_retryable(NULL) == 0);
    tokenkeep_error_free(NULL);
}

void test_errors(void) {
    wrong_credentials();
    a_vendor_that_is_busy();
    a_vendor_that_is_not_there();
    a_deadline_that_passes();
    a_failure_that_nobody_saw();
    no_error_at_all();
}
