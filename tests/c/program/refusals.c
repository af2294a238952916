/* Tokens that the vendor refuses. */

#include <tokenkeep.h>

#include "check.h"
#include "sandbox.h"
#include "suites.h"

#define CUSTOMERS "/acquired/v1/customers"

/* Copies the header of a usable token, asks for a resource with it, and returns the HTTP status. */
static int use_token(tokenkeep_client *client, uint64_t *generation) {
    char header[1024];
    size_t length;
    tokenkeep_error *error = NULL;

    CHECK_STATUS(
        tokenkeep_client_copy_header(client, NULL, header, sizeof(header), &length, generation, &error),
        TOKENKEEP_OK, &error);
    return sandbox_get(CUSTOMERS, header);
}

static void a_revoked_token_is_replaced(void) {
    tokenkeep_client *client = sandbox_client(sandbox_acquired(__func__));
    tokenkeep_error *error = NULL;
    uint64_t first = 0;
    uint64_t second = 0;

    CHECK(use_token(client, &first) == 200);
    sandbox_control("vendors/acquired/revoke", "{}");
    CHECK(use_token(client, &first) == 401);
    CHECK_STATUS(tokenkeep_client_rejected(client, first, 401, "Bearer error=\"invalid_token\"",
                                           TOKENKEEP_NUL_ENDED, &error),
                 TOKENKEEP_OK, &error);
    CHECK(use_token(client, &second) == 200);
    CHECK(second != first);

    /* Another thread, late with the same news, does not harm the new token. */
    CHECK_STATUS(tokenkeep_client_rejected(client, first, 401, NULL, 0, &error), TOKENKEEP_OK, &error);
    CHECK(use_token(client, &second) == 200);
    CHECK(sandbox_count("acquired/login") == 2);
    tokenkeep_client_free(client);
}

static void asking_again_is_not_always_worth_it(void) {
    tokenkeep_client *client;
    tokenkeep_error *error = NULL;
    uint64_t generation = 0;

    sandbox_reset();
    client = sandbox_client(sandbox_acquired(__func__));
    CHECK(use_token(client, &generation) == 200);
    CHECK(tokenkeep_client_rejected(client, generation, 403, NULL, TOKENKEEP_NUL_ENDED, &error) ==
          TOKENKEEP_REJECTED);
    CHECK(tokenkeep_error_message(error) != NULL);
    tokenkeep_error_free(error);
    CHECK_STATUS(tokenkeep_client_rejected(client, generation, 401, "Bearer error=\"insufficient_scope\"",
                                           TOKENKEEP_NUL_ENDED, &error),
                 TOKENKEEP_REJECTED, &error);
    CHECK(sandbox_count("acquired/login") == 1);
    tokenkeep_client_free(client);
}

static void two_new_tokens_are_refused(void) {
    tokenkeep_client *client;
    tokenkeep_error *error = NULL;
    uint64_t generation = 0;

    sandbox_reset();
    client = sandbox_client(sandbox_acquired(__func__));
    sandbox_control("vendors/acquired", "{\"reject_all_tokens\": true}");
    CHECK(use_token(client, &generation) == 401);
    CHECK_STATUS(tokenkeep_client_rejected(client, generation, 401, NULL, 0, &error), TOKENKEEP_OK, &error);
    CHECK(use_token(client, &generation) == 401);
    CHECK(tokenkeep_client_rejected(client, generation, 401, NULL, 0, &error) == TOKENKEEP_REJECTED);
    CHECK_HAS(tokenkeep_error_message(error), "refused");
    tokenkeep_error_free(error);
    tokenkeep_client_free(client);
    sandbox_reset();
}

static void reports_that_cannot_be(void) {
    tokenkeep_client *client = sandbox_client(sandbox_acquired(__func__));
    tokenkeep_error *error = NULL;
    uint64_t generation = 0;

    CHECK_STATUS(tokenkeep_client_rejected(client, 1, 401, NULL, 0, &error), TOKENKEEP_INVALID_ARGUMENT,
                 &error);
    CHECK(use_token(client, &generation) == 200);
    CHECK_STATUS(tokenkeep_client_rejected(client, generation, 0, NULL, 0, &error),
                 TOKENKEEP_INVALID_ARGUMENT, &error);
    CHECK_STATUS(tokenkeep_client_rejected(client, generation, 65937, NULL, 0, &error),
                 TOKENKEEP_INVALID_ARGUMENT, &error);
    CHECK_STATUS(tokenkeep_client_rejected(client, generation, 401, NULL, 5, &error),
                 TOKENKEEP_INVALID_ARGUMENT, &error);
    /* What comes from the network is taken as it is. */
    CHECK_STATUS(tokenkeep_client_rejected(client, generation, 401, "Bearer realm=\"\xe9\"",
                                           TOKENKEEP_NUL_ENDED, &error),
                 TOKENKEEP_OK, &error);
    tokenkeep_client_free(client);
}

static void a_token_is_given_back(void) {
    tokenkeep_client *client;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;
    uint64_t generation = 0;

    sandbox_reset();
    client = sandbox_client(sandbox_acquired(__func__));
    CHECK(use_token(client, &generation) == 200);
    CHECK_STATUS(tokenkeep_client_revoke(client, NULL, &error), TOKENKEEP_OK, &error);
    CHECK(tokenkeep_client_peek(client, &token) == TOKENKEEP_WOULD_BLOCK);
    tokenkeep_client_free(client);
}

void test_refusals(void) {
    a_revoked_token_is_replaced();
    asking_again_is_not_always_worth_it();
    two_new_tokens_are_refused();
    reports_that_cannot_be();
    a_token_is_given_back();
}
