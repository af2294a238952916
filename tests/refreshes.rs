//! Refresh tokens: which one is sent, which is kept, and what a refresh says of scope.
mod support;

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use support::browser::{call, query};
use support::server::{Server, json as answer};
use support::{assert_error, consented, failure, open, pause, sandbox, token};
use tokenkeep::{Client, Config, Kind, Level, Log};

#[test]
fn an_odd_lifetime_never_costs_a_rotated_refresh_token() {
    for odd in ["-1", "1e99", "1e999", "-1e999", "\"1e999\"", "99999999999999999999999999", "null", "{}"] {
        let rotated = format!(
            r#"{{"access_token": "SANDBOX-TOKEN-a", "token_type": "Bearer", "refresh_token": "SANDBOX-TOKEN-new", "expires_in": {odd}}}"#
        );
        let server = Server::granting(&rotated);
        let client = refreshing(&server);
        let first = client.token(&support::within(5000)).unwrap_or_else(|error| panic!("{odd}: {error}"));
        client.rejected(first.generation(), 401, None).unwrap();
        client.token(&support::within(5000)).ok();
        assert_eq!(refresh_tokens(&server), [&*seed(&server), "SANDBOX-TOKEN-new"], "{odd}");
    }
}

fn refreshing(server: &Server) -> Client {
    refreshing_for(server, "any")
}

fn refreshing_for(server: &Server, scope: &str) -> Client {
    let mut config = Config::new("oauth2");
    config.set("scope", scope).log_to(&Log::new());
    config.set("token_url", &server.url("/token")).set("client_id", "id").set("grant", "refresh_token");
    // Each of these clients is another identity, so each has a seed of its own.
    config.set("refresh_token", &seed(server));
    open(&config)
}

fn seed(server: &Server) -> String {
    format!("SANDBOX-TOKEN-old-{}", server.address())
}

/// The refresh tokens that a server was sent, in order.
fn refresh_tokens(server: &Server) -> Vec<String> {
    let sent = server.requests();
    let of = |body: &str| support::browser::parameter(&format!("?{body}"), "refresh_token");
    sent.iter().map(|request| of(&request.body)).collect()
}

#[test]
fn a_rotated_refresh_token_outlives_an_answer_of_no_other_use() {
    for flaw in [
        r#""token_type": "mac""#,
        r#""token_type": null"#,
        r#""token_type": "Bearer", "access_token": "a\nb""#,
    ] {
        let server = Server::granting(&format!(
            r#"{{"access_token": "SANDBOX-TOKEN-a", "refresh_token": "SANDBOX-TOKEN-new", {flaw}}}"#
        ));
        let client = refreshing(&server);
        assert_eq!(failure(&client).kind(), Kind::Protocol, "{flaw}");
        support::until("it is asked again", || {
            client.token(&support::within(1000)).ok();
            server.count() > 1
        });
        assert_eq!(refresh_tokens(&server)[..2], [&*seed(&server), "SANDBOX-TOKEN-new"], "{flaw}");
    }
}

#[test]
fn a_given_refresh_token_that_was_rotated_away_is_never_sent_again() {
    let server = Server::granting(
        r#"{"access_token": "SANDBOX-TOKEN-a", "token_type": "Bearer", "refresh_token": "SANDBOX-TOKEN-new"}"#,
    );
    let client = refreshing(&server);
    support::token(&client);
    client.revoke(&tokenkeep::Call::default()).unwrap();
    assert_eq!(failure(&client).kind(), Kind::ConsentRequired);
    assert_eq!(refresh_tokens(&server), [seed(&server)]);
}

#[test]
fn a_refresh_token_that_was_rotated_away_need_not_stay_in_its_file() {
    let server = Server::granting(
        r#"{"access_token": "SANDBOX-TOKEN-a", "token_type": "Bearer", "refresh_token": "SANDBOX-TOKEN-new", "expires_in": 0.2}"#,
    );
    let directory = support::Directory::new();
    let file = directory.write("seed", &seed(&server));
    let mut config = Config::new("oauth2");
    config.set("token_url", &server.url("/token")).set("client_id", "id").set("grant", "refresh_token");
    let client = open(config.set("refresh_token_file", &file));
    support::token(&client);
    std::fs::remove_file(&file).unwrap();
    support::pause(250);
    support::token(&client);
    assert_eq!(refresh_tokens(&server), [&*seed(&server), "SANDBOX-TOKEN-new"]);
}

