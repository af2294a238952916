/*
 * many_clients new COUNT     so many clients, each with credentials of its own, by tokenkeep_client_new
 * many_clients with COUNT    one client, and so many others of one account each, by tokenkeep_client_with
 *
 * Opens them, asks no vendor, and prints one line of JSON: how long that took, how much more memory is
 * resident than before, how many bytes of secrets there are in all, and how long it took to free them.
 */

#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tokenkeep.h>

#include "client.h"

enum { SECRET_LENGTH = 32, TEXT_SIZE = 64 };

/* Opens the clients, if need be from one that is there; returns the bytes of secrets that each has of its
 * own. */
typedef size_t open_fn(const tokenkeep_client *base, tokenkeep_client **clients, long count);

static long resident_bytes(void) {
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");

    if (statm == NULL || fscanf(statm, "%*d %ld", &pages) != 1) {
        die("no /proc/self/statm", NULL);
    }
    fclose(statm);
    return pages * sysconf(_SC_PAGESIZE);
}

/* Acquired.com's credentials: an app_id and an app_key of 32 characters. */
static tokenkeep_config *numbered_config(long number) {
    tokenkeep_config *config = tokenkeep_config_new("acquired");
    char app_id[TEXT_SIZE], app_key[TEXT_SIZE];

    snprintf(app_id, sizeof(app_id), "app%07ld", number);
    snprintf(app_key, sizeof(app_key), "a-key-of-thirty-two-bytes-%06ld", number);
    tokenkeep_config_set(config, "app_id", app_id, TOKENKEEP_NUL_ENDED);
    tokenkeep_config_set(config, "app_key", app_key, TOKENKEEP_NUL_ENDED);
    return config;
}

static tokenkeep_client *numbered_client(long number) {
    tokenkeep_config *config = numbered_config(number);
    tokenkeep_client *client = NULL;
    tokenkeep_error *error = NULL;

    if (tokenkeep_client_new(config, &client, &error) != TOKENKEEP_OK) {
        die("no client", error);
    }
    tokenkeep_config_free(config);
    return client;
}

static size_t open_new(const tokenkeep_client *base, tokenkeep_client **clients, long count) {
    long i;

    (void)base;
    for (i = 0; i < count; i++) {
        clients[i] = numbered_client(i);
    }
    return SECRET_LENGTH;
}

static size_t open_with(const tokenkeep_client *base, tokenkeep_client **clients, long count) {
    tokenkeep_error *error = NULL;
    char account[TEXT_SIZE];
    long i;

    for (i = 0; i < count; i++) {
        snprintf(account, sizeof(account), "account%07ld", i);
        if (tokenkeep_client_with(base, "account", account, TOKENKEEP_NUL_ENDED, &clients[i], &error) !=
            TOKENKEEP_OK) {
            die("no client", error);
        }
    }
    return 0;
}

static void measure(open_fn *open, const tokenkeep_client *base, long count) {
    tokenkeep_client **clients = calloc((size_t)count, sizeof(*clients));
    double began, opened, freed;
    long before, after, i;
    size_t secret;

    if (clients == NULL) {
        die("no memory", NULL);
    }
    memset(clients, 1, (size_t)count * sizeof(*clients));
    before = resident_bytes();
    began = now_ns();
    secret = open(base, clients, count);
    opened = now_ns();
    after = resident_bytes();
    for (i = 0; i < count; i++) {
        tokenkeep_client_free(clients[i]);
    }
    freed = now_ns();
    printf("{\"count\": %ld, \"open_seconds\": %.6f, \"free_seconds\": %.6f, \"resident_bytes\": %ld, "
           "\"secret_bytes\": %zu}\n",
           count, (opened - began) / 1e9, (freed - opened) / 1e9, after - before, secret * (size_t)count);
    free(clients);
}

int main(int argc, char **argv) {
    const long count = argc == 3 ? atol(argv[2]) : 0;
    tokenkeep_client *base;

    if (count >= 1 && strcmp(argv[1], "new") == 0) {
        measure(open_new, NULL, count);
    } else if (count >= 1 && strcmp(argv[1], "with") == 0) {
        base = numbered_client(0);
        measure(open_with, base, count);
        tokenkeep_client_free(base);
    } else {
        die("usage: many_clients new|with COUNT", NULL);
    }
    return 0;
}
