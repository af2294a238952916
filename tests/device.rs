//! A person's consent on another device (RFC 8628). The pace between two questions is tested with a clock that is moved,
//! in src/client/consent/test.rs; here one second passes, where it must.
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use support::browser::{call, get, parameter};
use support::hang::Full;
use support::server::{self, Server};
use support::stores::Stores;
use support::{
    PATIENCE, assert_error, client_with, failure, is_ended, open, outage, pause, sandbox, timed, together,
    token, until_asked, within,
};
use tokenkeep::{Call, Client, Config, Consent, Kind};
use tokenkeep_sandbox::{Body, DeviceAnswer, Fault, Sandbox, fixtures};

fn television(sandbox: &Sandbox) -> Client {
    let device_url = format!("{}/device", sandbox.base("oauth2"));
    client_with(sandbox, "oauth2", &[("grant", "device_code"), ("device_url", &device_url)])
}

fn begin(client: &Client) -> Consent {
    client.consent(&Call::default()).expect("a consent")
}

fn wait(consent: &Consent) -> tokenkeep::Result<tokenkeep::Token> {
    consent.wait(&Call { timeout: Some(PATIENCE), ..Call::default() })
}

/// The form that the vendor was sent.
fn form(sandbox: &Sandbox, endpoint: &str, index: usize) -> String {
    format!("?{}", sandbox.requests(endpoint)[index].body)
}

#[test]
fn the_person_says_yes_elsewhere_and_the_device_gets_the_token() {
    let sandbox = sandbox();
    let client = television(&sandbox);
    let consent = begin(&client);
    let code = consent.user_code().expect("a user code").to_owned();
    let page = format!("{}/verify", sandbox.base("oauth2"));
    assert_eq!(consent.url(), format!("{page}?user_code={code}"));
    let asked = form(&sandbox, "oauth2/device", 0);
    assert_eq!(parameter(&asked, "scope"), fixtures::OAUTH2_SCOPE);
    assert_eq!(get(consent.url(), &[]).status, 200);
    let bought = wait(&consent).unwrap();
    assert_eq!(call(&sandbox.resource("oauth2"), &bought).status, 200);
    assert_eq!(token(&client).value(), bought.value());
    let polled = form(&sandbox, "oauth2/token", 0);
    assert_eq!(parameter(&polled, "grant_type"), "urn:ietf:params:oauth:grant-type:device_code");
    assert!(sandbox.requests("oauth2/token")[0].header("authorization").is_some());
}

#[test]
fn a_public_client_names_itself_in_both_requests() {
    let sandbox = sandbox();
    let mut config = Config::new("oauth2");
    let base = sandbox.base("oauth2");
    config.set("grant", "device_code").set("client_id", fixtures::OAUTH2_PUBLIC_CLIENT_ID);
    config.set("device_url", &format!("{base}/device")).set("token_url", &format!("{base}/token"));
    config.set("scope", "read").set("resource", "https://a.example https://b.example");
    config.set("authorize_extra", "flavour=sweet");
    let client = open(&config);
    let consent = begin(&client);
    sandbox.answer_device(consent.user_code().unwrap(), DeviceAnswer::Approve);
    let bought = wait(&consent).unwrap();
    for endpoint in ["oauth2/device", "oauth2/token"] {
        assert_eq!(parameter(&form(&sandbox, endpoint, 0), "client_id"), fixtures::OAUTH2_PUBLIC_CLIENT_ID);
        assert!(sandbox.requests(endpoint)[0].header("authorization").is_none());
    }
    assert_eq!(parameter(&form(&sandbox, "oauth2/device", 0), "flavour"), "sweet");
    let seen = call(&sandbox.resource("oauth2"), &bought).json();
    assert_eq!(seen["resource"], json!(["https://a.example", "https://b.example"]));
}

#[test]
fn the_token_is_renewed_by_its_refresh_token() {
    let sandbox = sandbox();
    sandbox.set_lifetime("oauth2", json!(0.3));
    let client = television(&sandbox);
    let consent = begin(&client);
    sandbox.answer_device(consent.user_code().unwrap(), DeviceAnswer::Approve);
    let first = wait(&consent).unwrap();
    pause(320);
    assert_ne!(token(&client).value(), first.value());
    assert_eq!(parameter(&form(&sandbox, "oauth2/token", 1), "grant_type"), "refresh_token");
}

