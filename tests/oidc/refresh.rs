//! Refresh tokens that are good once: this server takes back the whole grant when one comes twice.

use serde_json::json;
use tokenkeep::{Call, Client, Kind};

use crate::authorization_server::{Registration, authorization_server};
use crate::person::says_yes;
use crate::relay::Relay;
use crate::support::{assert_error, failure, reject, together, token, until};

/// A client whose person has said yes.
fn consented(registration: &Registration<'_>, settings: &[(&str, &str)]) -> Client {
    let client = registration.client_with(settings);
    let consent = client.consent(&Call::default()).expect("a consent");
    consent.finish(&says_yes(consent.url()), &Call::default()).expect("a token");
    client
}

#[test]
fn an_expired_token_is_renewed_with_the_newest_refresh_token() {
    let Some(server) = authorization_server() else { return };
    together(2, |kind| {
        let registration = server.register(["native", "web"][kind], json!({}));
        registration.set_lifetime(2);
        let client = consented(&registration, &[]);
        let mut had = Vec::new();
        for refreshes in 0..=1 {
            let refresh_token = registration.newest("refresh_token");
            assert!(server.is_alive(&refresh_token));
            had.push([token(&client).value().to_owned(), refresh_token]);
            assert_eq!(registration.refreshes(), refreshes);
            until("the token's end", || client.peek().is_none());
        }
        registration.set_lifetime(3600);
        let renewed = [token(&client).value().to_owned(), registration.newest("refresh_token")];
        assert!(renewed.iter().all(|token| server.is_alive(token)));
        assert!(had.iter().flatten().all(|old| !renewed.contains(old)));
        assert_eq!(registration.refreshes(), 2);
    });
}

#[test]
fn a_renewed_token_keeps_the_scope_that_was_granted() {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("native", json!({}));
    let resource = ("resource", "https://api.example/payments");
    let scope = ("scope", "openid offline_access payments:read payments:write");
    let client = consented(&registration, &[resource, scope]);
    assert_eq!(token(&client).scope(), Some("payments:read"), "the server had the last word");
    reject(&client);
    assert_eq!(token(&client).scope(), Some("payments:read"));
    assert_eq!(registration.refreshes(), 1);
    assert!(server.is_alive(&registration.newest("refresh_token")));
}

#[test]
fn threads_that_ask_at_once_send_one_refresh_and_keep_the_grant() {
    let Some(server) = authorization_server() else { return };
    for _ in 0..5 {
        let registration = server.register("native", json!({}));
        let first = consented(&registration, &[]);
        reject(&first);
        let renewed = together(4, |thread| {
            // Half of them have a client of their own.
            let client = if thread < 2 { first.clone() } else { registration.client() };
            token(&client).value().to_owned()
        });
        assert!(renewed.iter().all(|value| *value == renewed[0]));
        assert_eq!(registration.refreshes(), 1, "one on the wire");
        assert!(server.is_alive(&renewed[0]), "the access token lives");
        assert!(server.is_alive(&registration.newest("refresh_token")), "and so does the family");
    }
}

#[test]
fn a_refresh_whose_answer_was_lost_is_not_repeated_and_ends_in_a_call_for_consent() {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("native", json!({}));
    let relay = Relay::to(server.url());
    let client = consented(&registration, &[("token_url", &relay.url("/token"))]);
    let had = token(&client).value().to_owned();

    reject(&client);
    relay.lose_answers(true);
    assert_error(&failure(&client), Kind::Network, &["/token"]);
    assert_eq!((relay.lost(), registration.refreshes()), (1, 1), "nothing is repeated");
    assert!(server.is_alive(&registration.newest("refresh_token")), "which nobody but the server has");

    relay.lose_answers(false);
    until("the server's word", || failure(&client).kind() == Kind::ConsentRequired);
    let error = failure(&client);
    assert_error(&error, Kind::ConsentRequired, &["invalid_grant", "spent", "begin a new consent"]);
    assert_eq!(registration.refreshes(), 2);
    assert!(!server.is_alive(&had), "the server took the whole grant back");

    let consent = client.consent(&Call::default()).expect("a consent");
    let bought = consent.finish(&says_yes(consent.url()), &Call::default()).expect("a token");
    assert!(server.is_alive(bought.value()));
    assert_eq!(token(&client).value(), bought.value(), "and all is well");
}

#[test]
fn a_refresh_token_that_somebody_else_has_used_ends_in_a_call_for_consent() {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("native", json!({}));
    let client = consented(&registration, &[]);
    let stolen = registration.newest("refresh_token");
    let thief = registration.client_with(&[
        ("grant", "refresh_token"),
        ("refresh_token", &stolen),
        ("account", "thief"),
    ]);
    let loot = token(&thief);
    reject(&client);
    assert_error(&failure(&client), Kind::ConsentRequired, &["invalid_grant", "begin a new consent"]);
    assert!(!server.is_alive(loot.value()), "nobody keeps anything");
    assert_eq!(failure(&client).kind(), Kind::ConsentRequired);
    assert_eq!(registration.refreshes(), 2, "what the server said is remembered");
}
