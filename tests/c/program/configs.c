/* Configs: all that is wrong is reported at once, by tokenkeep_client_new. */

#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tokenkeep.h>

#include "check.h"
#include "sandbox.h"
#include "suites.h"

/* What tokenkeep_client_new says against a config, which is freed; the caller frees the error. */
static tokenkeep_error *refusal(tokenkeep_config *config, tokenkeep_status expected) {
    tokenkeep_client *client = (tokenkeep_client *)&client;
    tokenkeep_error *error = NULL;

    CHECK(tokenkeep_client_new(config, &client, &error) == expected);
    CHECK(client == NULL);
    CHECK(tokenkeep_error_status(error) == expected);
    tokenkeep_config_free(config);
    return error;
}

static void all_faults_come_at_once(void) {
    tokenkeep_config *config = tokenkeep_config_new("acquired");
    tokenkeep_error *error;

    set(config, "app_ld", "12345678");
    set(config, "timeout", "soon");
    error = refusal(config, TOKENKEEP_CONFIG);
    CHECK_HAS(tokenkeep_error_message(error), "there is no setting app_ld; did you mean app_id?");
    CHECK_HAS(tokenkeep_error_message(error), "app_key is missing");
    CHECK_HAS(tokenkeep_error_message(error), "timeout");
    CHECK(tokenkeep_error_http_status(error) == 0);
    CHECK(tokenkeep_error_code(error) == NULL);
    CHECK(tokenkeep_error_is_retryable(error) == 0);
    CHECK(tokenkeep_error_retry_after_ms(error) == -1);
    tokenkeep_error_free(error);
}

static void misuse_is_reported(void) {
    tokenkeep_config *config = sandbox_acquired(__func__);
    tokenkeep_error *error;

    tokenkeep_config_set(config, NULL, "value", TOKENKEEP_NUL_ENDED);
    tokenkeep_config_set(config, "scope", NULL, TOKENKEEP_NUL_ENDED);
    tokenkeep_config_set(config, "account", "\xff\xfe", 2);
    tokenkeep_config_set(config, "user_agent", "program", sizeof("program"));
    tokenkeep_config_set(config, "company_id", "x", TOKENKEEP_NUL_ENDED - 1);
    tokenkeep_config_on_log(config, 99, NULL, NULL, NULL);
    error = refusal(config, TOKENKEEP_CONFIG);
    CHECK_HAS(tokenkeep_error_message(error), "the name of a setting is NULL");
    CHECK_HAS(tokenkeep_error_message(error), "the value of scope is NULL");
    CHECK_HAS(tokenkeep_error_message(error), "the value of account is not UTF-8");
    CHECK_HAS(tokenkeep_error_message(error), "the value of user_agent has a NUL in it");
    CHECK_HAS(tokenkeep_error_message(error), "the value of company_id has an impossible length");
    CHECK_HAS(tokenkeep_error_message(error), "the log level 99");
    tokenkeep_error_free(error);

    error = refusal(tokenkeep_config_new(NULL), TOKENKEEP_CONFIG);
    CHECK_HAS(tokenkeep_error_message(error), "the provider is NULL");
    tokenkeep_error_free(error);
    error = refusal(NULL, TOKENKEEP_INVALID_ARGUMENT);
    CHECK_HAS(tokenkeep_error_message(error), "config is NULL");
    tokenkeep_error_free(error);
}

static void a_value_may_be_part_of_a_text(void) {
    tokenkeep_config *config = sandbox_config("acquired");
    tokenkeep_client *client;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;

    tokenkeep_config_set(config, "app_id", SANDBOX_APP_ID " and more", strlen(SANDBOX_APP_ID));
    set(config, "app_key", "a later value");
    set(config, "app_key", SANDBOX_APP_KEY);
    client = sandbox_client(config);
    CHECK_STATUS(tokenkeep_client_token(client, NULL, &token, &error), TOKENKEEP_OK, &error);
    tokenkeep_token_free(token);
    tokenkeep_client_free(client);
}

static void profiles_are_loaded(void) {
    char path[] = "profiles-XXXXXX";
    int file = mkstemp(path);
    FILE *profiles = fdopen(file, "w");
    tokenkeep_config *config = NULL;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;
    tokenkeep_client *client;

    CHECK(fchmod(file, 0600) == 0);
    fprintf(profiles, "[shop]\nprovider = \"acquired\"\nbase_url = \"%s/acquired\"\napp_id = \"%s\"\n",
            sandbox_url, SANDBOX_APP_ID);
    fclose(profiles);

    CHECK_STATUS(tokenkeep_config_load(path, "shop", &config, &error), TOKENKEEP_OK, &error);
    set(config, "app_key", SANDBOX_APP_KEY);
    client = sandbox_client(config);
    CHECK_STATUS(tokenkeep_client_token(client, NULL, &token, &error), TOKENKEEP_OK, &error);
    tokenkeep_token_free(token);
    tokenkeep_client_free(client);

    CHECK_STATUS(tokenkeep_config_load(path, "stall", &config, &error), TOKENKEEP_CONFIG, &error);
    CHECK(config == NULL);
    CHECK_STATUS(tokenkeep_config_load("/nowhere/tokenkeep.toml", "shop", &config, &error), TOKENKEEP_CONFIG,
                 &error);
    CHECK_STATUS(tokenkeep_config_load(path, NULL, &config, &error), TOKENKEEP_INVALID_ARGUMENT, &error);
    unlink(path);
}

void test_configs(void) {
    all_faults_come_at_once();
    misuse_is_reported();
    a_value_may_be_part_of_a_text();
    profiles_are_loaded();
}