#[test]
fn without_a_consent_a_token_is_refused_unasked_and_the_error_says_what_to_do() {
    let sandbox = sandbox();
    let error = failure(&television(&sandbox));
    assert_error(&error, Kind::ConsentRequired, &["begin a consent", "user code", "wait"]);
    assert_eq!(sandbox.all_requests().len(), 0);
}

#[test]
fn each_no_has_its_own_error_and_ends_the_consent() {
    let sandbox = sandbox();
    for (answer, code, words) in [
        (DeviceAnswer::Deny, "access_denied", "said no"),
        (DeviceAnswer::Expire, "expired_token", "begin a new consent"),
    ] {
        let consent = begin(&television(&sandbox));
        sandbox.answer_device(consent.user_code().unwrap(), answer);
        for _ in 0..2 {
            let error = wait(&consent).unwrap_err();
            assert_error(&error, Kind::ConsentRequired, &[words]);
            assert_eq!(error.code(), Some(code));
        }
    }
    assert_eq!(sandbox.count("oauth2/token"), 2, "and is asked for no more");
    let consent = begin(&television(&sandbox));
    sandbox.fault(Fault {
        status: Some(401),
        body: Some(Body::Json(json!({"error": "invalid_client"}))),
        ..Fault::on("oauth2/token")
    });
    let error = wait(&consent).unwrap_err();
    assert_error(&error, Kind::Denied, &["invalid_client"]);
}

#[test]
fn codes_that_end_are_given_up_without_asking() {
    let sandbox = sandbox();
    sandbox.configure("oauth2", json!({"device_expires_in": 0.1}));
    let consent = begin(&television(&sandbox));
    let error = wait(&consent).unwrap_err();
    assert_error(&error, Kind::ConsentRequired, &["user code ended"]);
    assert_eq!(error.code(), Some("expired_token"));
    assert_eq!(sandbox.count("oauth2/token"), 0);
}

#[test]
fn a_server_that_does_not_answer_is_asked_again_later() {
    let sandbox = sandbox();
    let consent = begin(&television(&sandbox));
    sandbox.answer_device(consent.user_code().unwrap(), DeviceAnswer::Approve);
    sandbox.fault(Fault { status: Some(503), body: Some(Body::Html), ..Fault::on("oauth2/token") });
    let late = consent.wait(&within(1500)).unwrap_err();
    assert_error(&late, Kind::Timeout, &["nobody has said yes", "503", "wait again"]);
    wait(&consent).unwrap();
    let asked: Vec<u64> = sandbox.requests("oauth2/token").iter().map(|request| request.at_ms).collect();
    assert!(asked.len() == 2 && asked[1] - asked[0] >= 1900, "twice the interval: {asked:?}");
}

#[test]
fn deadline_close_cancel_and_interruption_end_the_wait_soon() {
    let sandbox = sandbox();
    let client = television(&sandbox);
    let consent = begin(&client);
    let soon = PATIENCE / 10;
    let (late, took) = timed(|| consent.wait(&within(150)).unwrap_err());
    assert_error(&late, Kind::Timeout, &["nobody has said yes", "wait again"]);
    assert!(took < soon, "{took:?}");
    let interrupted = AtomicBool::new(false);
    let interrupt = || interrupted.load(Ordering::Relaxed);
    let call = Call { interrupt: Some(&interrupt), ..Call::default() };
    is_ended(&consent, &call, || interrupted.store(true, Ordering::Relaxed));
    is_ended(&consent, &Call::default(), || consent.cancel());
    assert_eq!(consent.wait(&Call::default()).unwrap_err().kind(), Kind::Cancelled);
    let closed = begin(&client);
    is_ended(&closed, &Call::default(), || client.close());
    // Also while a question hangs.
    let client = television(&sandbox);
    let asking = begin(&client);
    sandbox.fault(Fault { hang: true, ..Fault::on("oauth2/token") });
    let before = sandbox.count("oauth2/token");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| asking.wait(&Call::default()).unwrap_err());
        until_asked(&sandbox, "oauth2/token", before + 1);
        client.close();
        let (error, took) = timed(|| waiting.join().unwrap());
        assert!(took < soon && error.kind() == Kind::Cancelled, "{took:?} {error}");
    });
}

