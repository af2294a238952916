/* A forked child with its parent's client. */

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
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

/* Threads that renew a client's token until they are told to stop. */
struct renewers {
    pthread_t threads[4];
    pthread_mutex_t lock;
    tokenkeep_client *client;
    int stopped;
    int failures;
};

static int takes_token(tokenkeep_client *client) {
    char header[1024];
    size_t length;

    return tokenkeep_client_copy_header(client, NULL, header, sizeof(header), &length, NULL, NULL) ==
               TOKENKEEP_OK &&
           strstr(header, "SANDBOX-TOKEN") != NULL;
}

static void *renew(void *argument) {
    struct renewers *renewers = argument;
    int stopped = 0;

    while (!stopped) {
        const int good = takes_token(renewers->client);
        pthread_mutex_lock(&renewers->lock);
        renewers->failures += !good;
        stopped = renewers->stopped;
        pthread_mutex_unlock(&renewers->lock);
    }
    return NULL;
}

/* Children forked while other threads renew: none hangs, and each gets a token. */
static void forks_while_threads_renew(int forks) {
    struct renewers renewers;
    size_t index;

    sandbox_control("vendors/acquired", "{\"lifetime\": 0.2}");
    memset(&renewers, 0, sizeof(renewers));
    renewers.client = sandbox_client(sandbox_acquired(__func__));
    CHECK(pthread_mutex_init(&renewers.lock, NULL) == 0);
    for (index = 0; index < 4; index++) {
        CHECK(pthread_create(&renewers.threads[index], NULL, renew, &renewers) == 0);
    }
    while (forks-- > 0) {
        int status = -1;
        const pid_t child = fork();
        if (child == 0) {
            alarm(60);
            _exit(takes_token(renewers.client) ? 0 : 1);
        }
        if (!CHECK(child > 0 && waitpid(child, &status, 0) == child) || !CHECK(status == 0)) {
            break;
        }
    }
    pthread_mutex_lock(&renewers.lock);
    renewers.stopped = 1;
    pthread_mutex_unlock(&renewers.lock);
    for (index = 0; index < 4; index++) {
        CHECK(pthread_join(renewers.threads[index], NULL) == 0);
    }
    CHECK(renewers.failures == 0);
    tokenkeep_client_free(renewers.client);
    sandbox_reset();
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
    if (getenv("FORKS") != NULL) {
        forks_while_threads_renew(atoi(getenv("FORKS")));
    }
}
