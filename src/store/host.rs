//! A store that the host made: its calls, as a store.

use std::cell::Cell;
use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::{Found, Locked, Record, Saved, Store, Turn, unusable};
use crate::error::{Error, Kind, Result};
use crate::seal::SealKey;
use crate::settings::HostStore;

const ASIDE: &str = "aside";
/// How long to wait for a lock before looking whether there is a newer record.
const LOOK_FOR_RECORD: Duration = Duration::from_millis(50);

thread_local! {
    /// Whether this thread is in a host's store.
    static WITHIN: Cell<bool> = const { Cell::new(false) };
}

/// Refuses what a host's store may not do: use the client that it is used by.
pub(crate) fn refuse_reentry() -> Result<()> {
    match WITHIN.get() {
        true => Err(Error::new(Kind::Reentrant, "a store called a client; that is for after its call")),
        false => Ok(()),
    }
}

pub(super) struct Host(pub(super) Arc<dyn HostStore>);

/// A record that the host has locked.
struct LockedRecord {
    host: Arc<dyn HostStore>,
    name: String,
}

/// One call of the host's.
fn call<T, E: Display>(what: &str, work: impl FnOnce() -> std::result::Result<T, E>) -> Result<T> {
    /// Also where the host panics.
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            WITHIN.set(false);
        }
    }
    WITHIN.set(true);
    let _leave = Leave;
    work().map_err(|error| unusable("the program's own store", format!("it could not {what}: {error}")))
}

/// The counter of the record there, if there is one.
fn counter(host: &dyn HostStore, name: &str) -> Result<Option<u64>> {
    let bytes = call("load a record", || host.load(name))?;
    Ok(bytes.and_then(|bytes| Record::read(&bytes).ok()).map(|record| record.counter))
}

impl Store for Host {
    fn load(&self, name: &str, _within: Duration) -> Result<Found> {
        Ok(Found { bytes: call("load a record", || self.0.load(name))?, wall: None })
    }

    fn lock(&self, name: &str, seen: u64, _needed: Duration, within: Duration) -> Result<Turn> {
        if call("lock a record", || self.0.lock(name, within.min(LOOK_FOR_RECORD)))? {
            let record = LockedRecord { host: Arc::clone(&self.0), name: name.to_owned() };
            return Ok(Turn::Ours(Box::new(record)));
        }
        let newer = counter(&*self.0, name)?.is_some_and(|counter| counter > seen);
        Ok(if newer { Turn::Newer } else { Turn::Theirs })
    }

    fn own_key(&self) -> Result<SealKey> {
        Err(Error::new(Kind::Config, "a store of the program's own needs store_key"))
    }
}

impl Locked for LockedRecord {
    /// Whether it can save shows only when it does.
    fn reserve(&mut self, _seen: u64, _within: Duration) -> Result<Option<String>> {
        Ok(None)
    }

    fn save(&mut self, record: &Record, seen: u64, _within: Duration) -> Result<Saved> {
        let bytes = record.write();
        if let Some(there) = call("load a record", || self.host.load(&self.name))? {
            // It arrived when it was tried before, whatever was said then.
            if there == bytes {
                return Ok(Saved::Saved);
            }
            if Record::read(&there).is_ok_and(|there| there.counter > seen) {
                return Ok(Saved::Newer);
            }
        }
        let expires = record.expires.and_then(|millis| u64::try_from(millis).ok());
        let expires = expires.map(|millis| UNIX_EPOCH + Duration::from_millis(millis));
        call("save a record", || self.host.save(&self.name, &bytes, expires))?;
        Ok(Saved::Saved)
    }

    fn remove(&mut self, _within: Duration) -> Result<()> {
        call("remove a record", || self.host.remove(&self.name))
    }

    fn set_aside(&mut self, _within: Duration) -> Result<String> {
        let place = format!("{}.{ASIDE}", self.name);
        if let Some(bytes) = call("load a record", || self.host.load(&self.name))? {
            call("save a record", || self.host.save(&place, &bytes, None))?;
        }
        call("remove a record", || self.host.remove(&self.name))?;
        Ok(place)
    }
}

impl Drop for LockedRecord {
    fn drop(&mut self) {
        // It has no way to fail.
        call("unlock a record", || -> Result<()> {
            self.host.unlock(&self.name);
            Ok(())
        })
        .ok();
    }
}
