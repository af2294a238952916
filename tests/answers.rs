//! What the vendor's answer says, well or badly, and what is made of it.
mod support;

use serde_json::{Value, json};
use support::server::{Server, json as answer};
use support::{
    assert_error, client, client_of, client_with, config, consented, failure, open, outage, sandbox, token,
};
use tokenkeep::{Client, Kind, Level, Lifetime};
use tokenkeep_sandbox::{Body, Fault};

/// How the token's life came out, and the warnings on the way.
fn lifetime(client: &Client) -> (Lifetime, Vec<String>) {
    let lifetime = token(client).lifetime();
    let events = client.take_events().into_iter();
    (lifetime, events.filter(|event| event.level == Level::Warn).map(|event| event.message).collect())
}

#[test]
fn a_lifetime_that_is_none_counts_as_unknown_and_is_warned_of() {
    for odd in [
        json!(-1),
        json!(0),
        json!(1e99),
        json!(99_999_999_999u64),
        json!("soon"),
        json!(true),
        json!([3600]),
    ] {
        let sandbox = sandbox();
        sandbox.set_lifetime("oauth2", odd.clone());
        let (lifetime, warnings) = lifetime(&client(&sandbox, "oauth2"));
        assert_eq!(lifetime, Lifetime::Unknown, "{odd}");
        let [warning] = &warnings[..] else { panic!("{odd}: {warnings:?}") };
        assert!(warning.contains("expires_in") && warning.contains("unknown"), "{warning}");
    }
}

#[test]
fn a_lifetime_that_is_none_counts_as_default_lifetime_where_there_is_one() {
    let sandbox = sandbox();
    sandbox.set_lifetime("oauth2", json!(-1));
    let (lifetime, warnings) = lifetime(&client_with(&sandbox, "oauth2", &[("default_lifetime", "1 h")]));
    assert!(matches!(lifetime, Lifetime::Known { .. }));
    assert!(warnings[0].contains("-1") && warnings[0].contains("default_lifetime"), "{warnings:?}");
}

#[test]
fn a_lifetime_as_text_counts_and_an_absent_one_is_no_oddity() {
    for (said, known) in [
        (json!("3600"), true),
        (json!(3600.5), true),
        (json!("3599.9"), true),
        (Value::Null, false),
        (json!({"absent": true}), false),
    ] {
        let sandbox = sandbox();
        sandbox.set_lifetime("oauth2", said.clone());
        let (lifetime, warnings) = lifetime(&client(&sandbox, "oauth2"));
        assert_eq!(matches!(lifetime, Lifetime::Known { .. }), known, "{said}");
        assert_eq!(lifetime == Lifetime::Unknown, !known, "{said}");
        assert!(warnings.is_empty(), "{said}: {warnings:?}");
    }
}

#[test]
fn a_jwt_tells_its_own_lifetime_where_the_answer_does_not() {
    let sandbox = sandbox();
    let claims = json!({"iat": 1000, "exp": 1600});
    sandbox.configure("oauth2", json!({"lifetime": {"absent": true}, "token_claims": claims}));
    let before = support::now();
    let Lifetime::Known { expires_at } = token(&client(&sandbox, "oauth2")).lifetime() else {
        panic!("it has an end")
    };
    let life = expires_at.duration_since(before).unwrap().as_secs();
    assert!((598..=601).contains(&life), "{life}");
}

