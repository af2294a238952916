//! When a token is renewed, who waits for it, and what a failed renewal does.
mod support;

use std::time::Duration;

use serde_json::json;
use support::browser::call;
use support::{
    always, client_with, config, consented, failure, lasting, open, outage, pause, sandbox, timed, together,
    token, until, until_asked,
};
use tokenkeep::{Call, Client, Kind, Lifetime};
use tokenkeep_sandbox::{Fault, Sandbox, fixtures};

/// Tokens live for two seconds; their early window begins after one, and at the latest a quarter later.
const SETTINGS: [(&str, &str); 2] = [("refresh_early", "1 s"), ("max_attempts", "1")];
const IN_THE_WINDOW: u64 = 1300;

fn short_lived(sandbox: &Sandbox) -> Client {
    sandbox.set_lifetime("acquired", json!(2));
    client_with(sandbox, "acquired", &SETTINGS)
}

#[test]
fn in_the_early_window_nobody_waits_for_the_renewal() {
    let sandbox = sandbox();
    let client = short_lived(&sandbox);
    let first = token(&client);
    pause(IN_THE_WINDOW);
    sandbox.fault(Fault { hang: true, ..always("acquired/login") });
    let taken = together(16, |_| timed(|| token(&client)));
    for (token, waited) in &taken {
        assert_eq!(token.value(), first.value());
        assert!(*waited < Duration::from_millis(200), "{waited:?}");
    }
    until_asked(&sandbox, "acquired/login", 2);
    for _ in 0..100 {
        token(&client);
    }
    assert_eq!(sandbox.count("acquired/login"), 2, "one renewal is under way, and it is enough");
}

#[test]
fn the_renewed_token_is_taken_as_soon_as_it_is_there() {
    let sandbox = sandbox();
    let client = short_lived(&sandbox);
    let first = token(&client);
    pause(IN_THE_WINDOW);
    token(&client);
    until("the new token", || token(&client).value() != first.value());
    let new = token(&client);
    assert!(new.generation() > first.generation());
    assert_eq!(call(&sandbox.resource("acquired"), &new).status, 200);
}

#[test]
fn before_the_early_window_no_call_renews() {
    let sandbox = sandbox();
    let client = short_lived(&sandbox);
    together(8, |_| {
        for _ in 0..5 {
            token(&client);
            pause(100);
        }
    });
    assert_eq!(sandbox.count("acquired/login"), 1);
    let next = client.stats().next_renewal.unwrap().duration_since(support::now()).unwrap();
    assert!(next < Duration::from_millis(760), "{next:?}");
}

#[test]
fn clients_that_get_their_tokens_at_once_do_not_renew_them_at_once() {
    let sandbox = sandbox();
    let accounts: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    let began = support::now();
    let clients: Vec<_> =
        accounts.iter().map(|account| client_with(&sandbox, "acquired", &[("account", account)])).collect();
    let renewals = clients.iter().map(|client| {
        token(client);
        client.stats().next_renewal.unwrap().duration_since(began).unwrap().as_secs()
    });
    let mut renewals: Vec<_> = renewals.collect();
    renewals.sort();
    assert_eq!(sandbox.count("acquired/login"), 20);
    // An hour's tokens are renewed 300 s before their end, and up to 75 s later by chance.
    let (first, last) = (renewals[0], renewals[19]);
    assert!(first >= 3299 && last < 3375 + 10, "{renewals:?}");
    assert!(last - first > 15, "{renewals:?}");
}

#[test]
fn nobody_gets_a_token_past_its_end_while_a_renewal_runs() {
    let sandbox = sandbox();
    sandbox.set_lifetime("acquired", json!(0.4));
    let client = client_with(&sandbox, "acquired", &[]);
    let first = token(&client);
    pause(420);
    sandbox.fault(Fault { delay_ms: 300, ..Fault::on("acquired/login") });
    sandbox.set_lifetime("acquired", json!(60));
    for token in together(32, |_| token(&client)) {
        assert_ne!(token.value(), first.value());
    }
    assert_eq!(sandbox.count("acquired/login"), 2);
}

#[test]
fn a_lifetime_counts_from_the_request_and_not_from_the_answer() {
    let sandbox = sandbox();
    sandbox.set_lifetime("acquired", json!(60));
    sandbox.fault(Fault { delay_ms: 500, ..Fault::on("acquired/login") });
    let before = support::now();
    let Lifetime::Known { expires_at } = token(&client_with(&sandbox, "acquired", &[])).lifetime() else {
        panic!("it has an end");
    };
    let end = expires_at.duration_since(before).unwrap();
    assert!(end < Duration::from_millis(60_300), "{end:?}");
}

