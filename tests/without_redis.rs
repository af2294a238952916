//! A build without the Redis store: `make test` runs this alone with --no-default-features.
#![cfg(not(feature = "redis"))]

use tokenkeep::{Client, Config, Kind};

#[test]
fn a_build_without_redis_says_so_and_names_what_it_offers() {
    let mut config = Config::new("acquired");
    config.set("app_id", "12345678").set("app_key", "SANDBOX-SECRET-key");
    Client::new(&config).expect("all but the store is good");
    config.set("store", "redis").set("store_url", "redis://127.0.0.1:6379");
    let error = Client::new(&config).unwrap_err();
    assert_eq!(error.kind(), Kind::Config, "{error}");
    assert!(
        error
            .message()
            .contains("store = redis is UNSUPPORTED: this build has no Redis in it; use store = file"),
        "{error}"
    );
}
