//! How a client proves itself: by signed assertions (RFC 7523), and what is in them.
mod support;

use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use support::browser::{call, parameter, post};
use support::server::{self, Server};
use support::{Directory, assert_error, failure, in_child, open, outage, sandbox, token, told};
use tokenkeep::{Call, Client, Config, Kind};
use tokenkeep_sandbox::{Cut, Fault, Recorded, Sandbox, fixtures};

/// The private key with that id.
fn key(id: &str) -> &'static str {
    fixtures::OAUTH2_SIGNING_KEYS.iter().find(|(known, _)| *known == id).expect("a key").1
}

fn signing(sandbox: &Sandbox, settings: &[(&str, &str)]) -> Config {
    let base = sandbox.base("oauth2");
    let mut config = Config::new("oauth2");
    config.set("client_id", fixtures::OAUTH2_SIGNING_CLIENT_ID);
    config.set("token_url", &format!("{base}/token")).set("revoke_url", &format!("{base}/revoke"));
    for (name, value) in settings {
        config.set(name, value);
    }
    config
}

fn signing_client(sandbox: &Sandbox, settings: &[(&str, &str)]) -> Client {
    open(&signing(sandbox, settings))
}

/// A part of the assertion in a request: 0 the header, 1 the claims.
fn part(request: &Recorded, index: usize) -> Value {
    let assertion = parameter(&format!("?{}", request.body), "client_assertion");
    let part = assertion.split('.').nth(index).expect("a part").to_owned();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

#[test]
fn every_kind_of_key_signs_what_the_server_takes() {
    for (id, settings, algorithm) in [
        ("rsa", &[][..], "RS256"),
        ("rsa", &[("assertion_algorithm", "PS256")], "PS256"),
        ("p256", &[("client_auth", "private_key_jwt")], "ES256"),
        ("ed25519", &[("assertion_key_id", "ed25519")], "EdDSA"),
    ] {
        let sandbox = sandbox();
        let client = open(signing(&sandbox, settings).set("assertion_key", key(id)));
        assert_eq!(call(&sandbox.resource("oauth2"), &token(&client)).status, 200);
        let [request] = &sandbox.requests("oauth2/token")[..] else { panic!("one request") };
        let header = part(request, 0);
        assert_eq!(header["alg"], algorithm);
        assert_eq!(header.get("kid").is_some(), settings.iter().any(|(name, _)| *name == "assertion_key_id"));
        let form = format!("?{}", request.body);
        assert_eq!(parameter(&form, "client_id"), fixtures::OAUTH2_SIGNING_CLIENT_ID);
        assert!(!form.contains("client_secret"), "{form}");
        assert_eq!(request.header("authorization"), None);
    }
}

#[test]
fn the_metadata_choose_the_algorithm_of_an_rsa_key() {
    let sandbox = sandbox();
    let listed = json!({"token_endpoint_auth_signing_alg_values_supported": ["ES256", "PS256"]});
    sandbox.configure("oauth2", json!({"metadata": listed}));
    let mut config = Config::new("oauth2");
    config.set("client_id", fixtures::OAUTH2_SIGNING_CLIENT_ID).set("issuer", &sandbox.base("oauth2"));
    token(&open(config.set("assertion_key", key("rsa"))));
    assert_eq!(part(&sandbox.requests("oauth2/token")[0], 0)["alg"], "PS256");
}

#[test]
fn a_secret_can_sign_instead_of_being_sent() {
    let sandbox = sandbox();
    let settings = [
        ("client_auth", "client_secret_jwt"),
        ("client_id", fixtures::OAUTH2_CLIENT_ID),
        ("client_secret", fixtures::OAUTH2_CLIENT_SECRET),
    ];
    token(&signing_client(&sandbox, &settings));
    let [request] = &sandbox.requests("oauth2/token")[..] else { panic!("one request") };
    assert_eq!(part(request, 0)["alg"], "HS256");
    assert!(!format!("{request:?}").contains("SANDBOX-SECRET"), "the secret stays here");
    let wrong = [&settings[..2], &[("client_secret", "SANDBOX-SECRET-wrong")]].concat();
    let error = failure(&signing_client(&sandbox, &wrong));
    assert_error(&error, Kind::Denied, &["invalid_client", "signature", "this machine's clock"]);
}

#[test]
fn each_request_has_an_assertion_of_its_own_also_on_retries() {
    let sandbox = sandbox();
    // The server has taken the assertion when its answer is lost.
    sandbox.fault(Fault { cut: Some(Cut::BeforeAnswer), ..Fault::on("oauth2/token") });
    let client = signing_client(&sandbox, &[("assertion_key", key("ed25519"))]);
    token(&client);
    client.revoke(&Call::default()).unwrap();
    let asked = [sandbox.requests("oauth2/token"), sandbox.requests("oauth2/revoke")].concat();
    let mut ids: Vec<_> = asked.iter().map(|request| part(request, 1)["jti"].to_string()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((asked.len(), ids.len()), (3, 3));
    // The sandbox would have noticed: it takes none twice.
    let again = post(&format!("{}/token", sandbox.base("oauth2")), &asked[0].body);
    assert_eq!(
        (again.status, again.json()["error_description"].as_str()),
        (401, Some("the JWT was used before"))
    );
}

#[test]
fn the_audience_is_the_issuer_else_the_token_endpoint_unless_it_is_set() {
    let sandbox = sandbox();
    let base = sandbox.base("oauth2");
    let (token_url, revoke_url) = (format!("{base}/token"), format!("{base}/revoke"));
    let sent = |settings: &[(&str, &str)], taken: [&str; 2]| {
        let client = open(signing(&sandbox, settings).set("assertion_key", key("p256")));
        sandbox.configure("oauth2", json!({"assertion_audience": taken[0]}));
        token(&client);
        sandbox.configure("oauth2", json!({"assertion_audience": taken[1]}));
        client.revoke(&Call::default()).unwrap();
    };
    sent(&[], [&token_url, &token_url]);
    sent(&[("issuer", &base)], [&base, &base]);
    sent(&[("issuer", &base), ("assertion_audience", "endpoint")], [&token_url, &revoke_url]);
    sent(&[("issuer", &base), ("assertion_audience", "urn:other")], ["urn:other", "urn:other"]);
    sent(&[("issuer", &base), ("metadata_issuer", "urn:as")], ["urn:as", "urn:as"]);
}

#[test]
fn an_assertion_that_is_not_taken_is_told_with_what_to_look_at() {
    let sandbox = sandbox();
    for (settings, words) in [
        (&[("assertion_key_id", "p256")][..], "signature"),
        (&[("assertion_audience", "https://other.example")], "another audience"),
        (&[("client_id", "nobody")], "no client"),
    ] {
        let client = open(signing(&sandbox, settings).set("assertion_key", key("rsa")));
        let error = failure(&client);
        assert_error(&error, Kind::Denied, &["401", "invalid_client", words, "assertion_audience", "clock"]);
    }
}

#[test]
fn codes_and_refresh_tokens_come_with_an_assertion_too() {
    let sandbox = sandbox();
    sandbox.set_lifetime("oauth2", json!(0.2));
    let authorize = format!("{}/authorize", sandbox.base("oauth2"));
    let client = signing_client(
        &sandbox,
        &[
            ("assertion_key", key("ed25519")),
            ("grant", "authorization_code"),
            ("authorize_url", &authorize),
            ("redirect_uri", fixtures::WEB_REDIRECT_URI),
        ],
    );
    let consent = client.consent(&Call::default()).unwrap();
    consent.finish(&support::browser::say_yes(consent.url()), &Call::default()).unwrap();
    support::pause(220);
    token(&client);
    let ids: Vec<_> =
        sandbox.requests("oauth2/token").iter().map(|request| part(request, 1)["jti"].to_string()).collect();
    assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");
}

#[test]
fn the_key_may_come_from_a_file_a_variable_or_a_command() {
    let sandbox = sandbox();
    let directory = Directory::new();
    let file = directory.write("key.pem", key("p256"));
    token(&signing_client(&sandbox, &[("assertion_key_file", &file)]));
    token(&signing_client(&sandbox, &[("assertion_key_command", &format!("cat {file}"))]));
    // A key that is replaced is read again.
    let client = signing_client(&sandbox, &[("assertion_key_file", &file), ("account", "rotating")]);
    let first = token(&client);
    directory.write("key.pem", &key("rsa").replace('\n', "\r\n"));
    client.rejected(first.generation(), 401, None).unwrap();
    token(&client);
    assert_eq!(part(&sandbox.requests("oauth2/token")[3], 0)["alg"], "RS256");
    let url = sandbox.base("oauth2");
    in_child(
        "a_child_reads_its_key_from_a_variable",
        &[("TOKEN_ENDPOINT", &format!("{url}/token")), ("KEY", key("rsa"))],
        None,
    );
    assert_eq!(sandbox.count("oauth2/token"), 5);
}

#[test]
fn a_child_reads_its_key_from_a_variable() {
    let Some(url) = told("TOKEN_ENDPOINT") else { return };
    let mut config = Config::new("oauth2");
    config.set("token_url", &url).set("client_id", fixtures::OAUTH2_SIGNING_CLIENT_ID);
    token(&open(config.set("assertion_key_env", "KEY")));
}

#[test]
fn the_key_may_be_written_as_openssl_ever_wrote_keys() {
    if !support::tool::is_installed("openssl", "keys in the old forms", "openssl") {
        return;
    }
    let sandbox = sandbox();
    let directory = Directory::new();
    for (id, command, label) in
        [("rsa", "rsa", "BEGIN RSA PRIVATE KEY"), ("p256", "ec", "BEGIN EC PRIVATE KEY")]
    {
        let file = directory.write(id, key(id));
        let mut openssl = Command::new("openssl");
        let old = openssl.args([command, "-traditional", "-in", &file]).output().expect("openssl runs");
        // The version before it knows the old form as the only one, and not the word.
        let old = match old.status.success() {
            true => old,
            false => Command::new("openssl").args([command, "-in", &file]).output().expect("openssl runs"),
        };
        let pem = String::from_utf8(old.stdout).expect("PEM");
        assert!(
            pem.contains(label),
            "openssl wrote another form: {}",
            pem.lines().next().unwrap_or_default()
        );
        // As ecparam -genkey writes it, with the curve before it.
        let pem =
            format!("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{pem}");
        token(&signing_client(&sandbox, &[("assertion_key", &pem)]));
    }
    let short = Command::new("openssl").args(["genrsa", "1024"]).output().expect("openssl runs").stdout;
    let short = String::from_utf8(short).expect("PEM");
    let error = Client::new(signing(&sandbox, &[]).set("assertion_key", &short)).unwrap_err();
    assert_error(&error, Kind::Config, &["assertion_key", "too short", "2048"]);
}

#[test]
fn what_cannot_prove_a_client_is_told_when_the_client_is_made() {
    let sandbox = sandbox();
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let rsa = ("assertion_key", key("rsa"));
    for (settings, words) in [
        (&[("client_auth", "private_key_jwt")][..], "needs assertion_key"),
        (&[("client_auth", "client_secret_jwt")], "needs client_secret"),
        (&[rsa, ("client_secret", "SANDBOX-SECRET")], "private_key_jwt sends no client_secret"),
        (&[rsa, ("client_auth", "basic"), ("client_secret", "SANDBOX-SECRET")], "sends no assertion_key"),
        (&[("client_secret", "SANDBOX-SECRET"), ("assertion_key_id", "k")], "assertion_key_id is for"),
        (&[("client_secret", "SANDBOX-SECRET"), ("assertion_audience", "a")], "assertion_audience is for"),
        (&[rsa, ("assertion_algorithm", "ES256")], "not for this assertion_key"),
        (&[rsa, ("assertion_algorithm", "HS256")], "none of RS256"),
        (&[rsa, ("token_extra", "client_assertion=x")], "client_assertion"),
        (&[("assertion_key", encrypted)], "is encrypted"),
        (&[("assertion_key", "SANDBOX-SECRET")], "no private key in PEM"),
        (&[("assertion_key", "\u{7}")], "control characters"),
    ] {
        let error = Client::new(&signing(&sandbox, settings)).unwrap_err();
        assert_error(&error, Kind::Config, &[words]);
        assert!(!error.message().contains("SANDBOX-SECRET"), "{error}");
    }
}

#[test]
fn a_key_file_that_holds_no_key_is_told_when_it_is_read() {
    let sandbox = sandbox();
    let directory = Directory::new();
    let file = directory.write("key.pem", "SANDBOX-SECRET\n");
    let error = failure(&signing_client(&sandbox, &[("assertion_key_file", &file)]));
    assert_error(&error, Kind::Config, &["assertion_key", "no private key in PEM"]);
    assert!(!error.message().contains("SANDBOX-SECRET") && sandbox.all_requests().is_empty(), "{error}");
}

#[test]
fn neither_key_nor_assertion_is_ever_repeated() {
    let echo = Server::start(|request| {
        let body = json!({"error": request.body, "error_description": request.body});
        server::json(400, &body.to_string()).into_bytes()
    });
    let sandbox = sandbox();
    let client = signing_client(&sandbox, &[("token_url", &echo.url("/t")), ("assertion_key", key("rsa"))]);
    let error = failure(&client);
    let assertion = parameter(&format!("?{}", echo.requests()[0].body), "client_assertion");
    let (head, signature) = assertion.rsplit_once('.').expect("a signature");
    assert!(error.message().contains("[redacted]"), "{error}");
    for secret in [head, signature, key("rsa").lines().nth(1).expect("a line of the key")] {
        assert!(!error.message().contains(secret) && !format!("{client:?}").contains(secret), "{error}");
    }
}

#[test]
fn a_refused_assertion_is_remembered_though_the_next_would_be_another() {
    let sandbox = sandbox();
    sandbox.fault(outage("oauth2/token", 401));
    let client = signing_client(&sandbox, &[("assertion_key", key("rsa"))]);
    for _ in 0..3 {
        assert_eq!(failure(&client).kind(), Kind::Denied);
    }
    assert_eq!(sandbox.count("oauth2/token"), 1);
}
