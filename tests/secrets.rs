//! No secret is ever seen: not in an error, not in a log event, not where something is printed.
mod support;

use std::fmt::Debug;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use support::browser::{parameter, say_yes};
use support::server::{self, Server};
use support::{Directory, always, client_by, client_with, config, open, outage, sandbox};
use tokenkeep::{Call, Client, Config, Log};
use tokenkeep_sandbox::{Body, Fault, Sandbox, fixtures};

/// Everything that a program could print of these.
fn assert_silent(what: &str, texts: impl IntoIterator<Item = String>) {
    for text in texts {
        for marker in [fixtures::SECRET_MARKER, fixtures::TOKEN_MARKER] {
            assert!(!text.contains(marker), "{what}: {text}");
        }
        // In Basic credentials the marker hides behind base64, in one of three shifts.
        for shifted in ["SANDBOX-SECRET", "xSANDBOX-SECRET", "xxSANDBOX-SECRET"] {
            let encoded = BASE64_STANDARD.encode(shifted);
            let middle = &encoded[4..encoded.len() - 4];
            assert!(!text.contains(middle), "{what}: {text}");
        }
    }
}

fn printed(value: &impl Debug) -> [String; 2] {
    [format!("{value:?}"), format!("{value:#?}")]
}

/// Uses a client in every way and looks at all that it says.
fn assert_discreet(what: &str, client: &Client) {
    let mut said = Vec::new();
    for _ in 0..2 {
        match client.token(&Call::default()) {
            Ok(token) => {
                said.extend(printed(&token));
                let told = client.rejected(token.generation(), 401, None);
                said.extend(told.err().map(|error| error.to_string()));
            }
            Err(error) => {
                said.extend(printed(&error));
                said.push(error.to_string());
                said.extend(error.code().map(str::to_owned));
            }
        }
    }
    if let Ok(consent) = client.consent(&Call::default()) {
        said.extend(printed(&consent));
        said.push(consent.url().to_owned());
        let url = say_yes(consent.url());
        said.extend(
            consent.finish(&url.replace("state=", "state=x"), &Call::default()).err().map(|e| e.to_string()),
        );
        match consent.finish(&url, &Call::default()) {
            Ok(token) => said.extend(printed(&token)),
            Err(error) => said.push(error.to_string()),
        }
        said.extend(client.token(&Call::default()).err().map(|error| error.to_string()));
    }
    said.extend(client.revoke(&Call::default()).err().map(|error| error.to_string()));
    said.extend(client.last_error().map(|error| error.to_string()));
    let events = client.take_events();
    assert!(!events.is_empty(), "{what}: nothing was logged");
    said.extend(events.into_iter().map(|event| event.message));
    said.extend(printed(client));
    said.extend(printed(&client.stats()));
    assert!(said.iter().any(|text| !text.is_empty()));
    assert_silent(what, said);
}

const VENDORS: [&str; 5] = ["acquire", "acquired", "frederick", "pink", "oauth2"];

#[test]
fn in_the_course_of_things() {
    let sandbox = sandbox();
    for vendor in ["oauth2", "pink"] {
        sandbox.configure(vendor, json!({"answer_extra": {"id_token": "SANDBOX-TOKEN.of.a-person"}}));
    }
    for vendor in VENDORS {
        let config = config(&sandbox, vendor);
        assert_silent(vendor, printed(&config));
        assert_discreet(vendor, &open(&config));
    }
}

#[test]
fn where_credentials_are_wrong() {
    let sandbox = sandbox();
    for (vendor, name) in [
        ("acquired", "app_key"),
        ("frederick", "api_key"),
        ("frederick", "password"),
        ("frederick", "client_secret"),
        ("pink", "client_secret"),
        ("oauth2", "client_secret"),
    ] {
        assert_discreet(name, &client_with(&sandbox, vendor, &[(name, "SANDBOX-SECRET-wrong")]));
    }
}

