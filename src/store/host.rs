//! A store that the host made: its calls, as a store.

use std::cell::Cell;
use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::{Found, Locked, Record, Saved, Store, unusable};
use crate::error::{Error, Kind, Result};
use crate::seal::SealKey;
use crate::settings::HostStore;

const ASIDE: &str = "aside";

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

impl Store for Host {
    fn load(&self, name: &str, _within: Duration) -> Result<Found> {
        Ok(Found { bytes: call("load a record", || self.0.load(name))?, wall: None })
    }

    fn lock(&self, name: &str, within: Duration) -> Result<Option<Box<dyn Locked>>> {
        let locked = call("lock a record", || self.0.lock(name, within))?;
        let record = || LockedRecord { host: Arc::clone(&self.0), name: name.to_owned() };
        Ok(locked.then(|| Box::new(record()) as Box<dyn Locked>))
    }

    fn own_key(&self) -> Result<SealKey> {
        Err(Error::new(Kind::Config, "a store of the program's own needs store_key"))
    }
}

impl Locked for LockedRecord {
    /// Whether it can save shows only when it does.
    fn reserve(&mut self, _within: Duration) -> Result<()> {
        Ok(())
    }

    fn save(&mut self, record: &Record, seen: u64, _within: Duration) -> Result<Saved> {
        let there = call("load a record", || self.host.load(&self.name))?;
        if there.and_then(|bytes| Record::read(&bytes).ok()).is_some_and(|there| there.counter > seen) {
            return Ok(Saved::Newer);
        }
        let expires = record.expires.and_then(|millis| u64::try_from(millis).ok());
        let expires = expires.map(|millis| UNIX_EPOCH + Duration::from_millis(millis));
        call("save a record", || self.host.save(&self.name, &record.write(), expires))?;
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
