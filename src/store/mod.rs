//! Where grants outlive a process: one sealed record for each credential, shared by every process that can open it.
//!
//! A store keeps bytes under a name and knows nothing of what is in them. Whoever means to change a record locks it
//! first, so that of many processes one asks the vendor.

mod file;
mod grant;
mod host;
mod private;
mod record;
#[cfg(feature = "redis")]
mod redis;

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::seal::SealKey;
use crate::settings::{Settings, Source};

use file::FileStore;
pub(crate) use grant::StoredGrant;
use host::Host;
pub(crate) use host::refuse_reentry;
pub(crate) use record::{Record, Unreadable};
#[cfg(feature = "redis")]
use redis::RedisStore;

/// A place for records. Its errors are of kind [`Store`](Kind::Store) and say what to do. Every call ends within the
/// time it is given, as far as the system below lets it.
pub(crate) trait Store: Send + Sync {
    /// The record of that name as it is now, whole, whoever is writing it.
    fn load(&self, name: &str, within: Duration) -> Result<Found>;

    /// Locks a record against every other process and thread, waiting for it at most `within`, or less: who still wants
    /// it asks again. The lock goes with its holder's process, however that ends. `seen` is the counter of the record that
    /// was seen, 0 for none, and `needed` the longest that it may be held.
    fn lock(&self, name: &str, seen: u64, needed: Duration, within: Duration) -> Result<Turn>;

    /// The key of its records where the settings give none.
    fn own_key(&self) -> Result<SealKey>;

    /// The flight is over: whatever was kept open for it may be closed.
    fn rest(&self) {}
}

/// What comes of waiting for a lock.
pub(crate) enum Turn {
    /// It is this one's.
    Ours(Box<dyn Locked>),
    /// Another holder has saved a newer record than the one that was seen: there may be no need for the lock.
    Newer,
    /// It is another's still.
    Theirs,
}

/// A record that this holder alone may change. The lock ends when this is dropped.
pub(crate) trait Locked: Send {
    /// Makes sure, as far as can be, that a record can be saved now. What is asked of the vendor next may be worth
    /// nothing without that. An error where the lock was lost, also to a holder who has saved a record with a counter above
    /// `seen` and is gone again. Some: a word of warning, where a record may be lost all the same.
    fn reserve(&mut self, seen: u64, within: Duration) -> Result<Option<String>>;

    /// Puts a record in the place of the one whose counter was `seen` (0 for none), and returns when it will outlast a
    /// crash of the machine. It is found either whole or not at all. Where it failed it may be tried again: bytes that
    /// are there already are saved.
    fn save(&mut self, record: &Record, seen: u64, within: Duration) -> Result<Saved>;

    /// Takes the record away. There may be none.
    fn remove(&mut self, within: Duration) -> Result<()>;

    /// Keeps a record that cannot be used under another name, and tells which.
    fn set_aside(&mut self, within: Duration) -> Result<String>;
}

/// What was loaded.
pub(crate) struct Found {
    /// The record's bytes; None if there is none.
    pub(crate) bytes: Option<Vec<u8>>,
    /// The store's own wall clock, in nanoseconds from the Unix epoch, where its records are dated by that; None where
    /// they are dated by this machine's.
    pub(crate) wall: Option<i64>,
}

/// What became of a record to be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Saved {
    /// It is in its place.
    Saved,
    /// Another holder got in between: the record there is newer than the one that was to be replaced.
    Newer,
}

/// The store that the settings name; None for memory, which is no place of its own.
pub(crate) fn open(settings: &Arc<Settings>) -> Result<Option<Arc<dyn Store>>> {
    if let Some(host) = settings.store() {
        return Ok(Some(Arc::new(Host(Arc::clone(host)))));
    }
    match settings.text("store") {
        Some("file") => Ok(Some(Arc::new(FileStore::new(settings)?))),
        #[cfg(feature = "redis")]
        Some("redis") => Ok(Some(Arc::new(RedisStore::new(settings)))),
        _ => Ok(None),
    }
}

/// The settings that one kind of store takes.
const TAKES: [(&str, &[&str]); 2] = [
    ("file", &["store_path"]),
    ("redis", &["store_url", "store_ca_file", "store_client_cert_file", "store_client_key_file"]),
];

/// What is wrong with the settings of the store.
pub(crate) fn faults(settings: &Settings) -> Vec<String> {
    let mut faults = Vec::new();
    for name in ["store_key", "store_key_previous"] {
        if let Some(Source::Literal(text) | Source::Env { value: text, .. }) = settings.secret(name) {
            faults.extend(SealKey::parse(name, text).err().map(|error| error.message().to_owned()));
        }
    }
    if settings.store().is_some() {
        if settings.value("store_key").is_none() {
            faults.push("a store of the program's own needs store_key (or store_key_env, ...)".into());
        }
        if settings.value("store").is_some() {
            faults.push("store is given, and a store of the program's own too".into());
        }
    }
    let store = settings.text("store").unwrap_or("memory");
    // What is no store at all is told where settings are read.
    for (kind, names) in TAKES.iter().filter(|(kind, _)| !store.is_empty() && *kind != store) {
        let said = names.iter().filter(|name| settings.value(name).is_some());
        faults.extend(said.map(|name| format!("{name} is for store = {kind}")));
    }
    match store {
        "file" => faults.extend(FileStore::new(settings).err().map(|error| error.message().to_owned())),
        #[cfg(feature = "redis")]
        "redis" => faults.extend(RedisStore::faults(settings)),
        #[cfg(not(feature = "redis"))]
        "redis" => faults
            .push("store = redis is UNSUPPORTED: this build has no Redis in it; use store = file".into()),
        _ => {}
    }
    faults
}

fn unusable(what: &str, why: impl std::fmt::Display) -> Error {
    Error::new(Kind::Store, format!("{what} cannot be used: {why}"))
}
