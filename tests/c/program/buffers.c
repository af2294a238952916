/* The header copied into a buffer of the caller's. */

#include <stdlib.h>
#include <string.h>

#include <tokenkeep.h>

#include "check.h"
#include "sandbox.h"
#include "suites.h"

static void a_header_is_copied(tokenkeep_client *client) {
    char buffer[1024];
    size_t length = 0;
    uint64_t generation = 0;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;

    memset(buffer, 'x', sizeof(buffer));
    CHECK_STATUS(
        tokenkeep_client_copy_header(client, NULL, buffer, sizeof(buffer), &length, &generation, &error),
        TOKENKEEP_OK, &error);
    CHECK(length == strlen(buffer));
    CHECK(sandbox_get("/acquired/v1/customers", buffer) == 200);
    CHECK(tokenkeep_client_peek(client, &token) == TOKENKEEP_OK);
    CHECK_TEXT(buffer, tokenkeep_token_authorization(token, NULL));
    CHECK(generation == tokenkeep_token_generation(token));
    CHECK_STATUS(tokenkeep_client_copy_header(client, NULL, buffer, sizeof(buffer), &length, NULL, NULL),
                 TOKENKEEP_OK, NULL);
    tokenkeep_token_free(token);
}

static void a_buffer_may_be_too_small(tokenkeep_client *client) {
    tokenkeep_error *error = NULL;
    char *buffer;
    size_t needed = 0;
    size_t length = 0;
    uint64_t generation = 9;

    CHECK_STATUS(tokenkeep_client_copy_header(client, NULL, NULL, 0, &needed, &generation, &error),
                 TOKENKEEP_BUFFER_TOO_SMALL, &error);
    CHECK(needed > strlen("Bearer ") && generation == 0);

    /* From the heap, where a memory checker sees a byte too many. */
    buffer = malloc(needed + 1);
    memset(buffer, 'x', needed + 1);
    CHECK_STATUS(tokenkeep_client_copy_header(client, NULL, buffer, needed, &length, NULL, &error),
                 TOKENKEEP_BUFFER_TOO_SMALL, &error);
    CHECK(length == needed && buffer[0] == '\0' && buffer[1] == 'x');
    CHECK_STATUS(tokenkeep_client_copy_header(client, NULL, buffer, needed + 1, &length, NULL, &error),
                 TOKENKEEP_OK, &error);
    CHECK(length == needed && buffer[needed] == '\0' && strlen(buffer) == needed);
    CHECK_STATUS(tokenkeep_client_copy_header(client, NULL, buffer, 0, &length, NULL, &error),
                 TOKENKEEP_BUFFER_TOO_SMALL, &error);
    free(buffer);
}

static void a_buffer_that_cannot_be(tokenkeep_client *client) {
    tokenkeep_error *error = NULL;
    char buffer[16];
    size_t length = 9;

    CHECK_STATUS(tokenkeep_client_copy_header(client, NULL, NULL, 16, &length, NULL, &error),
                 TOKENKEEP_INVALID_ARGUMENT, &error);
    CHECK(length == 0);
    CHECK_STATUS(tokenkeep_client_copy_header(client, NULL, buffer, sizeof(buffer), NULL, NULL, &error),
                 TOKENKEEP_INVALID_ARGUMENT, &error);
    CHECK(buffer[0] == '\0');
}

void test_buffers(void) {
    tokenkeep_client *client = sandbox_client(sandbox_acquired(__func__));

    a_header_is_copied(client);
    a_buffer_may_be_too_small(client);
    a_buffer_that_cannot_be(client);
    tokenkeep_client_free(client);
}