/// What servers do wrong, in every way that the sandbox knows.
fn faults() -> Vec<Fault> {
    let on = |endpoint: &str| always(endpoint);
    let mut faults = Vec::new();
    for vendor in ["acquired", "frederick", "pink", "oauth2"] {
        let all = format!("{vendor}/*");
        let bodies = [Body::Html, Body::Garbage, Body::Empty, Body::Huge(300_000), Body::Deep(2000)];
        faults.extend(bodies.into_iter().map(|body| Fault { body: Some(body), ..on(&all) }));
        faults.extend([400, 401, 403, 404, 500].map(|status| outage(&all, status)));
    }
    faults
}

#[test]
fn where_servers_fail() {
    for fault in faults() {
        let sandbox = sandbox();
        let vendor = fault.endpoint.trim_end_matches("/*").to_owned();
        let endpoint = match &*vendor {
            "pink" => "pink/token",
            _ => &fault.endpoint,
        };
        let what = format!("{fault:?}");
        sandbox.fault(Fault { endpoint: endpoint.to_owned(), ..fault });
        assert_discreet(&what, &client_with(&sandbox, &vendor, &[("max_attempts", "1")]));
    }
}

/// A server that repeats in its error all that it was sent, as texts and as names of parameters.
fn echo() -> Server {
    Server::start(|request| {
        let sent = format!("{}\n{}", request.head, request.body);
        let line = request.header("authorization").unwrap_or_default();
        let bare = line.strip_prefix("Basic ").unwrap_or(line).to_owned();
        let decoded = BASE64_STANDARD.decode(&bare).map(|text| String::from_utf8_lossy(&text).into_owned());
        let all = format!("{bare} {} {sent}", decoded.unwrap_or_default());
        let body = json!({
            "error": request.body, "error_description": all, "error_type": all, "title": request.body, "message": all,
            "errors": [{"code": bare, "detail": all}],
            "invalid_parameters": [{"parameter": bare, "reason": request.body}],
        });
        server::json(400, &body.to_string()).into_bytes()
    })
}

#[test]
fn where_a_server_repeats_what_it_was_sent() {
    let (sandbox, echo) = (sandbox(), echo());
    let url = echo.url("/t");
    let (revoke, authorize) = (echo.url("/revoke"), format!("{}/oauth/authorize", sandbox.base("pink")));
    for (vendor, settings) in [
        ("acquired", &[("base_url", &*url)][..]),
        ("acquired", &[("base_url", &*url), ("app_key", "SANDBOX-SECRET \"q\" \\ é")]),
        ("frederick", &[("user_token_url", &*url)]),
        ("frederick", &[("location_token_url", &*url)]),
        ("oauth2", &[("token_url", &*url)]),
        ("oauth2", &[("token_url", &*url), ("client_auth", "post")]),
        ("oauth2", &[("token_url", &*url), ("client_secret", "SANDBOX-SECRET + & \"q\" \\ é")]),
        (
            "oauth2",
            &[("token_url", &*url), ("client_secret", "SANDBOX-SECRET + & é"), ("client_auth", "post")],
        ),
        (
            "oauth2",
            &[("token_url", &*url), ("grant", "refresh_token"), ("refresh_token", "SANDBOX-TOKEN-r+/=")],
        ),
        ("oauth2", &[("revoke_url", &*revoke)]),
        ("pink", &[("token_url", &*url)]),
        ("pink", &[("revoke_url", &*revoke), ("authorize_url", &*authorize)]),
    ] {
        assert_discreet(&format!("{vendor} {settings:?}"), &client_with(&sandbox, vendor, settings));
    }
    assert!(
        echo.requests().iter().any(|request| request.body.contains("SANDBOX-SECRET")),
        "there was much to repeat"
    );
}

#[test]
fn where_one_secret_begins_like_another() {
    let (sandbox, echo) = (sandbox(), echo());
    let secrets = [("password", "SANDBOX-SECRET"), ("client_secret", "SANDBOX-SECRET-and-more")];
    let url = echo.url("/t");
    let client = client_with(&sandbox, "frederick", &[&secrets[..], &[("user_token_url", &url)]].concat());
    let error = support::failure(&client);
    assert!(error.message().contains("[redacted]") && !error.message().contains("and-more"), "{error}");
}

