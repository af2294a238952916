//! Who shares a token with whom, and who must not.
mod support;

use serde_json::json;
use support::browser::call;
use support::server::Server;
use support::{
    always, assert_error, client, client_with, config, failure, open, sandbox, together, token, until,
};
use tokenkeep::{Call, Client, Config, Kind, Log};
use tokenkeep_sandbox::{Fault, fixtures};

#[test]
fn clients_that_differ_in_identity_alone_never_share() {
    let sandbox = sandbox();
    let mut values = vec![token(&client(&sandbox, "oauth2")).value().to_owned()];
    for setting in [
        ("audience", "one"),
        ("audience", "two"),
        ("resource", "https://one.example/"),
        ("scope", "read write"),
        ("account", "alice"),
        ("account", "bob"),
        ("token_extra", "a=1"),
        ("client_auth", "post"),
    ] {
        let other = client_with(&sandbox, "oauth2", &[setting]);
        assert!(other.peek().is_none(), "{setting:?} finds another's token");
        values.push(token(&other).value().to_owned());
    }
    assert_eq!(sandbox.count("oauth2/token"), values.len() as u64);
    values.sort();
    values.dedup();
    assert_eq!(sandbox.count("oauth2/token"), values.len() as u64);
}

#[test]
fn clients_that_differ_in_calling_or_showing_alone_share_one_request() {
    let sandbox = sandbox();
    let settings: [&[(&str, &str)]; 4] = [
        &[],
        &[("timeout", "3")],
        &[("mid", fixtures::ACQUIRED_MID)],
        &[("company_id", fixtures::ACQUIRED_COMPANY_ID)],
    ];
    let clients: Vec<Client> =
        settings.iter().map(|settings| client_with(&sandbox, "acquired", settings)).collect();
    sandbox.fault(Fault { delay_ms: 50, ..Fault::on("acquired/login") });
    let tokens = together(clients.len(), |index| token(&clients[index]));
    assert_eq!(sandbox.count("acquired/login"), 1);
    assert!(tokens.iter().all(|token| token.value() == tokens[0].value()));
    let pages: Vec<_> = tokens.iter().map(|token| call(&sandbox.resource("acquired"), token)).collect();
    let echoed: Vec<_> = pages.iter().map(|page| (page.header("company-id"), page.header("mid"))).collect();
    let (company, mid) = (Some(fixtures::ACQUIRED_COMPANY_ID), Some(fixtures::ACQUIRED_MID));
    assert_eq!(echoed, [(None, None), (None, None), (None, mid), (company, None)]);
}

#[test]
fn a_wrong_key_never_gets_the_right_ones_token() {
    let sandbox = sandbox();
    let right = client(&sandbox, "acquired");
    token(&right);
    let wrong = client_with(&sandbox, "acquired", &[("app_key", "SANDBOX-SECRET-wrong-00000001")]);
    assert!(wrong.peek().is_none());
    assert_eq!(failure(&wrong).kind(), Kind::Denied);
    assert!(right.peek().is_some(), "and the right one's token is kept");
}

#[test]
fn a_token_given_to_one_client_is_not_shown_by_another() {
    let personal =
        |value: &str| open(Config::new("pink").set("grant", "access_token").set("access_token", value));
    let (one, two) = (personal("SANDBOX-TOKEN-one"), personal("SANDBOX-TOKEN-two"));
    assert_eq!((token(&one).value(), token(&two).value()), ("SANDBOX-TOKEN-one", "SANDBOX-TOKEN-two"));
}

#[test]
fn a_client_that_would_be_kept_otherwise_is_refused_naming_the_setting() {
    let sandbox = sandbox();
    let _first = client(&sandbox, "acquired");
    for (name, value) in [
        ("proxy", "http://user:SANDBOX-SECRET@127.0.0.1:9"),
        ("ca_file", "/tmp/ca.pem"),
        ("refresh_early", "5 s"),
        ("default_lifetime", "5 s"),
        ("max_attempts", "1"),
        ("connect_timeout", "1 s"),
        ("background", "off"),
        ("user_agent", "me/1"),
    ] {
        let error = Client::new(config(&sandbox, "acquired").set(name, value)).unwrap_err();
        assert_error(&error, Kind::Config, &["another client", name]);
        assert!(!error.message().contains("SANDBOX"), "{error}");
    }
}

