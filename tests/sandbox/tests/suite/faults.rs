use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use tokenkeep_sandbox::fixtures::{ACQUIRED_APP_ID, ACQUIRED_APP_KEY};
use tokenkeep_sandbox::{Body, Cut, Fault, Sandbox};

use crate::client::{Reply, Request, get, post};
use crate::code_flow::Pink;

fn login(sandbox: &Sandbox) -> Request {
    let body = json!({"app_id": ACQUIRED_APP_ID, "app_key": ACQUIRED_APP_KEY});
    post(format!("{}/v1/login", sandbox.base("acquired"))).json(&body)
}

/// The answer to the first login after one fault on it.
fn faulty(fault: Fault) -> Reply {
    let sandbox = Sandbox::start().unwrap();
    sandbox.fault(fault);
    let reply = login(&sandbox).send();
    login(&sandbox).send().expect(200);
    assert_eq!(sandbox.count("acquired/login"), 2, "faulted requests count");
    reply
}

fn on_login() -> Fault {
    Fault::on("acquired/login")
}

#[test]
fn a_status_comes_with_headers_and_a_body() {
    let reply = faulty(Fault {
        status: Some(429),
        headers: BTreeMap::from([("Retry-After".to_owned(), "3".to_owned())]),
        body: Some(Body::Text("slow down".to_owned())),
        content_type: Some("text/strange".to_owned()),
        ..on_login()
    });
    assert_eq!((reply.status, reply.body.as_str()), (429, "slow down"));
    assert_eq!(reply.header("retry-after"), Some("3"));
    assert_eq!(reply.header("content-type"), Some("text/strange"));
}

#[test]
fn bodies_go_bad_in_every_way() {
    let with = |body| faulty(Fault { body: Some(body), ..on_login() }).expect(200);
    let garbage = with(Body::Garbage);
    assert!(serde_json::from_str::<serde_json::Value>(&garbage.body).is_err());
    assert_eq!(garbage.header("content-type"), Some("application/json"));
    assert_eq!(with(Body::Empty).body, "");
    let page = with(Body::Html);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    assert_eq!(with(Body::Json(json!([1]))).json(), json!([1]));
    let huge = with(Body::Huge(1_000_000));
    assert_eq!(huge.body.len(), 1_000_000);
    assert!(huge.json()["access_token"].is_string());
    let deep = with(Body::Deep(100_000)).body;
    assert!(deep.contains("\"access_token\""));
    assert_eq!(deep.matches('[').count(), 100_000);
    assert!(with(Body::Deep(50)).json()["nested"].is_array());
}

#[test]
fn a_redirect_leads_elsewhere() {
    for (status, expected) in [(None, 302), (Some(307), 307), (Some(308), 308)] {
        let redirect = Some("http://127.0.0.1:1/elsewhere".to_owned());
        let reply = faulty(Fault { redirect, status, ..on_login() }).expect(expected);
        assert_eq!(reply.header("location"), Some("http://127.0.0.1:1/elsewhere"));
    }
}

#[test]
fn a_delay_holds_the_true_answer_back() {
    let started = Instant::now();
    faulty(Fault { delay_ms: 200, ..on_login() }).expect(200);
    assert!(started.elapsed() >= Duration::from_millis(200));
}

#[test]
fn a_hanging_endpoint_never_answers_and_the_sandbox_still_stops() {
    let sandbox = Sandbox::start().unwrap();
    sandbox.fault(Fault { hang: true, ..on_login() });
    let outcome = login(&sandbox).patience(Duration::from_millis(200)).exchange();
    let kind = outcome.unwrap_err().kind();
    assert!(matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut));
    sandbox.fault(Fault { hang: true, ..on_login() });
    let waiting = login(&sandbox);
    let waiting = thread::spawn(move || waiting.exchange());
    while sandbox.count("acquired/login") < 2 {
        thread::yield_now();
    }
    drop(sandbox);
    let cut_off = waiting.join().unwrap().unwrap_or_default();
    assert!(cut_off.is_empty());
}

#[test]
fn an_answer_is_cut_where_it_is_told() {
    let sandbox = Sandbox::start().unwrap();
    let whole = login(&sandbox).exchange().unwrap();
    let head = whole.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let cut = |cut| {
        sandbox.fault(Fault { cut: Some(cut), ..on_login() });
        login(&sandbox).exchange().unwrap_or_default()
    };
    assert_eq!(cut(Cut::BeforeAnswer).len(), 0);
    let headers = cut(Cut::MidHeaders);
    assert!(headers.starts_with(b"HTTP/1.1 200") && headers.len() < head);
    let body = cut(Cut::MidBody);
    assert!(body.len() > head && body.len() < whole.len(), "{}", body.len());
    login(&sandbox).send().expect(200);
}

#[test]
fn a_large_answer_is_cut_in_the_middle_too() {
    let sandbox = Sandbox::start().unwrap();
    sandbox.fault(Fault { cut: Some(Cut::MidBody), body: Some(Body::Huge(4_000_000)), ..on_login() });
    let received = login(&sandbox).exchange().unwrap().len();
    assert!((2_000_000..2_001_000).contains(&received), "{received}");
}

#[test]
fn a_lost_answer_has_taken_effect() {
    let pink = Pink::start();
    let refresh_token = pink.redeem(&pink.code()).text("refresh_token");
    let cut = Some(Cut::BeforeAnswer);
    pink.sandbox.fault(Fault { cut, ..Fault::on("pink/token") });
    let lost = pink.refresh_request(&refresh_token).exchange();
    assert!(lost.unwrap_or_default().is_empty());
    let again = pink.refresh(&refresh_token).expect(400);
    assert_eq!(again.text("error"), "invalid_grant");
}

#[test]
fn whether_the_request_takes_effect_can_be_said() {
    let pink = Pink::start();
    let first = pink.redeem(&pink.code()).text("refresh_token");
    let outage = |processed| Fault { status: Some(503), processed, ..Fault::on("pink/token") };
    pink.sandbox.fault(outage(None));
    pink.refresh(&first).expect(503);
    let second = pink.refresh(&first).expect(200).text("refresh_token");
    pink.sandbox.fault(outage(Some(true)));
    pink.refresh(&second).expect(503);
    pink.refresh(&second).expect(400);
}

#[test]
fn faults_queue_skip_and_repeat() {
    let sandbox = Sandbox::start().unwrap();
    let status = |status, times, skip| Fault { status: Some(status), times, skip, ..on_login() };
    sandbox.fault(status(500, 2, 1));
    sandbox.fault(status(502, 1, 0));
    let seen: Vec<u16> = (0..5).map(|_| login(&sandbox).send().status).collect();
    assert_eq!(seen, [502, 500, 500, 200, 200]);
    sandbox.fault(Fault { status: Some(503), times: 0, ..Fault::on("acquired/*") });
    for _ in 0..3 {
        login(&sandbox).send().expect(503);
        get(sandbox.resource("acquired")).send().expect(503);
    }
    get(sandbox.resource("pink")).send().expect(401);
    sandbox.clear_faults();
    login(&sandbox).send().expect(200);
}
