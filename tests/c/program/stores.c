/* Grants in a store of the program's own. */

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tokenkeep.h>

#include "check.h"
#include "http.h"
#include "sandbox.h"
#include "suites.h"

#define STORE_KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

/* A table with room for one record, so to speak a database. */
struct table {
    pthread_mutex_t lock;
    char name[80];
    unsigned char bytes[4096];
    size_t length;
    int64_t expires_at_ms;
    tokenkeep_client *client;
    int32_t failure;
    int gives_nothing;
    size_t wrong_length;
    char told[1024];
    int is_locked;
    int loads;
    int saves;
    int removals;
    int unlocks;
    int drops;
    int reentries;
};

static int32_t load(void *user_data, const char *name, tokenkeep_record *record) {
    struct table *table = user_data;

    pthread_mutex_lock(&table->lock);
    table->loads++;
    if (table->wrong_length > 0) {
        tokenkeep_record_set(record, table->gives_nothing ? NULL : table->bytes, table->wrong_length);
    } else if (table->length > 0 && strcmp(name, table->name) == 0) {
        tokenkeep_record_set(record, table->bytes, table->length);
    }
    pthread_mutex_unlock(&table->lock);
    if (table->client != NULL) {
        tokenkeep_token *token = NULL;
        tokenkeep_error *error = NULL;
        CHECK_STATUS(tokenkeep_client_token(table->client, NULL, &token, &error), TOKENKEEP_REENTRANT,
                     &error);
        table->reentries++;
    }
    return table->failure;
}

static int32_t save(void *user_data, const char *name, const uint8_t *bytes, size_t length,
                    int64_t expires_at_ms) {
    struct table *table = user_data;

    if (!CHECK(strlen(name) == 64) || !CHECK(length <= sizeof(table->bytes))) {
        return 1;
    }
    pthread_mutex_lock(&table->lock);
    CHECK(table->is_locked);
    memcpy(table->name, name, 65);
    memcpy(table->bytes, bytes, length);
    table->length = length;
    table->expires_at_ms = expires_at_ms;
    table->saves++;
    pthread_mutex_unlock(&table->lock);
    return table->failure;
}

static int32_t forget(void *user_data, const char *name) {
    struct table *table = user_data;

    pthread_mutex_lock(&table->lock);
    CHECK(table->is_locked);
    if (strcmp(name, table->name) == 0) {
        table->length = 0;
    }
    table->removals++;
    pthread_mutex_unlock(&table->lock);
    return table->failure;
}

static int32_t lock(void *user_data, const char *name, uint32_t timeout_ms) {
    struct table *table = user_data;
    int32_t status = TOKENKEEP_WOULD_BLOCK;

    CHECK(strlen(name) == 64);
    for (;;) {
        pthread_mutex_lock(&table->lock);
        if (!table->is_locked) {
            table->is_locked = 1;
            status = table->failure;
        }
        pthread_mutex_unlock(&table->lock);
        if (status != TOKENKEEP_WOULD_BLOCK || timeout_ms-- == 0) {
            return status;
        }
        sleep_ms(1);
    }
}

static void unlock(void *user_data, const char *name) {
    struct table *table = user_data;

    CHECK(strlen(name) == 64);
    pthread_mutex_lock(&table->lock);
    CHECK(table->is_locked);
    table->is_locked = 0;
    table->unlocks++;
    pthread_mutex_unlock(&table->lock);
}

static void count_drop(void *user_data) { ((struct table *)user_data)->drops++; }

static tokenkeep_store functions(void) {
    tokenkeep_store store = TOKENKEEP_STORE_INIT;

    store.load = load;
    store.save = save;
    store.remove = forget;
    store.lock = lock;
    store.unlock = unlock;
    return store;
}

static struct table *new_table(void) {
    struct table *table = calloc(1, sizeof(*table));

    CHECK(table != NULL && pthread_mutex_init(&table->lock, NULL) == 0);
    return table;
}

static void free_table(struct table *table) {
    pthread_mutex_destroy(&table->lock);
    free(table);
}

