/*
 * gets TIMES provider=NAME name=value...
 *
 * Copies a cached header so many times, between two marks on standard error, for a tracer to count the system
 * calls between them. Prints {"allocations": n}: how often these copies allocated, -1 where the library
 * count_allocations is not preloaded.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tokenkeep.h>

#include "client.h"

typedef unsigned long count_fn(void);

/* Allocations up to now; 0 if nobody counts them. */
static unsigned long allocations(count_fn *count) { return count != NULL ? count() : 0; }

static void mark(const char *text) {
    if (write(STDERR_FILENO, text, strlen(text)) < 0) {
        die("nobody sees the marks", NULL);
    }
}

static void copy(tokenkeep_client *client, long times) {
    char buffer[4096];
    size_t length;
    tokenkeep_error *error = NULL;

    for (; times > 0; times--) {
        if (tokenkeep_client_copy_header(client, NULL, buffer, sizeof(buffer), &length, NULL, &error) !=
            TOKENKEEP_OK) {
            die("no header", error);
        }
    }
}

int main(int argc, char **argv) {
    const struct timespec moment = {.tv_sec = 0, .tv_nsec = 300000000};
    const long times = argc > 2 ? atol(argv[1]) : 0;
    tokenkeep_client *client;
    count_fn *count = NULL;
    unsigned long before, after;

    if (times < 1) {
        die("usage: gets TIMES provider=NAME name=value...", NULL);
    }
    *(void **)&count = dlsym(RTLD_DEFAULT, "allocations_counted");
    client = client_of(argc - 2, argv + 2);
    /* One from the vendor, and the first from memory: what is made once is made by then. */
    copy(client, 2);
    /* The thread that fetched the token ends by itself, and should have. */
    nanosleep(&moment, NULL);
    mark("gets begin\n");
    before = allocations(count);
    copy(client, times);
    after = allocations(count);
    mark("gets end\n");
    printf("{\"allocations\": %ld}\n", count != NULL ? (long)(after - before) : -1);
    tokenkeep_client_free(client);
    return 0;
}
