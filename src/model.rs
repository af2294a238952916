//! The concurrency of keepers and clients, explored: shuttle runs the real code under thousands of interleavings of its
//! threads and finds lost wake-ups, deadlocks and doubled requests. `make model` runs it; locks and threads are shuttle's
//! by way of src/sync.rs and src/fork.rs, the vendor is src/scheme/double.rs, all else is what users run.

use std::sync::atomic::Ordering;

use shuttle::thread;

use crate::scheme::double::{ASKED, FAILS};
use crate::{Call, Client, Config, Kind};

const RUNS: usize = 3000;

/// Runs a scenario under many schedules, random ones and such that switch threads at the few worst moments.
fn explore(fails: fn(u32) -> bool, scenario: fn()) {
    // One scenario at a time: they share the vendor.
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock();
    *FAILS.lock().unwrap() = fails;
    let run = move || {
        crate::keeper::begin_anew();
        ASKED.store(0, Ordering::Relaxed);
        scenario();
    };
    shuttle::check_random(run, RUNS);
    shuttle::check_pct(run, RUNS, 3);
}

fn client() -> Client {
    let mut config = Config::new("acquired");
    config.set("app_id", "12345678").set("app_key", "not a real one");
    Client::new(&config).unwrap()
}

fn asked() -> u32 {
    ASKED.load(Ordering::Relaxed)
}

/// What threads bring that each do the same with a clone of the client.
fn on_threads<T: Send + 'static>(count: usize, client: &Client, work: fn(&Client) -> T) -> Vec<T> {
    let start = |_| {
        let client = client.clone();
        thread::spawn(move || work(&client))
    };
    let threads: Vec<_> = (0..count).map(start).collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

fn value(client: &Client) -> String {
    client.token(&Call::default()).unwrap().value().to_owned()
}

#[test]
fn all_who_wait_get_the_token_of_one_request() {
    explore(
        |_| false,
        || {
            let values = on_threads(4, &client(), value);
            assert!(values.iter().all(|value| value == "token 1"), "{values:?}");
            assert_eq!(asked(), 1);
        },
    );
}

#[test]
fn all_who_wait_get_the_failure_of_one_request() {
    explore(
        |_| true,
        || {
            let errors = on_threads(4, &client(), |client| client.token(&Call::default()).unwrap_err());
            assert!(errors.iter().all(|error| error.message() == "failure 1"), "{errors:?}");
            assert_eq!(asked(), 1);
        },
    );
}

#[test]
fn a_token_that_all_report_is_renewed_once_and_the_newer_one_survives() {
    explore(
        |_| false,
        || {
            let client = client();
            assert_eq!(value(&client), "token 1");
            let values = on_threads(3, &client, |client| {
                client.rejected(1, 401, None).unwrap();
                value(client)
            });
            assert!(values.iter().all(|value| value == "token 2"), "{values:?}");
            assert_eq!(asked(), 2);
        },
    );
}

#[test]
fn clients_made_and_dropped_at_once_share_one_keeper_or_come_after_it() {
    explore(
        |_| false,
        || {
            let threads: Vec<_> = (0..3).map(|_| thread::spawn(|| value(&client()))).collect();
            let values: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
            let highest = format!("token {}", asked());
            assert!(values.contains(&highest) && asked() <= 3, "{values:?}");
        },
    );
}

#[test]
fn closing_ends_every_wait_and_harms_nobody_else() {
    explore(
        |_| false,
        || {
            let (closed, other) = (client(), client());
            let waiter = {
                let closed = closed.clone();
                thread::spawn(move || closed.token(&Call::default()))
            };
            let harmless = thread::spawn(move || value(&other));
            closed.close();
            match waiter.join().unwrap() {
                Ok(token) => assert_eq!(token.value(), "token 1"),
                Err(error) => assert_eq!(error.kind(), Kind::Cancelled),
            }
            assert_eq!(harmless.join().unwrap(), "token 1");
            assert_eq!(asked(), 1);
        },
    );
}

#[test]
fn revoking_while_a_renewal_is_under_way_leaves_nobody_waiting() {
    explore(
        |_| false,
        || {
            let client = client();
            let revoker = {
                let client = client.clone();
                thread::spawn(move || client.revoke(&Call::default()))
            };
            let asker = {
                let client = client.clone();
                thread::spawn(move || client.token(&Call::default()))
            };
            assert!(revoker.join().unwrap().is_ok());
            if let Err(error) = asker.join().unwrap() {
                assert_eq!(error.kind(), Kind::Cancelled);
            }
            value(&client);
            assert!(asked() <= 2, "{}", asked());
        },
    );
}

#[test]
fn a_failure_that_passes_costs_no_more_than_one_request_more() {
    explore(
        |asked| asked == 1,
        || {
            let client = client();
            let outcomes = on_threads(3, &client, |client| client.token(&Call::default()).is_ok());
            // Those who came while it was fresh were told; nobody asked again behind its back.
            assert!(outcomes.iter().all(|good| !good) && asked() == 1, "{outcomes:?} {}", asked());
        },
    );
}
