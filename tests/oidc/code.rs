//! A person's yes: authorization code with PKCE (RFC 6749, 7636, 8252, 9207).

use serde_json::json;
use tokenkeep::{Call, Client, Consent, Kind, Token};

use crate::authorization_server::{another, authorization_server};
use crate::person::{says_no, says_yes};
use crate::support::browser::{get, parameter, replaced};
use crate::support::{assert_error, failure, token};

fn begin(client: &Client) -> Consent {
    client.consent(&Call::default()).expect("a consent")
}

fn finish(consent: &Consent, url: &str) -> tokenkeep::Result<Token> {
    consent.finish(url, &Call::default())
}

#[test]
fn a_yes_on_a_server_buys_a_confidential_client_its_token() {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("web", json!({}));
    let client = registration.client();
    assert_eq!(failure(&client).kind(), Kind::ConsentRequired);
    let consent = begin(&client);
    let redirected = says_yes(consent.url());
    assert_eq!(parameter(&redirected, "iss"), server.url());
    let bought = finish(&consent, &redirected).unwrap();
    assert_eq!(bought.scope(), Some("openid offline_access read"));
    assert!(server.is_alive(bought.value()));
    assert_eq!(token(&client).value(), bought.value());
    assert_eq!(registration.asked("token").len(), 1);
}

#[test]
fn a_native_client_has_no_secret_and_comes_back_on_any_loopback_port() {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("native", json!({}));
    for uri in ["http://127.0.0.1:49200/callback", "http://127.0.0.1:61000/callback"] {
        let consent = begin(&registration.client_with(&[("redirect_uri", uri)]));
        let redirected = says_yes(consent.url());
        assert!(redirected.starts_with(uri), "{redirected}");
        assert!(server.is_alive(finish(&consent, &redirected).unwrap().value()));
    }
}

#[test]
fn a_native_client_waits_for_the_person_at_a_port_of_its_own() {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("native", json!({}));
    let comes_back = |person: fn(&str) -> String| {
        let consent = begin(&registration.client());
        std::thread::scope(|scope| {
            let browser = scope.spawn(|| get(&person(consent.url()), &[]).status);
            let outcome = consent.wait(&Call::default());
            assert_eq!(browser.join().expect("a page"), 200);
            outcome
        })
    };
    assert!(server.is_alive(comes_back(says_yes).unwrap().value()));
    let error = comes_back(says_no).unwrap_err();
    assert_error(
        &error,
        Kind::ConsentRequired,
        &["said no", "access_denied", "End-User aborted interaction"],
    );
    assert_eq!(registration.asked("token").len(), 1);
}

#[test]
fn a_person_who_turns_away_costs_no_request() {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("web", json!({}));
    let consent = begin(&registration.client());
    let redirected = says_no(consent.url());
    assert_eq!(parameter(&redirected, "iss"), server.url());
    let error = finish(&consent, &redirected).unwrap_err();
    assert_error(
        &error,
        Kind::ConsentRequired,
        &["said no", "access_denied", "End-User aborted interaction"],
    );
    assert_eq!(registration.asked("token").len(), 0);
    finish(&consent, &says_yes(consent.url())).expect("a person may think again");
}

#[test]
fn a_code_is_worth_nothing_to_whoever_has_another_verifier() {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("native", json!({}));
    let client = registration.client();
    let (ours, theirs) = (begin(&client), begin(&client));
    let challenge = parameter(theirs.url(), "code_challenge");
    let redirected = says_yes(&replaced(ours.url(), "code_challenge", Some(&challenge)));
    let error = finish(&ours, &redirected).unwrap_err();
    assert_error(&error, Kind::ConsentRequired, &["invalid_grant", "begin a new consent"]);
    assert_eq!(registration.asked("token").len(), 1);
}

#[test]
fn a_request_that_the_server_refuses_is_told_with_its_reason() {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("native", json!({"scope": "openid offline_access read"}));
    let consent = begin(&registration.client());
    let missing = replaced(consent.url(), "code_challenge", None);
    let spoilt = replaced(consent.url(), "code_challenge", Some("short"));
    let plain = replaced(consent.url(), "code_challenge_method", Some("plain"));
    let greedy = replaced(consent.url(), "scope", Some("openid write"));
    for (url, words) in [
        (missing, ["invalid_request", "code_challenge"]),
        (spoilt, ["invalid_request", "code_challenge"]),
        (plain, ["invalid_request", "code_challenge_method"]),
        (greedy, ["invalid_scope", "scope"]),
    ] {
        let redirected = says_yes(&url);
        assert_eq!(parameter(&redirected, "iss"), server.url());
        assert_error(&finish(&consent, &redirected).unwrap_err(), Kind::Config, &words);
    }
    assert_eq!(registration.asked("token").len(), 0);
}

#[test]
fn a_client_with_a_wrong_secret_is_not_told_to_begin_again() {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("web", json!({}));
    let consent = begin(&registration.client_with(&[("client_secret", "SANDBOX-SECRET-wrong")]));
    let error = finish(&consent, &says_yes(consent.url())).unwrap_err();
    assert_error(&error, Kind::Denied, &["401", "invalid_client", "Check client_id, client_secret"]);
}

#[test]
fn a_code_is_good_once() {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("native", json!({}));
    let client = registration.client();
    let consent = begin(&client);
    let redirected = says_yes(consent.url());
    let bought = finish(&consent, &redirected).unwrap();
    // The server takes back what a code bought that comes twice, so it must not come twice.
    assert_eq!(finish(&consent, &redirected).unwrap_err().kind(), Kind::InvalidArgument);
    assert_eq!(registration.asked("token").len(), 1);
    assert!(server.is_alive(bought.value()));
}

#[test]
fn two_servers_are_not_mixed_up() {
    let Some(one) = authorization_server() else { return };
    let two = another();
    let registrations = [one.register("native", json!({})), two.register("native", json!({}))];
    let place = ("redirect_uri", "http://127.0.0.1:49201/callback");
    let clients = registrations.each_ref().map(|registration| registration.client_with(&[place]));
    let consents = clients.each_ref().map(begin);
    let [at_one, at_two] = consents.each_ref().map(|consent| says_yes(consent.url()));

    // Each comes back on the other's consent.
    for (consent, redirected) in [(&consents[0], &at_two), (&consents[1], &at_one)] {
        let error = finish(consent, redirected).unwrap_err();
        assert_error(&error, Kind::Protocol, &["state is not this consent's"]);
    }
    // The attack of RFC 9207: the person was sent to the other server, with a state that is right.
    let (endpoint, query) = consents[0].url().split_once('?').expect("a query");
    let elsewhere = format!("{}?{query}", endpoint.replace(one.url(), two.url()));
    let elsewhere = replaced(&elsewhere, "client_id", Some(registrations[1].setting("client_id")));
    let error = finish(&consents[0], &says_yes(&elsewhere)).unwrap_err();
    assert_error(&error, Kind::Protocol, &["another issuer", one.url(), "RFC 9207"]);
    for registration in &registrations {
        assert_eq!(registration.asked("token").len(), 0, "nobody was shown a code of the other's");
    }

    let tokens = [finish(&consents[0], &at_one).unwrap(), finish(&consents[1], &at_two).unwrap()];
    assert!(one.is_alive(tokens[0].value()) && !one.is_alive(tokens[1].value()));
    assert!(two.is_alive(tokens[1].value()) && !two.is_alive(tokens[0].value()));
}
