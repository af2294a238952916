/* A forked child with its parent's client. */

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tokenkeep.h>

#include "check.h"
#include "http.h"
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

/* Whether a client takes a token for this audience, and gets nobody else's. */
static int takes_token_for(tokenkeep_client *client, const char *audience) {
    tokenkeep_client *own = NULL;
    char url[256], authorization[1024], header[1100], answer[1024], wanted[80];
    size_t length;
    int is_its_own;

    if (tokenkeep_client_with(client, "audience", audience, TOKENKEEP_NUL_ENDED, &own, NULL) !=
        TOKENKEEP_OK) {
        return 0;
    }
    snprintf(url, sizeof(url), "%s/oauth2/v1/resource", sandbox_url);
    snprintf(wanted, sizeof(wanted), "\"%s\"", audience);
    is_its_own = tokenkeep_client_copy_header(own, NULL, authorization, sizeof(authorization), &length, NULL,
                                              NULL) == TOKENKEEP_OK &&
                 snprintf(header, sizeof(header), "Authorization: %s", authorization) > 0 &&
                 http_request("GET", url, header, NULL, answer, sizeof(answer)) == 200 &&
                 strstr(answer, wanted) != NULL;
    tokenkeep_client_free(own);
    return is_its_own;
}

/* Clients of one server, in memory and with a store, which threads and children use at the same time. */
struct shared {
    pthread_mutex_t lock;
    tokenkeep_client *in_memory;
    tokenkeep_client *stored;
    int threads;
    int stopped;
    int failures;
};

/* Whether both clients work; `name` is that of one use alone. */
static int uses_both(const struct shared *shared, const char *name) {
    char audience[64];

    snprintf(audience, sizeof(audience), "%s-in-memory", name);
    if (!takes_token_for(shared->in_memory, audience)) {
        return 0;
    }
    snprintf(audience, sizeof(audience), "%s-stored", name);
    return takes_token_for(shared->stored, audience);
}

static void *use_until_stopped(void *argument) {
    struct shared *shared = argument;
    char name[32];
    int stopped = 0, round = 0, thread;

    pthread_mutex_lock(&shared->lock);
    thread = shared->threads++;
    pthread_mutex_unlock(&shared->lock);
    while (!stopped) {
        int works;
        snprintf(name, sizeof(name), "thread-%d-%d", thread, round++);
        works = uses_both(shared, name);
        pthread_mutex_lock(&shared->lock);
        shared->failures += !works;
        stopped = shared->stopped;
        pthread_mutex_unlock(&shared->lock);
    }
    return NULL;
}

static tokenkeep_client *server_client(const char *account, const char *store_path) {
    tokenkeep_config *config = sandbox_config("oauth2");
    char url[256];

    snprintf(url, sizeof(url), "%s/oauth2/token", sandbox_url);
    set(config, "token_url", url);
    set(config, "account", account);
    set(config, "grant", "client_credentials");
    set(config, "client_id", "sandbox-oauth2-client");
    set(config, "client_secret", "SANDBOX-SECRET-oauth2-client");
    if (store_path != NULL) {
        set(config, "store", "file");
        set(config, "store_path", store_path);
        set(config, "store_key", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    }
    return sandbox_client(config);
}

/* Children forked while threads ask for tokens: none hangs, and each gets its own. */
static void forks_while_threads_ask(int forks, const char *store_path) {
    struct shared shared;
    pthread_t threads[4];
    size_t index;

    memset(&shared, 0, sizeof(shared));
    shared.in_memory = server_client("in memory", NULL);
    shared.stored = server_client("stored", store_path);
    CHECK(pthread_mutex_init(&shared.lock, NULL) == 0);
    for (index = 0; index < 4; index++) {
        CHECK(pthread_create(&threads[index], NULL, use_until_stopped, &shared) == 0);
    }
    while (forks-- > 0) {
        int status = -1;
        const pid_t child = fork();
        if (child == 0) {
            char name[32];
            alarm(60);
            snprintf(name, sizeof(name), "child-%d", forks);
            _exit(uses_both(&shared, name) ? 0 : 1);
        }
        if (!CHECK(child > 0 && waitpid(child, &status, 0) == child) || !CHECK(status == 0)) {
            break;
        }
    }
    pthread_mutex_lock(&shared.lock);
    shared.stopped = 1;
    pthread_mutex_unlock(&shared.lock);
    for (index = 0; index < 4; index++) {
        CHECK(pthread_join(threads[index], NULL) == 0);
    }
    CHECK(shared.failures == 0);
    tokenkeep_client_free(shared.in_memory);
    tokenkeep_client_free(shared.stored);
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
        forks_while_threads_ask(atoi(getenv("FORKS")), getenv("FORKS_STORE"));
    }
}
