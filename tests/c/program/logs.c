/* Log callbacks: what they are told, when they are dropped, and what they may not do. */

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <string.h>

#include <tokenkeep.h>

#include "check.h"
#include "sandbox.h"
#include "suites.h"

/* What a callback has seen. */
struct diary {
    pthread_t thread;
    tokenkeep_client *client;
    int messages;
    int gravest;
    int mildest;
    int drops;
    int reentries;
};

static void note(void *user_data, int32_t level, const char *message, size_t length) {
    struct diary *diary = user_data;

    diary->messages++;
    diary->gravest = diary->messages == 1 || level < diary->gravest ? level : diary->gravest;
    diary->mildest = level > diary->mildest ? level : diary->mildest;
    CHECK(pthread_equal(pthread_self(), diary->thread));
    CHECK(message != NULL && length > 0 && strlen(message) == length);
    CHECK(strstr(message, "SANDBOX-SECRET") == NULL && strstr(message, "SANDBOX-TOKEN") == NULL);
}

static void count_drop(void *user_data) { ((struct diary *)user_data)->drops++; }

/* Calls the client that it logs for, which is refused, and another one, which is not. */
static void meddle(void *user_data, int32_t level, const char *message, size_t length) {
    struct diary *diary = user_data;
    tokenkeep_client *clone;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;
    tokenkeep_stats stats = TOKENKEEP_STATS_INIT;
    char buffer[256];
    size_t needed = 0;

    note(user_data, level, message, length);
    if (diary->client == NULL) {
        return;
    }
    diary->reentries++;
    CHECK_STATUS(tokenkeep_client_token(diary->client, NULL, &token, &error), TOKENKEEP_REENTRANT, &error);
    CHECK_STATUS(
        tokenkeep_client_copy_header(diary->client, NULL, buffer, sizeof(buffer), &needed, NULL, &error),
        TOKENKEEP_REENTRANT, &error);
    CHECK_STATUS(tokenkeep_client_prefetch(diary->client, &error), TOKENKEEP_REENTRANT, &error);
    CHECK_STATUS(tokenkeep_client_rejected(diary->client, 1, 401, NULL, 0, &error), TOKENKEEP_REENTRANT,
                 &error);
    CHECK_STATUS(tokenkeep_client_revoke(diary->client, NULL, &error), TOKENKEEP_REENTRANT, &error);
    CHECK(tokenkeep_client_peek(diary->client, &token) == TOKENKEEP_REENTRANT && token == NULL);
    CHECK(tokenkeep_client_stats(diary->client, &stats) == TOKENKEEP_REENTRANT);
    clone = tokenkeep_client_clone(diary->client);
    tokenkeep_client_free(clone);
}

static struct diary open_diary(void) {
    struct diary diary;

    memset(&diary, 0, sizeof(diary));
    diary.thread = pthread_self();
    return diary;
}

/* Makes a client fail and succeed, so that there is something to tell. */
static void keep_busy(tokenkeep_client *client) {
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;

    CHECK_STATUS(tokenkeep_client_token(client, NULL, &token, &error), TOKENKEEP_OK, &error);
    CHECK_STATUS(tokenkeep_client_rejected(client, tokenkeep_token_generation(token), 401, NULL, 0, &error),
                 TOKENKEEP_OK, &error);
    tokenkeep_token_free(token);
    CHECK_STATUS(tokenkeep_client_token(client, NULL, &token, &error), TOKENKEEP_OK, &error);
    tokenkeep_token_free(token);
}

static void a_renewal_is_told(void) {
    struct diary diary = open_diary();
    tokenkeep_config *config = sandbox_acquired(__func__);
    tokenkeep_client *client = NULL;
    tokenkeep_client *clone, *changed = NULL;
    tokenkeep_error *error = NULL;

    tokenkeep_config_on_log(config, TOKENKEEP_LEVEL_DEBUG, note, &diary, count_drop);
    CHECK_STATUS(tokenkeep_client_new(config, &client, &error), TOKENKEEP_OK, &error);
    keep_busy(client);
    CHECK(diary.messages > 0);
    CHECK(diary.gravest >= TOKENKEEP_LEVEL_ERROR && diary.mildest <= TOKENKEEP_LEVEL_DEBUG);

    clone = tokenkeep_client_clone(client);
    CHECK_STATUS(tokenkeep_client_with(client, "account", "alice", TOKENKEEP_NUL_ENDED, &changed, &error),
                 TOKENKEEP_OK, &error);
    tokenkeep_config_free(config);
    CHECK(diary.drops == 0);
    tokenkeep_client_free(client);
    CHECK(diary.drops == 0);
    tokenkeep_client_free(clone);
    CHECK(diary.drops == 0);
    diary.messages = 0;
    keep_busy(changed);
    CHECK(diary.messages > 0);
    tokenkeep_client_free(changed);
    CHECK(diary.drops == 1);
}

