//! A credential's place in a store: under which name its record lies, which keys open it, and what was seen of it.
//!
//! Nothing here waits for another thread, so a forked child goes on with what its parent had.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};

use super::key;
use crate::clock::Now;
use crate::error::{Error, Kind, Result};
use crate::provider::Provider;
use crate::scheme::{self, Credentials};
use crate::seal::SealKey;
use crate::secret::Digest;
use crate::settings::Settings;
use crate::store::{self, Locked, Record, Saved, Store, StoredGrant, Turn, Unreadable};
use crate::token::Life;

pub(super) struct Shelf {
    store: Arc<dyn Store>,
    name: String,
    /// The secrets that the records are bound to: who has others cannot open them.
    secrets: Vec<Box<str>>,
    /// The highest counter that was seen. A record with a lower one was put there by somebody who had an old copy.
    seen: AtomicU64,
    /// The highest counter that was drawn for a record, saved or not.
    drawn: AtomicU64,
    standing: ArcSwap<Standing>,
    /// The last revocation, until its record is removed or replaced.
    revoked: ArcSwapOption<Revoked>,
    /// What was last reported of the store, so that it is reported once.
    complaint: ArcSwapOption<String>,
}

/// How the grant in memory and the record stand to each other. Flights overlap: one that a person's consent or a
/// revocation has overtaken may still save what it brought, and has no say then.
#[derive(Clone, Copy)]
struct Standing {
    held: Held,
    /// The counter of the record that the grant is, or would be.
    counter: u64,
    /// The digest of the given refresh token that the grant grew from.
    seed: Option<Digest>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    /// The grant is the record's, or older, or there is none.
    Record,
    /// It could not be saved, and can be had again.
    Memory,
    /// It could not be saved, and is to be. A record from the standing's counter on is newer.
    Unsaved,
}

/// A grant was revoked.
struct Revoked {
    at: Now,
    /// The highest counter that had been seen by then.
    seen: u64,
    /// What is saved under a counter above this one is of another grant.
    drawn: u64,
}

/// The keys of one visit. The settings' secrets are in them, and those may change between visits.
pub(super) struct Keys {
    /// The one that seals first, then those that may have sealed before it.
    all: Vec<SealKey>,
}

/// What lies in the store.
#[derive(Default)]
pub(super) struct Loaded {
    pub(super) record: Option<StoredGrant>,
    /// Of whatever lies there, if it has one.
    pub(super) counter: u64,
    /// Why what lies there is no record.
    pub(super) unusable: Option<&'static str>,
    /// What lies there instead of a record: a grant that was revoked, to be removed.
    pub(super) revoked: Option<StoredGrant>,
    /// How far the store's wall clock is ahead of this machine's, in nanoseconds.
    pub(super) ahead: i64,
}

impl Shelf {
    /// None where the grant stays in memory: by the settings, because it is given, or because it only buys another.
    pub(super) fn open(provider: &Provider, settings: &Arc<Settings>, level: usize) -> Result<Option<Shelf>> {
        if scheme::is_given(provider, settings) || scheme::is_stepping_stone(provider, level) {
            return Ok(None);
        }
        let Some(store) = store::open(settings)? else { return Ok(None) };
        let identity = key::identity(provider, settings, level);
        Ok(Some(Shelf {
            store,
            name: identity.iter().map(|byte| format!("{byte:02x}")).collect(),
            secrets: key::secrets(provider, settings, level).map(Box::from).collect(),
            seen: AtomicU64::new(0),
            drawn: AtomicU64::new(0),
            standing: ArcSwap::from_pointee(Standing { held: Held::Record, counter: 0, seed: None }),
            revoked: ArcSwapOption::empty(),
            complaint: ArcSwapOption::empty(),
        }))
    }

