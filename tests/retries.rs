//! What is tried again, when, and what is never sent twice.
mod support;

use std::time::Duration;

use serde_json::json;
use support::{
    always, assert_error, browser, client, client_with, consented, failure, outage, pause, sandbox, timed,
    token, until,
};
use tokenkeep::{Call, Kind};
use tokenkeep_sandbox::{Body, Cut, Fault};

#[test]
fn what_can_lose_nothing_is_tried_up_to_max_attempts() {
    for (attempts, settings) in [(3, &[][..]), (2, &[("max_attempts", "2")]), (1, &[("max_attempts", "1")])] {
        let sandbox = sandbox();
        sandbox.fault(outage("oauth2/token", 503));
        let error = failure(&client_with(&sandbox, "oauth2", settings));
        assert_error(&error, Kind::Server, &["OAuth 2", "503"]);
        assert_eq!(sandbox.count("oauth2/token"), attempts);
    }
}

#[test]
fn a_passing_fault_is_not_seen() {
    for fault in [
        Fault { status: Some(503), ..Fault::on("acquired/login") },
        Fault { status: Some(500), ..Fault::on("acquired/login") },
        Fault { status: Some(429), ..Fault::on("acquired/login") },
        Fault { cut: Some(Cut::BeforeAnswer), ..Fault::on("acquired/login") },
        Fault { cut: Some(Cut::MidHeaders), ..Fault::on("acquired/login") },
        Fault { cut: Some(Cut::MidBody), ..Fault::on("acquired/login") },
    ] {
        let sandbox = sandbox();
        sandbox.fault(Fault { times: 2, ..fault.clone() });
        let client = client(&sandbox, "acquired");
        let had = client.token(&Call::default());
        assert!(had.is_ok(), "{fault:?}: {}", had.unwrap_err());
        assert_eq!(sandbox.count("acquired/login"), 3, "{fault:?}");
        assert!(client.last_error().is_none());
    }
}

#[test]
fn a_vendor_that_cuts_every_answer_is_a_network_fault() {
    for cut in [Cut::BeforeAnswer, Cut::MidHeaders, Cut::MidBody] {
        let sandbox = sandbox();
        sandbox.fault(Fault { cut: Some(cut), ..always("acquired/login") });
        let error = failure(&client_with(&sandbox, "acquired", &[("max_attempts", "1")]));
        assert_error(&error, Kind::Network, &["/v1/login"]);
    }
}

#[test]
fn retry_after_is_waited_for_in_both_its_forms() {
    let date = [("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Retry-After", "Sun, 06 Nov 1994 08:49:38 GMT")];
    for (status, headers) in [(429, &[("Retry-After", "1")][..]), (503, &date)] {
        let sandbox = sandbox();
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        sandbox.fault(Fault { status: Some(status), headers, ..Fault::on("acquired/login") });
        let (_, took) = timed(|| token(&client(&sandbox, "acquired")));
        assert!((1000..3000).contains(&took.as_millis()), "{status}: {took:?}");
        assert_eq!(sandbox.count("acquired/login"), 2);
    }
}

#[test]
fn a_retry_after_beyond_all_patience_is_told_and_kept_to() {
    let sandbox = sandbox();
    let headers = [("Retry-After".to_owned(), "600".to_owned())].into();
    sandbox.fault(Fault { headers, ..outage("acquired/login", 429) });
    let client = client(&sandbox, "acquired");
    let (error, took) = timed(|| failure(&client));
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_error(&error, Kind::RateLimited, &["429", "600 s"]);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(600)));
    sandbox.clear_faults();
    pause(1100);
    assert_eq!(failure(&client).kind(), Kind::RateLimited);
    assert_eq!(sandbox.count("acquired/login"), 1);
}

#[test]
fn an_absurd_retry_after_is_cut_and_never_a_fault_of_ours() {
    let sandbox = sandbox();
    let headers = [("Retry-After".to_owned(), u64::MAX.to_string())].into();
    sandbox.fault(Fault { headers, ..outage("acquired/login", 429) });
    let client = client(&sandbox, "acquired");
    for _ in 0..3 {
        let error = failure(&client);
        assert_error(&error, Kind::RateLimited, &[]);
        assert!(error.retry_after().is_some_and(|wait| wait <= Duration::from_secs(3600)), "{error}");
    }
    assert_eq!(sandbox.count("acquired/login"), 1);
}

