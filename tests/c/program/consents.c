/* A person's consent: the sandbox plays the person, who says yes at once. */

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <tokenkeep.h>

#include "check.h"
#include "http.h"
#include "sandbox.h"
#include "suites.h"

static tokenkeep_client *pink_at(const char *account, const char *redirect_uri, const char *store_key) {
    tokenkeep_config *config = sandbox_config("pink");
    char url[256];

    set(config, "account", account);
    set(config, "grant", "authorization_code");
    set(config, "client_id", "sandbox-pink-client");
    set(config, "client_secret", "SANDBOX-SECRET-pink-client");
    set(config, "redirect_uri", redirect_uri);
    if (store_key != NULL) {
        set(config, "store_key", store_key);
    }
    snprintf(url, sizeof(url), "%s/pink/oauth/authorize", sandbox_url);
    set(config, "authorize_url", url);
    snprintf(url, sizeof(url), "%s/pink/oauth/token", sandbox_url);
    set(config, "token_url", url);
    return sandbox_client(config);
}

static tokenkeep_client *pink(const char *account) {
    return pink_at(account, "http://127.0.0.1:8/callback", NULL);
}

/* Begins a consent and takes the URL that the person comes back on. */
static tokenkeep_consent *begin(tokenkeep_client *client, char *redirected, size_t capacity) {
    tokenkeep_consent *consent = NULL;
    tokenkeep_error *error = NULL;
    const char *url;
    size_t length = 0;

    CHECK_STATUS(tokenkeep_client_consent(client, NULL, &consent, &error), TOKENKEEP_OK, &error);
    url = tokenkeep_consent_url(consent, &length);
    CHECK_HAS(url, sandbox_url);
    CHECK(url != NULL && strlen(url) == length);
    CHECK(url != NULL && http_redirect(url, redirected, capacity));
    return consent;
}

static void a_person_says_yes(void) {
    tokenkeep_client *client = pink(__func__);
    tokenkeep_consent *consent;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;
    char redirected[1024];

    CHECK_STATUS(tokenkeep_client_token(client, NULL, &token, &error), TOKENKEEP_CONSENT_REQUIRED, &error);
    consent = begin(client, redirected, sizeof(redirected));
    CHECK_STATUS(tokenkeep_consent_finish(consent, "http://127.0.0.1:8/callback?code=x&state=wrong",
                                          TOKENKEEP_NUL_ENDED, NULL, &token, &error),
                 TOKENKEEP_PROTOCOL, &error);
    CHECK(token == NULL);
    CHECK_STATUS(tokenkeep_consent_finish(consent, redirected, strlen(redirected), NULL, &token, &error),
                 TOKENKEEP_OK, &error);
    CHECK_HAS(tokenkeep_token_authorization(token, NULL), "Bearer ");
    tokenkeep_token_free(token);
    CHECK_STATUS(tokenkeep_consent_finish(consent, redirected, TOKENKEEP_NUL_ENDED, NULL, NULL, &error),
                 TOKENKEEP_INVALID_ARGUMENT, &error);
    tokenkeep_consent_free(consent);

    CHECK_STATUS(tokenkeep_client_token(client, NULL, &token, &error), TOKENKEEP_OK, &error);
    tokenkeep_token_free(token);
    tokenkeep_client_free(client);
}

static void nobody_wants_the_token(void) {
    tokenkeep_client *client = pink(__func__);
    tokenkeep_consent *consent;
    tokenkeep_error *error = NULL;
    char redirected[1024];

    consent = begin(client, redirected, sizeof(redirected));
    CHECK_STATUS(tokenkeep_consent_finish(consent, redirected, TOKENKEEP_NUL_ENDED, NULL, NULL, &error),
                 TOKENKEEP_OK, &error);
    tokenkeep_consent_free(consent);
    tokenkeep_client_free(client);
}

static void a_call_to_finish_has_a_deadline_of_its_own(void) {
    tokenkeep_client *client = pink(__func__);
    tokenkeep_consent *consent;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;
    tokenkeep_call call = TOKENKEEP_CALL_INIT;
    char redirected[1024];

    consent = begin(client, redirected, sizeof(redirected));
    sandbox_control("faults", "{\"endpoint\": \"pink/token\", \"hang\": true}");
    call.timeout_ms = 100;
    CHECK_STATUS(tokenkeep_consent_finish(consent, redirected, TOKENKEEP_NUL_ENDED, &call, &token, &error),
                 TOKENKEEP_TIMEOUT, &error);
    CHECK(token == NULL);
    tokenkeep_consent_free(consent);
    tokenkeep_client_free(client);
    sandbox_reset();
}

