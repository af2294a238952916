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
