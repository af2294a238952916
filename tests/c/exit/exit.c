/*
 * exit BASE_URL WAY [STORE_PATH]: begins a renewal that hangs, or lands late, prints "leaving" and ends, in
 * one of the ways below. Whoever started it measures how long that takes. With a store, the renewal spends a
 * refresh token that is good only once.
 */

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tokenkeep.h>

static tokenkeep_client *client;

static void sleep_ms(long ms) {
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

static void *wait_for_token(void *own_client) {
    tokenkeep_token *token = NULL;

    if (tokenkeep_client_token(own_client, NULL, &token, NULL) == TOKENKEEP_OK) {
        tokenkeep_token_free(token);
    }
    tokenkeep_client_free(own_client);
    return NULL;
}

static void linger(void) { sleep_ms(150); }

static void leave(void) {
    puts("leaving");
    fflush(stdout);
}

static void set(tokenkeep_config *config, const char *name, const char *value) {
    tokenkeep_config_set(config, name, value, TOKENKEEP_NUL_ENDED);
}

static tokenkeep_config *acquired(const char *base_url) {
    tokenkeep_config *config = tokenkeep_config_new("acquired");

    set(config, "base_url", base_url);
    set(config, "app_id", "sbx00001");
    set(config, "app_key", "SANDBOX-SECRET-app-key-000000001");
    return config;
}

static tokenkeep_config *pink(const char *base_url, const char *store_path) {
    tokenkeep_config *config = tokenkeep_config_new("pink");
    char token_url[256];

    snprintf(token_url, sizeof(token_url), "%s/oauth/token", base_url);
    set(config, "token_url", token_url);
    set(config, "client_id", "public-client");
    set(config, "grant", "refresh_token");
    set(config, "refresh_token", "SANDBOX-SECRET-good-once");
    set(config, "store", "file");
    set(config, "store_path", store_path);
    set(config, "store_key", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    return config;
}

/* A client whose renewal is under way. */
static void begin(tokenkeep_config *config) {
    tokenkeep_call call = TOKENKEEP_CALL_INIT;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;

    call.timeout_ms = 50;
    if (tokenkeep_client_new(config, &client, &error) != TOKENKEEP_OK ||
        tokenkeep_client_token(client, &call, &token, &error) != TOKENKEEP_TIMEOUT) {
        fprintf(stderr, "no renewal is under way: %s\n", tokenkeep_error_message(error));
        exit(2);
    }
    tokenkeep_error_free(error);
    tokenkeep_config_free(config);
}

int main(int count, char **words) {
    const char *way = count > 2 ? words[2] : "";
    pthread_t waiting;

    if (count < 3) {
        fprintf(stderr, "usage: exit BASE_URL WAY [STORE_PATH]\n");
        return 2;
    }
    begin(count > 3 ? pink(words[1], words[3]) : acquired(words[1]));
    if (strcmp(way, "return") == 0) {
        leave();
    } else if (strcmp(way, "exit") == 0) {
        leave();
        exit(0);
    } else if (strcmp(way, "_exit") == 0) {
        leave();
        _exit(0);
    } else if (strcmp(way, "free") == 0) {
        leave();
        tokenkeep_client_free(client);
    } else if (strcmp(way, "close") == 0) {
        leave();
        tokenkeep_client_close(client);
    } else if (strcmp(way, "waiter") == 0) {
        /* A thread is in the library when main returns. */
        if (pthread_create(&waiting, NULL, wait_for_token, tokenkeep_client_clone(client)) != 0) {
            return 2;
        }
        sleep_ms(50);
        leave();
    } else if (strcmp(way, "landing") == 0) {
        /* The renewal lands while the process is in its exit handlers. */
        atexit(linger);
        tokenkeep_client_free(client);
        leave();
    } else {
        return 2;
    }
    return 0;
}
