//! Records in Redis: `tokenkeep:{NAME}` is a record, and beside it lie its lock, the room that is kept for the next one,
//! and those that could not be used. The braces keep them on one node of a cluster.
//!
//! The calls of one flight share a connection, which ends with the flight: none goes stale, and none is there to be forked.

mod address;
mod connection;
mod fault;
mod lease;
mod protocol;
mod script;
mod tls;

#[cfg(all(test, unix))]
mod test;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use ring::rand::{SecureRandom, SystemRandom};

use super::{Found, Locked, Record, Saved, Store, Turn};
use crate::error::{Error, Kind, Result};
use crate::fork;
use crate::seal::SealKey;
use crate::settings::{Settings, Source, Value as Setting};

use address::{Address, Place};
use connection::{Connection, Deadline};
use lease::{LEASE, Lease};
use protocol::{Answer, Command, Fault};
use tls::Tls;

/// How long one answer may take, connecting included.
const ANSWER: Duration = Duration::from_secs(2);
/// How long a Redis is waited for that was there a moment ago, or says that it will be in a moment.
const PATIENCE: Duration = Duration::from_secs(3);
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(50);
/// How soon a waiter looks again; later, after half as long as it has been waiting.
const SOONEST: Duration = Duration::from_millis(25);
const LATEST: Duration = Duration::from_millis(500);
/// Room for most records.
const ROOM: usize = 16 * 1024;
/// How many unusable records of one name are kept.
const ASIDES: u32 = 8;
/// How long a flight may take, unless the settings give it longer.
const TIMEOUT: Duration = Duration::from_secs(30);
const MOVES: u32 = 3;

/// The records in one Redis.
pub(crate) struct RedisStore(Arc<Redis>);

struct Redis {
    settings: Arc<Settings>,
    /// The connection of the flight under way, between two of its calls.
    parked: ArcSwapOption<Parked>,
    /// Which node of a cluster has the record, as another one said.
    node: ArcSwapOption<Place>,
    /// Whether its memory policy was looked at.
    looked: AtomicBool,
}

struct Parked {
    connection: Connection,
    born: u64,
}

impl RedisStore {
    pub(super) fn new(settings: &Arc<Settings>) -> RedisStore {
        RedisStore(Arc::new(Redis {
            settings: Arc::clone(settings),
            parked: ArcSwapOption::empty(),
            node: ArcSwapOption::empty(),
            looked: AtomicBool::new(false),
        }))
    }

