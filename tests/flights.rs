//! One renewal for however many callers, and each caller's own patience.
mod support;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use support::{
    PATIENCE, always, assert_error, client, client_with, failure, in_child, outage, pause, sandbox, timed,
    together, token, told, until, until_asked, within,
};
use tokenkeep::{Asked, Call, Kind};
use tokenkeep_sandbox::Fault;

fn slow(endpoint: &str, milliseconds: u64) -> Fault {
    Fault { delay_ms: milliseconds, ..always(endpoint) }
}

fn hanging(endpoint: &str) -> Fault {
    Fault { hang: true, ..always(endpoint) }
}

#[test]
fn sixty_four_threads_make_one_request() {
    let sandbox = sandbox();
    sandbox.fault(slow("acquired/login", 100));
    let client = client(&sandbox, "acquired");
    let tokens = together(64, |_| token(&client));
    assert_eq!(sandbox.count("acquired/login"), 1);
    assert!(tokens.iter().all(|token| token.value() == tokens[0].value()));
    assert_eq!(client.stats().renewals, 1);
    assert!(client.stats().shared_waits > 0);
}

#[test]
fn sixty_four_threads_make_one_request_for_each_level_of_a_chain() {
    let sandbox = sandbox();
    sandbox.fault(slow("frederick/*", 60));
    let client = client(&sandbox, "frederick");
    together(64, |_| token(&client));
    assert_eq!((sandbox.count("frederick/user_token"), sandbox.count("frederick/location_token")), (1, 1));
}

#[test]
fn a_failure_is_everybodys_who_waited_for_it() {
    let sandbox = sandbox();
    sandbox.fault(Fault { delay_ms: 100, ..outage("acquired/login", 503) });
    let client = client_with(&sandbox, "acquired", &[("max_attempts", "1")]);
    let errors = together(64, |_| failure(&client));
    assert_eq!(sandbox.count("acquired/login"), 1);
    for error in &errors {
        assert_error(error, Kind::Server, &["Acquired.com", "/v1/login", "503"]);
        assert!(error.is_retryable());
    }
    assert_eq!(client.stats().failures, 1);
}

#[test]
fn a_vendor_that_failed_is_left_alone_for_a_moment_and_asked_again_then() {
    let sandbox = sandbox();
    sandbox.fault(outage("acquired/login", 503));
    let client = client_with(&sandbox, "acquired", &[("max_attempts", "1")]);
    failure(&client);
    let again = failure(&client);
    assert_eq!(sandbox.count("acquired/login"), 1);
    assert!(again.retry_after().is_some_and(|wait| wait <= Duration::from_secs(1)));
    sandbox.clear_faults();
    until("the vendor is asked again", || client.token(&Call::default()).is_ok());
    assert_eq!(sandbox.count("acquired/login"), 2);
    assert!(client.last_error().is_none());
}

#[test]
fn a_deadline_is_the_callers_own() {
    let sandbox = sandbox();
    sandbox.fault(slow("acquired/login", 700));
    let client = client(&sandbox, "acquired");
    let outcomes =
        together(2, |index| timed(|| client.token(&within(if index == 0 { 200 } else { 10_000 }))));
    let (error, waited) = (outcomes[0].0.as_ref().unwrap_err(), outcomes[0].1);
    assert_error(error, Kind::Timeout, &["acquired", "timeout", "the renewal goes on"]);
    assert!((150..600).contains(&waited.as_millis()), "{waited:?}");
    assert!(outcomes[1].0.is_ok());
    assert_eq!(sandbox.count("acquired/login"), 1, "both waited for the same");
}

#[test]
fn the_setting_timeout_holds_where_a_call_names_none() {
    let sandbox = sandbox();
    sandbox.fault(hanging("acquired/login"));
    let client = client_with(&sandbox, "acquired", &[("timeout", "200 ms")]);
    let (error, waited) = timed(|| failure(&client));
    assert_eq!(error.kind(), Kind::Timeout);
    assert!((150..1000).contains(&waited.as_millis()), "{waited:?}");
}

