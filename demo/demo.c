/* One way to get tokens, from first to last: get one, use it, outlive it, have it revoked.
 *
 *     demo RESOURCE CONTROL VENDOR PROVIDER [NAME=VALUE ...]
 *
 * Prints what happened, five words parted by tabs. demo/run.py runs it for every vendor of the sandbox. */
#define _POSIX_C_SOURCE 200809L
#include <time.h>

#include "loopback.h"
#include "tokenkeep.h"

static tokenkeep_error *error = NULL;

/* Ends the program where something went wrong. */
static void need(int good, const char *what) {
    if (!good) {
        const char *why = tokenkeep_error_message(error);
        fprintf(stderr, "%s%s%s\n", what, why ? ": " : "", why ? why : "");
        exit(1);
    }
}

static tokenkeep_client *open_client(const char *provider, char **settings) {
    tokenkeep_config *config = tokenkeep_config_new(provider);
    for (; *settings != NULL; settings++) {
        char *value = strchr(*settings, '=');
        need(value != NULL, "settings are NAME=VALUE");
        *value++ = '\0';
        tokenkeep_config_set(config, *settings, value, TOKENKEEP_NUL_ENDED);
    }
    tokenkeep_client *client = NULL;
    need(tokenkeep_client_new(config, &client, &error) == TOKENKEEP_OK, "no client");
    tokenkeep_config_free(config);
    return client;
}

static tokenkeep_token *get_token(tokenkeep_client *client) {
    tokenkeep_token *token = NULL;
    need(tokenkeep_client_token(client, NULL, &token, &error) == TOKENKEEP_OK, "no token");
    return token;
}

/* Where a person must say yes, the sandbox's authorization server does so at once: open the URL as a browser
 * would, and hand over the URL that it redirects to. */
static void say_yes(tokenkeep_client *client) {
    tokenkeep_consent *consent = NULL;
    if (tokenkeep_client_consent(client, NULL, &consent, &error) == TOKENKEEP_UNSUPPORTED) {
        tokenkeep_error_free(error);
        error = NULL;
        return;
    }
    need(consent != NULL, "no consent");
    static char answer[16384];
    const char *url = tokenkeep_consent_url(consent, NULL);
    need(loopback_request("GET", url, "", "", answer, sizeof answer) == 302,
         "the consent page did not redirect");
    const char *redirected = loopback_header(answer, "location");
    need(redirected != NULL, "the redirect leads nowhere");
    tokenkeep_token *token = NULL;
    need(tokenkeep_consent_finish(consent, redirected, TOKENKEEP_NUL_ENDED, NULL, &token, &error) ==
             TOKENKEEP_OK,
         "the consent did not finish");
    tokenkeep_token_free(token);
    tokenkeep_consent_free(consent);
}

/* Calls the vendor with everything it wants beside the request. Returns the HTTP status. */
static int call_resource(const char *url, const tokenkeep_token *token) {
    static char headers[8192], answer[16384];
    size_t used = 0;
    for (size_t i = 0; i < tokenkeep_token_header_count(token); i++) {
        const char *name = NULL, *value = NULL;
        need(tokenkeep_token_header(token, i, &name, NULL, &value, NULL) == TOKENKEEP_OK, "no such header");
        used += (size_t)snprintf(headers + used, sizeof headers - used, "%s: %s\r\n", name, value);
        need(used < sizeof headers, "the headers are too long");
    }
    return loopback_request("GET", url, headers, "", answer, sizeof answer);
}

static void wait_until(int64_t unix_ms) {
    struct timespec now, pause;
    clock_gettime(CLOCK_REALTIME, &now);
    const int64_t ms = unix_ms - ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
    if (ms > 0) {
        pause.tv_sec = (time_t)(ms / 1000);
        pause.tv_nsec = (long)(ms % 1000) * 1000000;
        nanosleep(&pause, NULL);
    }
}

int main(int count, char **arguments) {
    need(count >= 5, "usage: demo RESOURCE CONTROL VENDOR PROVIDER [NAME=VALUE ...]");
    const char *resource = arguments[1];
    tokenkeep_client *client = open_client(arguments[4], arguments + 5);
    say_yes(client);

    tokenkeep_token *token = get_token(client);
    printf("yes\t");
    need(call_resource(resource, token) == 200, "the resource did not take the token");
    printf("200\t");

    if (tokenkeep_token_lifetime(token) == TOKENKEEP_LIFETIME_KNOWN) {
        wait_until(tokenkeep_token_expires_at_ms(token) + 50);
        need(call_resource(resource, token) == 401, "the resource took an expired token");
        printf("401\t");
        tokenkeep_token_free(token);
        token = get_token(client);
        need(call_resource(resource, token) == 200, "the resource did not take the renewed token");
        printf("200\t");
    } else {
        const int never = tokenkeep_token_lifetime(token) == TOKENKEEP_LIFETIME_NEVER;
        printf("%s\tnot needed\t", never ? "never does" : "no end known");
    }

    char revoke[512], answer[1024];
    snprintf(revoke, sizeof revoke, "%s/vendors/%s/revoke", arguments[2], arguments[3]);
    need(loopback_request("POST", revoke, "", "{}", answer, sizeof answer) == 200,
         "the sandbox revoked nothing");
    need(call_resource(resource, token) == 401, "the resource took a revoked token");
    const uint64_t generation = tokenkeep_token_generation(token);
    tokenkeep_token_free(token);
    if (tokenkeep_client_rejected(client, generation, 401, NULL, 0, &error) == TOKENKEEP_OK) {
        token = get_token(client);
        need(call_resource(resource, token) == 200, "the resource did not take the new token");
        printf("recovered\n");
        tokenkeep_token_free(token);
    } else {
        need(tokenkeep_error_status(error) == TOKENKEEP_REJECTED, "the rejection was not understood");
        printf("told: do not ask again\n");
        tokenkeep_error_free(error);
    }
    tokenkeep_client_free(client);
    return 0;
}