#[test]
fn threads_that_wait_ask_as_one() {
    let sandbox = sandbox();
    let consent = Arc::new(begin(&television(&sandbox)));
    let waiting = Arc::clone(&consent);
    let waiting = std::thread::spawn(move || together(4, |_| wait(&waiting).unwrap()));
    until_asked(&sandbox, "oauth2/token", 1);
    sandbox.answer_device(consent.user_code().unwrap(), DeviceAnswer::Approve);
    let had = waiting.join().unwrap();
    assert!(had.iter().all(|token| token.value() == had[0].value()));
    assert_eq!((sandbox.count("oauth2/token"), sandbox.peak("oauth2/token")), (2, 1));
    assert_eq!(wait(&consent).unwrap().value(), had[0].value(), "also for who comes later");
}

#[test]
fn a_grant_that_comes_after_cancel_is_not_kept() {
    let sandbox = sandbox();
    let client = television(&sandbox);
    let consent = begin(&client);
    sandbox.answer_device(consent.user_code().unwrap(), DeviceAnswer::Approve);
    sandbox.fault(Fault { delay_ms: 500, ..Fault::on("oauth2/token") });
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| wait(&consent).unwrap_err());
        until_asked(&sandbox, "oauth2/token", 1);
        consent.cancel();
        assert_eq!(waiting.join().unwrap().kind(), Kind::Cancelled);
    });
    until_asked(&sandbox, "oauth2/revoke", 2);
    assert!(client.peek().is_none());
    assert_eq!(failure(&client).kind(), Kind::ConsentRequired);
}

#[test]
fn what_a_device_was_granted_is_stored() {
    let stores = Stores::new();
    let device_url = format!("{}/device", stores.sandbox.base("oauth2"));
    let client = || stores.client("oauth2", &[("grant", "device_code"), ("device_url", &device_url)]);
    let first = client();
    let consent = begin(&first);
    stores.sandbox.answer_device(consent.user_code().unwrap(), DeviceAnswer::Approve);
    let bought = wait(&consent).unwrap();
    drop((consent, first));
    assert_eq!(token(&client()).value(), bought.value(), "nothing of it was left in memory");
    assert_eq!(stores.sandbox.count("oauth2/token"), 1);
}