    /// What is wrong with the settings, as far as that can be seen without a server.
    pub(super) fn faults(settings: &Settings) -> Vec<String> {
        let mut faults = Tls(settings).faults();
        let url = match settings.value("store_url") {
            None => {
                faults.push("store = redis needs store_url: redis://user:password@host:6379/0".into());
                None
            }
            Some(Setting::Secret(Source::Literal(url) | Source::Env { value: url, .. })) => Some(url),
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

impl Store for RedisStore {
    fn load(&self, name: &str, within: Duration) -> Result<Found> {
        let keys = Keys::of(name);
        let commands = [Command::new(&[b"GET", keys.record.as_bytes()]), Command::new(&[b"TIME"])];
        let answer = self.0.call(within, &|connection| {
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
    fn lock(&self, name: &str, seen: u64, within: Duration) -> Result<Turn> {
        let keys = Keys::of(name);
        let holder = random_name()?;
        let lease = self.0.lease();
        let wait = Deadline::after(within);
        loop {
            let turn = self.0.run(
                ANSWER,
                script::LOCK,
                &[&keys.record, &keys.lock],
                &[holder.as_bytes(), millis(lease).as_bytes(), &seen.to_be_bytes()],
            )?;
            match &*turn {
                "ours" => return Ok(Turn::Ours(Box::new(LockedKey::new(&self.0, keys, holder, lease)))),
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
        self.0.parked.store(None);
    }
}

impl Redis {
    /// What a script answers.
    fn run(
        &self,
        within: Duration,
        script: &'static str,
        keys: &[&str],
        arguments: &[&[u8]],
    ) -> Result<String> {
        let answer = self.call(within, &|connection| connection.run(script, keys, arguments))?;
        answer.text().map_err(|_| strange())
    }

    /// Does some work on the flight's connection, and again where it was interrupted. So it must be work that may be done
    /// twice.
    fn call(
        &self,
        within: Duration,
        work: &dyn Fn(&mut Connection) -> std::result::Result<Answer, Fault>,
    ) -> Result<Answer> {
        let address = self.address()?;
        let patience = Deadline::after(within.min(PATIENCE));
        let mut was_there = false;
        let mut moves = 0;
        loop {
            let place = self.node.load_full().map_or_else(|| address.place.clone(), |node| (*node).clone());
            let answer = Deadline::after(within.min(ANSWER));
            let outcome = self.unpark(answer).map_or_else(|| self.connect(&place, &address, answer), Ok);
            let outcome = outcome.and_then(|mut connection| {
                was_there = true;
                let outcome = work(&mut connection);
                self.park(connection);
                outcome
            });
            let fault = match outcome {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            if let Some(node) = moved_to(&fault, &place)
                && moves < MOVES
            {
                moves += 1;
                self.rest_on(Some(node));
                continue;
            }
            // It may be on another node by now.
            self.rest_on(None);
            let passes = fault::is_passing(&fault) || (was_there && fault::is_absent(&fault));
            if !passes || patience.left() < PAUSE {
                return Err(fault::error(&place, &fault));
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn connect(
        &self,
        place: &Place,
        address: &Address,
        deadline: Deadline,
    ) -> std::result::Result<Connection, Fault> {
        Connection::open(place, address, &Tls(&self.settings), deadline)
    }

    /// Extends a lock on a connection of its own, while the flight's may be in use.
    fn extend(&self, hold: &Hold) -> Result<()> {
        let address = self.address()?;
        let place = self.node.load_full().map_or_else(|| address.place.clone(), |node| (*node).clone());
        let extended = self
            .connect(&place, &address, Deadline::after(ANSWER / 2))
            .and_then(|mut connection| hold.extend(&mut connection, 0));
        extended.map(drop).map_err(|fault| fault::error(&place, &fault))
    }

    fn address(&self) -> Result<Address> {
        let Some(source) = self.settings.secret("store_url") else {
            return Err(Error::new(Kind::Config, "store = redis needs store_url"));
        };
        let url = source.read("store_url", ANSWER)?;
        Address::parse(url.expose()).map_err(|fault| Error::new(Kind::Config, fault))
    }

    fn unpark(&self, deadline: Deadline) -> Option<Connection> {
        let parked = Arc::into_inner(self.parked.swap(None)?)?;
        let mut connection = parked.connection;
        connection.set_deadline(deadline);
        // A parent's is not touched; its copy here is closed.
        (parked.born == fork::generation()).then_some(connection)
    }

    fn park(&self, connection: Connection) {
        if connection.is_usable() {
            self.parked.store(Some(Arc::new(Parked { connection, born: fork::generation() })));
        }
    }

    fn rest_on(&self, node: Option<Place>) {
        self.parked.store(None);
        self.node.store(node.map(Arc::new));
    }

    /// How long a lock stays without its holder. Where the settings want no thread, nobody could extend a short one.
    fn lease(&self) -> Duration {
        match self.settings.text("background") {
            Some("off") => self.settings.span("timeout").map_or(TIMEOUT, |timeout| timeout.max(TIMEOUT)),
            _ => LEASE,
        }
    }

    /// A word about a Redis that throws records away when its memory is full; once, and only where it may be asked.
    fn look_at_policy(&self) -> Option<String> {
        if self.looked.swap(true, Ordering::Relaxed) {
            return None;
        }
        let command = Command::new(&[b"INFO", b"memory"]);
        let info = self.call(ANSWER, &|connection| connection.ask(&command)).ok()?.text().ok()?;
        let policy = info.lines().find_map(|line| line.strip_prefix("maxmemory_policy:"))?.trim();
        // The others leave alone what never expires, and a record with a refresh token never does.
        policy.starts_with("allkeys").then(|| {
            format!(
                "the store's Redis has maxmemory-policy {policy}: when its memory is full it throws refresh tokens \
                 away; set noeviction"
            )
        })
    }
}

/// Who holds which lock, and for how long.
struct Hold {
    keys: Keys,
    holder: String,
    lease: Duration,
}

impl Hold {
    /// Extends the lock, and keeps so much room for a record. It answers whether it is still this one's.
    fn extend(&self, connection: &mut Connection, room: usize) -> std::result::Result<Answer, Fault> {
        let (lease, room) = (millis(self.lease), room.to_string());
        let arguments = [self.holder.as_bytes(), lease.as_bytes(), room.as_bytes()];
        connection.run(script::HOLD, &[&self.keys.lock, &self.keys.room], &arguments)
    }
}

/// A record while its lock is held.
struct LockedKey {
    redis: Arc<Redis>,
    hold: Arc<Hold>,
    /// None where the lease is long enough as it is.
    lease: Option<Lease>,
}

impl LockedKey {
    fn new(redis: &Arc<Redis>, keys: Keys, holder: String, lease: Duration) -> LockedKey {
        let hold = Arc::new(Hold { keys, holder, lease });
        let (watched, to_extend) = (Arc::clone(redis), Arc::clone(&hold));
        // Without a thread the lock ends early. What is saved late is compared all the same.
        let extended = lease == LEASE;
        let lease = extended
            .then(|| Lease::keep(move || drop(watched.extend(&to_extend))))
            .and_then(|kept| kept.ok());
        LockedKey { redis: Arc::clone(redis), hold, lease }
    }
}

impl Locked for LockedKey {
    /// Redis can promise the memory, and that this is no replica and may be written to. It cannot promise to be there
    /// afterwards, nor that another one that takes its place knows what was saved.
    fn reserve(&mut self, within: Duration) -> Result<Option<String>> {
        let turn = self.redis.call(within, &|connection| self.hold.extend(connection, ROOM))?;
        if turn.text().map_err(|_| strange())? != "ours" {
            let why = "it was lost to another process while this one was stopped: ask again";
            return Err(super::unusable("the lock of the stored grant", why));
        }
        Ok(self.redis.look_at_policy())
    }

    /// The lock is not asked for: what a vendor has answered is saved even if it is lost, unless there is something newer.
    fn save(&mut self, record: &Record, seen: u64, within: Duration) -> Result<Saved> {
        let expires = record.expires.map_or_else(String::new, |expires| expires.to_string());
        let saved = self.redis.run(
            within,
            script::SAVE,
            &[&self.hold.keys.record, &self.hold.keys.room],
            &[&record.write(), &seen.to_be_bytes(), expires.as_bytes()],
        )?;
        Ok(if saved == "saved" { Saved::Saved } else { Saved::Newer })
    }

    fn remove(&mut self, within: Duration) -> Result<()> {
        let command = Command::new(&[b"DEL", self.hold.keys.record.as_bytes()]);
        self.redis.call(within, &|connection| connection.ask(&command)).map(drop)
    }

    fn set_aside(&mut self, within: Duration) -> Result<String> {
        let asides = self.hold.keys.asides();
        let keys: Vec<&str> =
            std::iter::once(&self.hold.keys.record).chain(&asides).map(String::as_str).collect();
        self.redis.run(within, script::SET_ASIDE, &keys, &[])
    }
}

impl Drop for LockedKey {
    fn drop(&mut self) {
        // First, or it would take back what is given back.
        self.lease = None;
        // If this fails, the lease ends by itself.
        let Hold { keys, holder, .. } = &*self.hold;
        self.redis.run(ANSWER, script::RELEASE, &[&keys.lock, &keys.room], &[holder.as_bytes()]).ok();
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

/// The node that a cluster names for what it was asked: "MOVED slot host:port".
fn moved_to(fault: &Fault, from: &Place) -> Option<Place> {
    let Place::Port { host: here, tls, .. } = from else { return None };
    let Fault::Refused(refusal) = fault else { return None };
    let node = refusal.detail.split(' ').nth(1).filter(|_| refusal.code == "MOVED")?;
    // An IPv6 address has no brackets there, and without a host it is the same one.
    let (host, port) = node.rsplit_once(':')?;
    let host = if host.is_empty() { here.clone() } else { host.to_owned() };
    Some(Place::Port { host, port: port.parse().ok()?, tls: *tls })
}

fn strange() -> Error {
    super::unusable("the store", "what it answers is not what a Redis answers")
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
