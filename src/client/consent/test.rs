//! The pace of a device's questions, with a real server and a clock that only the test moves: nobody waits for real.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep};

use serde_json::{Value, json};
use tokenkeep_sandbox::{Body, Fault, Sandbox};

use super::*;
use crate::client::Family;
use crate::clock::{Clock, Manual};
use crate::settings::Config;

/// A device that waits for its person.
struct Television {
    sandbox: Sandbox,
    hands: Arc<Mutex<Manual>>,
    consent: Arc<Consent>,
}

/// An answer of the vendor's.
fn answer(status: u16, body: Value) -> Fault {
    Fault { status: Some(status), body: Some(Body::Json(body)), ..Fault::on("oauth2/token") }
}

fn refusal(code: &str) -> Fault {
    answer(400, json!({"error": code}))
}

fn yes() -> Fault {
    answer(200, json!({"access_token": "SANDBOX-TOKEN-yes", "token_type": "Bearer"}))
}

impl Television {
    /// With what the vendor says of its codes, and its answers to the questions to come.
    fn new(interval: Value, answers: Vec<Fault>) -> Television {
        let sandbox = Sandbox::start().unwrap();
        let codes = json!({
            "device_code": "d", "user_code": "AB-CD", "verification_uri": "https://a.example/",
            "expires_in": 100, "interval": interval,
        });
        sandbox.fault(Fault { body: Some(Body::Json(codes)), ..Fault::on("oauth2/device") });
        answers.into_iter().for_each(|answer| sandbox.fault(answer));
        let mut config = Config::new("oauth2");
        for (name, value) in sandbox.settings("oauth2") {
            config.set(name, &value);
        }
        config.set("grant", "device_code").set("device_url", &format!("{}/device", sandbox.base("oauth2")));
        let hands = Manual::new();
        let client = Client::open(&config, &Clock::Manual(Arc::clone(&hands)), Family::new()).unwrap();
        let consent = Arc::new(client.consent(&Call::default()).unwrap());
        Television { sandbox, hands, consent }
    }

    fn wait(&self) -> JoinHandle<Result<Token>> {
        self.wait_for(Duration::from_secs(3600))
    }

    /// Returns when the wait has begun, so that its time counts from now.
    fn wait_for(&self, timeout: Duration) -> JoinHandle<Result<Token>> {
        let consent = Arc::clone(&self.consent);
        let begun = Arc::new(AtomicBool::new(false));
        let beginning = Arc::clone(&begun);
        #[allow(clippy::disallowed_methods, reason = "a test's own thread")]
        let thread = std::thread::spawn(move || {
            let interrupt = || {
                beginning.store(true, Ordering::Relaxed);
                false
            };
            consent.wait(&Call { timeout: Some(timeout), interrupt: Some(&interrupt), ..Call::default() })
        });
        while !begun.load(Ordering::Relaxed) {
            sleep(Duration::from_millis(1));
        }
        thread
    }

    /// Lets so many seconds pass, and sees that exactly then another question is asked.
    fn is_asked_after(&self, seconds: u64) {
        let before = self.sandbox.count("oauth2/token");
        self.pass(Duration::from_secs(seconds) - Duration::from_millis(1));
        // Longer than a waiting thread sleeps.
        sleep(Duration::from_millis(250));
        assert_eq!(self.sandbox.count("oauth2/token"), before, "too early");
        self.pass(Duration::from_millis(1));
        for _ in 0..1000 {
            if self.sandbox.count("oauth2/token") > before && !self.is_asking() {
                return;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("no question after {seconds} s");
    }

    fn pass(&self, span: Duration) {
        self.hands.lock().unwrap().pass(span);
    }

    /// Whether a question has not been answered yet, as far as the device knows.
    fn is_asking(&self) -> bool {
        let Way::Device(device) = &self.consent.way else { panic!("a device") };
        device.is_asking() && self.consent.is_open()
    }
}

#[test]
fn questions_are_asked_at_the_vendors_pace() {
    let pending = || refusal("authorization_pending");
    for (interval, seconds) in
        [(json!(7), 7), (json!(null), 5), (json!(0), 5), (json!(3600), 60), (json!(0.01), 1)]
    {
        let television = Television::new(interval, vec![pending(), yes()]);
        let waiting = television.wait();
        television.is_asked_after(seconds);
        if seconds < 50 {
            television.is_asked_after(seconds);
            assert_eq!(waiting.join().unwrap().unwrap().value(), "SANDBOX-TOKEN-yes");
        } else {
            television.pass(Duration::from_secs(40));
            assert_eq!(waiting.join().unwrap().unwrap_err().code(), Some("expired_token"));
        }
    }
}

#[test]
fn slow_down_holds_for_this_and_all_later_questions() {
    let pending = || refusal("authorization_pending");
    let television = Television::new(
        json!(5),
        vec![pending(), refusal("slow_down"), pending(), refusal("slow_down"), yes()],
    );
    let waiting = television.wait();
    for seconds in [5, 5, 10, 10, 15] {
        television.is_asked_after(seconds);
    }
    waiting.join().unwrap().unwrap();
}

#[test]
fn a_vendor_in_trouble_is_asked_half_as_often_or_when_it_says() {
    let down = |status| Fault { status: Some(status), ..Fault::on("oauth2/token") };
    let busy = Fault { headers: [("Retry-After".to_owned(), "30".to_owned())].into(), ..down(429) };
    let cut = Fault { cut: Some(tokenkeep_sandbox::Cut::BeforeAnswer), ..Fault::on("oauth2/token") };
    let television = Television::new(json!(5), vec![down(503), cut, busy, yes()]);
    let waiting = television.wait();
    for seconds in [5, 10, 20, 40] {
        television.is_asked_after(seconds);
    }
    waiting.join().unwrap().unwrap();
    let patient = Television::new(
        json!(1),
        vec![Fault { headers: [("Retry-After".to_owned(), "30".to_owned())].into(), ..down(503) }, yes()],
    );
    let waiting = patient.wait();
    patient.is_asked_after(1);
    patient.is_asked_after(30);
    waiting.join().unwrap().unwrap();
}

#[test]
fn a_call_that_ends_leaves_the_pace_as_it_is() {
    let television = Television::new(json!(5), vec![refusal("slow_down"), yes()]);
    let short = television.wait_for(Duration::from_secs(7));
    television.is_asked_after(5);
    television.pass(Duration::from_secs(2));
    assert_eq!(short.join().unwrap().unwrap_err().kind(), Kind::Timeout);
    let next = television.wait();
    television.is_asked_after(8);
    next.join().unwrap().unwrap();
}
