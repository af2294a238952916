//! A program on its own behalf: client credentials, in every way in which a client can prove itself.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokenkeep::Kind;

use crate::authorization_server::authorization_server;
use crate::support::tls::certificates;
use crate::support::{assert_error, failure, token, until};

const PAYMENTS: &str = "https://api.example/payments";

#[test]
fn a_secret_in_the_header_or_in_the_body_buys_a_token() {
    let Some(server) = authorization_server() else { return };
    for kind in ["basic", "post"] {
        let registration = server.register(kind, json!({}));
        let client = registration.client();
        let had = token(&client);
        assert!(server.is_alive(had.value()), "{kind}");
        assert_eq!(token(&client).value(), had.value());
        assert_eq!(registration.asked("token").len(), 1);
    }
}

/// RFC 6749 section 2.3.1, which few servers keep to so strictly.
#[test]
fn an_id_and_a_secret_of_odd_letters_are_form_encoded_before_basic() {
    let Some(server) = authorization_server() else { return };
    let odd = json!({"client_id": "weird:id +%", "client_secret": "SANDBOX-SECRET:+%/&= 100%"});
    let registration = server.register("basic", odd);
    assert!(server.is_alive(token(&registration.client()).value()));
    let error = failure(&registration.client_with(&[("basic_encoding", "raw")]));
    assert_error(&error, Kind::Config, &["invalid_request", "not properly encoded", "basic_encoding"]);
    assert!(!error.message().contains("SANDBOX-SECRET"), "{error}");
}

#[test]
fn a_wrong_secret_is_tried_once() {
    let Some(server) = authorization_server() else { return };
    for kind in ["basic", "post"] {
        let registration = server.register(kind, json!({}));
        let client = registration.client_with(&[("client_secret", "SANDBOX-SECRET-wrong")]);
        for _ in 0..3 {
            assert_error(&failure(&client), Kind::Denied, &["401", "invalid_client", "client_secret"]);
        }
        let asked = registration.asked("token");
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].error.as_deref(), Some("invalid_client"));
    }
}

#[test]
fn the_way_of_proving_must_be_the_registered_one() {
    let Some(server) = authorization_server() else { return };
    // This server takes a secret either way, and no client without one.
    let registration = server.register("basic", json!({}));
    token(&registration.client_with(&[("client_auth", "post")]));
    let Some(certificates) = certificates() else { return };
    let registration = server.register("tls", json!({}));
    let ca = certificates.path("ca.pem");
    let url = format!("{}/token", server.tls_url().expect("a TLS port"));
    let secret = [("client_auth", "basic"), ("client_secret", "SANDBOX-SECRET-none"), ("ca_file", &*ca)];
    let client = registration.client_with(&[&secret[..], &[("token_url", &url)]].concat());
    assert_error(&failure(&client), Kind::Denied, &["401", "invalid_client"]);
}

#[test]
fn a_certificate_is_proof_enough() {
    let (Some(server), Some(certificates)) = (authorization_server(), certificates()) else { return };
    let registration = server.register("tls", json!({}));
    let path = |file: &str| certificates.path(file);
    let url = format!("{}/token", server.tls_url().expect("a TLS port"));
    let with = |name: &str| {
        let (chain, key, ca) = (path(&format!("{name}.pem")), path(&format!("{name}.key")), path("ca.pem"));
        let files = [("client_cert_file", &*chain), ("client_key_file", &key), ("ca_file", &ca)];
        registration.client_with(&[&files[..], &[("token_url", &url), ("account", name)]].concat())
    };
    assert!(server.is_alive(token(&with("client")).value()));
    for somebody_else in ["vendor", "stranger", "expired"] {
        let error = failure(&with(somebody_else));
        assert_error(&error, Kind::Denied, &["401", "invalid_client", "client_cert_file"]);
    }
}

#[test]
fn a_token_for_a_resource_is_for_that_resource_and_says_what_scope_was_left() {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("basic", json!({}));
    registration.set_lifetime(120);
    let asked = [("resource", PAYMENTS), ("scope", "payments:read payments:write")];
    let token = token(&registration.client_with(&asked));
    assert_eq!(token.scope(), Some("payments:read"), "the server had the last word");
    let claims = token.value().split('.').nth(1).expect("a JWT");
    let claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!((&claims["aud"], &claims["iss"]), (&json!(PAYMENTS), &json!(server.url())));
    assert!(token.expires_in().is_some_and(|left| (100..=120).contains(&left.as_secs())));
}

#[test]
fn what_the_server_does_not_offer_is_a_fault_of_the_settings() {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("basic", json!({"scope": "read"}));
    for (name, value, code) in [
        ("resource", "https://elsewhere.example", "invalid_target"),
        ("scope", "read write", "invalid_scope"),
    ] {
        let error = failure(&registration.client_with(&[(name, value)]));
        assert_error(&error, Kind::Config, &["OAuth 2", "/token", code, name]);
        assert_eq!(error.code(), Some(code));
    }
    assert_eq!(token(&registration.client_with(&[("scope", "read")])).scope(), Some("read"));
}

#[test]
fn an_expired_token_is_replaced() {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("basic", json!({}));
    let client = registration.client();
    registration.set_lifetime(2);
    let had = token(&client);
    registration.set_lifetime(3600);
    until("the token's end", || client.peek().is_none());
    let renewed = token(&client);
    assert!(server.is_alive(renewed.value()) && renewed.value() != had.value());
    until("the server's word", || !server.is_alive(had.value()));
    assert_eq!(registration.asked("token").len(), 2);
}
