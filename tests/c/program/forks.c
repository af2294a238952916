/* A forked child with its parent's client. */

#define _POSIX_C_SOURCE 200809L

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tokenkeep.h>

#include "check.h"
#include "sandbox.h"
#include "suites.h"

/* Takes the token in memory, and then a new one. 0 if both work. */
static int use_client(tokenkeep_client *client) {
    char header[1024];
    size_t length;
    uint64_t first, second;

    if (tokenkeep_client_copy_header(client, NULL, header, sizeof(header), &length, &first, NULL) !=
        TOKENKEEP_OK) {
        return 1;
    }
    if (sandbox_get("/acquired/v1/customers", header) != 200) {
        return 2;
    }
    if (tokenkeep_client_rejected(client, first, 401, NULL, 0, NULL) != TOKENKEEP_OK) {
        return 3;
    }
    if (tokenkeep_client_copy_header(client, NULL, header, sizeof(header), &length, &second, NULL) !=
        TOKENKEEP_OK) {
        return 4;
    }
    return sandbox_get("/acquired/v1/customers", header) == 200 && second != first ? 0 : 5;
}

void test_forks(void) {
    tokenkeep_client *client = sandbox_client(sandbox_acquired(__func__));
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;
    int status = -1;
    pid_t child;

    CHECK_STATUS(tokenkeep_client_token(client, NULL, &token, &error), TOKENKEEP_OK, &error);
    /* A thread is gone in the child, and what it held is lost there: let the renewal's come to its end. */
    sleep_ms(300);
    child = fork();
    if (child == 0) {
        _exit(use_client(client));
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(use_client(client) == 0);
    tokenkeep_token_free(token);
    tokenkeep_client_free(client);
}
