use std::io::{Read, Write};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use serde_json::{Value, json};
use tokenkeep_sandbox::fixtures::{
    ACQUIRE_ACCESS_TOKEN, ACQUIRED_APP_ID, ACQUIRED_APP_KEY, PINK_PERSONAL_ACCESS_TOKEN,
};
use tokenkeep_sandbox::{Fault, Sandbox};

use crate::client::{Reply, delete, get, post};

fn control(sandbox: &Sandbox, path: &str, body: &Value) -> Reply {
    post(format!("{}/control/{path}", sandbox.url())).json(body).send()
}

fn login(sandbox: &Sandbox) -> Reply {
    let body = json!({"app_id": ACQUIRED_APP_ID, "app_key": ACQUIRED_APP_KEY});
    post(format!("{}/v1/login?trace=1", sandbox.base("acquired"))).json(&body).send()
}

#[test]
fn switches_are_set_over_http_all_or_nothing() {
    let sandbox = Sandbox::start().unwrap();
    let patch = json!({"lifetime": "7", "valid_for_ms": 5000});
    let switches = control(&sandbox, "vendors/acquired", &patch).expect(200).json();
    assert_eq!(switches["lifetime"], "7");
    assert_eq!(switches["allowlisted"], true);
    assert_eq!(switches.get("rotate_refresh"), None);
    assert_eq!(login(&sandbox).json()["expires_in"], "7");

    let half = json!({"lifetime": 8, "same_token": "yes"});
    control(&sandbox, "vendors/acquired", &half).expect(400);
    let stray = json!({"lifetime": 8, "rotate_refresh": true});
    let refused = control(&sandbox, "vendors/acquired", &stray).expect(400);
    assert!(refused.text("error").contains("rotate_refresh"));
    assert_eq!(login(&sandbox).json()["expires_in"], "7");
    control(&sandbox, "vendors/nobody", &json!({})).expect(404);
}

#[test]
fn faults_are_set_over_http() {
    let sandbox = Sandbox::start().unwrap();
    let faults = json!([
        {"endpoint": "acquired/login", "status": 503, "headers": {"Retry-After": "1"}},
        {"endpoint": "acquired/*", "body": {"huge": 5000}, "times": 1},
        {"endpoint": "acquired/login", "body": "garbage"},
        {"endpoint": "acquired/login", "cut": "mid_body", "delay_ms": 1},
    ]);
    let added = control(&sandbox, "faults", &faults).expect(200);
    assert_eq!(added.json(), json!({"added": 4}));
    assert_eq!(login(&sandbox).expect(503).header("retry-after"), Some("1"));
    assert_eq!(login(&sandbox).body.len(), 5000);
    assert!(login(&sandbox).body.contains("not json"));
    delete(format!("{}/control/faults", sandbox.url())).send().expect(200);
    login(&sandbox).expect(200);

    let bad = [
        json!({"endpoint": "acquired/nothing"}),
        json!({"endpoint": "nobody/*"}),
        json!({"endpoint": "acquired/login", "status": 99}),
        json!({"endpoint": "acquired/login", "headers": {"a b": "c"}}),
        json!({"endpoint": "acquired/login", "stauts": 500}),
        json!([{"endpoint": "acquired/login", "status": 500}, {"endpoint": "x"}]),
    ];
    for fault in bad {
        control(&sandbox, "faults", &fault).expect(400);
    }
    login(&sandbox).expect(200);
}

#[test]
fn requests_are_recorded_and_counted() {
    let sandbox = Sandbox::start().unwrap();
    login(&sandbox).expect(200);
    get(sandbox.resource("acquire")).bearer(ACQUIRE_ACCESS_TOKEN).send().expect(200);
    get(format!("{}/nowhere", sandbox.url())).send().expect(404);
    get(format!("{}/v1/login", sandbox.base("acquired"))).send().expect(405);

    let counts = get(format!("{}/control/counts", sandbox.url())).send().json();
    let tally = json!({"requests": 1, "peak": 1, "under_way": 0});
    assert_eq!(counts["acquired/login"], tally);
    assert_eq!(counts["unmatched"]["requests"], 2);
    let url = format!("{}/control/requests", sandbox.url());
    assert_eq!(get(&url).send().json().as_array().unwrap().len(), 4);
    let logins = get(format!("{url}?endpoint=acquired%2Flogin")).send().json();
    assert_eq!(logins[0]["method"], "POST");
    assert_eq!(logins[0]["path"], "/acquired/v1/login");
    assert_eq!(logins[0]["query"], "trace=1");
    assert!(logins[0]["body"].as_str().unwrap().contains(ACQUIRED_APP_KEY));
    let recorded = &sandbox.requests("acquired/login")[0];
    assert_eq!(recorded.header("content-type"), Some("application/json"));
    get(format!("{url}?endpoint=acquired/nothing")).send().expect(400);
}