#[test]
fn a_failed_renewal_is_unseen_until_the_token_ends() {
    let sandbox = sandbox();
    let client = short_lived(&sandbox);
    let first = token(&client);
    pause(IN_THE_WINDOW);
    sandbox.fault(outage("acquired/login", 503));
    token(&client);
    until("the failure", || client.last_error().is_some());
    assert_eq!(client.last_error().unwrap().kind(), Kind::Server);
    assert_eq!(client.stats().failures, 1);
    assert!(client.take_events().iter().any(|event| event.level == tokenkeep::Level::Warn));
    for _ in 0..20 {
        assert_eq!(token(&client).value(), first.value());
    }
    assert_eq!(sandbox.count("acquired/login"), 2, "the vendor is left alone for a while");
    pause(800);
    assert_eq!(failure(&client).kind(), Kind::Server);
    sandbox.clear_faults();
    until("a new token", || client.token(&Call::default()).is_ok());
    assert!(client.last_error().is_none());
}

#[test]
fn where_a_refresh_token_may_be_lost_the_starter_waits_and_nobody_else() {
    let sandbox = sandbox();
    sandbox.set_lifetime("pink", json!(2));
    let client = consented(&sandbox, &SETTINGS);
    let first = token(&client);
    pause(IN_THE_WINDOW);
    sandbox.fault(Fault { delay_ms: 400, ..always("pink/token") });
    let taken = together(16, |_| timed(|| token(&client)));
    let (waited, at_once): (Vec<_>, Vec<_>) =
        taken.iter().partition(|(token, _)| token.value() != first.value());
    assert_eq!((waited.len(), at_once.len()), (1, 15));
    assert!(waited[0].1 >= Duration::from_millis(350), "{:?}", waited[0].1);
    for (_, took) in &at_once {
        assert!(*took < Duration::from_millis(250), "{took:?}");
    }
    assert_eq!(sandbox.count("pink/token"), 2, "the code's and one refresh");
}

#[test]
fn the_starter_gets_the_old_token_when_its_risky_renewal_fails() {
    let sandbox = sandbox();
    sandbox.set_lifetime("pink", json!(2));
    let client = consented(&sandbox, &SETTINGS);
    let first = token(&client);
    pause(IN_THE_WINDOW);
    sandbox.fault(outage("pink/token", 500));
    assert_eq!(token(&client).value(), first.value());
    assert_eq!(client.last_error().unwrap().kind(), Kind::Server);
}

#[test]
fn a_refresh_token_that_does_not_rotate_is_refreshed_in_the_background() {
    let sandbox = sandbox();
    sandbox.configure("pink", json!({"lifetime": 2, "rotate_refresh": false}));
    let client = consented(&sandbox, &[&SETTINGS[..], &[("refresh_rotates", "no")]].concat());
    let first = token(&client);
    pause(IN_THE_WINDOW);
    sandbox.fault(Fault { delay_ms: 300, ..always("pink/token") });
    let taken = together(8, |_| timed(|| token(&client)));
    assert!(taken.iter().all(|(token, _)| token.value() == first.value()));
    assert!(taken.iter().all(|(_, took)| *took < Duration::from_millis(250)));
}

#[test]
fn min_valid_renews_a_token_that_lives_too_short_and_only_once() {
    let sandbox = sandbox();
    let client = short_lived(&sandbox);
    let first = token(&client);
    pause(700);
    assert_eq!(token(&client).value(), first.value());
    let second = client.token(&lasting(1500)).unwrap();
    assert_ne!(second.value(), first.value());
    assert_eq!(client.token(&lasting(1500)).unwrap().value(), second.value());
    assert_eq!(sandbox.count("acquired/login"), 2);
}

#[test]
fn min_valid_beyond_the_vendors_lifetimes_is_no_renewal_per_call() {
    let sandbox = sandbox();
    let client = short_lived(&sandbox);
    for _ in 0..10 {
        client.token(&lasting(3_600_000)).unwrap();
    }
    assert_eq!(sandbox.count("acquired/login"), 1);
}

#[test]
fn min_valid_meets_a_failing_vendor_alike_on_every_call() {
    let sandbox = sandbox();
    let client = short_lived(&sandbox);
    token(&client);
    pause(700);
    sandbox.fault(outage("acquired/login", 503));
    let kinds: Vec<_> =
        (0..3).map(|_| client.token(&lasting(1500)).map(drop).map_err(|error| error.kind())).collect();
    assert_eq!(kinds, [kinds[0]; 3], "the same question has the same answer");
    assert_eq!(sandbox.count("acquired/login"), 2);
}

