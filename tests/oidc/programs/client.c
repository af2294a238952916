/*
 * A program that a test plays through: its arguments are settings, name=value; each line that it reads is a
 * command, and each line that it writes is what came of it, a text or "STATUS message".
 */

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <tokenkeep.h>

enum { THREADS = 4, LINE = 4096 };

static void report(tokenkeep_status status, const char *text, tokenkeep_error *error) {
    if (status == TOKENKEEP_OK) {
        printf("%s\n", text);
    } else {
        printf("%s %s\n", tokenkeep_status_name(status), tokenkeep_error_message(error));
    }
    tokenkeep_error_free(error);
}

static void report_token(tokenkeep_status status, tokenkeep_token *token, tokenkeep_error *error) {
    report(status, tokenkeep_token_value(token, NULL), error);
    tokenkeep_token_free(token);
}

static void *one_of_many(void *client) {
    tokenkeep_token *token = NULL;

    return tokenkeep_client_token(client, NULL, &token, NULL) == TOKENKEEP_OK ? token : NULL;
}

/* Has many threads ask at once. The tokens must be the same one. */
static void ask_together(tokenkeep_client *client) {
    pthread_t threads[THREADS];
    void *tokens[THREADS];
    int i, equal = 1;

    for (i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, one_of_many, client);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &tokens[i]);
        equal = equal && tokens[i] != NULL &&
                strcmp(tokenkeep_token_value(tokens[i], NULL), tokenkeep_token_value(tokens[0], NULL)) == 0;
    }
    printf("%s\n", equal ? tokenkeep_token_value(tokens[0], NULL) : "not the same token");
    for (i = 0; i < THREADS; i++) {
        tokenkeep_token_free(tokens[i]);
    }
}

/* Says that a resource has refused the token in use. */
static void reject(tokenkeep_client *client) {
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;
    tokenkeep_status status = tokenkeep_client_token(client, NULL, &token, &error);

    if (status == TOKENKEEP_OK) {
        status = tokenkeep_client_rejected(client, tokenkeep_token_generation(token), 401, NULL, 0, &error);
    }
    report(status, "rejected", error);
    tokenkeep_token_free(token);
}

/* The consent as text, for another process. */
static void seal(const tokenkeep_consent *consent) {
    char sealed[LINE];
    size_t length;
    tokenkeep_error *error = NULL;
    const tokenkeep_status status = tokenkeep_consent_seal(consent, sealed, sizeof(sealed), &length, &error);

    report(status, sealed, error);
}

static void obey(tokenkeep_client *client, tokenkeep_consent **consent, const char *command) {
    static const char finish[] = "finish ", resume[] = "resume ";
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;
    tokenkeep_status status;

    if (strcmp(command, "token") == 0) {
        status = tokenkeep_client_token(client, NULL, &token, &error);
        report_token(status, token, error);
    } else if (strcmp(command, "together") == 0) {
        ask_together(client);
    } else if (strcmp(command, "reject") == 0) {
        reject(client);
    } else if (strcmp(command, "revoke") == 0) {
        status = tokenkeep_client_revoke(client, NULL, &error);
        report(status, "revoked", error);
    } else if (strcmp(command, "consent") == 0) {
        tokenkeep_consent_free(*consent);
        status = tokenkeep_client_consent(client, NULL, consent, &error);
        report(status, tokenkeep_consent_url(*consent, NULL), error);
    } else if (strcmp(command, "seal") == 0) {
        seal(*consent);
    } else if (strncmp(command, resume, strlen(resume)) == 0) {
        tokenkeep_consent_free(*consent);
        status =
            tokenkeep_client_resume(client, command + strlen(resume), TOKENKEEP_NUL_ENDED, consent, &error);
        report(status, tokenkeep_consent_url(*consent, NULL), error);
    } else if (strcmp(command, "user_code") == 0) {
        printf("%s\n", tokenkeep_consent_user_code(*consent, NULL));
    } else if (strcmp(command, "wait") == 0) {
        status = tokenkeep_consent_wait(*consent, NULL, &token, &error);
        report_token(status, token, error);
    } else if (strncmp(command, finish, strlen(finish)) == 0) {
        status = tokenkeep_consent_finish(*consent, command + strlen(finish), TOKENKEEP_NUL_ENDED, NULL,
                                          &token, &error);
        report_token(status, token, error);
    } else {
        printf("no such command\n");
    }
    fflush(stdout);
}

int main(int count, char **settings) {
    tokenkeep_config *config = tokenkeep_config_new("oauth2");
    tokenkeep_client *client = NULL;
    tokenkeep_consent *consent = NULL;
    tokenkeep_error *error = NULL;
    char line[LINE];
    int i;

    for (i = 1; i < count; i++) {
        char *value = strchr(settings[i], '=');
        *value++ = '\0';
        tokenkeep_config_set(config, settings[i], value, TOKENKEEP_NUL_ENDED);
    }
    if (tokenkeep_client_new(config, &client, &error) != TOKENKEEP_OK) {
        fprintf(stderr, "%s\n", tokenkeep_error_message(error));
    }
    tokenkeep_config_free(config);
    while (client != NULL && fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        obey(client, &consent, line);
    }
    tokenkeep_error_free(error);
    tokenkeep_consent_free(consent);
    tokenkeep_client_free(client);
    return client != NULL ? 0 : 1;
}
