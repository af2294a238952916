//! A vendor that hangs, in every phase of a request: each caller's deadline, close and interruption hold.
mod support;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use support::hang::{self, Hang};
use support::{Directory, assert_error, in_child, open, pause, timed, together, told, until, within};
use tokenkeep::{Call, Client, Error, Kind};

/// A wait that was to end: far below what the hang takes, far above what a busy machine adds.
const SOON: Duration = Duration::from_millis(2500);

/// Runs a test in a child where names below .invalid hang; says whether this is that child.
fn is_child(test: &str) -> bool {
    const CHILD: &str = "TOKENKEEP_TEST_CHILD";
    let directory = Directory::new();
    if told(CHILD).is_none()
        && let Some(resolver) = hang::resolver(&directory)
    {
        in_child(test, &[(CHILD, "1"), ("LD_PRELOAD", &resolver)], None);
    }
    told(CHILD).is_some()
}

/// How one call that gets no token ends, which must be soon.
#[track_caller]
fn ends_soon(hang: Hang, client: &Client, call: &Call<'_>) -> Error {
    let (outcome, took) = timed(|| client.token(call));
    assert!(took < SOON, "{hang:?}: {took:?}");
    outcome.expect_err("nothing comes")
}

#[test]
fn a_deadline_holds_whatever_hangs() {
    if is_child("a_deadline_holds_whatever_hangs") {
        for hang in Hang::ALL {
            let client = open(&hang.config());
            // The one that starts the flight, and those that wait for another's.
            for error in together(4, |_| ends_soon(hang, &client, &within(300))) {
                assert_error(&error, Kind::Timeout, &["the renewal goes on"]);
            }
            assert_error(&ends_soon(hang, &client, &within(100)), Kind::Timeout, &[]);
            assert_eq!(client.stats().failures, 0, "{hang:?}: it hangs");
        }
    }
}

#[test]
fn an_interruption_ends_the_wait_whatever_hangs() {
    if is_child("an_interruption_ends_the_wait_whatever_hangs") {
        for hang in Hang::ALL {
            let client = open(&hang.config());
            for error in together(4, |_| {
                let asked = AtomicU32::new(0);
                let interrupt = || asked.fetch_add(1, Ordering::Relaxed) == 1;
                ends_soon(hang, &client, &Call { interrupt: Some(&interrupt), ..Call::default() })
            }) {
                assert_error(&error, Kind::Cancelled, &["interrupted"]);
            }
        }
    }
}

#[test]
fn close_ends_all_waits_whatever_hangs() {
    if is_child("close_ends_all_waits_whatever_hangs") {
        for hang in Hang::ALL {
            let client = open(&hang.config());
            let errors = together(5, |index| match index {
                0 => {
                    pause(200);
                    client.close();
                    None
                }
                _ => Some(ends_soon(hang, &client, &Call::default())),
            });
            for error in errors.into_iter().flatten() {
                assert_error(&error, Kind::Cancelled, &["closed"]);
            }
        }
    }
}

#[test]
fn a_resolver_that_hangs_holds_up_few_threads_however_many_calls_time_out() {
    if is_child("a_resolver_that_hangs_holds_up_few_threads_however_many_calls_time_out") {
        let client = open(&Hang::Lookup.config());
        let before = threads();
        together(20, |_| {
            for _ in 0..50 {
                assert_eq!(client.token(&within(2)).unwrap_err().kind(), Kind::Timeout);
            }
        });
        assert_eq!(hang::names_held_up(), 1, "one renewal, one lookup");
        assert!(threads() <= before + 2, "{} threads, and {before} before", threads());
        together(20, |thread| {
            for number in 0..10 {
                let name = format!("https://{thread}-{number}.invalid/token");
                let other = client.with([("token_url", &*name)]).expect("a client");
                assert_eq!(other.token(&within(20)).unwrap_err().kind(), Kind::Timeout);
            }
        });
        until("the last place is taken", || hang::names_held_up() >= 16);
        pause(50);
        assert_eq!(hang::names_held_up(), 16, "of 200 names, and no more");
    }
}

/// How many threads this process has.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("the process's threads").count()
}
