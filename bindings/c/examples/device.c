/*
 * Logs a person in on a device without a browser (RFC 8628), and uses the token. The settings are a profile
 * with `grant = "device_code"`:
 *
 *     cc device.c $(pkg-config --cflags --libs tokenkeep) -o device
 *     ./device PROFILE
 */

#include <stdio.h>

#include <tokenkeep.h>

/* Stands for your HTTP library: sends a request with this header and returns the status of the answer. */
static int list_files(const char *authorization) { return authorization != NULL ? 200 : 401; }

/* Shows the person where to say yes, and waits until they have. */
static tokenkeep_status log_in(tokenkeep_client *client, tokenkeep_error **error) {
    tokenkeep_consent *consent = NULL;
    tokenkeep_call call = TOKENKEEP_CALL_INIT;
    tokenkeep_status status = tokenkeep_client_consent(client, NULL, &consent, error);
    const char *user_code = tokenkeep_consent_user_code(consent, NULL);

    if (status == TOKENKEEP_OK) {
        printf("Open %s\n", tokenkeep_consent_url(consent, NULL));
        if (user_code != NULL) {
            printf("and enter or compare the code %s\n", user_code);
        }
        fflush(stdout);
        call.timeout_ms = 15 * 60 * 1000;
        status = tokenkeep_consent_wait(consent, &call, NULL, error);
    }
    tokenkeep_consent_free(consent);
    return status;
}

int main(int argc, char **argv) {
    tokenkeep_config *config = NULL;
    tokenkeep_client *client = NULL;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;
    tokenkeep_status status;

    if (argc != 2) {
        fprintf(stderr, "usage: device PROFILE\n");
        return 2;
    }
    status = tokenkeep_config_load(NULL, argv[1], &config, &error);
    if (status == TOKENKEEP_OK) {
        status = tokenkeep_client_new(config, &client, &error);
    }
    if (status == TOKENKEEP_OK) {
        status = tokenkeep_client_token(client, NULL, &token, &error);
    }
    /* Only where a person must say yes first, or again. */
    if (status == TOKENKEEP_CONSENT_REQUIRED) {
        tokenkeep_error_free(error);
        error = NULL;
        status = log_in(client, &error);
        if (status == TOKENKEEP_OK) {
            status = tokenkeep_client_token(client, NULL, &token, &error);
        }
    }

    if (status == TOKENKEEP_OK) {
        printf("the vendor answered %d\n", list_files(tokenkeep_token_authorization(token, NULL)));
    } else {
        fprintf(stderr, "%s: %s\n", tokenkeep_status_name(status), tokenkeep_error_message(error));
    }
    tokenkeep_error_free(error);
    tokenkeep_token_free(token);
    tokenkeep_client_free(client);
    tokenkeep_config_free(config);
    return status == TOKENKEEP_OK ? 0 : 1;
}
