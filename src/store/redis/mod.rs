//! Records in Redis: `tokenkeep:{NAME}` is a record, and beside it lie its lock, the room that is kept for the next one,
//! and those that could not be used. The braces keep them on one node of a cluster.
//!
//! The calls of one flight share a connection, which ends with the flight: none goes stale, and none is there to be forked.

mod address;
mod connection;
mod fault;
mod lease;
mod locked;
mod protocol;
mod script;
mod server;
mod tls;

#[cfg(all(test, unix))]
mod test;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};

use super::{Found, Store, Turn};
use crate::error::{Error, Kind, Result};
use crate::seal::SealKey;
use crate::settings::{Settings, Source, Value};

use address::{Address, Place};
use connection::Deadline;
use lease::LEASE;
use locked::{Hold, LockedRecord};
use protocol::{Answer, Command, Fault};
use server::{ANSWER, Server, strange};
use tls::Tls;

/// How soon a waiter looks again; later, after half as long as it has been waiting.
const SOONEST: Duration = Duration::from_millis(25);
const LATEST: Duration = Duration::from_millis(500);
/// How many unusable records of one name are kept.
const ASIDES: u32 = 8;

/// The records in one Redis.
pub(crate) struct RedisStore {
    server: Arc<Server>,
    /// Whether its memory policy was looked at.
    looked: Arc<AtomicBool>,
}

impl RedisStore {
    pub(super) fn new(settings: &Arc<Settings>) -> RedisStore {
        RedisStore { server: Arc::new(Server::new(settings)), looked: Arc::default() }
    }

    /// What is wrong with the settings, as far as that can be seen without a server.
    pub(super) fn faults(settings: &Settings) -> Vec<String> {
        let mut faults = Tls(settings).faults();
        let url = match settings.value("store_url") {
            None => {
                faults.push("store = redis needs store_url: redis://user:password@host:6379/0".into());
                None
            }
            Some(Value::Secret(Source::Literal(url) | Source::Env { value: url, .. })) => Some(url),
            Some(_) => None,
        };
        match url.map(|url| Address::parse(url.expose())) {
            Some(Err(fault)) => faults.push(fault),
            Some(Ok(Address { place: Place::Port { tls: true, .. }, .. })) | None => {}
            Some(Ok(_)) => {
                let said = tls::SETTINGS.iter().filter(|name| settings.value(name).is_some());
                faults
                    .extend(said.map(|name| format!("{name} is for a store_url that begins with rediss://")));
            }
        }
        if settings.value("store_key").is_none() {
            faults.push(
                "store = redis needs store_key, on every machine the same: openssl rand -hex 32".into(),
            );
        }
        faults
    }

    /// How long a lock stays without its holder. Where the settings want no thread, nobody could extend a short one.
    fn lease(&self, needed: Duration) -> Duration {
        if self.server.settings.text("background") == Some("off") { needed } else { LEASE }
    }
}

impl Store for RedisStore {
    fn load(&self, name: &str, within: Duration) -> Result<Found> {
        let keys = Keys::of(name);
        let commands = [Command::new(&[b"GET", keys.record.as_bytes()]), Command::new(&[b"TIME"])];
        let answer = self.server.call(within, &|connection| {
            let [found, time] = connection.ask_all(&commands)?.try_into().map_err(|_| Fault::Strange)?;
            let found = match found {
                // Whatever it is, it is no record: it will be set aside as one that is damaged.
                Answer::Refusal(refusal) if refusal.code == "WRONGTYPE" => Answer::Text(Vec::new()),
                found => found.accepted()?,
            };
            Ok(Answer::List(vec![found, time.accepted()?]))
        })?;
        read_look(answer).ok_or_else(strange)
    }

    /// Whoever waits looks for the record as well as for the lock, so that nobody queues up to find what is there.
    fn lock(&self, name: &str, seen: u64, needed: Duration, within: Duration) -> Result<Turn> {
        let hold = Hold { keys: Keys::of(name), holder: random_name()?, lease: self.lease(needed) };
        let wait = Deadline::after(within);
        loop {
            let turn = self.server.run(
                ANSWER,
                script::LOCK,
                &[&hold.keys.record, &hold.keys.lock],
                &[hold.holder.as_bytes(), millis(hold.lease).as_bytes(), &seen.to_be_bytes()],
            )?;
            match &*turn {
                "ours" => {
                    let held = LockedRecord::new(&self.server, hold, needed, &self.looked);
                    return Ok(Turn::Ours(Box::new(held)));
                }
                "newer" => return Ok(Turn::Newer),
                _ => {}
            }
            let left = wait.left();
            if left.is_zero() {
                return Ok(Turn::Theirs);
            }
            std::thread::sleep(next_look(within.saturating_sub(left)).min(left));
        }
    }

    fn own_key(&self) -> Result<SealKey> {
        Err(Error::new(Kind::Config, "store = redis needs store_key"))
    }

    fn rest(&self) {
        self.server.rest();
    }
}

/// The keys of one record.
struct Keys {
    record: String,
    lock: String,
    room: String,
}

impl Keys {
    fn of(name: &str) -> Keys {
        let record = format!("tokenkeep:{{{name}}}");
        Keys { lock: format!("{record}:lock"), room: format!("{record}:room"), record }
    }

    fn asides(&self) -> Vec<String> {
        (1..=ASIDES).map(|number| format!("{}:aside-{number}", self.record)).collect()
    }
}

/// A record and a time.
fn read_look(answer: Answer) -> Option<Found> {
    let Answer::List(answers) = answer else { return None };
    let [found, time] = answers.try_into().ok()?;
    let bytes = match found {
        Answer::Text(bytes) => Some(bytes),
        Answer::Nothing => None,
        _ => return None,
    };
    let Answer::List(parts) = time else { return None };
    let mut parts = parts.into_iter().map(|part| part.text().ok()?.parse::<i64>().ok());
    let (seconds, micros) = (parts.next()??, parts.next()??);
    let wall = seconds.checked_mul(1_000_000_000)?.checked_add(micros.checked_mul(1000)?)?;
    Some(Found { bytes, wall: Some(wall) })
}

/// When a waiter looks again: the longer it has been waiting, the later; and not all at once.
fn next_look(waited: Duration) -> Duration {
    let pause = (waited / 2).clamp(SOONEST, LATEST);
    pause.mul_f64(1.0 - chance() / 2.0)
}

/// A random number from zero up to one.
fn chance() -> f64 {
    let mut byte = [0];
    // Without random bytes nothing is spread out, and nothing else is lost.
    SystemRandom::new().fill(&mut byte).ok();
    f64::from(byte[0]) / 256.0
}

/// Names a holder so that no other has the same name.
fn random_name() -> Result<String> {
    let mut bytes = [0; 16];
    let none = |_| Error::new(Kind::Internal, "the operating system gave no random bytes");
    SystemRandom::new().fill(&mut bytes).map_err(none)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn millis(span: Duration) -> String {
    span.as_millis().to_string()
}
