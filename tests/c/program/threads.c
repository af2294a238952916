/* Many threads and one client. */

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <string.h>
#include <time.h>

#include <tokenkeep.h>

#include "check.h"
#include "sandbox.h"
#include "suites.h"

enum { THREADS = 8, STAMPEDE = 64, SECONDS = 3, EXPIRIES = 10 };

/* One thread's work; it owns its reference to the client. */
struct worker {
    pthread_t thread;
    tokenkeep_client *client;
    tokenkeep_status status;
};

static void start(struct worker *worker, tokenkeep_client *client, void *(*work)(void *)) {
    worker->client = tokenkeep_client_clone(client);
    worker->status = TOKENKEEP_INTERNAL;
    CHECK(pthread_create(&worker->thread, NULL, work, worker) == 0);
}

/* Takes tokens in both ways, for so long that they must be renewed. */
static void *hammer(void *argument) {
    struct worker *worker = argument;
    char header[1024];
    size_t length;
    uint64_t generation, previous = 0;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;
    time_t end = time(NULL) + SECONDS;

    do {
        worker->status = tokenkeep_client_copy_header(worker->client, NULL, header, sizeof(header), &length,
                                                      &generation, &error);
        if (!CHECK_STATUS(worker->status, TOKENKEEP_OK, &error) || !CHECK(strlen(header) == length) ||
            !CHECK(generation >= previous)) {
            break;
        }
        previous = generation;
        worker->status = tokenkeep_client_token(worker->client, NULL, &token, &error);
        if (!CHECK_STATUS(worker->status, TOKENKEEP_OK, &error) ||
            !CHECK(tokenkeep_token_generation(token) >= previous)) {
            break;
        }
        CHECK_HAS(tokenkeep_token_authorization(token, NULL), "Bearer ");
        tokenkeep_token_free(token);
    } while (time(NULL) < end);
    tokenkeep_client_free(worker->client);
    return NULL;
}

static void many_threads_share_a_client(void) {
    tokenkeep_client *client;
    struct worker workers[THREADS];
    int i;

    sandbox_control("vendors/acquired", "{\"lifetime\": 2}");
    client = sandbox_client(sandbox_acquired(__func__));
    for (i = 0; i < THREADS; i++) {
        start(&workers[i], client, hammer);
    }
    tokenkeep_client_free(client);
    for (i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        CHECK(workers[i].status == TOKENKEEP_OK);
    }
    i = sandbox_count("acquired/login");
    CHECK(i >= 2 && i <= 1 + 2 * SECONDS);
}

static void *ask(void *argument) {
    struct worker *worker = argument;
    tokenkeep_token *token = NULL;

    worker->status = tokenkeep_client_token(worker->client, NULL, &token, NULL);
    tokenkeep_token_free(token);
    tokenkeep_client_free(worker->client);
    return NULL;
}

static void many_threads_make_one_request(void) {
    tokenkeep_client *client;
    struct worker workers[STAMPEDE];
    int i;

    sandbox_reset();
    sandbox_control("faults", "{\"endpoint\": \"acquired/login\", \"delay_ms\": 300}");
    client = sandbox_client(sandbox_acquired(__func__));
    for (i = 0; i < STAMPEDE; i++) {
        start(&workers[i], client, ask);
    }
    for (i = 0; i < STAMPEDE; i++) {
        pthread_join(workers[i].thread, NULL);
        CHECK(workers[i].status == TOKENKEEP_OK);
    }
    CHECK(sandbox_count("acquired/login") == 1);
    tokenkeep_client_free(client);
}

static void whoever_waits_for_anothers_renewal_is_counted(void) {
    tokenkeep_client *client;
    tokenkeep_stats stats = TOKENKEEP_STATS_INIT;
    tokenkeep_error *error = NULL;
    struct worker workers[THREADS];
    int i;

    sandbox_reset();
    /* Time enough for all of them to ask, also under valgrind on a busy machine. */
    sandbox_control("faults", "{\"endpoint\": \"acquired/login\", \"delay_ms\": 2000}");
    client = sandbox_client(sandbox_acquired(__func__));
    CHECK_STATUS(tokenkeep_client_prefetch(client, &error), TOKENKEEP_OK, &error);
    for (i = 0; i < THREADS; i++) {
        start(&workers[i], client, ask);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        CHECK(workers[i].status == TOKENKEEP_OK);
    }
    CHECK(tokenkeep_client_stats(client, &stats) == TOKENKEEP_OK);
    CHECK(stats.renewals == 1 && stats.failures == 0 && stats.hits == 0 && stats.shared_waits == THREADS);
    tokenkeep_client_free(client);
}

