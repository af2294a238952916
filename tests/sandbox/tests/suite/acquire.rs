use serde_json::{Value, json};
use tokenkeep_sandbox::Sandbox;
use tokenkeep_sandbox::fixtures::ACQUIRE_ACCESS_TOKEN;

use crate::client::{get, post};

#[test]
fn the_given_token_opens_the_leads() {
    let sandbox = Sandbox::start().unwrap();
    let leads = sandbox.resource("acquire");
    for request in [get(&leads), post(&leads).form(&[("page", "1")])] {
        let reply = request.bearer(ACQUIRE_ACCESS_TOKEN).send().expect(200);
        assert_eq!(reply.json()["success"], true);
        assert_eq!(reply.json()["error"], Value::Null);
    }
    assert_eq!(sandbox.count("acquire/leads"), 2);
}

#[test]
fn a_bad_or_missing_token_is_refused_in_the_envelope() {
    let sandbox = Sandbox::start().unwrap();
    let leads = sandbox.resource("acquire");
    for request in [get(&leads), get(&leads).bearer("another")] {
        let reply = request.send().expect(401).json();
        assert_eq!(reply["success"], false);
        assert_eq!(reply["error"]["type"], "ERROR_UNAUTHORIZED");
        assert_eq!(reply["data"], Value::Null);
    }
}

#[test]
fn the_auth_token_of_the_prose_meets_advice() {
    let sandbox = Sandbox::start().unwrap();
    let reply =
        get(sandbox.resource("acquire")).header("auth_token", ACQUIRE_ACCESS_TOKEN).send().expect(401);
    let message = reply.json()["error"]["message"].to_string();
    assert!(message.contains("Authorization: Bearer"), "{message}");
}

#[test]
fn a_new_token_ends_the_old_one_unless_told_otherwise() {
    let sandbox = Sandbox::start().unwrap();
    let open = |token: &str| get(sandbox.resource("acquire")).bearer(token).send().status;
    let second = sandbox.regenerate("acquire");
    assert_eq!((open(ACQUIRE_ACCESS_TOKEN), open(&second)), (401, 200));
    sandbox.configure("acquire", json!({"regenerate_revokes": false}));
    let third = sandbox.regenerate("acquire");
    assert_eq!((open(&second), open(&third)), (200, 200));
    sandbox.reset();
    assert_eq!((open(ACQUIRE_ACCESS_TOKEN), open(&third)), (200, 401));
}
