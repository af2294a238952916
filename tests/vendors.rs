//! Every vendor's tokens, end to end against the sandbox.
use std::time::Duration;

use serde_json::json;
use tokenkeep::{Call, Client, Config, Kind, Lifetime};
use tokenkeep_sandbox::Sandbox;

fn config(sandbox: &Sandbox, vendor: &str) -> Config {
    let mut config = Config::new(vendor);
    config.set("base_url", &sandbox.base(vendor));
    for (name, value) in sandbox.settings(vendor) {
        config.set(name, &value);
    }
    config
}

fn client(sandbox: &Sandbox, vendor: &str) -> Client {
    Client::new(&config(sandbox, vendor)).unwrap()
}

#[test]
fn acquired_logs_in_once_and_again_after_a_401() {
    let sandbox = Sandbox::start().unwrap();
    let client = client(&sandbox, "acquired");
    let token = client.token(&Call::default()).unwrap();
    assert!(token.authorization().unwrap().starts_with("Bearer "));
    assert!(matches!(token.lifetime(), Lifetime::Known { .. }));
    client.token(&Call::default()).unwrap();
    assert_eq!(sandbox.count("acquired/login"), 1);
    client.rejected(token.generation(), 401, None).unwrap();
    let next = client.token(&Call::default()).unwrap();
    assert_ne!(next.value(), token.value());
    assert_eq!(sandbox.count("acquired/login"), 2);
}

#[test]
fn frederick_buys_a_location_token_with_a_user_token() {
    let sandbox = Sandbox::start().unwrap();
    let client = client(&sandbox, "frederick");
    let token = client.token(&Call::default()).unwrap();
    assert_eq!(token.lifetime(), Lifetime::Never);
    assert!(token.headers().any(|(name, _)| name == "x-api-key"));
    assert_eq!((sandbox.count("frederick/user_token"), sandbox.count("frederick/location_token")), (1, 1));
    client.rejected(token.generation(), 401, None).unwrap();
    client.token(&Call::default()).unwrap();
    assert_eq!((sandbox.count("frederick/user_token"), sandbox.count("frederick/location_token")), (1, 2));
}

#[test]
fn a_wrong_key_is_denied_and_shares_nothing() {
    let sandbox = Sandbox::start().unwrap();
    let right = client(&sandbox, "acquired");
    right.token(&Call::default()).unwrap();
    let wrong =
        Client::new(config(&sandbox, "acquired").set("app_key", "SANDBOX-SECRET-wrong-0000000001")).unwrap();
    let error = wrong.token(&Call::default()).unwrap_err();
    println!("{error}");
    assert_eq!(error.kind(), Kind::Denied);
}

#[test]
fn a_short_lived_token_is_renewed() {
    let sandbox = Sandbox::start().unwrap();
    sandbox.set_lifetime("acquired", json!(0.3));
    let client = client(&sandbox, "acquired");
    client.token(&Call::default()).unwrap();
    std::thread::sleep(Duration::from_millis(350));
    client.token(&Call::default()).unwrap();
    assert_eq!(sandbox.count("acquired/login"), 2);
}
