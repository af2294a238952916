use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};
use tokenkeep_sandbox::Sandbox;
use tokenkeep_sandbox::fixtures::{
    ACQUIRED_APP_ID, ACQUIRED_APP_KEY, ACQUIRED_COMPANY_ID, ACQUIRED_MID, TOKEN_MARKER,
};

use crate::client::{Reply, get, post};

fn login(sandbox: &Sandbox) -> Reply {
    let body = json!({"app_id": ACQUIRED_APP_ID, "app_key": ACQUIRED_APP_KEY});
    post(format!("{}/v1/login", sandbox.base("acquired"))).json(&body).send()
}

fn token(sandbox: &Sandbox) -> String {
    login(sandbox).expect(200).text("access_token")
}

fn customers(sandbox: &Sandbox, token: &str) -> Reply {
    get(sandbox.resource("acquired")).bearer(token).send()
}

#[test]
fn a_login_buys_a_token_that_opens_resources() {
    let sandbox = Sandbox::start().unwrap();
    let reply = login(&sandbox).expect(200);
    let body = reply.json();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3600);
    assert_eq!(body.as_object().unwrap().len(), 3, "no status member");
    let token = reply.text("access_token");
    assert_eq!(token.split('.').count(), 3, "looks like a JWT");
    assert!(token.starts_with("eyJ") && token.contains(TOKEN_MARKER));

    let customers = customers(&sandbox, &token).expect(200);
    assert_eq!(customers.json()["meta"]["count"], 1);
    let link = post(format!("{}/v1/payment-links", sandbox.base("acquired")))
        .bearer(&token)
        .header("Company-Id", ACQUIRED_COMPANY_ID)
        .header("Mid", ACQUIRED_MID)
        .json(&json!({}))
        .send()
        .expect(201);
    assert_eq!(link.header("company-id"), Some(ACQUIRED_COMPANY_ID));
    assert_eq!(link.header("mid"), Some(ACQUIRED_MID));
}

#[test]
fn the_login_tolerates_a_trailing_slash_and_no_content_type() {
    let sandbox = Sandbox::start().unwrap();
    let body = json!({"app_id": ACQUIRED_APP_ID, "app_key": ACQUIRED_APP_KEY});
    post(format!("{}/v1/login/", sandbox.base("acquired"))).body(&body.to_string()).send().expect(200);
    let recorded = &sandbox.requests("acquired/login")[0];
    assert_eq!(recorded.header("content-type"), None);
}

#[test]
fn every_bad_field_is_reported_at_once() {
    let sandbox = Sandbox::start().unwrap();
    let url = format!("{}/v1/login", sandbox.base("acquired"));
    let complaints = |request: crate::client::Request| {
        let body = request.send().expect(400).json();
        assert_eq!(body["status"], "error");
        assert_eq!(body["error_type"], "validation");
        assert_eq!(body["instance"], "/v1/login");
        let list = body["invalid_parameters"].as_array().unwrap().clone();
        list.iter().map(|item| item["parameter"].clone()).collect::<Vec<_>>()
    };
    let both = [json!("app_id"), json!("app_key")];
    assert_eq!(complaints(post(&url)), both);
    assert_eq!(complaints(post(&url).json(&json!({"app_id": 7}))), both);
    let one_missing = json!({"app_id": ACQUIRED_APP_ID, "app_key": ""});
    assert_eq!(complaints(post(&url).json(&one_missing)), both[1..]);
}

#[test]
fn a_wrong_pair_of_any_length_is_unauthorized() {
    let sandbox = Sandbox::start().unwrap();
    let url = format!("{}/v1/login", sandbox.base("acquired"));
    for app_key in ["short", "SANDBOX-SECRET-app-key-000000009"] {
        let body = json!({"app_id": ACQUIRED_APP_ID, "app_key": app_key});
        let reply = post(&url).json(&body).send().expect(401).json();
        assert_eq!(reply["error_type"], "unauthorized");
        assert_eq!(reply["instance"], "/v1/login");
    }
}