    /// The name of the record.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Reads the secrets that the keys depend on.
    pub(super) fn keys(&self, credentials: &Credentials<'_>) -> Result<Keys> {
        let parsed = |name: &str| -> Result<Option<SealKey>> {
            credentials.secret(name)?.map(|text| SealKey::parse(name, &text)).transpose()
        };
        let newest = match parsed("store_key")? {
            Some(key) => key,
            None => self.store.own_key()?,
        };
        let masters = std::iter::once(newest).chain(parsed("store_key_previous")?);
        let mut sets = vec![vec![self.name.clone().into_bytes()]];
        for name in &self.secrets {
            let digest = |name: &str| Ok(credentials.secret(name)?.map(|secret| secret.digest()));
            let (now, before): (Option<Digest>, Option<Digest>) = (digest(name)?, digest(&previous(name))?);
            let older = before.map(|before| sets.iter().map(|set| bind(set, name, &before)).collect());
            let newer: Vec<_> = match now {
                Some(now) => sets.iter().map(|set| bind(set, name, &now)).collect(),
                None => sets,
            };
            sets = newer.into_iter().chain(older.unwrap_or_else(Vec::new)).collect();
        }
        let derive = |master: &SealKey, set: &Vec<Vec<u8>>| {
            let parts: Vec<&[u8]> =
                std::iter::once(&b"grant"[..]).chain(set.iter().map(Vec::as_slice)).collect();
            master.derive(&parts)
        };
        let all = masters.flat_map(|master| sets.iter().map(|set| derive(&master, set)).collect::<Vec<_>>());
        Ok(Keys { all: all.collect() })
    }

    pub(super) fn load(&self, keys: &Keys, now: Now, within: Duration) -> Result<Loaded> {
        let found = self.store.load(&self.name, within)?;
        let ahead = found.wall.map_or(0, |wall| wall.saturating_sub(now.wall));
        let empty = Loaded { ahead, ..Loaded::default() };
        let Some(bytes) = found.bytes else { return Ok(empty) };
        let record = match Record::read(&bytes) {
            Ok(record) => record,
            Err(Unreadable::Newer) => {
                let why = "the stored grant was written by a newer tokenkeep: upgrade this one";
                return Err(Error::new(Kind::Store, why));
            }
            Err(Unreadable::Foreign) => {
                return Ok(Loaded { unusable: Some("it is damaged, or no record of tokenkeep's"), ..empty });
            }
        };
        let there = Loaded { counter: record.counter, ..empty };
        let body = keys.all.iter().find_map(|key| record.open(key, &self.name));
        let Some(grant) = body.and_then(|body| StoredGrant::read(&body)) else {
            let why = "it is damaged, or was sealed with another store_key or another secret of the vendor's";
            return Ok(Loaded { unusable: Some(why), ..there });
        };
        if self.is_revoked(record.counter, ahead) {
            return Ok(Loaded { revoked: Some(grant), ..there });
        }
        // An old copy is passed over, not set aside: what is saved next counts as newer for everybody.
        let is_old = record.counter < self.seen.fetch_max(record.counter, Ordering::Relaxed);
        if !is_old {
            self.give_up_unsaved(record.counter);
        }
        Ok(Loaded { record: (!is_old).then_some(grant), ..there })
    }

    /// Waits for the record's lock, or for a record with a counter above this one.
    pub(super) fn lock(&self, counter: u64, needed: Duration, within: Duration) -> Result<Turn> {
        self.store.lock(&self.name, counter, needed, within)
    }

    /// The visit is over.
    pub(super) fn rest(&self) {
        self.store.rest();
    }