static tokenkeep_client *client_of(struct table *table, const char *account) {
    tokenkeep_config *config = sandbox_acquired(account);
    const tokenkeep_store store = functions();

    set(config, "store_key", STORE_KEY);
    tokenkeep_config_store(config, &store, table, count_drop);
    return sandbox_client(config);
}

/* Takes a token with a client of its own, and gives up the client. */
static void use(struct table *table, const char *account, char *header, size_t capacity) {
    tokenkeep_client *client = client_of(table, account);
    tokenkeep_error *error = NULL;
    size_t length;

    CHECK_STATUS(tokenkeep_client_copy_header(client, NULL, header, capacity, &length, NULL, &error),
                 TOKENKEEP_OK, &error);
    tokenkeep_client_free(client);
}

static void a_grant_outlives_its_client(void) {
    struct table *table = new_table();
    char first[1024], second[1024];

    use(table, __func__, first, sizeof(first));
    CHECK(table->saves == 1 && table->expires_at_ms > 0 && table->expires_at_ms != INT64_MAX);
    use(table, __func__, second, sizeof(second));
    CHECK_TEXT(second, first);
    CHECK(sandbox_count("acquired/login") == 1);
    CHECK(!table->is_locked && table->unlocks == 1 && table->drops == 2);
    free_table(table);
}

static tokenkeep_client *pink_of(struct table *table, const char *account) {
    tokenkeep_config *config = sandbox_config("pink");
    const tokenkeep_store store = functions();
    char url[256];

    set(config, "account", account);
    set(config, "client_id", "sandbox-pink-client");
    set(config, "client_secret", "SANDBOX-SECRET-pink-client");
    set(config, "redirect_uri", "http://127.0.0.1:8/callback");
    snprintf(url, sizeof(url), "%s/pink/oauth/authorize", sandbox_url);
    set(config, "authorize_url", url);
    snprintf(url, sizeof(url), "%s/pink/oauth/token", sandbox_url);
    set(config, "token_url", url);
    set(config, "store_key", STORE_KEY);
    tokenkeep_config_store(config, &store, table, count_drop);
    return sandbox_client(config);
}

/* It has a refresh token, whose end nobody knows. */
static void a_persons_grant_is_kept_for_good_until_it_is_revoked(void) {
    struct table *table = new_table();
    tokenkeep_client *client = pink_of(table, __func__);
    tokenkeep_consent *consent = NULL;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;
    char redirected[1024];

    CHECK_STATUS(tokenkeep_client_consent(client, NULL, &consent, &error), TOKENKEEP_OK, &error);
    CHECK(http_redirect(tokenkeep_consent_url(consent, NULL), redirected, sizeof(redirected)));
    CHECK_STATUS(tokenkeep_consent_finish(consent, redirected, TOKENKEEP_NUL_ENDED, NULL, NULL, &error),
                 TOKENKEEP_OK, &error);
    CHECK(table->saves > 0 && table->length > 0 && table->expires_at_ms == INT64_MAX);
    tokenkeep_consent_free(consent);
    tokenkeep_client_free(client);

    client = pink_of(table, __func__);
    CHECK_STATUS(tokenkeep_client_token(client, NULL, &token, &error), TOKENKEEP_OK, &error);
    tokenkeep_token_free(token);
    CHECK(table->removals == 0);
    CHECK_STATUS(tokenkeep_client_revoke(client, NULL, &error), TOKENKEEP_OK, &error);
    CHECK(table->removals == 1 && table->length == 0 && !table->is_locked);
    CHECK_STATUS(tokenkeep_client_token(client, NULL, &token, &error), TOKENKEEP_CONSENT_REQUIRED, &error);
    tokenkeep_client_free(client);
    CHECK(table->drops == 2);
    free_table(table);
}

static void a_store_that_fails_is_told_and_tokens_come(void) {
    struct table *table = new_table();
    char header[1024];

    table->failure = 77;
    use(table, __func__, header, sizeof(header));
    CHECK_HAS(header, "SANDBOX-TOKEN");
    CHECK(table->saves == 0 && table->drops == 1);
    free_table(table);
}

