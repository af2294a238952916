//! Tokens that a resource refuses, and credentials that a vendor refuses.
mod support;

use std::time::{Duration, Instant};

use serde_json::json;
use support::browser::call;
use support::{
    Directory, always, assert_error, client, client_with, failure, open, outage, pause, sandbox, together,
    token, until,
};
use tokenkeep::{Call, Config, Kind};
use tokenkeep_sandbox::{Body, Fault};

#[test]
fn sixty_four_late_and_repeated_reports_cause_one_renewal() {
    let sandbox = sandbox();
    sandbox.fault(Fault { delay_ms: 20, ..always("acquired/login") });
    let client = client(&sandbox, "acquired");
    let first = token(&client);
    let tokens = together(64, |index| {
        pause((index % 8) as u64 * 5);
        for _ in 0..3 {
            client.rejected(first.generation(), 401, None).expect("worth asking again");
        }
        token(&client)
    });
    assert_eq!(sandbox.count("acquired/login"), 2);
    assert!(tokens.iter().all(|token| token.value() == tokens[0].value() && token.value() != first.value()));
    client.rejected(first.generation(), 401, None).expect("an old report does no harm");
    assert_eq!(token(&client).value(), tokens[0].value());
}

#[test]
fn two_new_tokens_refused_in_a_row_end_it_for_a_while() {
    let sandbox = sandbox();
    sandbox.configure("acquired", json!({"reject_all_tokens": true}));
    let client = client(&sandbox, "acquired");
    let first = token(&client);
    assert_eq!(call(&sandbox.resource("acquired"), &first).status, 401);
    client.rejected(first.generation(), 401, None).unwrap();
    let second = token(&client);
    let told = client.rejected(second.generation(), 401, None).unwrap_err();
    assert_error(&told, Kind::Rejected, &["two new tokens", "environment", "scope"]);
    assert_eq!(told.http_status(), Some(401));
    assert_eq!(failure(&client).kind(), Kind::Rejected);
    assert_eq!(client.rejected(second.generation(), 401, None).unwrap_err().kind(), Kind::Rejected);
    assert_eq!(sandbox.count("acquired/login"), 2);
    until("the pause is over", || client.token(&Call::default()).is_ok());
    assert_eq!(sandbox.count("acquired/login"), 3);
}

#[test]
fn a_report_by_all_threads_counts_as_one_refusal() {
    let sandbox = sandbox();
    let client = client(&sandbox, "acquired");
    let first = token(&client);
    together(64, |_| client.rejected(first.generation(), 401, None))
        .into_iter()
        .for_each(|told| told.unwrap());
    token(&client);
}

#[test]
fn insufficient_scope_and_403_keep_the_token() {
    let sandbox = sandbox();
    let client = client(&sandbox, "acquired");
    let had = token(&client);
    let generation = had.generation();
    for (status, challenge, words) in [
        (403, None, "403"),
        (403, Some("Bearer error=\"invalid_token\""), "403"),
        (403, Some("Bearer error=\"insufficient_scope\", scope=\"admin:all\""), "admin:all"),
        (401, Some("Basic realm=\"x\", Bearer error=insufficient_scope"), "scope"),
        (401, Some("Bearer error=\"invalid_request\""), "invalid_request"),
        (500, None, "500"),
        (429, None, "429"),
    ] {
        let told = client.rejected(generation, status, challenge).unwrap_err();
        assert_error(&told, Kind::Rejected, &[words]);
        assert_eq!(told.http_status(), Some(status));
    }
    assert_eq!(token(&client).value(), had.value());
    client.rejected(generation, 401, Some("Bearer realm=\"a, b\", error=\"invalid_token\"")).unwrap();
    assert_ne!(token(&client).value(), had.value());
}