    /// Draws the counter of a record that replaces the one with that counter at that time of the store's: by the clock,
    /// so that it grows also where the record was taken away meanwhile. What is drawn later is higher.
    pub(super) fn draw(&self, replaced: u64, wall: i64) -> u64 {
        let before = replaced.max(self.seen.load(Ordering::Relaxed));
        let least = u64::try_from(wall / 1000).unwrap_or(0).max(before.saturating_add(1));
        let next = |drawn: u64| least.max(drawn.saturating_add(1));
        let drawn = self.drawn.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |drawn| Some(next(drawn)));
        next(drawn.unwrap_or_else(|drawn| drawn))
    }

    /// The record of a grant.
    pub(super) fn seal(&self, keys: &Keys, counter: u64, grant: &StoredGrant) -> Result<Record> {
        let Some(key) = keys.all.first() else {
            return Err(Error::new(Kind::Internal, "there is no key to seal with"));
        };
        let expires = match &grant.grant {
            Some(access) if grant.refresh_token.is_none() && grant.seed.is_none() => match access.life {
                Life::For(span) => Some(grant.asked.saturating_add(crate::clock::nanos(span)) / 1_000_000),
                Life::Never | Life::Unknown => None,
            },
            _ => None,
        };
        Record::seal(key, &self.name, counter, expires, &grant.write())
    }

    /// Puts a record in the place of the one with that counter.
    pub(super) fn save(
        &self,
        locked: &mut dyn Locked,
        record: &Record,
        replaced: u64,
        within: Duration,
    ) -> Result<Saved> {
        let saved = locked.save(record, replaced.max(self.seen.load(Ordering::Relaxed)), within)?;
        if saved == Saved::Saved {
            self.seen.fetch_max(record.counter, Ordering::Relaxed);
            self.is_well();
            if self.revoked.load().as_deref().is_some_and(|revoked| record.counter > revoked.drawn) {
                self.forget_revoked();
            }
        }
        Ok(saved)
    }

    /// The grant is being revoked: whatever was saved of it by now does not count any more.
    pub(super) fn revoke(&self, at: Now) {
        let drawn = self.draw(0, at.wall);
        self.holds_record(None, drawn);
        let seen = self.seen.load(Ordering::Relaxed);
        self.revoked.store(Some(Arc::new(Revoked { at, seen, drawn })));
    }

    /// What was revoked is gone from the store.
    pub(super) fn forget_revoked(&self) {
        self.revoked.store(None);
    }

    /// Whether a record is of a grant that was revoked: all are that had been saved by then.
    fn is_revoked(&self, counter: u64, ahead: i64) -> bool {
        self.revoked.load().as_deref().is_some_and(|Revoked { at, seen, .. }| {
            let then = u64::try_from(at.wall.saturating_add(ahead) / 1000).unwrap_or(0);
            counter <= then.max(*seen)
        })
    }

    /// The grant in memory grew from that given refresh token, and is the record's with that counter.
    pub(super) fn holds_record(&self, seed: Option<Digest>, counter: u64) {
        self.stand(Standing { held: Held::Record, counter, seed });
    }

    /// The grant in memory grew from that given refresh token, and could not be saved under that counter. `again`: it is
    /// worth another try.
    pub(super) fn holds_unsaved(&self, seed: Option<Digest>, counter: u64, again: bool) {
        self.stand(Standing { held: if again { Held::Unsaved } else { Held::Memory }, counter, seed });
    }

    /// The higher counter is the later word.
    fn stand(&self, next: Standing) {
        self.standing.rcu(|now| if next.counter < now.counter { **now } else { next });
    }

    /// What could not be saved under a counter up to this one: the record counts again.
    pub(super) fn give_up_unsaved(&self, up_to: u64) {
        self.standing.rcu(|now| match now.counter <= up_to {
            true => Standing { held: Held::Record, ..**now },
            false => **now,
        });
    }

    /// Whether the grant in memory is newer than the record, and is to be saved.
    pub(super) fn is_unsaved(&self) -> bool {
        self.standing.load().held == Held::Unsaved
    }

    /// Whether memory has nothing that the store has not.
    pub(super) fn has_all(&self) -> bool {
        self.standing.load().held == Held::Record
    }

    /// The digest of the given refresh token that the grant in memory grew from.
    pub(super) fn seed(&self) -> Option<Digest> {
        self.standing.load().seed
    }

    /// Whether this was not the last thing reported.
    pub(super) fn is_news(&self, complaint: &str) -> bool {
        let last = self.complaint.swap(Some(Arc::new(complaint.to_owned())));
        last.as_deref().is_none_or(|last| last != complaint)
    }

    /// The store does what it is for: it gave a grant, or took one.
    pub(super) fn is_well(&self) {
        if self.complaint.load().is_some() {
            self.complaint.store(None);
        }
    }
}

fn bind(set: &[Vec<u8>], name: &str, secret: &Digest) -> Vec<Vec<u8>> {
    let own = [name.as_bytes().to_vec(), secret.to_vec()];
    set.iter().cloned().chain(own).collect()
}

/// The setting that holds the secret before this one.
fn previous(name: &str) -> String {
    format!("{name}_previous")
}
