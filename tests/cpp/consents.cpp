// A person's consent: the sandbox plays the person, who says yes at once.

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <tokenkeep.hpp>

#include "check.hpp"
#include "http.hpp"
#include "sandbox.hpp"
#include "suites.hpp"

using namespace std::chrono_literals;
using tokenkeep::Client;
using tokenkeep::Consent;
using tokenkeep::Status;

static Client pink(std::string_view account, std::string_view redirect_uri = "http://127.0.0.1:8/callback") {
    return Client(sandbox::config("pink", account)
                      .set("grant", "authorization_code")
                      .set("client_id", "sandbox-pink-client")
                      .set("client_secret", "SANDBOX-SECRET-pink-client")
                      .set("redirect_uri", redirect_uri)
                      .set("store_key", std::string(64, 'a'))
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
    CHECK_THROWS(consent.finish(nullptr), Status::invalid_argument);
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

static void a_clone_is_the_same_consent() {
    std::optional<Consent> begun(pink(__func__).consent());
    const Consent clone = begun->clone();
    CHECK(clone.url() == begun->url());
    begun.reset();
    CHECK(clone.finish(redirected(clone)));
}

static void a_person_comes_back_to_this_machine() {
    const Client client = pink(__func__, "http://127.0.0.1/callback");
    const Consent consent = client.consent();
    CHECK(consent.user_code().empty());
    CHECK_THROWS(consent.seal(), Status::unsupported);
    CHECK_STATUS(consent.try_wait({10ms}), Status::timeout);
    std::thread person([&consent] { CHECK(http::request("GET", redirected(consent)).status == 200); });
    CHECK_HAS(consent.wait({20s}).authorization(), "Bearer ");
    person.join();
    CHECK(client.token());
}

static void a_call_to_finish_has_a_deadline_of_its_own() {
    const Consent consent = pink(__func__).consent();
    const std::string url = redirected(consent);
    sandbox::control("faults", R"({"endpoint": "pink/token", "hang": true})");
    CHECK_THROWS(consent.finish(url, {100ms}), Status::timeout);
    CHECK_STATUS(consent.try_finish(url, {100ms}), Status::invalid_argument);
    sandbox::reset();
}

static void whoever_waits_is_cancelled() {
    const Consent consent = pink(__func__, "http://[::1]/callback").consent();
    std::thread other([clone = consent.clone()] {
        std::this_thread::sleep_for(50ms);
        clone.cancel();
    });
    CHECK_STATUS(consent.try_wait({20s}), Status::cancelled);
    other.join();
    CHECK_STATUS(consent.try_wait(), Status::cancelled);
    CHECK_THROWS(pink(__func__, "https://app.example/callback").consent().wait(), Status::unsupported);
}

static void a_consent_is_sealed_and_resumed() {
    const Client client = pink(__func__);
    const Consent begun = client.consent();
    const std::string text = begun.seal();
    const Consent resumed = client.resume(text);
    CHECK(resumed.url() == begun.url());
    CHECK(resumed.finish(redirected(begun)));
    CHECK_THROWS(client.resume(text + "A"), Status::invalid_argument);
    CHECK_STATUS(client.with("account", "another").try_resume(text), Status::invalid_argument);
    CHECK_STATUS(begun.try_finish(redirected(begun)), Status::invalid_argument);
}

static void a_person_says_yes_on_another_device() {
    const Client client(sandbox::config("oauth2", __func__)
                            .set("grant", "device_code")
                            .set("client_id", "public-client")
                            .set("device_url", sandbox::url + "/oauth2/device")
                            .set("token_url", sandbox::url + "/oauth2/token"));
    const Consent consent = client.consent();
    CHECK(consent.user_code().size() == 9);
    CHECK_HAS(consent.url(), consent.user_code());
    CHECK_THROWS(consent.finish("https://app.example/?code=x"), Status::unsupported);
    CHECK(http::request("GET", consent.url()).status == 200);
    CHECK_HAS(consent.wait().authorization(), "Bearer ");
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
    a_clone_is_the_same_consent();
    a_person_comes_back_to_this_machine();
    a_call_to_finish_has_a_deadline_of_its_own();
    whoever_waits_is_cancelled();
    a_consent_is_sealed_and_resumed();
    a_person_says_yes_on_another_device();
    a_login_needs_no_consent();
}
