//! What a server says of itself (RFC 8414, OpenID Connect Discovery) is enough to go by.

use serde_json::json;
use tokenkeep::{Client, Config};

use crate::authorization_server::{Registration, authorization_server};
use crate::support::tls::certificates;
use crate::support::{open, token};

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