#[test]
fn a_codes_verifier_is_a_secret_too() {
    let (sandbox, echo) = (
        sandbox(),
        Server::start(|request| {
            let verifier = parameter(&format!("?{}", request.body), "code_verifier");
            server::json(400, &json!({"error": "invalid_grant", "error_description": verifier}).to_string())
                .into_bytes()
        }),
    );
    let client = client_with(&sandbox, "pink", &[("token_url", &echo.url("/t"))]);
    let consent = client.consent(&Call::default()).unwrap();
    let error = consent.finish(&say_yes(consent.url()), &Call::default()).unwrap_err();
    let verifier = parameter(&format!("?{}", echo.requests()[0].body), "code_verifier");
    assert!(!error.message().contains(&verifier), "{error}");
}

#[test]
fn a_secret_in_the_path_of_ones_own_vendor_is_not_shown() {
    let directory = Directory::new();
    let server = Server::saying(&server::json(500, "{}"));
    let file = directory.write("own.toml", &format!(
        "name = 'own'\ntitle = 'Own'\nscheme = 'login'\n[[step]]\nurl = '{}/bot{{key}}/login?k={{key}}'\nencoding = 'json'\n[settings.key]\nsecret = true\n",
        server.url("")
    ));
    let mut config = Config::new(&file);
    config.set("key", "SANDBOX-SECRET/in path").set("max_attempts", "1").log_to(&Log::new());
    assert_discreet("a vendor that answers", &open(&config));
    let gone = directory.write(
        "gone.toml",
        &std::fs::read_to_string(&file).unwrap().replace(server.address(), "127.0.0.1:1"),
    );
    let mut config = Config::new(&gone);
    config.set("key", "SANDBOX-SECRET/in path").set("max_attempts", "1").log_to(&Log::new());
    assert_discreet("a vendor that is gone", &open(&config));
    assert!(server.requests()[0].head.contains("/botSANDBOX-SECRET%2Fin%20path/login?k="));
}

#[test]
fn settings_that_are_refused_repeat_no_secret() {
    let refused = |config: &mut Config| match Client::new(config) {
        Ok(_) => panic!("{config:?} is good"),
        Err(error) => assert_silent("settings", [error.to_string()]),
    };
    for text in ["SANDBOX-SECRET\n", "SANDBOX-SECRET\0x", "\u{7f}SANDBOX-SECRET"] {
        for (provider, name) in [("acquired", "app_key"), ("acquire", "access_token"), ("oauth2", "proxy")] {
            refused(Config::new(provider).set(name, text));
        }
    }
    refused(Config::new("acquired").set("app_key_command", "[SANDBOX-SECRET"));
    refused(Config::new("oauth2").set("token_url", "https://SANDBOX-SECRET:x@a.example/"));
    refused(Config::new("oauth2").set("token_extra", "client_secret=SANDBOX-SECRET"));
    refused(Config::new("acquired").set("app_key", "SANDBOX-SECRET").set("app_ky", "SANDBOX-SECRET"));
}

#[test]
fn portable_settings_name_a_literal_secret_and_do_not_hold_it() {
    let sandbox = Sandbox::start().unwrap();
    let error = open(&config(&sandbox, "frederick")).portable_settings().unwrap_err();
    assert_silent("literal", [error.to_string()]);
    assert!(error.message().contains("password") && error.message().contains("_env"), "{error}");
    let directory = Directory::new();
    let file = directory.write("key", fixtures::ACQUIRED_APP_KEY);
    let pairs = client_by(&sandbox, "acquired", "app_key_file", &file).portable_settings().unwrap();
    assert_silent("by reference", [format!("{pairs:?}")]);
    let mut again = Config::default();
    for (name, value) in &pairs {
        again.set(name, value);
    }
    support::token(&open(&again));
}
