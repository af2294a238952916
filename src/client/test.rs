//! What a handle promises that needs no vendor, and its hits under a clock that a test moves.

use std::sync::{Arc, Mutex};

use super::*;
use crate::clock::Manual;

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn handles_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Client>();
    shared::<Token>();
    shared::<Consent>();
    shared::<Waiting>();
    shared::<Error>();
}

#[test]
fn a_pattern_names_a_host_or_all_below_it() {
    assert!(matches("api.example", "api.example"));
    assert!(matches("*.example", "api.example"));
    assert!(!matches("*.example", "example"));
    assert!(!matches("*.example", "badexample"));
    assert!(!matches("api.example", "api.example.org"));
}

/// A client whose token is good for an hour and is had anew without anybody being asked; and the hands of its clock.
fn client(account: &str) -> (Client, Arc<Mutex<Manual>>) {
    let hands = Manual::new();
    let mut config = Config::new("acquire");
    config.set("access_token", "given").set("default_lifetime", "1 h").set("account", account);
    (Client::open(&config, &Clock::Manual(Arc::clone(&hands)), Family::new()).unwrap(), hands)
}

/// The generation of the token that this client hands out in every way.
#[track_caller]
fn handed_out(client: &Client) -> u64 {
    let cached = client.read_cached(Duration::ZERO, Token::generation);
    let token = client.token(&Call::default()).unwrap();
    assert!(cached.is_none_or(|cached| cached == token.generation()), "a hit gave another: {cached:?}");
    assert!(matches!(token.end().verdict(client.0.keeper.clock().now()), Verdict::Lives(_)), "past its end");
    token.generation()
}

#[test]
fn no_hit_is_past_its_end_whatever_the_clocks_do() {
    // Name, what happens to the clocks, and which token is handed out then.
    type Jump = fn(&mut Manual);
    let jumps: [(&str, Jump, u64); 8] = [
        ("nothing happens", |_| {}, 1),
        ("the hour is over", |hands| hands.pass(HOUR), 2),
        ("the wall clock is set back", |hands| hands.set_wall(-3600), 1),
        (
            "it is set back, and the hour is over",
            |hands| {
                hands.set_wall(-3600);
                hands.pass(HOUR)
            },
            2,
        ),
        ("the wall clock is set forward", |hands| hands.set_wall(3600), 2),
        ("the machine sleeps for five hours", |hands| hands.sleep(5 * HOUR), 2),
        (
            "it sleeps, and the wall clock is set back by about as much",
            |hands| {
                hands.sleep(5 * HOUR);
                hands.set_wall(-5 * 3600 + 10)
            },
            2,
        ),
        ("the machine sleeps for half an hour", |hands| hands.sleep(HOUR / 2), 1),
    ];
    for (what, jump, generation) in jumps {
        let (client, hands) = client(what);
        assert_eq!(handed_out(&client), 1);
        assert_eq!(handed_out(&client), 1, "a hit");
        jump(&mut hands.lock().unwrap());
        for _ in 0..3 {
            assert_eq!(handed_out(&client), generation, "{what}");
        }
        // A token that outlived the jump ends on time all the same.
        hands.lock().unwrap().pass(HOUR);
        assert_eq!(handed_out(&client), generation + 1, "{what}");
    }
}

/// A token in a store of files, and clients that find it there under a clock moved by hand.
struct Stored {
    directory: std::path::PathBuf,
    sandbox: tokenkeep_sandbox::Sandbox,
    hands: Arc<Mutex<Manual>>,
}

impl Stored {
    /// A token that lives for an hour from now on.
    fn new(name: &str) -> Stored {
        let directory = std::env::temp_dir().join(format!("tokenkeep-{name}-{}", std::process::id()));
        let sandbox = tokenkeep_sandbox::Sandbox::start().unwrap();
        let stored = Stored { directory, sandbox, hands: Manual::new() };
        stored.ask();
        stored
    }

    /// A client that nobody shares a keeper with: how often the vendor was asked by then, and how long its token lives.
    fn ask(&self) -> (u64, Duration) {
        let mut config = Config::new("acquired");
        for (name, value) in self.sandbox.settings("acquired") {
            config.set(name, &value);
        }
        config.set("base_url", &self.sandbox.base("acquired")).set("store", "file");
        config.set("store_path", self.directory.to_str().unwrap()).set("store_key", &"ab".repeat(32));
        let clock = Clock::Manual(Arc::clone(&self.hands));
        let client = Client::open(&config, &clock, Family::new()).unwrap();
        let token = client.token(&Call::default()).unwrap();
        let Verdict::Lives(left) = token.end().verdict(clock.now()) else { panic!("it ended") };
        (self.sandbox.count("acquired/login"), crate::clock::span(left))
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.directory).ok();
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_stored_token_lives_for_what_is_left_of_its_life() {
    let stored = Stored::new("left");
    stored.hands.lock().unwrap().pass(50 * MINUTE);
    assert_eq!(stored.ask(), (1, 10 * MINUTE));
    stored.hands.lock().unwrap().pass(10 * MINUTE);
    assert_eq!(stored.ask(), (2, 60 * MINUTE));
}

#[test]
fn a_stored_token_never_lives_longer_than_it_was_declared_to() {
    let stored = Stored::new("back");
    // Clocks of two processes are never quite the same.
    stored.hands.lock().unwrap().set_wall(-3);
    assert_eq!(stored.ask(), (1, 60 * MINUTE));
    // But one from the future was dated by a clock that was wrong: nobody knows how old it is.
    stored.hands.lock().unwrap().set_wall(-3600);
    assert_eq!(stored.ask(), (2, 60 * MINUTE));
}

#[test]
fn a_stored_token_ages_while_the_machine_sleeps_or_its_clock_is_set_forward() {
    let stored = Stored::new("sleep");
    stored.hands.lock().unwrap().sleep(30 * MINUTE);
    assert_eq!(stored.ask(), (1, 30 * MINUTE));
    stored.hands.lock().unwrap().set_wall(3600);
    assert_eq!(stored.ask(), (2, 60 * MINUTE));
}