static void note(void *user_data, int32_t level, const char *message, size_t length) {
    struct table *table = user_data;

    if (level <= TOKENKEEP_LEVEL_WARN && CHECK(length < sizeof(table->told))) {
        memcpy(table->told, message, length + 1);
    }
}

/* What a store is told that hands over a record in that way. */
static void misuse(const char *account, int gives_nothing, size_t wrong_length, const char *expected) {
    struct table *table = new_table();
    tokenkeep_config *config = sandbox_acquired(account);
    const tokenkeep_store store = functions();
    tokenkeep_client *client;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;

    table->gives_nothing = gives_nothing;
    table->wrong_length = wrong_length;
    set(config, "store_key", STORE_KEY);
    tokenkeep_config_store(config, &store, table, NULL);
    tokenkeep_config_on_log(config, TOKENKEEP_LEVEL_WARN, note, table, NULL);
    client = sandbox_client(config);
    CHECK_STATUS(tokenkeep_client_token(client, NULL, &token, &error), TOKENKEEP_OK, &error);
    CHECK_HAS(table->told, "it could not load a record");
    CHECK_HAS(table->told, expected);
    tokenkeep_token_free(token);
    tokenkeep_client_free(client);
    free_table(table);
}

static void a_record_that_is_none_makes_the_load_fail(void) {
    misuse("null", 1, 4, "tokenkeep_record_set was given is NULL");
    misuse("nul ended null", 1, TOKENKEEP_NUL_ENDED, "tokenkeep_record_set was given is NULL");
    /* A record is no text: this length has no meaning here. */
    misuse("nul ended", 0, TOKENKEEP_NUL_ENDED, "tokenkeep_record_set was given has an impossible length");
}

static void a_store_may_not_call_its_client(void) {
    struct table *table = new_table();
    tokenkeep_client *client = client_of(table, __func__);
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;

    table->client = client;
    CHECK_STATUS(tokenkeep_client_token(client, NULL, &token, &error), TOKENKEEP_OK, &error);
    CHECK(table->reentries > 0);
    tokenkeep_token_free(token);
    tokenkeep_client_free(client);
    free_table(table);
}

static void a_store_that_is_incomplete_is_dropped_and_reported(void) {
    struct table *table = new_table();
    tokenkeep_store store = functions();
    tokenkeep_config *config = sandbox_acquired(__func__);
    tokenkeep_client *client = NULL;
    tokenkeep_error *error = NULL;

    tokenkeep_config_store(NULL, &store, table, count_drop);
    CHECK(table->drops == 1);
    tokenkeep_config_store(config, NULL, table, count_drop);
    CHECK(table->drops == 2);
    store.lock = NULL;
    tokenkeep_config_store(config, &store, table, count_drop);
    CHECK(table->drops == 3);
    store.struct_size = 1;
    tokenkeep_config_store(config, &store, table, count_drop);
    CHECK(table->drops == 4);
    store = functions();
    tokenkeep_config_store(config, &store, table, count_drop);
    tokenkeep_config_store(config, &store, table, count_drop);
    CHECK(table->drops == 5);
    CHECK(tokenkeep_client_new(config, &client, &error) == TOKENKEEP_CONFIG);
    CHECK_HAS(tokenkeep_error_message(error), "the store is NULL");
    CHECK_HAS(tokenkeep_error_message(error), "no function lock");
    CHECK_HAS(tokenkeep_error_message(error), "needs store_key");
    CHECK_HAS(tokenkeep_error_message(error), "struct_size");
    tokenkeep_error_free(error);
    tokenkeep_config_free(config);
    CHECK(table->drops == 6);
    free_table(table);
}

void test_stores(void) {
    a_grant_outlives_its_client();
    a_persons_grant_is_kept_for_good_until_it_is_revoked();
    a_store_that_fails_is_told_and_tokens_come();
    a_record_that_is_none_makes_the_load_fail();
    a_store_may_not_call_its_client();
    a_store_that_is_incomplete_is_dropped_and_reported();
}
