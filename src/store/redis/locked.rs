//! A record in Redis while its lock is held.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::connection::Connection;
use super::lease::{LEASE, Lease};
use super::protocol::{Answer, Command, Fault};
use super::server::{ANSWER, Server, strange};
use super::{Keys, millis, script};
use crate::error::Result;
use crate::store::{Locked, Record, Saved, unusable};

/// What one extension of a lease may take, on a connection of its own. Who gives the lock back waits for it.
const EXTENSION: Duration = Duration::from_secs(1);
/// Room for most records.
pub(super) const ROOM: usize = 16 * 1024;

pub(super) struct LockedRecord {
    server: Arc<Server>,
    hold: Arc<Hold>,
    /// None where the lease is long enough as it is.
    lease: Option<Lease>,
    /// Whether the memory policy was looked at, in this process.
    looked: Arc<AtomicBool>,
}

/// Who holds which lock, and for how long.
pub(super) struct Hold {
    pub(super) keys: Keys,
    pub(super) holder: String,
    pub(super) lease: Duration,
}

impl Hold {
    /// Extends the lock. It answers whether it is still this one's.
    fn extend(&self, connection: &mut Connection) -> std::result::Result<Answer, Fault> {
        self.hold(connection, 0, &[])
    }

    /// The same with so much room for a record, and only if there is none with a counter above the one that was seen.
    fn reserve(&self, connection: &mut Connection, seen: u64) -> std::result::Result<Answer, Fault> {
        self.hold(connection, ROOM, &seen.to_be_bytes())
    }

    fn hold(
        &self,
        connection: &mut Connection,
        room: usize,
        seen: &[u8],
    ) -> std::result::Result<Answer, Fault> {
        let (lease, room) = (millis(self.lease), room.to_string());
        let arguments = [self.holder.as_bytes(), lease.as_bytes(), room.as_bytes(), seen];
        connection.run(script::HOLD, &[&self.keys.lock, &self.keys.room, &self.keys.record], &arguments)
    }
}

impl LockedRecord {
    /// `needed` is the longest that it may be held.
    pub(super) fn new(
        server: &Arc<Server>,
        hold: Hold,
        needed: Duration,
        looked: &Arc<AtomicBool>,
    ) -> LockedRecord {
        let hold = Arc::new(hold);
        let (watched, extended) = (Arc::clone(server), Arc::clone(&hold));
        let extend = move || {
            // What fails now is tried again before the lease ends.
            watched.call_aside(EXTENSION, &|connection| extended.extend(connection)).ok();
        };
        let lease = (hold.lease == LEASE).then(|| Lease::keep(extend));
        let mut locked =
            LockedRecord { server: Arc::clone(server), hold, lease: None, looked: Arc::clone(looked) };
        match lease {
            Some(Ok(lease)) => locked.lease = Some(lease),
            // There is no thread to be had. What is saved late is compared, even if this fails, too.
            Some(Err(_)) => locked.extend_once(needed),
            None => {}
        }
        locked
    }

    fn extend_once(&mut self, needed: Duration) {
        let Some(hold) = Arc::get_mut(&mut self.hold) else { return };
        hold.lease = needed;
        self.server.call(ANSWER, &|connection| self.hold.extend(connection)).ok();
    }

    /// A word about a Redis that throws records away when its memory is full; once, and only where it may be asked.
    fn look_at_policy(&self) -> Option<String> {
        if self.looked.swap(true, Ordering::Relaxed) {
            return None;
        }
        let command = Command::new(&[b"INFO", b"memory"]);
        let info = self.server.call(ANSWER, &|connection| connection.ask(&command)).ok()?.text().ok()?;
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

impl Locked for LockedRecord {
    /// Redis can promise the memory, and that this is no replica and may be written to. It cannot promise to be there
    /// afterwards, nor that another one that takes its place knows what was saved.
    fn reserve(&mut self, seen: u64, within: Duration) -> Result<Option<String>> {
        let turn = self.server.call(within, &|connection| self.hold.reserve(connection, seen))?;
        if turn.text().map_err(|_| strange())? != "ours" {
            let why = "it was lost to another process while this one was stopped: ask again";
            return Err(unusable("the lock of the stored grant", why));
        }
        Ok(self.look_at_policy())
    }

    /// The lock is not asked for: what a vendor has answered is saved even if it is lost, unless there is something newer.
    fn save(&mut self, record: &Record, seen: u64, within: Duration) -> Result<Saved> {
        let expires = record.expires.map_or_else(String::new, |expires| expires.to_string());
        let saved = self.server.run(
            within,
            script::SAVE,
            &[&self.hold.keys.record, &self.hold.keys.room],
            &[&record.write(), &seen.to_be_bytes(), expires.as_bytes()],
        )?;
        Ok(if saved == "saved" { Saved::Saved } else { Saved::Newer })
    }

    fn remove(&mut self, within: Duration) -> Result<()> {
        let command = Command::new(&[b"DEL", self.hold.keys.record.as_bytes()]);
        self.server.call(within, &|connection| connection.ask(&command)).map(drop)
    }

    fn set_aside(&mut self, within: Duration) -> Result<String> {
        let asides = self.hold.keys.asides();
        let keys: Vec<&str> =
            std::iter::once(&self.hold.keys.record).chain(&asides).map(String::as_str).collect();
        self.server.run(within, script::SET_ASIDE, &keys, &[])
    }
}

impl Drop for LockedRecord {
    fn drop(&mut self) {
        // First, or it would take back what is given back.
        self.lease = None;
        // One that does not answer is not waited for once more: the lease ends by itself.
        if self.server.is_at_hand() {
            let Hold { keys, holder, .. } = &*self.hold;
            self.server.run(ANSWER, script::RELEASE, &[&keys.lock, &keys.room], &[holder.as_bytes()]).ok();
        }
    }
}