#[test]
fn a_bad_token_is_refused_with_the_path_of_the_call() {
    let sandbox = Sandbox::start().unwrap();
    let reply = customers(&sandbox, "never-issued").expect(401);
    assert_eq!(reply.json()["instance"], "/v1/customers");
    assert_eq!(reply.header("www-authenticate"), None);
    get(sandbox.resource("acquired")).send().expect(401);
}

#[test]
fn several_tokens_live_at_once() {
    let sandbox = Sandbox::start().unwrap();
    let (first, second) = (token(&sandbox), token(&sandbox));
    assert_ne!(first, second);
    customers(&sandbox, &first).expect(200);
    customers(&sandbox, &second).expect(200);
    assert!(sandbox.revoke("acquired", &first));
    customers(&sandbox, &first).expect(401);
    customers(&sandbox, &second).expect(200);
    assert_eq!(sandbox.revoke_all("acquired"), 1);
    customers(&sandbox, &second).expect(401);
}

#[test]
fn tokens_end_when_their_lifetime_does() {
    let sandbox = Sandbox::start().unwrap();
    sandbox.set_lifetime("acquired", json!(0.3));
    let short = token(&sandbox);
    sandbox.set_lifetime("acquired", json!(3600));
    let long = token(&sandbox);
    customers(&sandbox, &short).expect(200);
    sleep(Duration::from_millis(350));
    customers(&sandbox, &short).expect(401);
    customers(&sandbox, &long).expect(200);
    assert_eq!(sandbox.expire("acquired"), 1);
    customers(&sandbox, &long).expect(401);
}

#[test]
fn the_lifetime_is_sent_raw_and_honoured_apart_from_it() {
    let sandbox = Sandbox::start().unwrap();
    for raw in [json!("3600"), json!(-1), Value::Null, json!(1e99), json!({"odd": 1})] {
        sandbox.set_lifetime("acquired", raw.clone());
        let reply = login(&sandbox).expect(200);
        assert_eq!(reply.json()["expires_in"], raw);
        customers(&sandbox, &reply.text("access_token")).expect(200);
    }
    sandbox.set_lifetime("acquired", json!({"absent": true}));
    assert_eq!(login(&sandbox).json().get("expires_in"), None);
    sandbox.set_lifetime("acquired", json!(3600));
    sandbox.set_valid_for_ms("acquired", Some(0));
    customers(&sandbox, &token(&sandbox)).expect(401);
}

#[test]
fn switches_shape_the_answer() {
    let sandbox = Sandbox::start().unwrap();
    sandbox.configure(
        "acquired",
        json!({
            "token_type": "bearer",
            "answer_extra": {"iat": 1, "expires_in": 60},
            "token_claims": {"iat": 100, "exp": 400},
            "same_token": true,
        }),
    );
    let first = login(&sandbox).json();
    assert_eq!(first["token_type"], "bearer");
    assert_eq!((&first["iat"], &first["expires_in"]), (&json!(1), &json!(60)));
    assert_eq!(login(&sandbox).json(), first, "the same token again");
    sandbox.configure("acquired", json!({"token_type": null}));
    assert_eq!(login(&sandbox).json().get("token_type"), None);
    let token = first["access_token"].as_str().unwrap();
    customers(&sandbox, token).expect(200);
    sandbox.configure("acquired", json!({"reject_all_tokens": true}));
    customers(&sandbox, token).expect(401);
}

#[test]
fn a_caller_off_the_allowlist_is_forbidden() {
    let sandbox = Sandbox::start().unwrap();
    let token = token(&sandbox);
    sandbox.configure("acquired", json!({"allowlisted": false}));
    assert_eq!(login(&sandbox).expect(403).json()["error_type"], "forbidden");
    customers(&sandbox, &token).expect(403);
}
