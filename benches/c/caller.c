/*
 * caller provider=NAME name=value...
 *
 * Asks for tokens as it is told to on standard input, one command a line, and answers with one line of JSON
 * each:
 *
 *     open name=value...    a new client, sharing nothing with the one before, with these settings besides;
 * it gets its first token call TIMES            that many calls, one after another herd THREADS          one
 * call on each of so many threads, all at once skip SECONDS          lets time pass; so does expire
 *
 * The answer to a call or herd: {"waits_ms": [...], "outcomes": ["OK", ...]}; STALE is a token past its end.
 */

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tokenkeep.h>

#include "client.h"

enum { LINE_SIZE = 1024, MOST_SETTINGS = 64, MOST_CALLS = 1024 };

/* One call, what became of it and how long it took. */
struct call {
    pthread_t thread;
    tokenkeep_client *client;
    pthread_barrier_t *start;
    const char *outcome;
    double waited_ns;
};

static int is_past_its_end(const tokenkeep_token *token) {
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return tokenkeep_token_expires_at_ms(token) < (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void make(struct call *call) {
    tokenkeep_token *token = NULL;
    const double began = now_ns();
    const tokenkeep_status status = tokenkeep_client_token(call->client, NULL, &token, NULL);

    call->waited_ns = now_ns() - began;
    call->outcome =
        status == TOKENKEEP_OK && is_past_its_end(token) ? "STALE" : tokenkeep_status_name(status);
    tokenkeep_token_free(token);
}

static void *make_with_the_herd(void *argument) {
    struct call *call = argument;

    pthread_barrier_wait(call->start);
    make(call);
    return NULL;
}

static void answer(const struct call *calls, int count) {
    int i;

    printf("{\"waits_ms\": [");
    for (i = 0; i < count; i++) {
        printf("%s%.3f", i > 0 ? ", " : "", calls[i].waited_ns / 1e6);
    }
    printf("], \"outcomes\": [");
    for (i = 0; i < count; i++) {
        printf("%s\"%s\"", i > 0 ? ", " : "", calls[i].outcome);
    }
    printf("]}\n");
}

static void call_in_turn(tokenkeep_client *client, int times) {
    static struct call calls[MOST_CALLS];
    int i;

    for (i = 0; i < times; i++) {
        calls[i].client = client;
        make(&calls[i]);
    }
    answer(calls, times);
}

static void herd(tokenkeep_client *client, int threads) {
    static struct call calls[MOST_CALLS];
    pthread_barrier_t start;
    int i;

    pthread_barrier_init(&start, NULL, (unsigned)threads);
    for (i = 0; i < threads; i++) {
        calls[i].client = client;
        calls[i].start = &start;
        if (pthread_create(&calls[i].thread, NULL, make_with_the_herd, &calls[i]) != 0) {
            die("no thread", NULL);
        }
    }
    for (i = 0; i < threads; i++) {
        pthread_join(calls[i].thread, NULL);
    }
    pthread_barrier_destroy(&start);
    answer(calls, threads);
}

static void skip(double seconds) {
    struct timespec span;

    span.tv_sec = (time_t)seconds;
    span.tv_nsec = (long)((seconds - (double)span.tv_sec) * 1e9);
    nanosleep(&span, NULL);
    printf("{}\n");
}

/* The program's own settings, those of the command, and an account that no client had before. */
static tokenkeep_client *open_client(int count, char **settings, char *words) {
    static int clients;
    char *all[MOST_SETTINGS];
    char account[32];
    char *word;
    int i;

    for (i = 0; i < count && i < MOST_SETTINGS - 1; i++) {
        all[i] = settings[i];
    }
    for (word = strtok(words, " "); word != NULL && i < MOST_SETTINGS - 1; word = strtok(NULL, " ")) {
        all[i++] = word;
    }
    snprintf(account, sizeof(account), "account=bench-%d", clients++);
    all[i++] = account;
    return client_of(i, all);
}

/* A client that has got its first token. */
static tokenkeep_client *open_and_call(int count, char **settings, char *words) {
    struct call first = {.client = open_client(count, settings, words)};

    make(&first);
    if (strcmp(first.outcome, "OK") != 0) {
        die(first.outcome, NULL);
    }
    printf("{}\n");
    return first.client;
}

/* The number behind a command, within what a herd can be. */
static int number(const char *text) {
    const int value = atoi(text);

    if (value < 1 || value > MOST_CALLS) {
        die("a number out of range", NULL);
    }
    return value;
}

int main(int argc, char **argv) {
    char line[LINE_SIZE];
    tokenkeep_client *client = NULL;

    while (fgets(line, sizeof(line), stdin) != NULL) {
        char *rest = line + strcspn(line, " \n");

        line[strcspn(line, "\n")] = '\0';
        if (*rest != '\0') {
            *rest++ = '\0';
        }
        if (strcmp(line, "open") == 0) {
            tokenkeep_client_free(client);
            client = open_and_call(argc - 1, argv + 1, rest);
        } else if (strcmp(line, "call") == 0) {
            call_in_turn(client, number(rest));
        } else if (strcmp(line, "herd") == 0) {
            herd(client, number(rest));
        } else if (strcmp(line, "skip") == 0 || strcmp(line, "expire") == 0) {
            skip(atof(rest));
        } else {
            die("no such command", NULL);
        }
        fflush(stdout);
    }
    tokenkeep_client_free(client);
    return 0;
}
