// A person's consent: the sandbox plays the person, who says yes at once.

#include <string>
#include <utility>

#include <tokenkeep.hpp>

#include "check.hpp"
#include "http.hpp"
#include "sandbox.hpp"
#include "suites.hpp"

using tokenkeep::Client;
using tokenkeep::Consent;
using tokenkeep::Status;

static Client pink(std::string_view account) {
    return Client(sandbox::config("pink", account)
                      .set("grant", "authorization_code")
                      .set("client_id", "sandbox-pink-client")
                      .set("client_secret", "SANDBOX-SECRET-pink-client")
                      .set("redirect_uri", "http://127.0.0.1:8/callback")
                      .set("authorize_url", sandbox::url + "/pink/oauth/authorize")
                      .set("token_url", sandbox::url + "/pink/oauth/token"));
}

/// The URL that the person comes back on.
static std::string redirected(const Consent &consent, std::string_view query = {}) {
    return http::request("GET", std::string(consent.url()).append(query)).header("location");
}

static void a_person_says_yes() {
    const Client client = pink(__func__);
    CHECK_THROWS(client.token(), Status::consent_required);
    Consent begun = client.consent();
    const Consent consent = std::move(begun);
    CHECK(consent && !begun); // NOLINT: what a moved-from consent does is what is tested
    CHECK_HAS(consent.url(), sandbox::url);

    CHECK_STATUS(consent.try_finish("http://127.0.0.1:8/callback?code=x&state=wrong"), Status::protocol);
    const std::string url = redirected(consent);
    CHECK_HAS(consent.finish(url).authorization(), "Bearer ");
    CHECK_THROWS(consent.finish(url), Status::invalid_argument);
    CHECK(client.token());
}

static void a_person_says_no() {
    const Consent consent = pink(__func__).consent();
    CHECK_THROWS(consent.finish(redirected(consent, "&deny=1")), Status::consent_required);
}

static void a_consent_is_cancelled() {
    const Consent consent = pink(__func__).consent();
    consent.cancel();
    CHECK_THROWS(consent.finish(redirected(consent)), Status::invalid_argument);
}

/// The client is gone by the time the person comes back.
static void a_consent_outlives_its_client() {
    Consent consent = pink(__func__).consent();
    consent = Consent::adopt(consent.release());
    CHECK(consent.finish(redirected(consent)));
}

static void a_login_needs_no_consent() {
    const Client client(sandbox::acquired(__func__));
    CHECK_THROWS(client.consent(), Status::unsupported);
    CHECK_STATUS(client.try_consent(), Status::unsupported);
}

void test_consents() {
    a_person_says_yes();
    a_person_says_no();
    a_consent_is_cancelled();
    a_consent_outlives_its_client();
    a_login_needs_no_consent();
}
