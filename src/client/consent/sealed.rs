//! A consent as text, which one process seals and another opens.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::device::Device;
use super::pace::Pace;
use super::redirect::Redirect;
use super::{Consent, Way};
use crate::client::Client;
use crate::error::{Error, Kind, Result};
use crate::fork;
use crate::scheme::oauth2::authorization::Authorization;
use crate::scheme::oauth2::device;
use crate::seal::SealKey;
use crate::secret::Secret;

/// How long a person may take: as long as a code may live (RFC 6749 section 4.1.2).
const LIFE: i64 = 600_000;
/// How far the clocks of two machines may stand apart.
const SKEW: i64 = 60_000;
/// Longer texts are nobody's: a request holds a few URLs.
const LONGEST: usize = 64 * 1024;

pub(super) fn seal(consent: &Consent) -> Result<String> {
    let client = &consent.client;
    let now = client.keeper().clock().now();
    let wall = wall(now.wall);
    let plain = match &consent.way {
        Way::Redirect(redirect) if redirect.is_bound_here() => {
            return Err(unsupported(
                "its loopback port lives in this process: wait here, or name a port in redirect_uri",
            ));
        }
        Way::Redirect(redirect) => {
            let packed = redirect.authorization().pack();
            Secret::join(&["code\n", &wall.to_string(), "\n", packed.expose()])
        }
        Way::Device(_) if consent.born != fork::generation() => {
            return Err(unsupported("this process was forked after it was begun: seal it before that"));
        }
        Way::Device(device) => {
            let at = |running: i64| wall + (running - now.running) / 1_000_000;
            let times = device
                .pace(|pace| format!("{} {} {}", pace.interval.as_millis(), at(pace.next), at(pace.end)));
            let packed = device.codes().pack();
            Secret::join(&["device ", &times, "\n", &wall.to_string(), "\n", packed.expose()])
        }
    };
    let key = key(client, "store_key")?.ok_or_else(no_key)?;
    let sealed = key.seal(&place(client), plain.expose().as_bytes())?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(sealed))
}

pub(super) fn open(client: &Client, text: &str) -> Result<Way> {
    let key = key(client, "store_key")?.ok_or_else(no_key)?;
    let sealed = Some(text).filter(|text| text.len() <= LONGEST);
    let sealed = sealed.and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok()).ok_or_else(foreign)?;
    let place = place(client);
    let opened = match key.open(&place, &sealed) {
        Some(opened) => Some(opened),
        None => self::key(client, "store_key_previous")?.and_then(|previous| previous.open(&place, &sealed)),
    };
    read(client, &opened.ok_or_else(foreign)?)
}

fn read(client: &Client, opened: &Zeroizing<Vec<u8>>) -> Result<Way> {
    let now = client.keeper().clock().now();
    let text = std::str::from_utf8(opened).map_err(|_| foreign())?;
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().ok_or_else(foreign);
    let (way, sealed, packed) = (line()?, line()?, line()?);
    let age = wall(now.wall) - sealed.parse::<i64>().map_err(|_| foreign())?;
    if !(-SKEW..=LIFE).contains(&age) {
        let why = "this consent was sealed more than ten minutes ago (or the clocks of two machines stand apart): begin \
                   another";
        return Err(Error::new(Kind::ConsentRequired, why));
    }
    if way == "code" {
        return Authorization::unpack(packed)
            .map(|request| Way::Redirect(Redirect::resume(request)))
            .ok_or_else(foreign);
    }
    let times: Vec<i64> = way.split(' ').filter_map(|time| time.parse().ok()).collect();
    let [interval, next, end] = times[..] else { return Err(foreign()) };
    let span = |milliseconds: i64| Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0));
    let running = |at: i64| now.running.saturating_add((at - wall(now.wall)).saturating_mul(1_000_000));
    let pace = Pace { interval: span(interval), next: running(next), end: running(end) };
    let codes =
        device::Device::unpack(packed, pace.interval, span(end - wall(now.wall))).ok_or_else(foreign)?;
    Ok(Way::Device(Device::open(Arc::new(codes), pace)))
}

/// The key for consents alone; None if the setting is missing.
fn key(client: &Client, name: &str) -> Result<Option<SealKey>> {
    let Some(source) = client.0.settings.secret(name) else { return Ok(None) };
    let text = source.read(name, client.timeout())?;
    Ok(Some(SealKey::parse(name, &text)?.derive(&[b"consent"])))
}

/// Whose consent it is: no other client opens it.
fn place(client: &Client) -> Vec<u8> {
    [b"consent".as_slice(), &client.keeper().identity()].concat()
}

fn wall(nanos: i64) -> i64 {
    nanos / 1_000_000
}

fn unsupported(why: &str) -> Error {
    Error::new(Kind::Unsupported, format!("this consent cannot be sealed: {why}"))
}

fn no_key() -> Error {
    let why = "store_key is missing: a consent leaves this process only sealed with it (make one with: openssl rand -hex 32)";
    Error::new(Kind::Config, why)
}

fn foreign() -> Error {
    let why = "this is no sealed consent of this client's: it was changed, or sealed with another store_key, or for another \
               account, client_id, redirect_uri or scope";
    Error::new(Kind::InvalidArgument, why)
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::client::{Call, Family};
    use crate::clock::{Clock, Manual};
    use crate::settings::Config;

    fn consent_config() -> Config {
        let mut config = Config::new("pink");
        for (name, value) in [
            ("client_id", "app"),
            ("authorize_url", "https://login.example/authorize"),
            ("token_url", "https://login.example/token"),
            ("redirect_uri", "https://app.example/callback"),
            ("store_key", &"5a".repeat(32)),
        ] {
            config.set(name, value);
        }
        config
    }

    #[test]
    fn a_sealed_consent_opens_for_ten_minutes_by_the_wall_clock_with_some_skew() {
        let hands = Manual::new();
        let clock = Clock::Manual(Arc::clone(&hands));
        let client = Client::open(&consent_config(), &clock, Family::new()).unwrap();
        let text = client.consent(&Call::default()).unwrap().seal().unwrap();
        let opens_at = |seconds: i64| {
            hands.lock().unwrap().set_wall(seconds);
            let outcome = client.resume(&text);
            hands.lock().unwrap().set_wall(-seconds);
            outcome.map(drop).map_err(|error| error.kind())
        };
        for seconds in [-60, -1, 0, 1, 599, 600] {
            assert_eq!(opens_at(seconds), Ok(()), "{seconds} s");
        }
        for seconds in [-3600, -61, 601, 86_400] {
            assert_eq!(opens_at(seconds), Err(Kind::ConsentRequired), "{seconds} s");
        }
    }
}