#[test]
fn a_disagreement_ends_with_the_client_that_was_first() {
    let sandbox = sandbox();
    drop(client(&sandbox, "acquired"));
    token(&client_with(&sandbox, "acquired", &[("max_attempts", "1")]));
}

#[test]
fn with_its_last_client_a_credential_is_forgotten_at_once() {
    let sandbox = sandbox();
    for round in 0..40 {
        let client = client_with(&sandbox, "acquired", &[("max_attempts", &(round % 2 + 1).to_string())]);
        token(&client);
    }
    assert_eq!(sandbox.count("acquired/login"), 40);
}

#[test]
fn the_default_environment_and_the_same_one_by_name_are_one_identity() {
    let acquired = |settings: &[(&str, &str)]| {
        let mut config = Config::new("acquired");
        config.set("app_id", "12345678").set("app_key", "SANDBOX-SECRET").set("proxy", "none");
        for (name, value) in settings {
            config.set(name, value);
        }
        Client::new(&config)
    };
    let _default = acquired(&[]).unwrap();
    // Whoever shares must agree, so a disagreement tells who shares.
    let disagreeing = ("max_attempts", "1");
    assert!(acquired(&[("environment", "production"), disagreeing]).is_err());
    assert!(acquired(&[("base_url", "https://api.acquired.com"), disagreeing]).is_err());
    assert!(acquired(&[("environment", "qa"), disagreeing]).is_ok());
}