#[test]
fn a_late_answer_is_there_for_the_next_call() {
    let sandbox = sandbox();
    sandbox.fault(slow("acquired/login", 400));
    let client = client(&sandbox, "acquired");
    assert_eq!(client.token(&within(50)).unwrap_err().kind(), Kind::Timeout);
    until("the late token", || client.peek().is_some());
    token(&client);
    assert_eq!(sandbox.count("acquired/login"), 1);
}

#[test]
fn closing_the_users_client_does_not_end_a_locations_renewal() {
    let sandbox = sandbox();
    sandbox.fault(slow("frederick/user_token", 500));
    let user = client_with(&sandbox, "frederick", &[("acts_as", "user")]);
    let location = client(&sandbox, "frederick");
    let outcomes = together(2, |index| match index {
        0 => {
            until_asked(&sandbox, "frederick/user_token", 1);
            pause(50);
            user.close();
            None
        }
        _ => Some(location.token(&Call::default())),
    });
    outcomes.into_iter().flatten().for_each(|token| drop(token.expect("a token")));
}

#[test]
fn close_ends_the_waits_of_its_own_handle_and_of_no_other() {
    let sandbox = sandbox();
    sandbox.fault(slow("acquired/login", 600));
    let (closing, staying) = (client(&sandbox, "acquired"), client(&sandbox, "acquired"));
    let outcomes = together(9, |index| match index {
        0 => {
            until_asked(&sandbox, "acquired/login", 1);
            closing.close();
            None
        }
        1..=4 => Some((true, timed(|| closing.clone().token(&Call::default())))),
        _ => Some((false, timed(|| staying.token(&Call::default())))),
    });
    for (closed, (outcome, waited)) in outcomes.into_iter().flatten() {
        if closed {
            assert_error(&outcome.unwrap_err(), Kind::Cancelled, &["closed"]);
            assert!(waited < Duration::from_millis(500), "{waited:?}");
        } else {
            outcome.expect("the others' renewal goes on");
        }
    }
    assert_eq!(sandbox.count("acquired/login"), 1);
}

#[test]
fn a_closed_client_hands_out_what_it_has_and_asks_nobody() {
    let sandbox = sandbox();
    let client = client(&sandbox, "acquired");
    let had = token(&client);
    client.close();
    assert_eq!(token(&client).value(), had.value());
    let cold = client_with(&sandbox, "acquired", &[("account", "cold")]);
    cold.close();
    assert_eq!(failure(&cold).kind(), Kind::Cancelled);
    pause(100);
    assert_eq!(sandbox.count("acquired/login"), 1);
}

#[test]
fn an_interrupt_ends_one_callers_wait_and_leaves_the_renewal_alone() {
    let sandbox = sandbox();
    sandbox.fault(slow("acquired/login", 600));
    let client = client(&sandbox, "acquired");
    let asked = AtomicU32::new(0);
    let interrupt = || asked.fetch_add(1, Ordering::Relaxed) == 1;
    let call = Call { interrupt: Some(&interrupt), ..Call::default() };
    let (outcome, waited) = timed(|| client.token(&call));
    assert_error(&outcome.unwrap_err(), Kind::Cancelled, &["interrupted"]);
    assert!(waited < Duration::from_millis(500), "{waited:?}");
    token(&client);
    assert_eq!(sandbox.count("acquired/login"), 1);
}

#[test]
fn another_clients_close_does_not_shorten_a_wait() {
    let sandbox = sandbox();
    sandbox.fault(hanging("acquired/login"));
    let waiting = client(&sandbox, "acquired");
    let others: Vec<_> = (0..20).map(|_| client(&sandbox, "acquired")).collect();
    let done = AtomicBool::new(false);
    let waits = together(2, |index| {
        if index == 0 {
            let (outcome, waited) = timed(|| waiting.token(&within(90)));
            done.store(true, Ordering::Relaxed);
            assert_eq!(outcome.unwrap_err().kind(), Kind::Timeout);
            return waited;
        }
        for other in &others {
            if !done.load(Ordering::Relaxed) {
                pause(2);
                other.close();
            }
        }
        PATIENCE
    });
    assert!(waits[0] >= Duration::from_millis(80), "it was sent away after {:?}", waits[0]);
}