#[test]
fn what_the_vendor_cannot_have_meant_is_refused_or_mended() {
    let described =
        |members: &str| format!(r#"{{"device_code": "SANDBOX-TOKEN-d", "user_code": "AB-CD", {members}}}"#);
    let begun = |body: &str| {
        let server = Server::granting(body);
        let mut config = Config::new("oauth2");
        config.set("grant", "device_code").set("client_id", "tv").set("token_url", &server.url("/token"));
        config.set("device_url", &server.url("/device"));
        open(&config).consent(&Call::default())
    };
    for members in [
        r#""verification_uri": "https://a.example/""#,
        r#""verification_uri": "https://a.example/", "expires_in": null, "interval": null"#,
        r#""verification_url": "https://a.example/", "expires_in": "600", "interval": "5""#,
        r#""verification_uri": "https://a.example/", "expires_in": -1, "interval": 0"#,
        r#""verification_uri": "https://a.example/", "expires_in": 1e300, "interval": 1e300"#,
        r#""verification_uri": "https://a.example/", "expires_in": [], "interval": {}"#,
    ] {
        let consent = begun(&described(members)).unwrap_or_else(|error| panic!("{members}: {error}"));
        assert_eq!((consent.url(), consent.user_code()), ("https://a.example/", Some("AB-CD")), "{members}");
    }
    let whole = r#""verification_uri": "https://a.example/""#;
    for (body, word) in [
        (described(r#""expires_in": 600"#), "no verification_uri"),
        (described(r#""verification_uri": "http://a.example/""#), "must be https"),
        (described(r#""verification_uri": "javascript:alert(1)""#), "must be https"),
        (described(r#""verification_uri": "https://a.example/\u0007""#), "must be https"),
        (format!(r#"{{"user_code": "AB", {whole}}}"#), "no device_code"),
        (format!(r#"{{"device_code": "SANDBOX-TOKEN-d", {whole}}}"#), "no user_code"),
        (format!(r#"{{"device_code": "d", "user_code": "A\nB", {whole}}}"#), "cannot be shown"),
        (
            format!(r#"{{"device_code": "d", "user_code": "{}", {whole}}}"#, "A".repeat(101)),
            "cannot be shown",
        ),
        ("<html>".into(), "HTML"),
        (String::new(), "empty body"),
    ] {
        let error = begun(&body).unwrap_err();
        assert_error(&error, Kind::Protocol, &[word, "POST http://127.0.0.1", "/device"]);
        assert!(!error.message().contains("SANDBOX-TOKEN"), "{error}");
    }
}

#[test]
fn a_vendor_that_begins_no_device_login_says_why() {
    let sandbox = sandbox();
    let client = television(&sandbox);
    sandbox.fault(Fault {
        status: Some(400),
        body: Some(Body::Json(json!({"error": "unauthorized_client"}))),
        ..Fault::on("oauth2/device")
    });
    let error = client.consent(&Call::default()).unwrap_err();
    assert_error(&error, Kind::Denied, &["unauthorized_client", "/oauth2/device", "device grant"]);
    sandbox.fault(outage("oauth2/device", 503));
    assert_eq!(client.consent(&Call::default()).unwrap_err().kind(), Kind::Server);
    sandbox.clear_faults();
    sandbox.fault(Fault { hang: true, ..Fault::on("oauth2/device") });
    let (error, took) = timed(|| client.consent(&within(200)).unwrap_err());
    assert_error(&error, Kind::Timeout, &["no device code in time"]);
    assert!(took < PATIENCE / 10, "{took:?}");
}

#[test]
fn finish_is_not_for_devices() {
    let sandbox = sandbox();
    let error =
        begin(&television(&sandbox)).finish("https://app.example/?code=x", &Call::default()).unwrap_err();
    assert_error(&error, Kind::Unsupported, &["call wait"]);
}

#[test]
fn a_poll_whose_answer_names_the_device_code_does_not_tell_it() {
    let server = Server::start(|request| {
        let echo = request.body.rsplit("device_code=").next().unwrap_or_default().to_owned();
        let answer = match request.head.contains("/device") {
            true => server::json(
                200,
                r#"{"device_code": "SANDBOX-TOKEN-d", "user_code": "AB", "verification_uri": "https://a.example/", "interval": 1}"#,
            ),
            false => {
                server::json(400, &format!(r#"{{"error": "odd", "error_description": "{echo} is odd"}}"#))
            }
        };
        answer.into_bytes()
    });
    let mut config = Config::new("oauth2");
    config.set("grant", "device_code").set("client_id", "tv").set("token_url", &server.url("/token"));
    config.set("device_url", &server.url("/device"));
    let consent = begin(&open(&config));
    let error = wait(&consent).unwrap_err();
    assert_error(&error, Kind::Denied, &["odd", "[redacted]"]);
    for text in [error.to_string(), format!("{error:?} {consent:?}")] {
        assert!(!text.contains("SANDBOX-TOKEN"), "{text}");
    }
}

#[test]
fn a_connection_that_is_not_made_in_time_is_tried_again_after_twice_the_interval() {
    let codes = r#"{"device_code": "SANDBOX-TOKEN-d", "user_code": "AB", "verification_uri": "https://a.example/", "interval": 1}"#;
    let (describing, full) = (Server::granting(codes), Full::new());
    let mut config = Config::new("oauth2");
    config.set("grant", "device_code").set("client_id", "tv").set("connect_timeout", "300 ms");
    config.set("device_url", &describing.url("/device"));
    config.set("token_url", &format!("http://{}/token", full.address()));
    let consent = begin(&open(&config));
    let mut before = support::now();
    support::until("a question that was not answered", || {
        before = support::now();
        let error = consent.wait(&within(200)).unwrap_err();
        assert_eq!(error.kind(), Kind::Timeout, "{error}");
        error.message().contains("(last: ")
    });
    let grant = r#"{"access_token": "SANDBOX-TOKEN-a", "token_type": "Bearer"}"#;
    let server = full.drain(&server::json(200, grant));
    assert_eq!(wait(&consent).unwrap().value(), "SANDBOX-TOKEN-a");
    let passed = support::now().duration_since(before).unwrap().as_millis();
    assert!(passed >= 2000, "{passed} ms");
    assert_eq!(server.count(), 1);
}
