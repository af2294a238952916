//! What a server says of itself (RFC 8414, OpenID Connect Discovery) is enough to go by.

use serde_json::json;
use tokenkeep::{Call, Client, Config, Kind};

use crate::authorization_server::{Registration, authorization_server};
use crate::person::says_yes;
use crate::support::browser::replaced;
use crate::support::tls::certificates;
use crate::support::{assert_error, open, reject, token};

/// A client that knows the issuer alone.
fn discovering(registration: &Registration<'_>, settings: &[(&str, &str)]) -> Client {
    let mut config = Config::new("oauth2");
    let known = registration.settings().filter(|(name, _)| !name.ends_with("_url"));
    for (name, value) in known.chain(settings.iter().copied()) {
        config.set(name, value);
    }
    open(&config)
}

#[test]
fn the_issuer_is_all_that_a_program_must_know() {
    let Some(server) = authorization_server() else { return };
    for kind in ["basic", "post", "client_secret_jwt", "private_key_jwt"] {
        let client = discovering(&server.register(kind, json!({})), &[]);
        assert!(server.is_alive(token(&client).value()), "{kind}");
    }
}

#[test]
fn the_issuer_is_all_that_a_program_for_a_person_must_know() {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("web", json!({}));
    let client = discovering(&registration, &[]);
    let consent = client.consent(&Call::default()).expect("a consent");
    let had = consent.finish(&says_yes(consent.url()), &Call::default()).expect("a token");
    reject(&client);
    assert!(server.is_alive(token(&client).value()));
    client.revoke(&Call::default()).expect("the server listens");
    assert!(!server.is_alive(had.value()));
    assert_eq!(registration.asked("revocation").len(), 2);
    let device = discovering(&server.register("device", json!({})), &[]);
    assert!(device.consent(&Call::default()).expect("a consent").user_code().is_some());
}

/// RFC 8705 section 5.
#[test]
fn a_certificate_is_shown_where_the_server_asks_for_it() {
    let (Some(server), Some(certificates)) = (authorization_server(), certificates()) else { return };
    let path = |file: &str| certificates.path(file);
    let (chain, key, ca) = (path("client.pem"), path("client.key"), path("ca.pem"));
    let files = [("client_cert_file", &*chain), ("client_key_file", &key), ("ca_file", &ca)];
    let client = discovering(&server.register("tls", json!({})), &files);
    assert!(server.is_alive(token(&client).value()));
}

/// This server says that it always names itself.
#[test]
fn a_redirect_without_its_issuer_is_refused() {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("web", json!({}));
    let consent = discovering(&registration, &[]).consent(&Call::default()).expect("a consent");
    let redirected = says_yes(consent.url());
    let stripped = replaced(&redirected, "iss", None);
    let error = consent.finish(&stripped, &Call::default()).expect_err("anybody's");
    assert_error(&error, Kind::Protocol, &["issuer", server.url(), "RFC 9207"]);
    assert_eq!(registration.asked("token").len(), 0);
    consent.finish(&redirected, &Call::default()).expect("the server's own");
}