#[test]
fn a_number_that_is_no_http_status_is_an_invalid_argument() {
    let sandbox = sandbox();
    let client = client(&sandbox, "acquired");
    let had = token(&client);
    for number in [0, 99, 600, u16::MAX] {
        let told = client.rejected(had.generation(), number, None).unwrap_err();
        assert_error(&told, Kind::InvalidArgument, &[&format!("{number} is no HTTP status")]);
    }
    assert_eq!(token(&client).value(), had.value());
}

#[test]
fn a_generation_that_was_never_handed_out_is_an_invalid_argument() {
    let sandbox = sandbox();
    let client = client(&sandbox, "acquired");
    assert_eq!(client.rejected(7, 401, None).unwrap_err().kind(), Kind::InvalidArgument, "before any token");
    let had = token(&client);
    for unknown in [had.generation() + 1, u64::MAX, 0] {
        let told = client.rejected(unknown, 401, None).unwrap_err();
        assert_error(&told, Kind::InvalidArgument, &["generation"]);
    }
    assert_eq!(token(&client).value(), had.value());
}

#[test]
fn a_refused_token_does_not_come_back() {
    let sandbox = sandbox();
    let client = client(&sandbox, "acquired");
    let first = token(&client);
    sandbox.configure("acquired", json!({"same_token": true}));
    client.rejected(first.generation(), 401, None).unwrap();
    let error = failure(&client);
    assert_error(&error, Kind::Rejected, &["the very token again"]);
    assert!(client.peek().is_none());
    sandbox.configure("acquired", json!({"same_token": false}));
    until("another token", || client.token(&Call::default()).is_ok());
}

#[test]
fn refused_credentials_are_sent_once_and_remembered() {
    let sandbox = sandbox();
    let client = client_with(&sandbox, "acquired", &[("app_key", "SANDBOX-SECRET-wrong-00000001")]);
    let first = failure(&client);
    for _ in 0..5 {
        let again = failure(&client);
        assert_eq!((again.kind(), again.message()), (Kind::Denied, first.message()));
        assert!(again.retry_after().is_some_and(|wait| (20..=30).contains(&wait.as_secs())));
    }
    assert_eq!(sandbox.count("acquired/login"), 1);
}

/// A wrong secret in a file is sent once, and again as soon as the file has another.
fn assert_remembered_by_secret(vendor: &str, setting: &str, endpoint: &str, settings: &[(&str, &str)]) {
    let (sandbox, directory) = (sandbox(), Directory::new());
    let good = sandbox.settings(vendor)[setting].clone();
    let file = directory.write("secret", "SANDBOX-SECRET-wrong-1");
    let by_file = format!("{setting}_file");
    let client =
        client(&sandbox, vendor).with([(&*by_file, &*file)].iter().chain(settings).copied()).unwrap();
    for _ in 0..4 {
        assert_eq!(failure(&client).kind(), Kind::Denied);
    }
    assert_eq!(sandbox.count(endpoint), 1, "{vendor} {settings:?}");
    directory.write("secret", "SANDBOX-SECRET-wrong-2");
    for _ in 0..4 {
        assert_eq!(failure(&client).kind(), Kind::Denied);
    }
    assert_eq!(sandbox.count(endpoint), 2, "{vendor} {settings:?}");
    directory.write("secret", &good);
    token(&client);
    assert_eq!(sandbox.count(endpoint), 3, "{vendor} {settings:?}");
}

#[test]
fn a_refusal_is_remembered_by_the_secret_that_was_sent() {
    assert_remembered_by_secret("acquired", "app_key", "acquired/login", &[]);
    assert_remembered_by_secret("oauth2", "client_secret", "oauth2/token", &[]);
    assert_remembered_by_secret("oauth2", "client_secret", "oauth2/token", &[("client_auth", "post")]);
}

