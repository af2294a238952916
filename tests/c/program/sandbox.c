#define _POSIX_C_SOURCE 200809L

#include "sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "http.h"

const char *sandbox_url;

static const char *at(const char *path, char *url, size_t capacity) {
    snprintf(url, capacity, "%s%s", sandbox_url, path);
    return url;
}

void sandbox_control(const char *path, const char *json) {
    char url[256];

    snprintf(url, sizeof(url), "%s/control/%s", sandbox_url, path);
    CHECK(http_request("POST", url, NULL, json, NULL, 0) == 200);
}

void sandbox_reset(void) { sandbox_control("reset", "{}"); }

int sandbox_count(const char *endpoint) {
    char url[256], answer[8192], member[128];
    const char *found;

    CHECK(http_request("GET", at("/control/counts", url, sizeof(url)), NULL, NULL, answer, sizeof(answer)) ==
          200);
    snprintf(member, sizeof(member), "\"%s\":", endpoint);
    found = strstr(answer, member);
    found = found != NULL ? strstr(found, "\"requests\":") : NULL;
    return found != NULL ? atoi(found + strlen("\"requests\":")) : 0;
}

int sandbox_wait_for(const char *endpoint, int count) {
    int tries;

    for (tries = 0; tries < 500; tries++) {
        if (sandbox_count(endpoint) >= count) {
            return 1;
        }
        sleep_ms(20);
    }
    return 0;
}

int sandbox_get(const char *path, const char *authorization) {
    char url[256], header[2048];

    snprintf(header, sizeof(header), "Authorization: %s", authorization);
    return http_request("GET", at(path, url, sizeof(url)), header, NULL, NULL, 0);
}

tokenkeep_config *sandbox_config(const char *vendor) {
    tokenkeep_config *config = tokenkeep_config_new(vendor);
    char base_url[256];

    snprintf(base_url, sizeof(base_url), "%s/%s", sandbox_url, vendor);
    set(config, "base_url", base_url);
    return config;
}

tokenkeep_config *sandbox_acquired(const char *account) {
    tokenkeep_config *config = sandbox_config("acquired");

    set(config, "account", account);
    set(config, "app_id", SANDBOX_APP_ID);
    set(config, "app_key", SANDBOX_APP_KEY);
    return config;
}

tokenkeep_client *sandbox_client(tokenkeep_config *config) {
    tokenkeep_client *client = NULL;
    tokenkeep_error *error = NULL;

    CHECK_STATUS(tokenkeep_client_new(config, &client, &error), TOKENKEEP_OK, &error);
    tokenkeep_config_free(config);
    return client;
}

void set(tokenkeep_config *config, const char *name, const char *value) {
    tokenkeep_config_set(config, name, value, TOKENKEEP_NUL_ENDED);
}

void sleep_ms(int ms) {
    struct timespec span;

    span.tv_sec = ms / 1000;
    span.tv_nsec = (long)(ms % 1000) * 1000000L;
    nanosleep(&span, NULL);
}
