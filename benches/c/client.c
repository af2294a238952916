#define _POSIX_C_SOURCE 200809L

#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void set(tokenkeep_config *config, const char *setting) {
    const char *value = strchr(setting, '=');
    char name[64];

    if (value == NULL || (size_t)(value - setting) >= sizeof(name)) {
        die("a setting is not name=value", NULL);
    }
    memcpy(name, setting, (size_t)(value - setting));
    name[value - setting] = '\0';
    tokenkeep_config_set(config, name, value + 1, TOKENKEEP_NUL_ENDED);
}

tokenkeep_config *config_of(int count, char **settings) {
    static const char provider[] = "provider=";
    tokenkeep_config *config;
    int i;

    if (count < 1 || strncmp(settings[0], provider, strlen(provider)) != 0) {
        die("the first setting must be the provider", NULL);
    }
    config = tokenkeep_config_new(settings[0] + strlen(provider));
    for (i = 1; i < count; i++) {
        set(config, settings[i]);
    }
    return config;
}

tokenkeep_client *client_of(int count, char **settings) {
    tokenkeep_config *config = config_of(count, settings);
    tokenkeep_client *client = NULL;
    tokenkeep_error *error = NULL;

    if (tokenkeep_client_new(config, &client, &error) != TOKENKEEP_OK) {
        die("no client", error);
    }
    tokenkeep_config_free(config);
    return client;
}

void die(const char *what, const tokenkeep_error *error) {
    fprintf(stderr, "%s%s%s\n", what, error != NULL ? ": " : "",
            error != NULL ? tokenkeep_error_message(error) : "");
    exit(1);
}

double now_ns(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}