#[test]
fn what_a_renewal_brings_after_a_revocation_is_revoked_too() {
    let server = Server::start(|request| {
        if request.head.starts_with("POST /revoke") {
            return answer(200, "{}").into_bytes();
        }
        support::pause(400);
        let body = r#"{"access_token": "SANDBOX-TOKEN-a", "token_type": "Bearer", "refresh_token": "SANDBOX-TOKEN-new"}"#;
        answer(200, body).into_bytes()
    });
    let mut config = Config::new("oauth2");
    config.set("token_url", &server.url("/token")).set("revoke_url", &server.url("/revoke"));
    config.set("client_id", "id").set("grant", "refresh_token").set("refresh_token", &seed(&server));
    let client = open(&config);
    std::thread::scope(|scope| {
        scope.spawn(|| client.token(&tokenkeep::Call::default()).unwrap_err());
        support::until("it is asked", || server.count() == 1);
        client.revoke(&tokenkeep::Call::default()).unwrap();
    });
    support::until("the new one is revoked", || {
        server.requests().iter().any(|request| request.body.contains("token=SANDBOX-TOKEN-new"))
    });
}

#[test]
fn a_refresh_token_that_is_refused_without_a_word_calls_for_a_consent_and_is_kept() {
    let server = Server::start(|request| {
        match request.body.contains("SANDBOX-TOKEN-new") {
        false => answer(
            200,
            r#"{"access_token": "SANDBOX-TOKEN-a", "token_type": "Bearer", "refresh_token": "SANDBOX-TOKEN-new"}"#,
        )
        .into(),
        true => b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec(),
    }
    });
    let client = refreshing(&server);
    client.rejected(token(&client).generation(), 401, None).unwrap();
    let error = failure(&client);
    assert_error(&error, Kind::ConsentRequired, &["400", "empty body", "begin a new consent"]);
    // It may have been a whim: after a pause the same one is tried again.
    support::until("it is tried again", || {
        failure(&client);
        server.count() > 2
    });
    assert_eq!(refresh_tokens(&server)[1..3], ["SANDBOX-TOKEN-new", "SANDBOX-TOKEN-new"]);
}

