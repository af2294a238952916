use std::thread;
use std::time::Duration;

use serde_json::json;
use tokenkeep_sandbox::fixtures::{OAUTH2_CLIENT_ID, OAUTH2_CLIENT_SECRET, OAUTH2_PUBLIC_CLIENT_ID};
use tokenkeep_sandbox::{DeviceAnswer, Sandbox};

use crate::client::{Reply, get, post};

const GRANT: (&str, &str) = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");

/// A device that shows its code, at a server that lets it ask as often as it likes.
struct Device {
    sandbox: Sandbox,
    described: Reply,
}

impl Device {
    fn start() -> Self {
        let sandbox = Sandbox::start().unwrap();
        sandbox.configure("oauth2", json!({"device_interval": 0}));
        let described = authorize(&sandbox);
        Self { sandbox, described }
    }

    fn poll(&self) -> Reply {
        poll(&self.sandbox, &self.described, OAUTH2_CLIENT_ID, OAUTH2_CLIENT_SECRET)
    }

    fn decide(&self, answer: DeviceAnswer) {
        self.sandbox.answer_device(&self.described.text("user_code"), answer);
    }

    #[track_caller]
    fn assert_refused(&self, error: &str) {
        assert_eq!(self.poll().expect(400).text("error"), error);
    }
}

fn authorize(sandbox: &Sandbox) -> Reply {
    let form = [("scope", "read write")];
    let request = post(format!("{}/device", sandbox.base("oauth2")));
    request.basic(OAUTH2_CLIENT_ID, OAUTH2_CLIENT_SECRET).form(&form).send().expect(200)
}

fn poll(sandbox: &Sandbox, described: &Reply, id: &str, secret: &str) -> Reply {
    let code = described.text("device_code");
    let request = post(format!("{}/token", sandbox.base("oauth2"))).basic(id, secret);
    request.form(&[GRANT, ("device_code", &code)]).send()
}

#[test]
fn a_yes_on_the_page_becomes_tokens_once() {
    let device = Device::start();
    device.assert_refused("authorization_pending");
    let page = device.described.text("verification_uri");
    let complete = device.described.text("verification_uri_complete");
    assert_eq!(complete, format!("{page}?user_code={}", device.described.text("user_code")));
    get(format!("{page}?user_code=NOBO-DYS")).send().expect(400);
    get(complete).send().expect(200);
    let tokens = device.poll().expect(200);
    assert_eq!(tokens.text("scope"), "read write");
    assert!(tokens.json()["refresh_token"].is_string());
    get(device.sandbox.resource("oauth2")).bearer(&tokens.text("access_token")).send().expect(200);
    device.assert_refused("invalid_grant");
}

#[test]
fn a_device_is_told_what_the_person_decided() {
    let device = Device::start();
    for (answer, error) in [
        (DeviceAnswer::SlowDown, "slow_down"),
        (DeviceAnswer::Deny, "access_denied"),
        (DeviceAnswer::Expire, "expired_token"),
    ] {
        let device = Device::start();
        device.decide(answer);
        device.assert_refused(error);
    }
    get(format!("{}&deny=1", device.described.text("verification_uri_complete"))).send().expect(200);
    device.assert_refused("access_denied");
}

#[test]
fn a_device_that_asks_too_often_is_slowed_down() {
    let sandbox = Sandbox::start().unwrap();
    let described = authorize(&sandbox);
    let error =
        || poll(&sandbox, &described, OAUTH2_CLIENT_ID, OAUTH2_CLIENT_SECRET).expect(400).text("error");
    assert_eq!(error(), "authorization_pending");
    assert_eq!(error(), "slow_down");
    thread::sleep(Duration::from_millis(1100));
    assert_eq!(error(), "slow_down", "five seconds more each time");
}

#[test]
fn codes_end_and_belong_to_their_client() {
    let device = Device::start();
    let foreign = poll(&device.sandbox, &device.described, OAUTH2_PUBLIC_CLIENT_ID, "");
    assert_eq!(foreign.expect(400).text("error"), "invalid_grant");
    device.sandbox.configure("oauth2", json!({"device_expires_in": 0.01}));
    let short = authorize(&device.sandbox);
    thread::sleep(Duration::from_millis(50));
    let late = poll(&device.sandbox, &short, OAUTH2_CLIENT_ID, OAUTH2_CLIENT_SECRET);
    assert_eq!(late.expect(400).text("error"), "expired_token");
}

#[test]
fn members_can_be_left_out_and_the_control_decides_too() {
    let device = Device::start();
    let absent = json!({"absent": true});
    let patch = json!({"device_interval": absent, "device_expires_in": absent, "device_complete": false});
    device.sandbox.configure("oauth2", patch);
    let bare = authorize(&device.sandbox).json();
    let members: Vec<_> = bare.as_object().unwrap().keys().collect();
    assert_eq!(members, ["device_code", "user_code", "verification_uri"]);
    let control = |vendor: &str, code: &str| {
        let decision = json!({"user_code": code, "answer": "approve"});
        post(format!("{}/control/vendors/{vendor}/device", device.sandbox.url())).json(&decision).send()
    };
    control("oauth2", "NOBO-DYS").expect(400);
    control("pink", &device.described.text("user_code")).expect(400);
    control("oauth2", &device.described.text("user_code")).expect(200);
    device.poll().expect(200);
}