static void a_clone_is_the_same_consent(void) {
    tokenkeep_client *client = pink(__func__);
    tokenkeep_consent *consent, *clone;
    tokenkeep_error *error = NULL;
    char redirected[1024];

    consent = begin(client, redirected, sizeof(redirected));
    clone = tokenkeep_consent_clone(consent);
    CHECK_TEXT(tokenkeep_consent_url(clone, NULL), tokenkeep_consent_url(consent, NULL));
    tokenkeep_consent_free(consent);
    CHECK_STATUS(tokenkeep_consent_finish(clone, redirected, TOKENKEEP_NUL_ENDED, NULL, NULL, &error),
                 TOKENKEEP_OK, &error);
    tokenkeep_consent_free(clone);
    tokenkeep_client_free(client);
}

static void a_consent_is_cancelled(void) {
    tokenkeep_client *client = pink(__func__);
    tokenkeep_consent *consent;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;
    char redirected[1024];

    consent = begin(client, redirected, sizeof(redirected));
    tokenkeep_client_free(client);
    tokenkeep_consent_cancel(consent);
    CHECK_STATUS(tokenkeep_consent_finish(consent, redirected, TOKENKEEP_NUL_ENDED, NULL, &token, &error),
                 TOKENKEEP_INVALID_ARGUMENT, &error);
    tokenkeep_consent_free(consent);
}

/* A person's browser: opens the consent's URL and goes where it is sent. */
static void *browse(void *consent) {
    char redirected[1024];

    CHECK(http_redirect(tokenkeep_consent_url(consent, NULL), redirected, sizeof(redirected)));
    CHECK(http_request("GET", redirected, NULL, NULL, NULL, 0) == 200);
    return NULL;
}

/* Owns its reference to the consent. */
static void *cancel_soon(void *consent) {
    sleep_ms(100);
    tokenkeep_consent_cancel(consent);
    tokenkeep_consent_free(consent);
    return NULL;
}

static tokenkeep_status wait_for(tokenkeep_consent *consent, uint32_t timeout_ms, tokenkeep_token **token,
                                 tokenkeep_error **error) {
    tokenkeep_call call = TOKENKEEP_CALL_INIT;

    call.timeout_ms = timeout_ms;
    return tokenkeep_consent_wait(consent, &call, token, error);
}

static void a_person_comes_back_to_this_machine(void) {
    tokenkeep_client *client = pink_at(__func__, "http://127.0.0.1/callback", NULL);
    tokenkeep_consent *consent = NULL;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;
    pthread_t person;

    CHECK_STATUS(tokenkeep_client_consent(client, NULL, &consent, &error), TOKENKEEP_OK, &error);
    CHECK(tokenkeep_consent_user_code(consent, NULL) == NULL);
    CHECK_STATUS(wait_for(consent, 10, &token, &error), TOKENKEEP_TIMEOUT, &error);
    CHECK(pthread_create(&person, NULL, browse, consent) == 0);
    CHECK_STATUS(wait_for(consent, 20000, &token, &error), TOKENKEEP_OK, &error);
    CHECK_HAS(tokenkeep_token_authorization(token, NULL), "Bearer ");
    tokenkeep_token_free(token);
    pthread_join(person, NULL);
    CHECK_STATUS(wait_for(consent, 1, NULL, &error), TOKENKEEP_OK, &error);
    tokenkeep_consent_free(consent);
    tokenkeep_client_free(client);
}

static void whoever_waits_is_cancelled(void) {
    tokenkeep_client *client = pink_at(__func__, "http://localhost/callback", NULL);
    tokenkeep_consent *consent = NULL;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;
    pthread_t other;

    CHECK_STATUS(tokenkeep_client_consent(client, NULL, &consent, &error), TOKENKEEP_OK, &error);
    CHECK(pthread_create(&other, NULL, cancel_soon, tokenkeep_consent_clone(consent)) == 0);
    CHECK_STATUS(wait_for(consent, 20000, &token, &error), TOKENKEEP_CANCELLED, &error);
    CHECK(token == NULL);
    pthread_join(other, NULL);
    CHECK_STATUS(wait_for(consent, 1, &token, &error), TOKENKEEP_CANCELLED, &error);
    tokenkeep_consent_free(consent);
    tokenkeep_client_free(client);
}

static void nobody_can_wait_at_somebody_elses_url(void) {
    tokenkeep_client *client = pink_at(__func__, "https://app.example/callback", NULL);
    tokenkeep_consent *consent = NULL;
    tokenkeep_error *error = NULL;

    CHECK_STATUS(tokenkeep_client_consent(client, NULL, &consent, &error), TOKENKEEP_OK, &error);
    CHECK_STATUS(tokenkeep_consent_wait(consent, NULL, NULL, &error), TOKENKEEP_UNSUPPORTED, &error);
    CHECK_STATUS(tokenkeep_consent_seal(consent, NULL, 0, &(size_t){0}, &error), TOKENKEEP_CONFIG, &error);
    tokenkeep_consent_free(consent);
    tokenkeep_client_free(client);
}