#[test]
fn a_jwt_that_the_server_had_ready_lives_for_what_is_left_of_it_by_the_servers_clock() {
    // 784111777 is that date; {"iat": 784109977, "exp": 784112377} is half an hour before it, and ten minutes after.
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let jwt = "e30.eyJpYXQiOiA3ODQxMDk5NzcsICJleHAiOiA3ODQxMTIzNzd9.SANDBOX-TOKEN";
    let body = format!(r#"{{"access_token": "{jwt}", "token_type": "Bearer"}}"#);
    let dated = answer(200, &body).replacen("\r\n", &format!("\r\nDate: {date}\r\n"), 1);
    let before = support::now();
    let Lifetime::Known { expires_at } = token(&client_of(&Server::saying(&dated))).lifetime() else {
        panic!("it has an end")
    };
    let life = expires_at.duration_since(before).unwrap().as_secs();
    assert!((598..=602).contains(&life), "{life}");
}

#[test]
fn tokens_that_are_over_when_they_arrive_are_no_reason_to_ask_without_pause() {
    let server = Server::start(|_| {
        support::pause(60);
        answer(200, r#"{"access_token": "SANDBOX-TOKEN-a", "token_type": "Bearer", "expires_in": 0.03}"#)
            .into()
    });
    let client = client_of(&server);
    let error = client.token(&support::within(1500)).unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol, "{error}");
    assert!(server.count() <= 3, "{} requests for one call", server.count());
}

/// A token that is lists within lists.
fn deep_token() -> String {
    format!(r#"{{"access_token": {}{}}}"#, "[".repeat(100_000), "]".repeat(100_000))
}

#[test]
fn an_answer_that_is_no_token_is_told_by_what_it_is() {
    let sandbox = sandbox();
    let on = || Fault::on("acquired/login");
    for (fault, words) in [
        (Fault { body: Some(Body::Huge(300 * 1024)), ..on() }, "longer than 262144 bytes"),
        (Fault { body: Some(Body::Html), ..on() }, "HTML"),
        (Fault { body: Some(Body::Garbage), ..on() }, "no JSON"),
        (Fault { body: Some(Body::Text(r#"{"access_token": "SANDBOX-TOKEN"#.into())), ..on() }, "breaks off"),
        (Fault { body: Some(Body::Text(deep_token())), ..on() }, "token"),
        (Fault { body: Some(Body::Empty), ..on() }, "empty body"),
        (Fault { body: Some(Body::Json(json!(["SANDBOX-TOKEN"]))), ..on() }, "no object"),
        (Fault { body: Some(Body::Json(json!({}))), ..on() }, "no access_token"),
        (Fault { body: Some(Body::Json(json!({"access_token": 7}))), ..on() }, "no access_token"),
        (Fault { body: Some(Body::Json(json!({"access_token": "a\r\nX: y"}))), ..on() }, "cannot be sent"),
        (Fault { body: Some(Body::Json(json!({"access_token": "a b"}))), ..on() }, "cannot be sent"),
    ] {
        sandbox.reset();
        sandbox.fault(fault);
        let client = client(&sandbox, "acquired");
        let error = failure(&client);
        assert_error(&error, Kind::Protocol, &["/v1/login", words]);
        assert!(!error.is_retryable());
        assert_eq!(sandbox.count("acquired/login"), 1, "{error}: it is not asked again blindly");
    }
}

#[test]
fn an_answer_of_absurd_depth_costs_nothing() {
    let sandbox = sandbox();
    sandbox.fault(Fault { body: Some(Body::Deep(100_000)), ..Fault::on("acquired/login") });
    assert!(token(&client(&sandbox, "acquired")).value().contains("SANDBOX-TOKEN"));
}

#[test]
fn an_empty_refusal_is_a_refusal() {
    for status in [400, 403] {
        let sandbox = sandbox();
        sandbox.fault(Fault { body: Some(Body::Empty), ..outage("oauth2/token", status) });
        let error = failure(&client(&sandbox, "oauth2"));
        let status = status.to_string();
        assert_error(&error, Kind::Denied, &["OAuth 2", &status, "empty body", "Check client_id"]);
    }
}

#[test]
fn a_token_type_is_bearer_in_any_case_and_may_be_absent_where_the_vendor_is_known_for_it() {
    for kind in [json!("Bearer"), json!("bearer"), json!("BEARER")] {
        let sandbox = sandbox();
        sandbox.configure("oauth2", json!({"token_type": kind}));
        assert!(token(&client(&sandbox, "oauth2")).authorization().unwrap().starts_with("Bearer "), "{kind}");
    }
    let sandbox = sandbox();
    for vendor in ["acquired", "frederick", "oauth2"] {
        sandbox.configure(vendor, json!({"token_type": null}));
    }
    token(&client(&sandbox, "acquired"));
    token(&client(&sandbox, "frederick"));
    assert_error(&failure(&client(&sandbox, "oauth2")), Kind::Protocol, &["token_type", "RFC 6749"]);
    sandbox.configure("acquired", json!({"token_type": "mac"}));
    let error = failure(&client_with(&sandbox, "acquired", &[("account", "mac")]));
    assert_error(&error, Kind::Protocol, &["token_type", "other than Bearer"]);
}

#[test]
fn acquireds_complaints_are_told_parameter_by_parameter() {
    let sandbox = sandbox();
    let complaints = json!({
        "status": "error", "error_type": "validation", "title": "Your request parameters did not pass our validation.",
        "instance": "/v1/login",
        "invalid_parameters": [{"parameter": "app_id", "reason": "too short"}, {"parameter": "app_key", "description": "odd"}],
    });
    sandbox.fault(Fault { body: Some(Body::Json(complaints)), ..outage("acquired/login", 400) });
    let error = failure(&client(&sandbox, "acquired"));
    assert_error(&error, Kind::Denied, &["400", "validation", "app_id: too short", "app_key: odd"]);
}

#[test]
fn the_errors_of_rfc_6749_become_what_the_caller_can_do() {
    for (status, code, kind) in [
        (400, "invalid_client", Kind::Denied),
        (401, "invalid_client", Kind::Denied),
        (400, "unauthorized_client", Kind::Denied),
        (400, "invalid_grant", Kind::ConsentRequired),
        (400, "invalid_scope", Kind::Config),
        (400, "invalid_target", Kind::Config),
        (400, "invalid_request", Kind::Config),
        (400, "unsupported_grant_type", Kind::Config),
        (400, "temporarily_unavailable", Kind::Server),
        (400, "slow_down", Kind::RateLimited),
    ] {
        let server = Server::saying(&answer(
            status,
            &json!({"error": code, "error_description": "so it is"}).to_string(),
        ));
        let error = failure(&client_of(&server));
        assert_error(
            &error,
            kind,
            &["OAuth 2", &server.url("/token"), &status.to_string(), code, "so it is"],
        );
        assert_eq!((error.code(), error.http_status()), (Some(code), Some(status)));
        assert_eq!(error.is_retryable(), matches!(kind, Kind::Server | Kind::RateLimited));
    }
}

#[test]
fn a_wrong_address_is_told_to_be_checked() {
    let sandbox = sandbox();
    let wrong = format!("{}/wrong", sandbox.base("acquired"));
    let error = failure(&open(config(&sandbox, "acquired").set("base_url", &wrong)));
    assert_error(&error, Kind::Config, &["/wrong/v1/login", "404", "Check the URL"]);
}

#[test]
fn a_scope_that_differs_is_the_scope_that_was_granted() {
    let sandbox = sandbox();
    assert_eq!(token(&client(&sandbox, "oauth2")).scope(), Some("read"));
    let server =
        Server::granting(r#"{"access_token":"SANDBOX-TOKEN","token_type":"Bearer","scope":["one","two"]}"#);
    assert_eq!(token(&client_of(&server)).scope(), Some("one two"));
    let silent = consented(&sandbox, &[("scope", "profile admin")]);
    assert_eq!(token(&silent).scope(), Some("profile admin"));
}