#[test]
fn without_a_thread_too_nobody_gets_a_token_past_its_end() {
    let sandbox = sandbox();
    sandbox.set_lifetime("acquired", serde_json::json!(1));
    let client = client_with(&sandbox, "acquired", &[("background", "off"), ("refresh_early", "500 ms")]);
    token(&client);
    pause(700);
    sandbox.fault(Fault { delay_ms: 600, ..always("acquired/login") });
    let got = token(&client);
    let tokenkeep::Lifetime::Known { expires_at } = got.lifetime() else { panic!("it has an end") };
    assert!(expires_at > support::now(), "it ended {:?} ago", support::now().duration_since(expires_at));
}

#[test]
fn without_a_thread_too_nobody_gets_a_token_that_was_over_when_it_arrived() {
    let sandbox = sandbox();
    sandbox.set_lifetime("acquired", json!(2));
    let client = client_with(&sandbox, "acquired", &[("background", "off"), ("refresh_early", "1 s")]);
    token(&client);
    pause(IN_THE_WINDOW);
    sandbox.set_lifetime("acquired", json!(0.1));
    sandbox.fault(Fault { delay_ms: 300, ..always("acquired/login") });
    let got = token(&client);
    let Lifetime::Known { expires_at } = got.lifetime() else { panic!("it has an end") };
    assert!(expires_at > support::now(), "it ended {:?} ago", support::now().duration_since(expires_at));
}

#[test]
fn the_same_token_again_is_no_reason_to_ask_at_once() {
    let sandbox = sandbox();
    let client = short_lived(&sandbox);
    token(&client);
    pause(IN_THE_WINDOW);
    sandbox.configure("acquired", json!({"same_token": true}));
    for _ in 0..20 {
        token(&client);
        pause(10);
    }
    assert_eq!(sandbox.count("acquired/login"), 2);
}

#[test]
fn refresh_early_is_at_most_half_the_life() {
    let sandbox = sandbox();
    sandbox.set_lifetime("acquired", json!(60));
    let client = open(config(&sandbox, "acquired").set("refresh_early", "1 h"));
    for _ in 0..20 {
        token(&client);
    }
    assert_eq!(sandbox.count("acquired/login"), 1);
    let next = client.stats().next_renewal.unwrap().duration_since(support::now()).unwrap();
    assert!((29..=38).contains(&next.as_secs()), "{next:?}");
}

#[test]
fn default_lifetime_ends_a_token_whose_vendor_says_nothing() {
    let sandbox = sandbox();
    sandbox.set_lifetime("oauth2", json!({"absent": true}));
    let client = client_with(&sandbox, "oauth2", &[("default_lifetime", "300 ms")]);
    assert!(matches!(token(&client).lifetime(), Lifetime::Known { .. }));
    pause(350);
    token(&client);
    assert_eq!(sandbox.count("oauth2/token"), 2);
}

#[test]
fn a_life_does_not_count_from_before_the_secret_was_had() {
    let sandbox = sandbox();
    sandbox.set_lifetime("acquired", json!(60));
    let script = format!("sleep 1; echo {}", sandbox.settings("acquired")["app_key"]);
    let command = json!(["sh", "-c", script]).to_string();
    let client = support::client_by(&sandbox, "acquired", "app_key_command", &command);
    let before = support::now();
    let Lifetime::Known { expires_at } = token(&client).lifetime() else { panic!("it has an end") };
    let life = expires_at.duration_since(before).unwrap().as_millis();
    assert!(life > 60_900, "{life} ms");
}

#[test]
fn a_renewal_that_no_thread_can_be_started_for_is_left_alone_for_a_moment() {
    const BASE: &str = "SANDBOX_BASE";
    let Some(base) = support::told(BASE) else {
        let sandbox = sandbox();
        sandbox.set_lifetime("acquired", json!(4));
        let test = "a_renewal_that_no_thread_can_be_started_for_is_left_alone_for_a_moment";
        support::in_child(test, &[(BASE, &*sandbox.base("acquired"))], None);
        return;
    };
    let mut config = tokenkeep::Config::new("acquired");
    config.set("base_url", &base).set("app_id", fixtures::ACQUIRED_APP_ID);
    config.set("app_key", fixtures::ACQUIRED_APP_KEY).set("refresh_early", "2 s");
    let client = open(&config);
    let had = token(&client);
    pause(2600);
    let again = support::without_threads(|| [(); 3].map(|()| client.token(&Call::default())));
    for again in again {
        assert_eq!(again.unwrap().value(), had.value());
    }
    assert_eq!(client.stats().failures, 1);
    let error = client.last_error().expect("it was remembered");
    support::assert_error(&error, Kind::Network, &["no thread could be started", "Acquired"]);
    assert!(error.is_retryable());
}
