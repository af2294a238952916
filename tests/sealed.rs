//! A consent that one process begins and another finishes.
mod support;

use support::browser::{call, parameter, say_yes};
use support::{assert_error, client_with, failure, in_child, open, sandbox, together, token, told};
use tokenkeep::{Call, Client, Config, Consent, Kind};
use tokenkeep_sandbox::{DeviceAnswer, Sandbox, fixtures};

const KEY: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
const OTHER_KEY: &str = "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5";

/// A web application, as each of its processes makes it.
fn web(base: &str) -> Client {
    let mut config = Config::new("pink");
    config.set("client_id", fixtures::PINK_CLIENT_ID).set("client_secret", fixtures::PINK_CLIENT_SECRET);
    config.set("authorize_url", &format!("{base}/oauth/authorize"));
    config.set("token_url", &format!("{base}/oauth/token"));
    config.set("redirect_uri", fixtures::WEB_REDIRECT_URI).set("scope", "profile").set("store_key", KEY);
    open(&config)
}

fn begin(client: &Client) -> Consent {
    client.consent(&Call::default()).expect("a consent")
}

fn sealed(client: &Client) -> String {
    begin(client).seal().expect("a sealed consent")
}

fn television(sandbox: &Sandbox) -> Client {
    let device_url = format!("{}/device", sandbox.base("oauth2"));
    let settings = [("grant", "device_code"), ("device_url", &*device_url), ("store_key", KEY)];
    client_with(sandbox, "oauth2", &settings)
}

#[test]
fn what_one_process_seals_another_finishes() {
    if let (Some(base), Some(text), Some(url)) = (told("BASE"), told("SEALED"), told("URL")) {
        let client = web(&base).with([("account", "ada")]).unwrap();
        let consent = client.resume(&text).unwrap();
        let bought = consent.finish(&url, &Call::default()).unwrap();
        assert_eq!(token(&client).value(), bought.value());
        return;
    }
    let sandbox = sandbox();
    let base = sandbox.base("pink");
    let consent = begin(&web(&base).with([("account", "ada")]).unwrap());
    let (text, url) = (consent.seal().unwrap(), say_yes(consent.url()));
    let environment = [("BASE", &*base), ("SEALED", &*text), ("URL", &*url)];
    in_child("what_one_process_seals_another_finishes", &environment, None);
    assert_eq!(sandbox.count("pink/token"), 1);
}

#[test]
fn a_resumed_consent_is_the_one_that_was_sealed() {
    let sandbox = sandbox();
    let client = web(&sandbox.base("pink"));
    let consent = begin(&client);
    let text = consent.seal().unwrap();
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    assert!(text.len() < 1500 && text.bytes().all(is_base64url), "fit for a cookie: {text}");
    assert_ne!(text, consent.seal().unwrap(), "nothing is sealed twice alike");
    let resumed = client.resume(&text).unwrap();
    assert_eq!(resumed.url(), consent.url());
    let stranger = say_yes(begin(&client).url());
    assert_eq!(resumed.finish(&stranger, &Call::default()).unwrap_err().kind(), Kind::Protocol);
    resumed.finish(&say_yes(resumed.url()), &Call::default()).unwrap();
    assert_eq!(resumed.seal().unwrap_err().kind(), Kind::InvalidArgument, "what is over cannot be sealed");
}

#[test]
fn nobody_else_opens_it() {
    let sandbox = sandbox();
    let client = web(&sandbox.base("pink"));
    let text = sealed(&client);
    for (name, value) in [
        ("client_id", "another"),
        ("account", "eve"),
        ("redirect_uri", "https://app.example/other"),
        ("scope", "profile admin"),
        ("authorize_url", "https://evil.example/authorize"),
        ("token_url", "https://evil.example/token"),
        ("issuer", "https://evil.example"),
        ("login_hint", "eve"),
        ("authorize_extra", "prompt=none"),
        ("store_key", OTHER_KEY),
    ] {
        let other = client.with([(name, value)]);
        // One credential has one store_key in a process.
        let other = match (name, other) {
            ("store_key", _) => client.with([(name, value), ("account", "ada")]).unwrap(),
            (_, other) => other.unwrap(),
        };
        let error = other.resume(&text).unwrap_err();
        assert_error(&error, Kind::InvalidArgument, &["no sealed consent of this client's"]);
    }
    client.resume(&text).expect("and its own client does");
}

#[test]
fn no_bit_of_it_may_be_changed_and_no_rubbish_is_taken() {
    let sandbox = sandbox();
    let client = web(&sandbox.base("pink"));
    let text = sealed(&client);
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for at in 0..text.len() {
        for bit in 0..6 {
            let mut bent = text.clone().into_bytes();
            let place = ALPHABET.iter().position(|letter| *letter == bent[at]).unwrap();
            bent[at] = ALPHABET[place ^ 1 << bit];
            let bent = String::from_utf8(bent).unwrap();
            assert_eq!(client.resume(&bent).unwrap_err().kind(), Kind::InvalidArgument, "{at} {bit}");
        }
    }
    let huge = "A".repeat(1_000_000);
    for text in
        ["", "A", "AAAA", "not base64!", &text[1..], &text[..text.len() - 1], &format!("{text}="), &huge]
    {
        assert_eq!(client.resume(text).unwrap_err().kind(), Kind::InvalidArgument);
    }
}