/// Two clients of one's own vendor that differ in one setting, and how many logins they cost.
fn logins(vendor: &str, name: &str, values: [&str; 2]) -> usize {
    let server = support::server::Server::granting(r#"{"access_token": "SANDBOX-TOKEN-a"}"#);
    let directory = support::Directory::new();
    let file = directory.write("own.toml", &vendor.replace("BASE", &server.url("")));
    let clients = values.map(|value| {
        let mut config = Config::new(&file);
        config.set("app_key", "SANDBOX-SECRET-key").set(name, value);
        support::open(&config)
    });
    clients.iter().for_each(|client| drop(token(client)));
    server.count()
}

const OWN: &str = r#"
name = "own"
title = "Own"
scheme = "login"
default_environment = "only"
[environments.only]
base_url = "BASE"
[[step]]
url = "{base_url}/login"
encoding = "json"
fields = { key = "{app_key}", company = "{company_id?}" }
[answer]
token_type_absent = "Bearer"
[headers]
X-Auth = "{app_key}/{mid?}"
"#;

#[test]
fn what_a_login_sends_tells_tokens_apart_whatever_its_class() {
    assert_eq!(logins(OWN, "company_id", ["one", "two"]), 2, "sent to buy the token");
    assert_eq!(logins(OWN, "mid", ["one", "two"]), 2, "in one header with a secret, so in the grant");
}

#[test]
fn a_provider_file_that_has_changed_is_another_provider() {
    let (old, new) = (
        support::server::Server::granting(r#"{"access_token": "SANDBOX-TOKEN-old"}"#),
        support::server::Server::granting(r#"{"access_token": "SANDBOX-TOKEN-new"}"#),
    );
    let directory = support::Directory::new();
    let write = |server: &support::server::Server| {
        let text =
            OWN.replace("{base_url}/login", &server.url("/login")).replace("BASE", "https://own.example");
        directory.write("own.toml", &text)
    };
    let file = write(&old);
    let open = || support::open(Config::new(&file).set("app_key", "SANDBOX-SECRET-key").set("mid", "m"));
    let first = open();
    write(&new);
    let second = open();
    assert_eq!(token(&first).value(), "SANDBOX-TOKEN-old");
    assert_eq!(token(&second).value(), "SANDBOX-TOKEN-new");
}

#[test]
fn a_user_token_bought_at_a_locations_url_is_that_locations() {
    let sandbox = sandbox();
    let url = format!("{}?l={{location_id}}", sandbox.settings("frederick")["user_token_url"]);
    let clients = ["7d3f0a52-0001", "7d3f0a52-0002"]
        .map(|id| client_with(&sandbox, "frederick", &[("location_id", id), ("user_token_url", &url)]));
    clients.iter().for_each(|client| drop(token(client)));
    assert_eq!(sandbox.count("frederick/user_token"), 2);
}

#[test]
fn a_refresh_token_under_way_is_not_sent_by_a_second_keeper() {
    let server = support::server::Server::start(|_| {
        support::pause(600);
        support::server::json(200, r#"{"access_token": "SANDBOX-TOKEN-a", "token_type": "Bearer"}"#).into()
    });
    let mut config = Config::new("oauth2");
    config.set("grant", "refresh_token").set("client_id", "id").set("token_url", &server.url("/t"));
    config.set("refresh_token", "SANDBOX-SECRET-under-way");
    let first = support::open(&config);
    first.token(&support::within(100)).unwrap_err();
    drop(first);
    let error = Client::new(config.set("max_attempts", "1")).unwrap_err();
    assert_error(&error, Kind::Config, &["max_attempts"]);
    assert_eq!(server.count(), 1);
}

#[test]
fn locations_that_are_refused_do_not_cost_the_others_their_user_token() {
    let sandbox = sandbox();
    let body = tokenkeep_sandbox::Body::Json(json!({"message": "not yours"}));
    sandbox.fault(Fault { status: Some(401), body: Some(body), ..always("frederick/location_token") });
    for id in ["7d3f0a52-0008", "7d3f0a52-0009", "7d3f0a52-0010"] {
        assert_eq!(failure(&client_with(&sandbox, "frederick", &[("location_id", id)])).kind(), Kind::Denied);
    }
    // What keeps the user token while no location's client does.
    let user = client_with(&sandbox, "frederick", &[("acts_as", "user")]);
    token(&user);
    let clients = ["7d3f0a52-0011", "7d3f0a52-0012", "7d3f0a52-0013"]
        .map(|id| client_with(&sandbox, "frederick", &[("location_id", id)]));
    for client in &clients {
        assert_eq!(failure(client).kind(), Kind::Denied);
    }
    sandbox.clear_faults();
    token(&client_with(&sandbox, "frederick", &[("location_id", "7d3f0a52-0001")]));
}

#[test]
fn a_location_that_is_refused_says_so_also_where_the_user_token_is_always_the_same() {
    let sandbox = sandbox();
    sandbox.configure("frederick", json!({"same_token": true}));
    let user = client_with(&sandbox, "frederick", &[("acts_as", "user")]);
    let before = token(&user);
    let body = tokenkeep_sandbox::Body::Json(json!({"message": "not yours"}));
    sandbox.fault(Fault { status: Some(401), body: Some(body), ..always("frederick/location_token") });
    let error = failure(&client(&sandbox, "frederick"));
    assert_error(&error, Kind::Denied, &["location", "401", "not yours"]);
    assert_eq!(sandbox.count("frederick/location_token"), 1, "there was no other token to try");
    let after = token(&user);
    assert_eq!(after.value(), before.value(), "it is good, and the only one");
    sandbox.clear_faults();
    token(&client_with(&sandbox, "frederick", &[("location_id", "7d3f0a52-0001")]));
}

#[test]
fn one_refresh_token_serves_one_identity() {
    let refreshing = |settings: &[(&str, &str)]| {
        let mut config = Config::new("oauth2");
        config.set("grant", "refresh_token").set("client_id", "id").set("token_url", "https://a.example/t");
        config.set("refresh_token", "SANDBOX-SECRET-refresh");
        for (name, value) in settings {
            config.set(name, value);
        }
        Client::new(&config)
    };
    let first = refreshing(&[]).unwrap();
    let error = refreshing(&[("account", "bob")]).unwrap_err();
    assert_error(&error, Kind::Config, &["refresh_token", "another identity"]);
    assert!(!error.message().contains("SANDBOX"), "{error}");
    assert!(refreshing(&[]).is_ok(), "the same identity may have it twice");
    assert!(refreshing(&[("account", "bob"), ("refresh_token", "SANDBOX-SECRET-other")]).is_ok());
    drop(first);
    assert!(refreshing(&[("account", "bob")]).is_ok(), "it is free again");
}

#[test]
fn one_refresh_token_serves_one_identity_also_where_it_is_read_when_it_is_needed() {
    let server = Server::granting(
        r#"{"access_token": "SANDBOX-TOKEN-a", "token_type": "Bearer", "expires_in": 3600}"#,
    );
    let directory = support::Directory::new();
    let file = directory.write("seed", "SANDBOX-TOKEN-seed-of-two");
    let client = |account: &str, name: &str, value: &str| {
        let mut config = Config::new("oauth2");
        config.set("grant", "refresh_token").set("client_id", "id").set("token_url", &server.url("/token"));
        open(config.set("account", account).set(name, value))
    };
    let alice = client("alice", "refresh_token_file", &file);
    let bob = client("bob", "refresh_token_command", &format!("cat {file}"));
    token(&alice);
    assert_error(&failure(&bob), Kind::Config, &["refresh_token", "another identity"]);
    assert_eq!(server.count(), 1);
    directory.write("seed", "SANDBOX-TOKEN-seed-of-bob");
    until("it is bob's", || bob.token(&Call::default()).is_ok());
}

#[test]
fn a_derived_client_keeps_its_token_as_long_as_the_first_lives() {
    let sandbox = sandbox();
    let base = client(&sandbox, "oauth2");
    let alice = || base.with([("account", "alice")]).unwrap();
    let first = token(&alice());
    assert_eq!(token(&alice()).value(), first.value(), "the derived client is gone, its token is not");
    let twice_derived = alice().with([("scope", "write")]).unwrap();
    let second = token(&twice_derived);
    drop(twice_derived);
    assert_eq!(token(&alice().with([("scope", "write")]).unwrap()).value(), second.value());
    assert_eq!(sandbox.count("oauth2/token"), 2);
    drop(base);
    token(&client_with(&sandbox, "oauth2", &[("account", "alice")]));
    assert_eq!(sandbox.count("oauth2/token"), 3, "with the first client its family is gone");
}

#[test]
fn a_derived_client_is_no_clone() {
    let sandbox = sandbox();
    let base = client(&sandbox, "acquired");
    let derived = base.with([("mid", fixtures::ACQUIRED_MID)]).unwrap();
    base.close();
    assert!(base.is_closed() && base.clone().is_closed() && !derived.is_closed());
    token(&derived);
    assert_error(&base.with([("tmeout", "3")]).unwrap_err(), Kind::Config, &["did you mean timeout?"]);
}

#[test]
fn locations_share_one_user_token() {
    let sandbox = sandbox();
    sandbox.fault(Fault { delay_ms: 30, ..always("frederick/*") });
    let ids = ["7d3f0a52-0001", "7d3f0a52-0002", "7d3f0a52-0003"];
    let clients: Vec<Client> =
        ids.iter().map(|id| client_with(&sandbox, "frederick", &[("location_id", id)])).collect();
    let tokens = together(ids.len(), |index| token(&clients[index]));
    assert_eq!((sandbox.count("frederick/user_token"), sandbox.count("frederick/location_token")), (1, 3));
    for (id, token) in ids.iter().zip(&tokens) {
        let appointments = format!("{}/v1/locations/{id}/appointments", sandbox.base("frederick"));
        assert_eq!(call(&appointments, token).json()["location_id"], json!(id));
    }
    let user = client_with(&sandbox, "frederick", &[("acts_as", "user")]);
    token(&user);
    assert_eq!(sandbox.count("frederick/user_token"), 1, "the user's own client has it too");
}

/// The messages that wait in a log.
fn told(log: &Log) -> Vec<String> {
    log.take_events().into_iter().map(|event| event.message).collect()
}

#[test]
fn an_event_comes_to_each_log_once_however_many_clients_write_to_it() {
    let sandbox = sandbox();
    let (one, two) = (Log::new(), Log::new());
    let client = |log: &Log| open(config(&sandbox, "acquired").log_to(log));
    let clients = [client(&one), client(&one), client(&two)];
    let derived = clients[0].with([("mid", "5a4b7a4e-0c3c-4d57-9b0f-1f6f1a3c0002")]).unwrap();
    clients.iter().chain([&derived]).for_each(|client| drop(token(client)));
    assert_eq!(sandbox.count("acquired/login"), 1);
    for log in [&one, &two] {
        assert_eq!(told(log), ["Acquired.com: a token was had"]);
    }
    assert!(clients.iter().chain([&derived]).all(|client| !client.has_events()));
}

#[test]
fn what_happens_to_the_user_token_is_told_to_the_locations() {
    let sandbox = sandbox();
    let log = Log::new();
    let clients: Vec<Client> = ["7d3f0a52-0001", "7d3f0a52-0002"]
        .iter()
        .map(|id| open(config(&sandbox, "frederick").set("location_id", id).log_to(&log)))
        .collect();
    token(&clients[0]);
    let first = told(&log);
    assert_eq!(first.iter().filter(|message| message.ends_with("a token was had")).count(), 2, "{first:?}");
    token(&clients[1]);
    let second = told(&log);
    assert_eq!(second.iter().filter(|message| message.ends_with("a token was had")).count(), 1, "{second:?}");
}
