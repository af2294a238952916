//! The device grant (RFC 8628): the device authorization endpoint, the page where the person types the code, and what
//! a poll meets.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;
use serde_json::json;

use super::AuthorizationServer;
use super::failure::Failure;
use super::parameters::Parameters;
use crate::answer::Answer;
use crate::behaviour::sane_seconds;
use crate::call::Call;
use crate::ledger::{Family, Level, Subject};
use crate::mint;
use crate::vendor::Vendor;

pub(super) const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// RFC 8628 section 3.5.
const SLOWER: Duration = Duration::from_secs(5);
/// A timer may be a little early, a network late.
const SLACK: Duration = Duration::from_millis(50);

/// What a poll meets from now on.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum DeviceAnswer {
    /// Tokens: the person said yes.
    Approve,
    /// `access_denied`: the person said no.
    Deny,
    /// `slow_down` once, as if the client had polled too fast.
    SlowDown,
    /// `expired_token`.
    Expire,
}

/// A device that waits for its person.
#[derive(Debug)]
struct Waiting {
    user_code: String,
    subject: Subject,
    ends: Instant,
    interval: Duration,
    asked: Option<Instant>,
    answer: Option<DeviceAnswer>,
}

/// All devices by their device codes.
#[derive(Debug, Default)]
pub(super) struct Devices {
    waiting: HashMap<String, Waiting>,
    families: Family,
}

impl Devices {
    /// Decides about a user code; false if there is no such.
    pub(super) fn decide(&mut self, user_code: &str, answer: DeviceAnswer) -> bool {
        let found = self.waiting.values_mut().find(|waiting| waiting.user_code == user_code);
        found.map(|waiting| waiting.answer = Some(answer)).is_some()
    }

    /// One poll. A code that bought tokens is gone.
    pub(super) fn poll(&mut self, device_code: &str, client_id: &str) -> Result<(Subject, Family), Failure> {
        let unknown = Failure::grant("the device code is not known");
        let waiting = self.waiting.get_mut(device_code).ok_or(unknown.clone())?;
        if waiting.subject.holder != client_id {
            return Err(unknown);
        }
        let now = Instant::now();
        let too_fast = waiting.asked.is_some_and(|asked| now + SLACK < asked + waiting.interval);
        waiting.asked = Some(now);
        let told_to = waiting.answer == Some(DeviceAnswer::SlowDown);
        if too_fast || told_to {
            waiting.interval += SLOWER;
            waiting.answer = waiting.answer.filter(|_| !told_to);
            return Err(Failure::new("slow_down", "the device asks too often"));
        }
        match waiting.answer {
            Some(DeviceAnswer::Deny) => Err(Failure::new("access_denied", "the user said no")),
            Some(DeviceAnswer::Expire) => Err(Failure::new("expired_token", "the device code has expired")),
            _ if now >= waiting.ends => Err(Failure::new("expired_token", "the device code has expired")),
            Some(DeviceAnswer::Approve) => {
                let subject = waiting.subject.clone();
                self.waiting.remove(device_code);
                self.families += 1;
                // Apart from those of authorization codes.
                Ok((subject, Family::MAX - self.families))
            }
            Some(DeviceAnswer::SlowDown) | None => {
                Err(Failure::new("authorization_pending", "nobody has said yes yet"))
            }
        }
    }
}

impl AuthorizationServer {
    /// Gives a device a pair of codes.
    pub(super) fn authorize_device(&self, call: &Call) -> Result<Answer, Failure> {
        let form = Parameters::of_form(call)?;
        let client = self.client(call, &form)?;
        let subject = Subject {
            scope: form.scope()?.unwrap_or(self.profile.scope).to_owned(),
            audience: form.all("audience"),
            resource: form.all("resource"),
            ..Subject::new(Level::Access, client.id)
        };
        let behaviour = self.at_desk().behaviour.clone();
        let mut devices = self.devices();
        let serial = devices.waiting.len() as u64 + 1;
        let device_code = mint::opaque(&format!("{}-device-code", self.profile.name), serial);
        let user_code = user_code();
        let waiting = Waiting {
            user_code: user_code.clone(),
            subject,
            ends: Instant::now()
                + sane_seconds(&behaviour.device_expires_in).unwrap_or(Duration::from_secs(600)),
            interval: sane_seconds(&behaviour.device_interval).unwrap_or(Duration::from_secs(5)),
            asked: None,
            answer: None,
        };
        devices.waiting.insert(device_code.clone(), waiting);
        let page = self.url(self.profile.verification_path);
        let mut body = json!({"device_code": device_code, "user_code": user_code, "verification_uri": page});
        for (name, value) in
            [("expires_in", behaviour.device_expires_in), ("interval", behaviour.device_interval)]
        {
            if value != json!({"absent": true}) {
                body[name] = value;
            }
        }
        if behaviour.device_complete {
            body["verification_uri_complete"] = json!(format!("{page}?user_code={user_code}"));
        }
        Ok(Answer::json(StatusCode::OK, &body).uncached())
    }

    /// The page where the person types the user code. Consents at once, as the authorization endpoint does.
    pub(super) fn verify_device(&self, call: &Call) -> Result<Answer, Failure> {
        let query = Parameters::of_query(call).once_each()?;
        let user_code = query.require("user_code", "user_code is missing")?;
        let no = self.at_desk().behaviour.deny_consent || query.get("deny").is_some();
        let answer = if no { DeviceAnswer::Deny } else { DeviceAnswer::Approve };
        if self.devices().decide(user_code, answer) {
            Ok(Answer::empty(StatusCode::OK).with_body("text/plain", "Thank you. Go back to your device.\n"))
        } else {
            Err(Failure::request("the user code is not known"))
        }
    }
}

/// Letters that make no words and are not mistaken for one another (RFC 8628 section 6.1).
fn user_code() -> String {
    const LETTERS: &[u8; 16] = b"BCDFGHJKLMNPQRST";
    let mut bytes = [0; 8];
    SystemRandom::new().fill(&mut bytes).expect("the operating system has random numbers");
    let letters: String = bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 16)])).collect();
    format!("{}-{}", &letters[..4], &letters[4..])
}
