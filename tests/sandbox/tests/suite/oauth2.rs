use serde_json::json;
use tokenkeep_sandbox::Sandbox;
use tokenkeep_sandbox::fixtures::{
    OAUTH2_AWKWARD_CLIENT_ID, OAUTH2_AWKWARD_CLIENT_SECRET, OAUTH2_CLIENT_ID, OAUTH2_CLIENT_SECRET,
    OAUTH2_PUBLIC_CLIENT_ID,
};

use crate::client::{Request, get, post};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

fn token_endpoint(sandbox: &Sandbox) -> Request {
    post(format!("{}/token", sandbox.base("oauth2")))
}

#[test]
fn client_credentials_come_by_basic_by_post_or_not_at_all() {
    let sandbox = Sandbox::start().unwrap();
    let id = ("client_id", OAUTH2_CLIENT_ID);
    let secret = ("client_secret", OAUTH2_CLIENT_SECRET);
    let requests = [
        token_endpoint(&sandbox).basic(OAUTH2_CLIENT_ID, OAUTH2_CLIENT_SECRET).form(&[GRANT]),
        token_endpoint(&sandbox).form(&[GRANT, id, secret]),
        token_endpoint(&sandbox).form(&[GRANT, ("client_id", OAUTH2_PUBLIC_CLIENT_ID)]),
    ];
    for request in requests {
        let reply = request.send().expect(200);
        assert_eq!(reply.json().get("refresh_token"), None);
        let token = reply.text("access_token");
        get(sandbox.resource("oauth2")).bearer(&token).send().expect(200);
    }
    let bare = token_endpoint(&sandbox).form(&[GRANT, id]).send();
    assert_eq!(bare.expect(401).text("error"), "invalid_client");
}

#[test]
fn scope_audience_and_resource_are_remembered() {
    let sandbox = Sandbox::start().unwrap();
    let form = [
        GRANT,
        ("scope", "read write"),
        ("audience", "https://a.example"),
        ("resource", "https://r.example/1"),
        ("resource", "https://r.example/2"),
    ];
    let token = token_endpoint(&sandbox)
        .basic(OAUTH2_CLIENT_ID, OAUTH2_CLIENT_SECRET)
        .form(&form)
        .send()
        .expect(200)
        .text("access_token");
    let seen = get(sandbox.resource("oauth2")).bearer(&token).send().expect(200);
    let expected = json!({
        "subject": OAUTH2_CLIENT_ID,
        "scope": "read write",
        "audience": ["https://a.example"],
        "resource": ["https://r.example/1", "https://r.example/2"],
    });
    assert_eq!(seen.json(), expected);
}

#[test]
fn basic_credentials_must_be_form_encoded_first() {
    let sandbox = Sandbox::start().unwrap();
    let (id, secret) = (OAUTH2_AWKWARD_CLIENT_ID, OAUTH2_AWKWARD_CLIENT_SECRET);
    let encoded = || token_endpoint(&sandbox).basic(id, secret).form(&[GRANT]);
    let raw = || token_endpoint(&sandbox).raw_basic(id, secret).form(&[GRANT]);
    encoded().send().expect(200);
    assert_eq!(raw().send().expect(401).text("error"), "invalid_client");
    sandbox.configure("oauth2", json!({"basic_encoding": "raw"}));
    encoded().send().expect(401);
}

#[test]
fn raw_credentials_are_a_switch() {
    let sandbox = Sandbox::start().unwrap();
    let request =
        || token_endpoint(&sandbox).raw_basic(OAUTH2_CLIENT_ID, OAUTH2_CLIENT_SECRET).form(&[GRANT]);
    request().send().expect(200);
    sandbox.configure("oauth2", json!({"basic_encoding": "raw"}));
    request().send().expect(200);
}

#[test]
fn the_same_code_flow_runs_here_too() {
    let sandbox = Sandbox::start().unwrap();
    sandbox.configure("oauth2", json!({"require_pkce": false}));
    let base = sandbox.base("oauth2");
    let callback = "http://127.0.0.1:7/callback";
    let query = format!("response_type=code&client_id={OAUTH2_PUBLIC_CLIENT_ID}&redirect_uri={callback}");
    let reply = get(format!("{base}/authorize?{query}")).send().expect(302);
    let location = reply.header("location").unwrap();
    let code = location.split(['=', '&']).nth(1).unwrap();
    let public = ("client_id", OAUTH2_PUBLIC_CLIENT_ID);
    let redeem = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", callback), public];
    let tokens = token_endpoint(&sandbox).form(&redeem).send().expect(200);
    let refresh_token = tokens.text("refresh_token");
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", &refresh_token), public];
    token_endpoint(&sandbox).form(&refresh).send().expect(200);
}