#[test]
fn a_refresh_for_which_the_client_is_refused_says_so_and_keeps_the_token() {
    let server = Server::saying(&answer(401, r#"{"error": "invalid_client"}"#));
    let error = failure(&refreshing(&server));
    assert_error(&error, Kind::Denied, &["invalid_client", "Check client_id"]);
    assert!(!error.message().contains("consent"), "{error}");
}

#[test]
fn a_refresh_answer_without_a_refresh_token_keeps_the_old_one() {
    let server =
        Server::granting(r#"{"access_token":"SANDBOX-TOKEN-a","token_type":"Bearer","refresh_token":""}"#);
    let client = refreshing(&server);
    client.rejected(token(&client).generation(), 401, None).unwrap();
    client.token(&support::within(5000)).ok();
    assert_eq!(refresh_tokens(&server), [seed(&server), seed(&server)]);
}

/// Grants these scopes, one an answer, then says nothing of scope any more.
#[test]
fn a_consent_without_a_refresh_token_leaves_nothing_of_the_one_before() {
    let sandbox = sandbox();
    let client = consented(&sandbox, &[]);
    sandbox.configure("pink", json!({"issue_refresh_token": false, "lifetime": 0.3}));
    // Another person says yes.
    support::stores::consent(&client);
    pause(310);
    assert_error(&failure(&client), Kind::ConsentRequired, &["a person must say yes"]);
    assert_eq!(sandbox.count("pink/token"), 2, "the first person's refresh token is not sent");
}

fn granting_scopes(scopes: &'static [&'static str]) -> Server {
    let asked = AtomicUsize::new(0);
    Server::start(move |_| {
        let number = asked.fetch_add(1, Ordering::Relaxed);
        let scope = scopes.get(number).map(|scope| format!(r#", "scope": "{scope}""#)).unwrap_or_default();
        let body = format!(
            r#"{{"access_token": "SANDBOX-TOKEN-{number}", "token_type": "Bearer", "refresh_token": "SANDBOX-TOKEN-r{number}", "expires_in": 0.2{scope}}}"#
        );
        answer(200, &body).into()
    })
}

/// The scope of a token, and of each that comes after it.
fn scopes(client: &Client, renewals: usize) -> Vec<String> {
    let scope = |_| {
        let had = token(client);
        pause(220);
        had.scope().unwrap_or_default().to_owned()
    };
    (0..=renewals).map(scope).collect()
}

#[test]
fn a_refresh_that_says_nothing_of_scope_keeps_what_was_granted_not_what_was_asked() {
    let server = granting_scopes(&["one two", "one"]);
    let client = refreshing_for(&server, "one two three");
    assert_eq!(scopes(&client, 3), ["one two", "one", "one", "one"]);
    let warnings: Vec<_> =
        client.take_events().into_iter().filter(|event| event.level == Level::Warn).collect();
    let [first, second] = &warnings[..] else { panic!("one for each narrowing: {warnings:?}") };
    assert!(first.message.ends_with("lacks three") && second.message.ends_with("lacks two"), "{warnings:?}");
    let silent = granting_scopes(&[]);
    assert_eq!(scopes(&refreshing_for(&silent, "one two"), 1), ["one two", "one two"]);
    let empty = granting_scopes(&["", ""]);
    assert_eq!(scopes(&refreshing_for(&empty, "one"), 1), ["one", "one"]);
}

#[test]
fn what_was_granted_is_remembered_when_the_token_is_refused() {
    let server = granting_scopes(&["one"]);
    let client = refreshing_for(&server, "one two");
    client.rejected(token(&client).generation(), 401, None).unwrap();
    assert_eq!(token(&client).scope(), Some("one"));
}

#[test]
fn a_given_refresh_token_that_was_rotated_away_is_not_sent_by_the_next_client_either() {
    let server = Server::granting(
        r#"{"access_token": "SANDBOX-TOKEN-a", "token_type": "Bearer", "refresh_token": "SANDBOX-TOKEN-new"}"#,
    );
    support::token(&refreshing(&server));
    let error = failure(&refreshing(&server));
    assert_error(&error, Kind::ConsentRequired, &["was used and replaced", "keep one client alive"]);
    assert_eq!(refresh_tokens(&server), [seed(&server)]);
}

#[test]
fn the_resources_are_named_to_the_person_with_the_code_and_at_each_refresh() {
    let sandbox = sandbox();
    sandbox.set_lifetime("pink", json!(0.2));
    let client = consented(&sandbox, &[("resource", "https://one.example/ urn:two")]);
    pause(220);
    let renewed = token(&client);
    let [asked] = &sandbox.requests("pink/authorize")[..] else { panic!("one consent") };
    let resources = |text: &str| {
        let named = query(&format!("?{text}")).into_iter().filter(|(name, _)| name == "resource");
        named.map(|(_, uri)| uri).collect::<Vec<_>>()
    };
    let wanted = ["https://one.example/", "urn:two"];
    assert_eq!(resources(&asked.query), wanted);
    let bought = sandbox.requests("pink/token");
    assert_eq!(bought.len(), 2);
    for request in &bought {
        assert_eq!(resources(&request.body), wanted);
    }
    assert_eq!(call(&sandbox.resource("pink"), &renewed).json()["resource"], json!(wanted));
}

#[test]
fn an_id_token_is_handed_out_as_it_came_and_only_with_the_answer_that_held_it() {
    let server = Server::start(|request| {
        let first = !request.body.contains("SANDBOX-TOKEN-new");
        let id_token = if first { r#", "id_token": "SANDBOX-TOKEN.unverified.anything""# } else { "" };
        let body = format!(
            r#"{{"access_token": "SANDBOX-TOKEN-{first}", "token_type": "Bearer", "refresh_token": "SANDBOX-TOKEN-new"{id_token}}}"#
        );
        answer(200, &body).into()
    });
    let client = refreshing(&server);
    let first = token(&client);
    assert_eq!(first.id_token(), Some("SANDBOX-TOKEN.unverified.anything"));
    assert!(!format!("{first:?}").contains("SANDBOX-TOKEN"));
    client.rejected(first.generation(), 401, None).unwrap();
    assert_eq!(token(&client).id_token(), None);
}

#[test]
fn an_id_token_that_is_no_text_is_left_out_and_costs_nothing() {
    for odd in ["7", "null", "\"\"", "{}", "\"a\\u0000b\"", "\"a\\nb\""] {
        let server = Server::granting(&format!(
            r#"{{"access_token": "SANDBOX-TOKEN", "token_type": "Bearer", "id_token": {odd}}}"#
        ));
        assert_eq!(token(&refreshing(&server)).id_token(), None, "{odd}");
    }
}

#[test]
fn a_refresh_token_that_client_credentials_bring_is_not_kept() {
    let body =
        r#"{"access_token": "SANDBOX-TOKEN-a", "token_type": "Bearer", "refresh_token": "SANDBOX-SECRET-r"}"#;
    let server = Server::granting(body);
    let mut config = Config::new("oauth2");
    config.set("token_url", &server.url("/token")).set("revoke_url", &server.url("/revoke"));
    config.set("client_id", "id").set("client_secret", "SANDBOX-SECRET-id");
    let client = support::open(&config);
    token(&client);
    client.revoke(&tokenkeep::Call::default()).unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert!(requests[1].body.contains("token_type_hint=access_token"), "{requests:?}");
}
