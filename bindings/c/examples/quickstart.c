/*
 * Gets a token for Acquired.com and uses it.
 *
 *     cc quickstart.c $(pkg-config --cflags --libs tokenkeep) -o quickstart
 *     ACQUIRED_APP_ID=... ACQUIRED_APP_KEY=... ./quickstart
 */

#include <stdio.h>
#include <stdlib.h>

#include <tokenkeep.h>

/* Stands for your HTTP library: sends a request with this header and returns the status of the answer. */
static int list_customers(const char *authorization) { return authorization != NULL ? 200 : 401; }

static void set(tokenkeep_config *config, const char *name, const char *value) {
    tokenkeep_config_set(config, name, value, TOKENKEEP_NUL_ENDED);
}

int main(void) {
    tokenkeep_config *config = tokenkeep_config_new("acquired");
    tokenkeep_client *client = NULL;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;
    tokenkeep_status status;
    int tries, answer = 0;

    set(config, "environment", "qa");
    set(config, "app_id", getenv("ACQUIRED_APP_ID"));
    set(config, "app_key_env", "ACQUIRED_APP_KEY");
    if (getenv("ACQUIRED_BASE_URL") != NULL) {
        set(config, "base_url", getenv("ACQUIRED_BASE_URL"));
    }
    status = tokenkeep_client_new(config, &client, &error);

    /* Ask for a token before each request. If it is refused, say so, and learn whether a new one may help. */
    for (tries = 0; status == TOKENKEEP_OK && tries < 2; tries++) {
        tokenkeep_token_free(token);
        status = tokenkeep_client_token(client, NULL, &token, &error);
        if (status == TOKENKEEP_OK) {
            answer = list_customers(tokenkeep_token_authorization(token, NULL));
            if (answer != 401) {
                break;
            }
            uint64_t generation = tokenkeep_token_generation(token);
            status = tokenkeep_client_rejected(client, generation, answer, NULL, 0, &error);
        }
    }

    if (status == TOKENKEEP_OK) {
        printf("the vendor answered %d\n", answer);
    } else {
        fprintf(stderr, "%s: %s\n", tokenkeep_status_name(status), tokenkeep_error_message(error));
    }
    tokenkeep_error_free(error);
    tokenkeep_token_free(token);
    tokenkeep_client_free(client);
    tokenkeep_config_free(config);
    return status == TOKENKEEP_OK ? 0 : 1;
}
