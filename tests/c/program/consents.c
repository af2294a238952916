/* A person's consent: the sandbox plays the person, who says yes at once. */

#include <stdio.h>
#include <string.h>

#include <tokenkeep.h>

#include "check.h"
#include "http.h"
#include "sandbox.h"
#include "suites.h"

static tokenkeep_client *pink(const char *account) {
    tokenkeep_config *config = sandbox_config("pink");
    char url[256];

    set(config, "account", account);
    set(config, "grant", "authorization_code");
    set(config, "client_id", "sandbox-pink-client");
    set(config, "client_secret", "SANDBOX-SECRET-pink-client");
    set(config, "redirect_uri", "http://127.0.0.1:8/callback");
    snprintf(url, sizeof(url), "%s/pink/oauth/authorize", sandbox_url);
    set(config, "authorize_url", url);
    snprintf(url, sizeof(url), "%s/pink/oauth/token", sandbox_url);
    set(config, "token_url", url);
    return sandbox_client(config);
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
                                          TOKENKEEP_NUL_ENDED, &token, &error),
                 TOKENKEEP_PROTOCOL, &error);
    CHECK(token == NULL);
    CHECK_STATUS(tokenkeep_consent_finish(consent, redirected, strlen(redirected), &token, &error),
                 TOKENKEEP_OK, &error);
    CHECK_HAS(tokenkeep_token_authorization(token, NULL), "Bearer ");
    tokenkeep_token_free(token);
    CHECK_STATUS(tokenkeep_consent_finish(consent, redirected, TOKENKEEP_NUL_ENDED, NULL, &error),
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
    CHECK_STATUS(tokenkeep_consent_finish(consent, redirected, TOKENKEEP_NUL_ENDED, NULL, &error),
                 TOKENKEEP_OK, &error);
    tokenkeep_consent_free(consent);
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
    CHECK_STATUS(tokenkeep_consent_finish(consent, redirected, TOKENKEEP_NUL_ENDED, &token, &error),
                 TOKENKEEP_INVALID_ARGUMENT, &error);
    tokenkeep_consent_free(consent);
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
    a_consent_is_cancelled();
    a_login_needs_no_consent();
}
