//! The keeper under load: many threads, tokens that live for moments, vendors that answer late, never or not well.
mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::json;
use support::{
    always, assert_error, client, client_with, failure, in_child, outage, pause, sandbox, timed, together,
    token, told, until, until_asked, within,
};
use tokenkeep::{Call, Client, Config, Kind, Lifetime, Token};
use tokenkeep_sandbox::Fault;

/// The wall clock as the library reads it: a few milliseconds behind the precise one, and never ahead of it.
fn coarse_now() -> SystemTime {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for writing.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_REALTIME_COARSE, &mut time) }, 0);
    SystemTime::UNIX_EPOCH + Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap())
}

fn end_of(token: &Token) -> SystemTime {
    match token.lifetime() {
        Lifetime::Known { expires_at } => expires_at,
        other => panic!("it has an end: {other:?}"),
    }
}

#[test]
fn no_call_of_100_000_by_16_threads_over_200_expiries_gets_a_token_past_its_end() {
    const CALLS: u64 = 100_000;
    const EXPIRIES: u64 = 200;
    let sandbox = sandbox();
    sandbox.set_lifetime("acquired", json!(0.05));
    // Renewals begin 10 ms before the end and take longer: in between there is no token to be had.
    sandbox.fault(Fault { delay_ms: 15, ..always("acquired/login") });
    let client = client(&sandbox, "acquired");
    let calls = AtomicU64::new(0);
    together(16, |_| {
        while calls.load(Ordering::Relaxed) < CALLS || client.stats().renewals <= EXPIRIES {
            // Before the call: the token may well end while the call returns.
            let asked = coarse_now();
            match client.token(&Call::default()) {
                Ok(token) => assert!(end_of(&token) > asked, "handed out past its end, {asked:?}: {token:?}"),
                // A machine so busy that three renewals in a row took a whole lifetime.
                Err(error) => assert_error(&error, Kind::Protocol, &["ended before they arrive"]),
            }
            calls.fetch_add(1, Ordering::Relaxed);
            pause(1);
        }
    });
    assert!(client.stats().hits > 1000, "calls find a token at all: {:?}", client.stats());
}

#[test]
fn sixty_four_threads_are_back_from_a_black_hole_by_their_deadline_after_one_request() {
    let sandbox = sandbox();
    sandbox.fault(Fault { hang: true, ..always("acquired/login") });
    let client = client(&sandbox, "acquired");
    for (outcome, took) in together(64, |_| timed(|| client.token(&within(1000)))) {
        assert_eq!(outcome.unwrap_err().kind(), Kind::Timeout);
        // One after the other they would take a minute.
        assert!((950..3000).contains(&took.as_millis()), "{took:?}");
    }
    assert_eq!(sandbox.count("acquired/login"), 1);
}

#[test]
fn sixteen_threads_with_an_ended_token_and_a_503_cost_one_callers_tries_and_hear_the_same() {
    let sandbox = sandbox();
    sandbox.set_lifetime("acquired", json!(0.2));
    let client = client(&sandbox, "acquired");
    token(&client);
    pause(220);
    sandbox.fault(outage("acquired/login", 503));
    let errors = together(16, |_| failure(&client));
    assert!((2..=4).contains(&sandbox.count("acquired/login")), "the login, and at most three tries");
    for error in &errors {
        assert_error(error, Kind::Server, &["503"]);
        assert_eq!(error.message(), errors[0].message());
    }
}

#[test]
fn sixteen_threads_on_a_cold_chain_ask_once_a_level() {
    let sandbox = sandbox();
    sandbox.fault(Fault { delay_ms: 100, ..always("frederick/*") });
    let client = client(&sandbox, "frederick");
    let asked = || (sandbox.count("frederick/user_token"), sandbox.count("frederick/location_token"));
    let tokens = together(16, |_| token(&client));
    assert_eq!(asked(), (1, 1));
    for refused in &tokens {
        client.rejected(refused.generation(), 401, None).expect("worth asking again");
    }
    together(16, |_| token(&client));
    assert_eq!(asked(), (1, 2), "only the level that was refused is had anew");
}