static void a_consent_is_sealed_and_resumed(void) {
    static const char key[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    tokenkeep_client *client = pink_at(__func__, "http://127.0.0.1:8/callback", key);
    tokenkeep_client *other = pink_at("another", "http://127.0.0.1:8/callback", key);
    tokenkeep_consent *consent, *resumed = NULL;
    tokenkeep_error *error = NULL;
    char redirected[1024], sealed[2048];
    size_t length = 0, needed = 0;

    consent = begin(client, redirected, sizeof(redirected));
    CHECK_STATUS(tokenkeep_consent_seal(consent, NULL, 0, &needed, &error), TOKENKEEP_BUFFER_TOO_SMALL,
                 &error);
    CHECK(needed > 100 && needed < sizeof(sealed));
    CHECK_STATUS(tokenkeep_consent_seal(consent, sealed, needed, &length, &error), TOKENKEEP_BUFFER_TOO_SMALL,
                 &error);
    CHECK(sealed[0] == '\0' && length == needed);
    CHECK_STATUS(tokenkeep_consent_seal(consent, sealed, needed + 1, &length, &error), TOKENKEEP_OK, &error);
    CHECK(strlen(sealed) == length && length == needed);
    tokenkeep_consent_free(consent);

    CHECK_STATUS(tokenkeep_client_resume(other, sealed, length, &resumed, &error), TOKENKEEP_INVALID_ARGUMENT,
                 &error);
    CHECK(resumed == NULL);
    CHECK_STATUS(tokenkeep_client_resume(client, sealed, length - 1, &resumed, &error),
                 TOKENKEEP_INVALID_ARGUMENT, &error);
    CHECK_STATUS(tokenkeep_client_resume(client, sealed, length, &resumed, &error), TOKENKEEP_OK, &error);
    CHECK_STATUS(tokenkeep_consent_finish(resumed, redirected, TOKENKEEP_NUL_ENDED, NULL, NULL, &error),
                 TOKENKEEP_OK, &error);
    tokenkeep_consent_free(resumed);
    tokenkeep_client_free(client);
    tokenkeep_client_free(other);
}

static void a_person_says_yes_on_another_device(void) {
    tokenkeep_config *config = sandbox_config("oauth2");
    tokenkeep_client *client;
    tokenkeep_consent *consent = NULL;
    tokenkeep_token *token = NULL;
    tokenkeep_error *error = NULL;
    char url[256];
    const char *user_code;
    size_t length = 0;

    set(config, "account", __func__);
    set(config, "grant", "device_code");
    set(config, "client_id", "public-client");
    snprintf(url, sizeof(url), "%s/oauth2/device", sandbox_url);
    set(config, "device_url", url);
    snprintf(url, sizeof(url), "%s/oauth2/token", sandbox_url);
    set(config, "token_url", url);
    client = sandbox_client(config);
    CHECK_STATUS(tokenkeep_client_consent(client, NULL, &consent, &error), TOKENKEEP_OK, &error);
    user_code = tokenkeep_consent_user_code(consent, &length);
    CHECK(user_code != NULL && strlen(user_code) == length && length == 9);
    CHECK_HAS(tokenkeep_consent_url(consent, NULL), user_code);
    CHECK_STATUS(tokenkeep_consent_finish(consent, "x", 1, NULL, &token, &error), TOKENKEEP_UNSUPPORTED,
                 &error);
    CHECK(http_request("GET", tokenkeep_consent_url(consent, NULL), NULL, NULL, NULL, 0) == 200);
    CHECK_STATUS(tokenkeep_consent_wait(consent, NULL, &token, &error), TOKENKEEP_OK, &error);
    CHECK(sandbox_get("/oauth2/v1/resource", tokenkeep_token_authorization(token, NULL)) == 200);
    tokenkeep_token_free(token);
    tokenkeep_consent_free(consent);
    tokenkeep_client_free(client);
}

static void a_login_needs_no_consent(void) {
    tokenkeep_client *client = sandbox_client(sandbox_acquired(__func__));
    tokenkeep_consent *consent = (tokenkeep_consent *)&consent;
    tokenkeep_error *error = NULL;

    CHECK_STATUS(tokenkeep_client_consent(client, NULL, &consent, &error), TOKENKEEP_UNSUPPORTED, &error);
    CHECK(consent == NULL);
    tokenkeep_client_free(client);
}

void test_consents(void) {
    a_person_says_yes();
    nobody_wants_the_token();
    a_call_to_finish_has_a_deadline_of_its_own();
    a_clone_is_the_same_consent();
    a_consent_is_cancelled();
    a_person_comes_back_to_this_machine();
    whoever_waits_is_cancelled();
    nobody_can_wait_at_somebody_elses_url();
    a_consent_is_sealed_and_resumed();
    a_person_says_yes_on_another_device();
    a_login_needs_no_consent();
}