#[test]
fn the_key_before_still_opens_and_seals_nothing() {
    let sandbox = sandbox();
    let base = sandbox.base("pink");
    let before = sealed(&web(&base).with([("account", "ada")]).unwrap());
    let after = web(&base).with([("account", "ada"), ("store_key", OTHER_KEY), ("store_key_previous", KEY)]);
    let after = after.unwrap();
    after.resume(&before).expect("opened with store_key_previous");
    let text = sealed(&after);
    drop(after);
    let forgetful = web(&base).with([("account", "ada"), ("store_key", OTHER_KEY)]).unwrap();
    forgetful.resume(&text).expect("sealed with store_key");
    assert!(forgetful.resume(&before).is_err());
}

#[test]
fn without_a_key_nothing_is_sealed_and_nothing_opened() {
    let sandbox = sandbox();
    let client = client_with(&sandbox, "pink", &[]);
    assert_error(
        &begin(&client).seal().unwrap_err(),
        Kind::Config,
        &["store_key is missing", "openssl rand"],
    );
    assert_error(&client.resume("AAAA").unwrap_err(), Kind::Config, &["store_key is missing"]);
    let error = client.with([("store_key", "correct horse"), ("account", "weak")]).unwrap_err();
    assert_error(&error, Kind::Config, &["store_key is no key"]);
    assert!(!error.message().contains("correct horse"), "{error}");
}

#[test]
fn a_code_is_sent_once_however_often_its_consent_is_resumed() {
    let sandbox = sandbox();
    let client = web(&sandbox.base("pink"));
    let consent = begin(&client);
    let (text, url) = (consent.seal().unwrap(), say_yes(consent.url()));
    let finish = |_| client.resume(&text).unwrap().finish(&url, &Call::default());
    let outcomes = together(6, finish);
    let (good, bad): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((good.len(), bad.len()), (1, 5));
    for error in bad.into_iter().filter_map(Result::err) {
        assert_error(&error, Kind::InvalidArgument, &["finished before", "begin another"]);
    }
    assert_eq!(consent.finish(&url, &Call::default()).unwrap_err().kind(), Kind::InvalidArgument);
    assert_eq!(sandbox.count("pink/token"), 1);
    let bought = good.into_iter().flatten().next().unwrap();
    assert_eq!(call(&sandbox.resource("pink"), &bought).status, 200, "a second use would have revoked it");
}

#[test]
fn a_port_of_this_process_does_not_travel_and_one_of_a_web_server_does() {
    let sandbox = sandbox();
    let with =
        |redirect_uri| client_with(&sandbox, "pink", &[("redirect_uri", redirect_uri), ("store_key", KEY)]);
    for redirect_uri in ["http://127.0.0.1/callback", "http://localhost:0/callback"] {
        let error = begin(&with(redirect_uri)).seal().unwrap_err();
        assert_error(&error, Kind::Unsupported, &["loopback port lives in this process"]);
    }
    let client = with("http://localhost:5000/callback");
    let consent = begin(&client);
    let resumed = client.resume(&consent.seal().unwrap()).unwrap();
    resumed.finish(&say_yes(consent.url()), &Call::default()).unwrap();
}

#[test]
fn a_devices_consent_goes_on_elsewhere_with_its_codes_and_its_pace() {
    let sandbox = sandbox();
    let client = television(&sandbox);
    let consent = begin(&client);
    let resumed = client.resume(&consent.seal().unwrap()).unwrap();
    assert_eq!((resumed.url(), resumed.user_code()), (consent.url(), consent.user_code()));
    drop(consent);
    sandbox.answer_device(resumed.user_code().unwrap(), DeviceAnswer::Approve);
    resumed.wait(&Call::default()).unwrap();
    let asked = [sandbox.requests("oauth2/device")[0].at_ms, sandbox.requests("oauth2/token")[0].at_ms];
    assert!(asked[1] - asked[0] >= 900, "the first question waited for its time: {asked:?}");
    assert_eq!(failure(&web(&sandbox.base("pink"))).kind(), Kind::ConsentRequired);
}

#[test]
fn nothing_of_it_can_be_read() {
    let sandbox = sandbox();
    let client = web(&sandbox.base("pink"));
    let consent = begin(&client);
    let (state, text) = (parameter(consent.url(), "state"), consent.seal().unwrap());
    let opened = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, &text).unwrap();
    let holds = |word: &[u8]| opened.windows(word.len()).any(|window| window == word);
    assert!(!holds(state.as_bytes()) && !holds(b"verifier") && !holds(b"app.example"));
}
