//! The device grant: the person says yes elsewhere, with a code that they read here (RFC 8628).

use std::time::Duration;

use super::discovery::Endpoint;
use super::{TokenRequest, send, token};
use crate::error::{Error, Kind};
use crate::provider::Unit;
use crate::scheme::answer::{self, Body};
use crate::scheme::{Exchange, Failure, Granted, form};
use crate::secret::Secret;
use crate::settings::is_safe_url;
use crate::transport::{Answer, Request};

pub(super) const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Where the server does not say, or not sensibly (RFC 8628 section 3.2).
const INTERVAL: Duration = Duration::from_secs(5);
/// What is shorter between two questions is a mistake.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
/// For a server whose interval outlasts its codes, so that nobody would ever ask: milliseconds, perhaps.
const MENDED_INTERVAL: Duration = Duration::from_secs(60);
/// How long a code is good where the server does not say, though it must.
const LIFE: Duration = Duration::from_secs(900);
const LONGEST_LIFE: Duration = Duration::from_secs(86_400);
/// A person has to type it.
const LONGEST_USER_CODE: usize = 100;

/// What the person is shown, and what asks whether they said yes.
pub(crate) struct Device {
    device_code: Secret,
    pub(crate) user_code: Box<str>,
    /// With the code in it where the server offers that.
    pub(crate) url: Box<str>,
    pub(crate) interval: Duration,
    /// How long the codes are good, counted from the request.
    pub(crate) life: Duration,
}

/// What a refusal of the token endpoint means.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The person has not answered yet.
    Pending,
    /// The same, and the question came too soon.
    SlowDown,
    /// No answer, or none of the server's own: it may come back.
    Unreachable,
    /// It was not asked, for a reason of our own.
    Unasked,
    /// That was the answer.
    Final(Error),
}

/// RFC 8628 section 3.1: asks for a pair of codes.
pub(crate) fn authorize(exchange: &Exchange<'_>) -> std::result::Result<Device, Failure> {
    let text = |name: &str| exchange.settings.text(name).unwrap_or_default();
    let mut pairs = vec![("scope", text("scope")), ("audience", text("audience"))];
    pairs.extend(text("resource").split(' ').map(|resource| ("resource", resource)));
    let extra: Vec<_> = form::decode(text("authorize_extra")).collect();
    pairs.extend(extra.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let (request, answer) = send(exchange, Endpoint::Device, &pairs, true)?;
    if !(200..300).contains(&answer.status) {
        let hint = "check device_url, client_id, scope and whether the client may use the device grant";
        return Err(answer::refused(exchange, &request, &answer, hint));
    }
    read(&answer).map_err(|why| unusable(exchange, &request, &answer, &why))
}

/// RFC 8628 section 3.2.
fn read(answer: &Answer) -> std::result::Result<Device, String> {
    let body = Body::read(answer)?;
    let text = |name: &str| body.text(name).ok_or_else(|| format!("no {name} in it"));
    // Some say verification_url, as a draft had it.
    let url = body.text("verification_uri").or_else(|| body.text("verification_url"));
    let url = url.ok_or("no verification_uri in it")?;
    let complete = body.text("verification_uri_complete").or_else(|| body.text("verification_url_complete"));
    let url = complete.unwrap_or(url);
    if !is_safe_url(url.expose()) || url.expose().chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("a verification_uri that nobody should be sent to: it must be https".into());
    }
    let user_code = text("user_code")?;
    if user_code.expose().chars().count() > LONGEST_USER_CODE
        || user_code.expose().chars().any(char::is_control)
    {
        return Err("a user_code that cannot be shown".into());
    }
    let span = |name: &str| body.at(name).and_then(|value| answer::expires_in(value, Unit::Seconds));
    let life = span("expires_in").unwrap_or(LIFE).min(LONGEST_LIFE);
    let interval = span("interval").unwrap_or(INTERVAL).max(SHORTEST_INTERVAL);
    Ok(Device {
        device_code: text("device_code")?,
        user_code: user_code.expose().into(),
        url: url.expose().into(),
        interval: if interval < life { interval } else { MENDED_INTERVAL.min(interval) },
        life,
    })
}