/* The wall clock as the library reads it, in milliseconds: never ahead of the library's next look. */
static int64_t coarse_now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Takes tokens in both ways and compares their ends with the time before each call. */
static void *compare_ends(void *argument) {
    struct worker *worker = argument;
    tokenkeep_stats stats = TOKENKEEP_STATS_INIT;
    char header[1024];
    size_t length;
    uint64_t generation;
    int64_t before_copy, before_token;
    tokenkeep_token *token = NULL;
    /* Under valgrind on a busy machine there may be fewer. */
    time_t end = time(NULL) + 3 * SECONDS;

    do {
        before_copy = coarse_now_ms();
        worker->status = tokenkeep_client_copy_header(worker->client, NULL, header, sizeof(header), &length,
                                                      &generation, NULL);
        before_token = coarse_now_ms();
        if (worker->status == TOKENKEEP_OK) {
            worker->status = tokenkeep_client_token(worker->client, NULL, &token, NULL);
        }
        if (worker->status == TOKENKEEP_OK) {
            CHECK(tokenkeep_token_expires_at_ms(token) >= before_token);
            CHECK(tokenkeep_token_generation(token) != generation ||
                  tokenkeep_token_expires_at_ms(token) >= before_copy);
            tokenkeep_token_free(token);
        } else if (!CHECK(worker->status == TOKENKEEP_PROTOCOL)) {
            /* PROTOCOL: on a machine so busy that renewals take a whole lifetime, they say so. */
            break;
        }
        sleep_ms(1);
    } while (tokenkeep_client_stats(worker->client, &stats) == TOKENKEEP_OK && stats.renewals <= EXPIRIES &&
             time(NULL) < end);
    tokenkeep_client_free(worker->client);
    return NULL;
}

static void no_token_is_past_its_end(void) {
    tokenkeep_client *client;
    struct worker workers[THREADS];
    int i;

    sandbox_reset();
    sandbox_control("vendors/acquired", "{\"lifetime\": 0.3}");
    /* Renewals begin 60 ms before the end and take longer. */
    sandbox_control("faults", "{\"endpoint\": \"acquired/login\", \"times\": 0, \"delay_ms\": 80}");
    client = sandbox_client(sandbox_acquired(__func__));
    for (i = 0; i < THREADS; i++) {
        start(&workers[i], client, compare_ends);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    tokenkeep_client_free(client);
    sandbox_reset();
}

static void a_client_may_be_freed_while_its_renewal_is_under_way(void) {
    tokenkeep_client *client, *again;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;

    sandbox_reset();
    sandbox_control("faults", "{\"endpoint\": \"acquired/login\", \"delay_ms\": 1000}");
    client = sandbox_client(sandbox_acquired(__func__));
    CHECK_STATUS(tokenkeep_client_prefetch(client, &error), TOKENKEEP_OK, &error);
    CHECK(sandbox_wait_for("acquired/login", 1));
    tokenkeep_client_free(client);
    /* A new client of the credential takes up what the renewal brings. */
    again = sandbox_client(sandbox_acquired(__func__));
    CHECK_STATUS(tokenkeep_client_token(again, NULL, &token, &error), TOKENKEEP_OK, &error);
    CHECK(sandbox_count("acquired/login") == 1);
    tokenkeep_token_free(token);
    tokenkeep_client_free(again);
}

static void closing_ends_the_wait(void) {
    tokenkeep_config *config = sandbox_acquired(__func__);
    tokenkeep_client *client;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;
    struct worker workers[THREADS];
    int i;

    set(config, "timeout", "5 s");
    sandbox_reset();
    sandbox_control("faults", "{\"endpoint\": \"acquired/login\", \"times\": 0, \"hang\": true}");
    client = sandbox_client(config);
    for (i = 0; i < THREADS; i++) {
        start(&workers[i], client, ask);
    }
    CHECK(sandbox_wait_for("acquired/login", 1));
    tokenkeep_client_close(client);
    for (i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        CHECK(workers[i].status == TOKENKEEP_CANCELLED);
    }
    CHECK_STATUS(tokenkeep_client_token(client, NULL, &token, &error), TOKENKEEP_CANCELLED, &error);
    tokenkeep_client_free(client);
    sandbox_reset();
}

static void a_closed_client_still_has_its_token(void) {
    tokenkeep_client *client = sandbox_client(sandbox_acquired(__func__));
    tokenkeep_client *fresh = NULL;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;

    CHECK_STATUS(tokenkeep_client_token(client, NULL, &token, &error), TOKENKEEP_OK, &error);
    tokenkeep_token_free(token);
    CHECK_STATUS(tokenkeep_client_with(client, "mid", "x", 1, &fresh, &error), TOKENKEEP_OK, &error);
    tokenkeep_client_close(client);
    tokenkeep_client_close(client);
    CHECK_STATUS(tokenkeep_client_token(client, NULL, &token, &error), TOKENKEEP_OK, &error);
    tokenkeep_token_free(token);
    tokenkeep_client_free(client);
    CHECK_STATUS(tokenkeep_client_token(fresh, NULL, &token, &error), TOKENKEEP_OK, &error);
    tokenkeep_token_free(token);
    tokenkeep_client_free(fresh);
}

void test_threads(void) {
    /* First, while no other renewal is under way that the sandbox would count. */
    many_threads_make_one_request();
    whoever_waits_for_anothers_renewal_is_counted();
    many_threads_share_a_client();
    no_token_is_past_its_end();
    a_client_may_be_freed_while_its_renewal_is_under_way();
    closing_ends_the_wait();
    a_closed_client_still_has_its_token();
}
