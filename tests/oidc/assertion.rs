//! Clients that prove themselves with a signature (RFC 7523): it must name this server, and is good once.

use serde_json::json;
use tokenkeep::{Call, Kind};

use crate::authorization_server::authorization_server;
use crate::support::{assert_error, failure, token};

#[test]
fn a_signature_by_every_algorithm_proves_the_client_time_and_again() {
    let Some(server) = authorization_server() else { return };
    for algorithm in ["ES256", "EdDSA", "RS256", "PS256"] {
        let registration =
            server.register("private_key_jwt", json!({"token_endpoint_auth_signing_alg": algorithm}));
        let client = registration.client_with(&[("assertion_algorithm", algorithm)]);
        let had = token(&client);
        assert!(server.is_alive(had.value()), "{algorithm}");
        // Each request is signed anew: the server takes no signature twice.
        client.revoke(&Call::default()).expect("the server listens");
        assert!(!server.is_alive(had.value()));
        assert!(server.is_alive(token(&client).value()));
    }
}

#[test]
fn a_secret_signs_too_and_is_not_sent() {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("client_secret_jwt", json!({}));
    assert!(server.is_alive(token(&registration.client()).value()));
    let wrong =
        registration.client_with(&[("client_secret", "SANDBOX-SECRET-long-enough-and-not-the-right-one")]);
    assert_error(&failure(&wrong), Kind::Denied, &["401", "invalid_client"]);
}

#[test]
fn a_signature_is_made_for_one_audience() {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("private_key_jwt", json!({}));
    for audience in [server.url(), "endpoint"] {
        let client = registration.client_with(&[("assertion_audience", audience)]);
        assert!(server.is_alive(token(&client).value()), "{audience}");
    }
    let error = failure(&registration.client_with(&[("assertion_audience", "https://elsewhere.example")]));
    assert_error(&error, Kind::Denied, &["401", "invalid_client", "assertion_audience"]);
}
