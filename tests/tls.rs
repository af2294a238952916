//! TLS: whom the library trusts, and what it says when it does not.
mod support;

use support::server::{self, Server};
use support::tls::{TlsServer, certificates};
use support::{Directory, assert_error, failure, open, token};
use tokenkeep::{Config, Error, Kind};

const GRANT: &str = r#"{"access_token":"SANDBOX-TOKEN-tls","token_type":"Bearer","expires_in":3600}"#;

fn config(token_url: &str, settings: &[(&str, &str)]) -> Config {
    let mut config = Config::new("oauth2");
    config.set("token_url", token_url).set("client_id", "id").set("client_secret", "SANDBOX-SECRET-id");
    for (name, value) in settings {
        config.set(name, value);
    }
    config
}

fn refused(token_url: &str, settings: &[(&str, &str)]) -> Error {
    let error = failure(&open(&config(token_url, settings)));
    assert!(!error.is_retryable(), "{error}");
    error
}

#[test]
fn a_server_of_ones_own_authority_is_trusted_by_ca_file() {
    let Some(made) = certificates() else { return };
    let server = TlsServer::start(made, "good", false, &server::json(200, GRANT));
    for url in [server.url("/token"), server.url("/token").replace("127.0.0.1", "localhost")] {
        assert_eq!(
            token(&open(&config(&url, &[("ca_file", &made.path("ca.pem"))]))).value(),
            "SANDBOX-TOKEN-tls"
        );
    }
    assert!(server.requests()[0].head.starts_with("POST /token HTTP/1.1"));
}

#[test]
fn a_server_that_would_rather_speak_http_2_is_spoken_to_as_it_can_be() {
    let Some(made) = certificates() else { return };
    let server = TlsServer::start(made, "good", false, &server::json(200, GRANT));
    token(&open(&config(&server.url("/token"), &[("ca_file", &made.path("ca.pem"))])));
    assert!(server.requests()[0].head.starts_with("POST /token HTTP/1.1"));
}

#[test]
fn a_certificate_that_proves_nothing_is_refused_once_and_nothing_is_sent() {
    let Some(made) = certificates() else { return };
    let (ca, stranger) = (made.path("ca.pem"), made.path("stranger.pem"));
    for (shown, trusted, words) in [
        ("good", Some(&stranger), "UnknownIssuer"),
        ("elsewhere", Some(&ca), "elsewhere.example"),
        ("expired", Some(&ca), "expired"),
        ("early", Some(&ca), "not valid yet"),
        ("nameless", Some(&ca), "127.0.0.1"),
        ("client_only", Some(&ca), "extended key usage"),
        ("itself", Some(&ca), "CaUsedAsEndEntity"),
        ("distant", Some(&ca), "UnknownIssuer"),
        ("good", None, "name your own with ca_file"),
    ] {
        let server = TlsServer::start(made, shown, false, &server::json(200, GRANT));
        let settings: Vec<_> = trusted.iter().map(|file| ("ca_file", file.as_str())).collect();
        let error = refused(&server.url("/token"), &settings);
        assert_error(&error, Kind::Tls, &[&server.url("/token"), words, "ca_file"]);
        assert_eq!((server.connections(), server.requests().len()), (1, 0), "{error}");
    }
}

#[test]
fn a_name_that_is_none_of_the_alternative_ones_does_not_count() {
    let Some(made) = certificates() else { return };
    let server = TlsServer::start(made, "nameless", false, &server::json(200, GRANT));
    let url = server.url("/token").replace("127.0.0.1", "localhost");
    let error = refused(&url, &[("ca_file", &made.path("ca.pem"))]);
    assert_error(&error, Kind::Tls, &[&url, "ca_file"]);
}

#[test]
fn a_chain_by_an_intermediate_authority_is_followed() {
    let Some(made) = certificates() else { return };
    let server = TlsServer::start(made, "complete", false, &server::json(200, GRANT));
    token(&open(&config(&server.url("/token"), &[("ca_file", &made.path("ca.pem"))])));
}

#[test]
fn a_client_certificate_is_shown_where_one_is_demanded() {
    let Some(made) = certificates() else { return };
    let server = TlsServer::start(made, "good", true, &server::json(200, GRANT));
    let (ca, chain, key) = (made.path("ca.pem"), made.path("client.pem"), made.path("client.key"));
    let mutual = [("ca_file", &*ca), ("client_cert_file", &*chain), ("client_key_file", &*key)];
    token(&open(&config(&server.url("/token"), &mutual)));
    let mut by_certificate = Config::new("oauth2");
    by_certificate.set("token_url", &server.url("/token")).set("client_id", "id").set("client_auth", "tls");
    for (name, value) in mutual {
        by_certificate.set(name, value);
    }
    token(&open(&by_certificate));
    let [.., request] = &server.requests()[..] else { panic!("a request") };
    assert_eq!(request.header("authorization"), None);
    assert!(request.body.contains("client_id=id") && !request.body.contains("secret"), "{}", request.body);
}

#[test]
fn a_missing_client_certificate_is_told() {
    let Some(made) = certificates() else { return };
    let server = TlsServer::start(made, "good", true, &server::json(200, GRANT));
    let error = refused(&server.url("/token"), &[("ca_file", &made.path("ca.pem"))]);
    assert_error(&error, Kind::Tls, &[&server.url("/token"), "client_cert_file"]);
    assert_eq!(server.connections(), 1, "{error}");
}

#[test]
fn a_client_certificate_that_the_server_does_not_take_is_told() {
    let Some(made) = certificates() else { return };
    let server = TlsServer::start(made, "good", true, &server::json(200, GRANT));
    let (ca, chain, key) = (made.path("ca.pem"), made.path("stranger.pem"), made.path("stranger.key"));
    let settings = [("ca_file", &*ca), ("client_cert_file", &*chain), ("client_key_file", &*key)];
    let error = refused(&server.url("/token"), &settings);
    assert_error(
        &error,
        Kind::Tls,
        &[&server.url("/token"), "does it take the certificate of client_cert_file"],
    );
    assert!(server.requests().is_empty());
}

#[test]
fn plain_http_on_the_https_port_is_told() {
    let server = Server::blurting("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    let url = server.url("/token").replace("http:", "https:");
    assert_error(&refused(&url, &[]), Kind::Tls, &[&url, "TLS"]);
}

#[test]
fn files_that_hold_nothing_of_use_are_named() {
    let Some(made) = certificates() else { return };
    let directory = Directory::new();
    let (empty, missing) = (directory.write("empty.pem", "x\n"), "/no/such/file.pem");
    let (chain, key) = (made.path("client.pem"), made.path("client.key"));
    let locked = made.path("locked.key");
    for (settings, words) in [
        (vec![("ca_file", &*empty)], "ca_file"),
        (vec![("ca_file", missing)], "ca_file"),
        (vec![("client_cert_file", &*empty), ("client_key_file", &key)], "client_cert_file"),
        (vec![("client_cert_file", &*chain), ("client_key_file", &*empty)], "client_key_file"),
        (vec![("client_cert_file", &*chain), ("client_key_file", missing)], "client_key_file"),
        (vec![("client_cert_file", &*chain), ("client_key_file", &locked)], "client_key_file"),
    ] {
        let error = refused("https://127.0.0.1:9/token", &settings);
        let file = settings.last().unwrap().1;
        assert_error(
            &error,
            Kind::Config,
            &[words, if words == settings[0].0 { settings[0].1 } else { file }],
        );
    }
}