fn unusable(exchange: &Exchange<'_>, request: &Request, answer: &Answer, why: &str) -> Failure {
    let message = format!(
        "{}: {} answered {} with {why}, which begins no device login (RFC 8628 section 3.2)",
        exchange.provider.title,
        request.describe(),
        answer.status
    );
    Error::new(Kind::Protocol, message).with_http_status(answer.status).into()
}

/// RFC 8628 section 3.4: asks once whether the person said yes. When to ask again is another's to decide.
pub(crate) fn poll(exchange: &Exchange<'_>, device: &Device) -> std::result::Result<Granted, Failure> {
    exchange.credentials.guard("the device code", &device.device_code);
    let mut granted = token(exchange, &TokenRequest::DeviceCode(&device.device_code))
        .map_err(|failure| Failure { repeatable: false, ..failure })?;
    granted.grant.companions = exchange.credentials.companions(exchange.provider)?;
    Ok(granted)
}

/// What it means that a poll brought nothing (RFC 8628 section 3.5).
pub(crate) fn meaning(error: &Error) -> Refusal {
    match (error.code(), error.kind()) {
        (Some("authorization_pending"), _) => Refusal::Pending,
        (Some("slow_down"), _) => Refusal::SlowDown,
        (Some("access_denied"), _) => Refusal::Final(declined(error)),
        (Some("expired_token"), _) => Refusal::Final(expired()),
        (_, Kind::Network | Kind::Timeout | Kind::Server | Kind::RateLimited) => Refusal::Unreachable,
        _ if error.http_status().is_none() => Refusal::Unasked,
        _ => Refusal::Final(error.clone()),
    }
}

fn declined(error: &Error) -> Error {
    let why = format!("the person, or a rule of the server's, said no: {error}");
    let declined = Error::new(Kind::ConsentRequired, why).with_code(error.code().map(str::to_owned));
    match error.http_status() {
        Some(status) => declined.with_http_status(status),
        None => declined,
    }
}

/// The person took too long.
pub(crate) fn expired() -> Error {
    let why = "the user code ended before anybody said yes to it: begin a new consent";
    Error::new(Kind::ConsentRequired, why).with_code(Some("expired_token".into()))
}

impl Device {
    /// What another process needs to go on. Secret.
    pub(crate) fn pack(&self) -> Secret {
        form::body([
            ("device_code", self.device_code.expose()),
            ("user_code", &self.user_code),
            ("url", &self.url),
        ])
    }

    /// What [`pack`](Device::pack) gave, with what changed meanwhile.
    pub(crate) fn unpack(packed: &str, interval: Duration, life: Duration) -> Option<Device> {
        let mut pairs = form::decode(packed);
        let mut text = |wanted: &str| pairs.next().filter(|(name, _)| name == wanted).map(|(_, value)| value);
        Some(Device {
            device_code: Secret::from(text("device_code")?),
            user_code: text("user_code")?.into(),
            url: text("url")?.into(),
            interval,
            life,
        })
    }
}

#[cfg(test)]
mod test {
    use std::time::UNIX_EPOCH;

    use zeroize::Zeroizing;

    use super::*;

    #[test]
    fn a_server_is_asked_no_more_often_than_it_says() {
        let interval = |said: &str| {
            let body = format!(
                r#"{{"device_code": "d", "user_code": "A", "verification_uri": "https://a.example", "interval": {said}}}"#
            );
            let answer = Answer {
                status: 200,
                made: UNIX_EPOCH,
                content_type: "application/json".into(),
                retry_after: None,
                body: Zeroizing::new(body.into_bytes()),
            };
            read(&answer).map(|device| device.interval.as_secs())
        };
        for (said, kept) in [("120", 120), ("1", 1), ("0.2", 1), ("0", 5), ("null", 5), ("5000", 60)] {
            assert_eq!(interval(said), Ok(kept), "{said}");
        }
    }
}