#[test]
fn a_request_tells_which_connection_it_came_on() {
    let sandbox = Sandbox::start().unwrap();
    let mut stream = TcpStream::connect(sandbox.url().trim_start_matches("http://")).unwrap();
    let request = |more: &str| format!("GET /nowhere HTTP/1.1\r\nHost: sandbox\r\n{more}\r\n");
    stream.write_all((request("") + &request("Connection: close\r\n")).as_bytes()).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    login(&sandbox).expect(200);
    let connections: Vec<_> = sandbox.all_requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [1, 1, 2]);
}

#[test]
fn the_peak_tells_how_many_came_at_once() {
    let sandbox = Sandbox::start().unwrap();
    sandbox.fault(Fault { delay_ms: 300, times: 0, ..Fault::on("acquired/login") });
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| login(&sandbox).expect(200));
        }
    });
    assert_eq!(sandbox.peak("acquired/login"), 6);
    assert_eq!(sandbox.tally("acquired/login").under_way, 0);
}

#[test]
fn tokens_are_revoked_expired_and_made_over_http() {
    let sandbox = Sandbox::start().unwrap();
    let token = login(&sandbox).text("access_token");
    let revoke = |body| control(&sandbox, "vendors/acquired/revoke", &body);
    assert_eq!(revoke(json!({"token": token})).json(), json!({"revoked": 1}));
    login(&sandbox);
    assert_eq!(revoke(json!({})).json(), json!({"revoked": 1}));
    assert_eq!(revoke(json!({"level": "all"})).json(), json!({"revoked": 0}));
    revoke(json!({"level": "nonsense"})).expect(400);
    revoke(json!({"level": "all", "token": "x"})).expect(400);
    login(&sandbox);
    let expired = control(&sandbox, "vendors/acquired/expire", &json!({}));
    assert_eq!(expired.json(), json!({"expired": 1}));

    let regenerated = post(format!("{}/control/vendors/acquire/regenerate", sandbox.url()));
    let token = regenerated.send().expect(200).text("access_token");
    get(sandbox.resource("acquire")).bearer(&token).send().expect(200);
    control(&sandbox, "vendors/pink/regenerate", &json!({})).expect(400);

    let path = "vendors/pink/personal_access_tokens";
    let token = control(&sandbox, path, &json!({"scope": "admin"})).text("personal_access_token");
    get(sandbox.resource("pink")).bearer(&token).send().expect(200);
    control(&sandbox, "vendors/oauth2/personal_access_tokens", &json!({})).expect(400);
}

#[test]
fn a_reset_forgets_everything() {
    let sandbox = Sandbox::start().unwrap();
    let token = login(&sandbox).text("access_token");
    sandbox.set_lifetime("acquired", json!(1));
    sandbox.revoke_all("pink");
    sandbox.fault(Fault { status: Some(500), ..Fault::on("acquired/login") });
    control(&sandbox, "reset", &json!({})).expect(200);
    assert!(sandbox.all_requests().is_empty() && sandbox.counts().is_empty());
    assert_eq!(login(&sandbox).expect(200).json()["expires_in"], 3600);
    get(sandbox.resource("acquired")).bearer(&token).send().expect(401);
    get(sandbox.resource("pink")).bearer(PINK_PERSONAL_ACCESS_TOKEN).send().expect(200);
}

#[test]
fn sandboxes_live_side_by_side() {
    let (one, other) = (Sandbox::start().unwrap(), Sandbox::start().unwrap());
    let token = login(&one).text("access_token");
    get(other.resource("acquired")).bearer(&token).send().expect(401);
    assert_eq!((one.count("acquired/login"), other.count("acquired/login")), (1, 0));
}

#[test]
fn a_mistake_in_a_test_panics() {
    let sandbox = Sandbox::start().unwrap();
    let panics = |mistake: &dyn Fn()| catch_unwind(AssertUnwindSafe(mistake)).is_err();
    assert!(panics(&|| sandbox.set_lifetime("nobody", json!(1))));
    assert!(panics(&|| sandbox.fault(Fault::on("acquired/nothing"))));
    assert!(panics(&|| _ = sandbox.count("acquired/nothing")));
    assert!(panics(&|| _ = sandbox.configure("pink", json!({"lifetme": 1}))));
}

#[test]
fn a_crowd_is_served() {
    let sandbox = Sandbox::start().unwrap();
    thread::scope(|scope| {
        for _ in 0..200 {
            scope.spawn(|| login(&sandbox).expect(200));
        }
    });
    assert_eq!(sandbox.count("acquired/login"), 200);
}