#[test]
fn the_last_client_may_go_while_a_renewal_is_under_way() {
    let sandbox = sandbox();
    sandbox.fault(slow("acquired/login", 200));
    let client = client(&sandbox, "acquired");
    client.prefetch().unwrap();
    drop(client);
    until_asked(&sandbox, "acquired/login", 1);
    // Whoever comes while it is under way waits for the same.
    token(&support::client(&sandbox, "acquired"));
    assert_eq!(sandbox.count("acquired/login"), 1);
}

#[test]
fn prefetch_starts_the_renewal_and_returns() {
    let sandbox = sandbox();
    sandbox.fault(slow("acquired/login", 300));
    let client = client(&sandbox, "acquired");
    let (outcome, took) = timed(|| client.prefetch());
    outcome.unwrap();
    assert!(took < Duration::from_millis(200), "{took:?}");
    until("the token", || client.peek().is_some());
    client.prefetch().unwrap();
    pause(50);
    assert_eq!(sandbox.count("acquired/login"), 1, "a token that lives needs no renewal");
}

#[test]
fn peek_asks_nobody() {
    let sandbox = sandbox();
    let client = client(&sandbox, "acquired");
    assert!(client.peek().is_none());
    pause(50);
    assert_eq!(sandbox.count("acquired/login"), 0);
    let had = token(&client);
    assert_eq!(client.peek().unwrap().value(), had.value());
}

#[test]
fn an_event_loop_is_told_by_a_pipe() {
    use std::io::Read;
    let sandbox = sandbox();
    sandbox.fault(slow("acquired/login", 150));
    let client = client(&sandbox, "acquired");
    let Asked::Waiting(mut waiting) = client.ask(&Call::default()).unwrap() else {
        panic!("a cold client waits")
    };
    assert!(waiting.wait(Duration::ZERO).is_none());
    let (mut reader, writer) = std::io::pipe().unwrap();
    waiting.alert(writer);
    assert_eq!(reader.read(&mut [0]).unwrap(), 0, "the other end is closed");
    waiting.wait(Duration::ZERO).expect("it has landed").unwrap();
}

#[test]
fn without_background_the_caller_renews_on_its_own_thread_and_others_share_it() {
    if told("TOKENKEEP_TEST_CHILD").is_none() {
        let name = "without_background_the_caller_renews_on_its_own_thread_and_others_share_it";
        return drop(in_child(name, &[("TOKENKEEP_TEST_CHILD", "1")], None));
    }
    let sandbox = sandbox();
    for (background, has_worker) in [("on", true), ("off", false)] {
        sandbox.reset();
        sandbox.fault(slow("acquired/login", 300));
        let client =
            client_with(&sandbox, "acquired", &[("background", background), ("account", background)]);
        let values = together(5, |index| match index {
            0 => {
                until_asked(&sandbox, "acquired/login", 1);
                assert_eq!(threads().iter().any(|name| name == "tokenkeep"), has_worker);
                None
            }
            _ => Some(token(&client).value().to_owned()),
        });
        let values: Vec<_> = values.into_iter().flatten().collect();
        assert!(values.iter().all(|value| *value == values[0]));
        assert_eq!(sandbox.count("acquired/login"), 1);
    }
}

/// The names of this process's threads.
fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.map(|name| name.trim().to_owned()).collect()
}

#[test]
fn a_connection_that_cannot_be_made_is_told_with_the_address() {
    let sandbox = sandbox();
    let base = sandbox.base("acquired");
    drop(sandbox);
    let mut config = tokenkeep::Config::new("acquired");
    config
        .set("base_url", &base)
        .set("app_id", "1")
        .set("app_key", "SANDBOX-SECRET")
        .set("max_attempts", "1");
    let error = failure(&support::open(&config));
    assert_error(&error, Kind::Network, &["/v1/login", "no connection"]);
}