/// A token in its early window, which begins after two of its four seconds, and at the latest a half later.
fn in_its_window(sandbox: &tokenkeep_sandbox::Sandbox) -> (Client, Token) {
    sandbox.set_lifetime("acquired", json!(4));
    let client = client_with(sandbox, "acquired", &[("refresh_early", "2 s"), ("max_attempts", "1")]);
    let first = token(&client);
    pause(2600);
    (client, first)
}

#[test]
fn nobody_of_64_threads_waits_for_a_renewal_that_takes_two_seconds() {
    let sandbox = sandbox();
    let (client, first) = in_its_window(&sandbox);
    sandbox.fault(Fault { delay_ms: 2000, ..always("acquired/login") });
    together(64, |_| {
        for _ in 0..20 {
            let (token, took) = timed(|| token(&client));
            assert_eq!(token.value(), first.value());
            assert!(took < Duration::from_millis(500), "somebody waited for {took:?}");
        }
    });
    until_asked(&sandbox, "acquired/login", 2);
    assert_eq!(sandbox.count("acquired/login"), 2);
}

#[test]
fn a_503_in_the_window_fails_no_call_of_64_threads_before_the_end_and_every_one_after_it() {
    let sandbox = sandbox();
    let (client, first) = in_its_window(&sandbox);
    sandbox.fault(outage("acquired/login", 503));
    let end = end_of(&first);
    let (good, bad) = (AtomicU64::new(0), AtomicU64::new(0));
    together(64, |_| {
        let mut after = 0;
        while after < 3 {
            let before = coarse_now();
            let outcome = client.token(&Call::default());
            match outcome {
                Ok(token) => {
                    assert_eq!(token.value(), first.value());
                    assert!(before < end, "handed out past its end");
                    good.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => {
                    assert_eq!(error.kind(), Kind::Server);
                    assert!(coarse_now() >= end, "failed while the token lived: {error}");
                    bad.fetch_add(1, Ordering::Relaxed);
                    after += 1;
                }
            }
            pause(20);
        }
    });
    assert!(good.into_inner() >= 64 && bad.into_inner() == 3 * 64);
    assert!(client.stats().failures >= 1 && client.last_error().is_some());
}

#[test]
fn a_failing_renewal_shows_in_the_stats_the_last_error_and_the_log_alone() {
    let sandbox = sandbox();
    let (client, first) = in_its_window(&sandbox);
    client.take_events();
    sandbox.fault(outage("acquired/login", 503));
    let tokens = together(64, |_| token(&client));
    assert!(tokens.iter().all(|token| token.value() == first.value()));
    until("the failure", || client.last_error().is_some());
    assert_error(&client.last_error().unwrap(), Kind::Server, &["503"]);
    assert_eq!(client.stats().failures, 1);
    let events = client.take_events();
    assert!(
        events.iter().any(|event| event.level == tokenkeep::Level::Warn && event.message.contains("503"))
    );
}

#[test]
fn an_open_client_that_was_never_used_takes_at_most_two_kibibytes_beside_its_secrets() {
    const TEST: &str = "an_open_client_that_was_never_used_takes_at_most_two_kibibytes_beside_its_secrets";
    const CLIENTS: usize = 100_000;
    const SECRET: usize = 32;
    if told("TOKENKEEP_TEST_CHILD").is_none() {
        return drop(in_child(TEST, &[("TOKENKEEP_TEST_CHILD", "1")], None));
    }
    let mut clients = Vec::with_capacity(CLIENTS);
    let open = |number: usize| {
        let mut config = Config::new("acquired");
        config.set("app_id", &format!("app{number:07}"));
        config.set("app_key", &format!("SANDBOX-SECRET-thirty-two-{number:06}"));
        support::open(&config)
    };
    // What is there once for the process is not a client's.
    let first = open(CLIENTS);
    let before = resident_bytes();
    clients.extend((0..CLIENTS).map(open));
    let each = (resident_bytes() - before) / CLIENTS;
    assert!((100..=2048 + SECRET).contains(&each), "{each} bytes a client");
    drop((clients, first));
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("the process's memory");
    let pages: usize = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number");
    // SAFETY: sysconf touches no memory of ours.
    pages * usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).expect("a size")
}