#[test]
fn a_refresh_whose_answer_was_lost_is_not_sent_again_blindly() {
    for (cut, hang) in [
        (Some(Cut::BeforeAnswer), false),
        (Some(Cut::MidHeaders), false),
        (Some(Cut::MidBody), false),
        (None, true),
    ] {
        let sandbox = sandbox();
        sandbox.set_lifetime("pink", json!(0.2));
        let client = consented(&sandbox, &[]);
        pause(250);
        sandbox.fault(Fault { cut, hang, processed: Some(true), ..Fault::on("pink/token") });
        let call = if hang { support::within(300) } else { Call::default() };
        let error = client.token(&call).unwrap_err();
        assert_error(&error, if hang { Kind::Timeout } else { Kind::Network }, &[]);
        pause(300);
        assert_eq!(sandbox.count("pink/token"), 2, "the code's and one refresh");
    }
}

#[test]
fn a_lost_rotation_ends_in_a_call_for_consent() {
    let sandbox = sandbox();
    sandbox.set_lifetime("pink", json!(0.2));
    let client = consented(&sandbox, &[]);
    pause(250);
    sandbox.fault(Fault { cut: Some(Cut::BeforeAnswer), ..Fault::on("pink/token") });
    failure(&client);
    until("the vendor's word", || failure(&client).kind() == Kind::ConsentRequired);
    assert_error(&failure(&client), Kind::ConsentRequired, &["PINK", "invalid_grant", "new consent"]);
    let asked = sandbox.count("pink/token");
    failure(&client);
    assert_eq!(sandbox.count("pink/token"), asked, "what the vendor said is remembered");
}

/// A refusal that the authorization server itself utters.
fn told(status: u16, code: &str) -> Fault {
    let body = Some(Body::Json(json!({"error": code})));
    Fault { status: Some(status), body, ..Fault::on("pink/token") }
}

/// A refusal that a gateway utters, which may have passed the request on.
fn gateways(body: Body) -> Fault {
    Fault { status: Some(503), body: Some(body), ..Fault::on("pink/token") }
}

#[test]
fn a_refresh_that_was_turned_away_is_tried_again() {
    let too_many = Fault { status: Some(429), ..Fault::on("pink/token") };
    for fault in [too_many, told(503, "temporarily_unavailable")] {
        let sandbox = sandbox();
        sandbox.set_lifetime("pink", json!(0.2));
        let client = consented(&sandbox, &[]);
        pause(250);
        sandbox.fault(fault);
        token(&client);
        assert_eq!(sandbox.count("pink/token"), 3);
    }
}

#[test]
fn a_refresh_that_may_have_taken_effect_is_not() {
    let broken = Fault { status: Some(500), ..Fault::on("pink/token") };
    let envoy = Body::Text("upstream connect error or disconnect/reset before headers".into());
    let unknown = Body::Json(json!({"message": "Service Unavailable"}));
    for fault in
        [broken, gateways(envoy), gateways(unknown), gateways(Body::Empty), told(503, "server_error")]
    {
        let sandbox = sandbox();
        sandbox.set_lifetime("pink", json!(0.2));
        let client = consented(&sandbox, &[]);
        pause(250);
        sandbox.fault(fault.clone());
        assert_eq!(failure(&client).kind(), Kind::Server, "{fault:?}");
        assert_eq!(sandbox.count("pink/token"), 2, "{fault:?}");
    }
}

#[test]
fn nor_is_a_code() {
    let sandbox = sandbox();
    let client = client(&sandbox, "pink");
    let consent = client.consent(&Call::default()).unwrap();
    sandbox.fault(gateways(Body::Html));
    let error = consent.finish(&browser::say_yes(consent.url()), &Call::default()).unwrap_err();
    assert_error(&error, Kind::Server, &["503"]);
    assert_eq!(sandbox.count("pink/token"), 1);
}

#[test]
fn a_refusal_is_not_tried_again() {
    for status in [400, 401, 403, 404, 422] {
        let sandbox = sandbox();
        sandbox.fault(outage("acquired/login", status));
        failure(&client(&sandbox, "acquired"));
        assert_eq!(sandbox.count("acquired/login"), 1, "{status}");
    }
}