#[test]
fn a_program_for_a_secret_is_not_run_at_every_call_while_the_secret_is_refused() {
    // At once, and after one second; the next time would be after two more. In a chain each step reads its own.
    for (vendor, setting, limit) in [("acquired", "app_key", 3), ("frederick", "password", 6)] {
        let (sandbox, directory) = (sandbox(), Directory::new());
        let runs = directory.path().join("runs");
        let script =
            directory.write("script", &format!("echo run >> {}; echo SANDBOX-SECRET-wrong", runs.display()));
        let command = json!(["sh", script]).to_string();
        let client = support::client_by(&sandbox, vendor, &format!("{setting}_command"), &command);
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(2500) {
            assert_eq!(failure(&client).kind(), Kind::Denied, "{vendor}");
            pause(10);
        }
        let count = std::fs::read_to_string(&runs).unwrap().lines().count();
        assert!((2..=limit).contains(&count), "{vendor}: {count} runs");
        directory.write("script", &format!("echo {}", sandbox.settings(vendor)[setting]));
        until("it is run again", || client.token(&Call::default()).is_ok());
    }
}

#[test]
fn a_secret_that_is_another_each_time_is_not_tried_at_every_call() {
    let sandbox = sandbox();
    let command = r#"["sh", "-c", "echo SANDBOX-SECRET-wrong-$$"]"#;
    let client = support::client_by(&sandbox, "acquired", "app_key_command", command);
    for _ in 0..20 {
        assert_eq!(failure(&client).kind(), Kind::Denied);
    }
    assert!(sandbox.count("acquired/login") <= 4, "{} logins", sandbox.count("acquired/login"));
}

#[test]
fn in_a_chain_too_a_refusal_is_remembered_by_the_secret_that_was_sent() {
    assert_remembered_by_secret("frederick", "password", "frederick/user_token", &[]);
    assert_remembered_by_secret("frederick", "api_key", "frederick/user_token", &[]);
}

#[test]
fn only_the_vendors_own_word_is_remembered_that_long() {
    let sandbox = sandbox();
    let client = client_with(&sandbox, "acquired", &[("max_attempts", "1")]);
    let gateways = [
        Fault { body: Some(Body::Html), ..outage("acquired/login", 401) },
        Fault { body: Some(Body::Empty), ..outage("acquired/login", 403) },
        Fault {
            body: Some(Body::Json(json!({"error_type": "unauthorized"}))),
            ..outage("acquired/login", 429)
        },
    ];
    for fault in gateways {
        sandbox.reset();
        sandbox.fault(fault);
        let wait = |error: &tokenkeep::Error| error.retry_after().unwrap_or_default().as_secs();
        failure(&client);
        let again = failure(&client);
        assert!(wait(&again) < 12, "{again} is remembered for {} s", wait(&again));
        sandbox.clear_faults();
        until("it is asked again", || client.token(&Call::default()).is_ok());
        client.rejected(token(&client).generation(), 401, None).ok();
    }
}

#[test]
fn a_404_says_nothing_of_the_credentials() {
    let server =
        support::server::Server::saying(&support::server::json(404, r#"{"message": "no Route matched"}"#));
    let mut config = Config::new("acquired");
    config.set("base_url", &server.url("")).set("app_id", "1").set("app_key", "SANDBOX-SECRET-key");
    let client = open(&config);
    failure(&client);
    let wait = failure(&client).retry_after().unwrap_or_default();
    assert!(wait.as_secs() < 12, "remembered for {wait:?}");
}

#[test]
fn a_given_token_from_a_file_is_not_asked_for_twice_while_the_file_stays() {
    let directory = Directory::new();
    let file = directory.write("token", "SANDBOX-TOKEN-one");
    let client = open(Config::new("acquire").set("access_token_file", &file));
    let one = token(&client);
    client.rejected(one.generation(), 401, None).unwrap();
    assert_error(&failure(&client), Kind::Rejected, &["the very token again"]);
    directory.write("token", "SANDBOX-TOKEN-two");
    until("the new one", || {
        client.token(&Call::default()).is_ok_and(|token| token.value() == "SANDBOX-TOKEN-two")
    });
}