static void clients_of_one_config_tell_an_event_once(void) {
    struct diary diary = open_diary(), other = open_diary();
    tokenkeep_config *config = sandbox_acquired(__func__);
    tokenkeep_client *clients[3] = {NULL};
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;
    int i;

    for (i = 0; i < 3; i++) {
        if (i < 2) {
            tokenkeep_config_on_log(config, TOKENKEEP_LEVEL_INFO, note, i == 0 ? &diary : &other, count_drop);
        }
        CHECK_STATUS(tokenkeep_client_new(config, &clients[i], &error), TOKENKEEP_OK, &error);
    }
    tokenkeep_config_free(config);
    for (i = 0; i < 3; i++) {
        CHECK_STATUS(tokenkeep_client_token(clients[i], NULL, &token, &error), TOKENKEEP_OK, &error);
        tokenkeep_token_free(token);
    }
    CHECK(diary.messages == 1);
    CHECK(other.messages == 1);
    for (i = 0; i < 3; i++) {
        tokenkeep_client_free(clients[i]);
    }
    CHECK(diary.drops == 1 && other.drops == 1);
}

static void a_level_is_a_limit(void) {
    struct diary diary = open_diary();
    tokenkeep_config *config = sandbox_acquired(__func__);
    tokenkeep_client *client;

    tokenkeep_config_on_log(config, TOKENKEEP_LEVEL_ERROR, note, &diary, count_drop);
    client = sandbox_client(config);
    keep_busy(client);
    CHECK(diary.mildest <= TOKENKEEP_LEVEL_ERROR);
    tokenkeep_client_free(client);
    CHECK(diary.drops == 1);
}

static void what_is_not_registered_is_dropped_at_once(void) {
    struct diary diary = open_diary();
    struct diary other = open_diary();
    tokenkeep_config *config = sandbox_acquired(__func__);

    tokenkeep_config_on_log(NULL, TOKENKEEP_LEVEL_INFO, note, &diary, count_drop);
    CHECK(diary.drops == 1);
    tokenkeep_config_on_log(config, 0, note, &diary, count_drop);
    CHECK(diary.drops == 2);
    tokenkeep_config_on_log(config, TOKENKEEP_LEVEL_DEBUG + 1, note, &diary, count_drop);
    CHECK(diary.drops == 3);
    tokenkeep_config_on_log(config, TOKENKEEP_LEVEL_INFO, NULL, &diary, count_drop);
    CHECK(diary.drops == 4);
    tokenkeep_config_on_log(config, TOKENKEEP_LEVEL_INFO, note, &diary, count_drop);
    CHECK(diary.drops == 4);
    tokenkeep_config_on_log(config, TOKENKEEP_LEVEL_INFO, note, &other, count_drop);
    CHECK(diary.drops == 5 && other.drops == 0);
    tokenkeep_config_on_log(config, TOKENKEEP_LEVEL_INFO, note, NULL, NULL);
    CHECK(other.drops == 1);
    tokenkeep_config_free(config);
    CHECK(diary.drops == 5 && other.drops == 1);
}

static void a_callback_cannot_call_its_client(void) {
    struct diary diary = open_diary();
    tokenkeep_config *config = sandbox_acquired(__func__);

    tokenkeep_config_on_log(config, TOKENKEEP_LEVEL_DEBUG, meddle, &diary, count_drop);
    diary.client = sandbox_client(config);
    keep_busy(diary.client);
    CHECK(diary.reentries > 0);
    tokenkeep_client_free(diary.client);
    CHECK(diary.drops == 1);
}

void test_logs(void) {
    a_renewal_is_told();
    clients_of_one_config_tell_an_event_once();
    a_level_is_a_limit();
    what_is_not_registered_is_dropped_at_once();
    a_callback_cannot_call_its_client();
}
