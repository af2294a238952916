//! A renewal where the grant lies in a store: of all processes that share it, one asks the vendor.
//!
//! Look; if there is nothing better than what is at hand, lock, look again, ask the vendor, save, unlock. What was saved
//! is handed out only then.

use std::sync::Arc;
use std::time::Duration;

use super::registry;
use super::renewal::Landing;
use super::shelf::{Keys, Loaded, Shelf};
use super::{Flight, Keeper, Live};
use crate::clock::{self, Now};
use crate::error::{Error, Kind, Result};
use crate::fork;
use crate::log::Level;
#[cfg(not(all(test, shuttle)))]
use crate::scheme::acquire;
#[cfg(all(test, shuttle))]
use crate::scheme::double::acquire;
use crate::scheme::{Credentials, Failure, oauth2};
use crate::secret::{Digest, Secret};
use crate::store::{Locked, Record, Saved, StoredGrant, Turn};
use crate::token::{End, Grant};

/// The least that a look may take, and how long to wait before saving is tried again; then twice as long.
const SLICE: Duration = Duration::from_millis(50);
/// What one call of the store may take where a new refresh token is at stake.
const SAVING: Duration = Duration::from_secs(10);
/// How long saving is tried again where a new refresh token is at stake. Its access token waits for it meanwhile.
const SAVE_AGAIN: Duration = Duration::from_secs(3);
/// A record that was asked for this far in the future was dated by a clock that was wrong.
const SKEW: i64 = 5_000_000_000;

/// What a flight is for.
#[derive(Default)]
pub(super) struct Errand {
    /// How much longer a token must live to be good enough.
    pub(super) min_valid: i64,
    pub(super) purpose: Purpose,
}

#[derive(Default)]
pub(super) enum Purpose {
    #[default]
    Renew,
    /// To look into the store. The vendor is to be left alone: with nothing better there, this is the outcome.
    Look(Error),
    /// To save what could not be saved before.
    Save,
}

/// A grant that another process had saved.
pub(super) struct FoundGrant {
    pub(super) grant: Grant,
    pub(super) refresh_token: Option<Secret>,
    /// When it was asked for, by this process's clocks.
    pub(super) asked: (Now, i64),
}

/// A grant that the store did not take.
pub(super) struct Unsaved {
    /// The digest of the given refresh token that it grew from.
    seed: Option<Digest>,
}

/// One flight's dealings with the store.
struct Visit<'a> {
    keeper: &'a Arc<Keeper>,
    shelf: &'a Shelf,
    credentials: &'a Credentials<'a>,
    keys: Keys,
    /// The digest of the given refresh token.
    seed: Option<Digest>,
    /// What lay there at the last look.
    loaded: Loaded,
    /// How long that look took, in nanoseconds: by so much the store's clock may be behind where it seems to be.
    blur: i64,
    locked: Option<Box<dyn Locked>>,
    /// When waiting ends, by the running clock.
    deadline: i64,
}

impl Keeper {
    /// One renewal of a grant that lies in the store.
    pub(super) fn renew_stored(
        self: &Arc<Self>,
        shelf: &Shelf,
        flight: &Flight<Arc<Live>>,
        errand: &Errand,
    ) -> (Landing, u32) {
        let credentials = self.credentials();
        let sent = Visit::begin(self, shelf, &credentials).and_then(|mut visit| {
            Ok(match visit.prepare(flight, errand)? {
                Some(landing) => (landing, 0),
                None => visit.renew(flight, errand),
            })
        });
        match sent {
            Ok(landed) => landed,
            Err(error) if error.kind() == Kind::Store => {
                self.renew_without(shelf, &credentials, flight, errand, &error)
            }
            Err(error) => (Landing::Failed(error.into(), credentials.digest()), 1),
        }
    }

    /// One renewal while the store cannot be used.
    fn renew_without(
        self: &Arc<Self>,
        shelf: &Shelf,
        credentials: &Credentials<'_>,
        flight: &Flight<Arc<Live>>,
        errand: &Errand,
        error: &Error,
    ) -> (Landing, u32) {
        self.complain(shelf, error);
        if let Purpose::Look(otherwise) = &errand.purpose {
            return (Landing::Remembered(otherwise.clone()), 0);
        }
        let (refresh_token, scope) = self.at_hand();
        // The refresh token may lie in the record alone.
        if self.is_risky(true) {
            let title = &self.provider.title;
            let why = format!(
                "{title}: {error}; a refresh token is good only once, and its successor could not be saved: the vendor was not asked"
            );
            return (Landing::Failed(Error::new(Kind::Store, why).into(), credentials.digest()), 1);
        }
        let counter = shelf.draw(0, self.clock.now().wall);
        let (landing, tries) = self.exchange(credentials, acquire, refresh_token, scope, true);
        if let Landing::Granted(granted, _) = &landing
            && self.core().state.lock().is_under_way(flight)
        {
            let again = self.is_dear(granted.grant.refresh_token.is_some());
            shelf.holds_unsaved(shelf.seed(), counter, again);
        }
        (landing, tries)
    }

    /// Whether a grant is worth saving again where that failed: the settings alone do not bring it back.
    fn is_dear(&self, has_refresh_token: bool) -> bool {
        has_refresh_token || oauth2::is_of_person(&self.provider, &self.settings)
    }

    /// Saves what a person's yes brought, before it is used. If that fails, this process has it still.
    pub(super) fn save_consent(self: &Arc<Self>, landing: &Landing) -> std::result::Result<(), Unsaved> {
        let (Some(shelf), Landing::Granted(granted, (asked, _))) = (&self.shelf, landing) else {
            return Ok(());
        };
        let credentials = self.credentials();
        let saved = Visit::begin(self, shelf, &credentials).and_then(|mut visit| {
            visit.lock_at_last()?;
            let stored = visit.stored(&granted.grant, *asked, visit.seed);
            let saved = visit.save(&stored, visit.draw(), SAVE_AGAIN)?;
            if saved == Saved::Newer {
                // The person's word is the last one, also where the lock did not hold.
                visit.look()?;
                return visit.save(&stored, visit.draw(), SAVE_AGAIN);
            }
            Ok(saved)
        });
        saved.map(drop).map_err(|error| {
            self.complain(shelf, &error);
            Unsaved { seed: given_seed(&credentials) }
        })
    }

    /// What was not saved is in memory from here on. With the state locked: a flight finds both words, or neither.
    pub(super) fn hold_unsaved(&self, unsaved: &Unsaved) {
        if let Some(shelf) = &self.shelf {
            shelf.holds_unsaved(unsaved.seed, shelf.draw(0, self.clock.now().wall), true);
        }
    }

    /// Saves the grant in memory, which the store did not take; or finds what another process has saved since.
    pub(super) fn save_again(self: &Arc<Self>, shelf: &Shelf) -> Landing {
        let credentials = self.credentials();
        let found = Visit::begin(self, shelf, &credentials).and_then(|mut visit| visit.catch_up());
        found.unwrap_or_else(|error| {
            self.complain(shelf, &error);
            Landing::Kept
        })
    }

    /// Takes the record out of the store, and tells what was in it.
    pub(super) fn withdraw(self: &Arc<Self>) -> Result<Option<StoredGrant>> {
        let Some(shelf) = &self.shelf else { return Ok(None) };
        let credentials = self.credentials();
        let mut visit = Visit::begin(self, shelf, &credentials)?;
        visit.lock_at_last()?;
        // Usually it was removed when it was looked at: its tokens may still have to be told to the vendor.
        if let Some(revoked) = visit.loaded.revoked.take() {
            let is_other = visit.seed.is_some() && revoked.seed != visit.seed;
            return Ok(Some(revoked).filter(|_| !is_other));
        }
        if let Some(locked) = &mut visit.locked {
            locked.remove(SAVING)?;
        }
        shelf.forget_revoked();
        Ok(visit.loaded.record.take())
    }

    /// Reports once that the store fails, until it works again.
    fn complain(self: &Arc<Self>, shelf: &Shelf, error: &Error) {
        if shelf.is_news(error.message()) {
            let title = &self.provider.title;
            self.listeners.tell(
                Level::Warn,
                format!("{title}: {error}; what is had is kept in this process's memory alone"),
            );
        }
    }
}

impl<'a> Visit<'a> {
    /// The first look, without a lock.
    fn begin(
        keeper: &'a Arc<Keeper>,
        shelf: &'a Shelf,
        credentials: &'a Credentials<'a>,
    ) -> Result<Visit<'a>> {
        let deadline = keeper.clock.now().running.saturating_add(clock::nanos(keeper.budget()));
        let keys = shelf.keys(credentials)?;
        let loaded = Loaded::default();
        let seed = given_seed(credentials);
        let mut visit =
            Visit { keeper, shelf, credentials, keys, seed, loaded, blur: 0, locked: None, deadline };
        visit.look()?;
        Ok(visit)
    }

    fn look(&mut self) -> Result<()> {
        let now = self.keeper.clock.now();
        self.loaded = self.shelf.load(&self.keys, now, self.time_left().max(SLICE))?;
        self.blur = self.keeper.clock.now().running.saturating_sub(now.running);
        if let Some(record) = &self.loaded.record {
            let core = self.keeper.core();
            let mut state = core.state.lock();
            for (token, since) in &record.refused {
                state.learn_refused(*token, past(now, self.there(now).saturating_sub(*since)).running);
            }
        }
        if !self.shelf.is_unsaved() {
            // What its parent could not save when this process was forked lies there by now, for both.
            self.keeper.core().state.lock().inherited = false;
        }
        let Some(seed) = self.seed else { return Ok(()) };
        // Of another given refresh token than the settings' own, it will be replaced.
        self.loaded.record.take_if(|record| record.seed != Some(seed));
        if let Some(record) = &self.loaded.record
            && record.refresh_token.as_ref().is_none_or(|token| token.digest() != seed)
        {
            registry::registry().spend(seed);
        }
        Ok(())
    }

    /// All that comes before the vendor is asked. Some: it need not be.
    fn prepare(&mut self, flight: &Flight<Arc<Live>>, errand: &Errand) -> Result<Option<Landing>> {
        if let Some(found) = self.better(errand.min_valid) {
            return Ok(Some(found));
        }
        let now = self.keeper.clock.now();
        let hindrance = match errand.purpose {
            Purpose::Look(_) => self.keeper.core().state.lock().hindrance(now),
            Purpose::Renew | Purpose::Save => None,
        };
        if let Some(error) = hindrance.or_else(|| self.remembered()) {
            return Ok(Some(Landing::Remembered(error)));
        }
        if let Some(landing) = self.take_turn(flight, errand.min_valid)? {
            return Ok(Some(landing));
        }
        if self.locked.is_none() {
            return Ok(None);
        }
        self.look_closely()?;
        if let Some(found) = self.better(errand.min_valid) {
            return Ok(Some(found));
        }
        self.save_leftover()?;
        let risky = self.is_risky();
        if let (true, Some(locked)) = (risky, &mut self.locked) {
            // The error comes before the refresh token is spent.
            match locked.reserve(self.loaded.counter, SAVING) {
                Ok(None) => {}
                Ok(Some(warning)) => {
                    let title = &self.keeper.provider.title;
                    self.keeper.listeners.tell(Level::Warn, format!("{title}: {warning}"));
                }
                // Whoever got the lock meanwhile may be done.
                Err(error) => {
                    self.locked = None;
                    self.look()?;
                    return self.better(errand.min_valid).map(Some).ok_or(error);
                }
            }
        }
        Ok(None)
    }

    /// Waits for the record's lock. Some: the flight ends without it. None, and no lock: the vendor is asked all the same.
    fn take_turn(&mut self, flight: &Flight<Arc<Live>>, min_valid: i64) -> Result<Option<Landing>> {
        // What can be had twice is not waited for to the end: the holder may have been stopped.
        let risky = self.is_risky();
        let patience = if risky { Duration::ZERO } else { self.time_left() * 2 / 3 };
        let mut wait = Duration::ZERO;
        loop {
            match self.lock(self.loaded.counter, wait)? {
                Turn::Ours(locked) => {
                    self.locked = Some(locked);
                    return Ok(None);
                }
                Turn::Newer => {
                    self.look()?;
                    if let Some(found) = self.better(min_valid) {
                        return Ok(Some(found));
                    }
                }
                Turn::Theirs => {}
            }
            // Another process is at it. While a token lives, nobody here waits.
            let now = self.keeper.clock.now();
            if self.keeper.core().state.lock().outlives(now, min_valid) {
                return Ok(Some(Landing::LeftToOthers));
            }
            wait = self.time_left().saturating_sub(patience);
            if wait.is_zero() || !self.keeper.core().state.lock().is_under_way(flight) {
                break;
            }
        }
        let late = || Landing::Failed(Failure::new(self.held_too_long()), self.credentials.digest());
        Ok(risky.then(late))
    }

    /// Nobody is asked, nor waited for.
    fn catch_up(&mut self) -> Result<Landing> {
        if self.shelf.is_unsaved()
            && let Turn::Ours(locked) = self.lock(self.loaded.counter, Duration::ZERO)?
        {
            self.locked = Some(locked);
            self.look_closely()?;
            self.save_leftover()?;
        }
        Ok(self.better(0).unwrap_or(Landing::Kept))
    }

    /// Saves the grant in memory if it is newer than the record.
    fn save_leftover(&mut self) -> Result<()> {
        // Before the look at memory: what comes there later is the later word.
        let counter = self.draw();
        if self.shelf.is_unsaved()
            && let Some(stored) = self.leftover()
        {
            self.save(&stored, counter, Duration::ZERO)?;
            self.look()?;
        }
        Ok(())
    }

    /// What only this process has. Not a forked child's copy: its parent may have spent that.
    fn leftover(&self) -> Option<StoredGrant> {
        let (live, refresh_token) = {
            let core = self.keeper.core();
            let state = core.state.lock();
            if state.inherited {
                return None;
            }
            (state.live.clone(), state.refresh_token.as_ref().map(|token| token.duplicate()))
        };
        if live.is_none() && refresh_token.is_none() {
            return None;
        }
        let seed = self.shelf.seed();
        if self.seed.is_some() && self.seed != seed {
            return None;
        }
        let now = self.keeper.clock.now();
        let stored = live.map_or_else(
            || StoredGrant { seed, ..StoredGrant::default() },
            |live| self.stored(&live.grant, past(now, now.running.saturating_sub(live.asked())), seed),
        );
        Some(StoredGrant { refresh_token, ..stored })
    }

    fn lock(&self, counter: u64, within: Duration) -> Result<Turn> {
        // Two exchanges, where the first refresh token was spent, and saving what comes of it.
        let needed = self.keeper.budget().saturating_mul(2).saturating_add(2 * SAVING);
        self.shelf.lock(counter, needed, within)
    }

    /// Waits for the lock however long that takes, and looks again.
    fn lock_at_last(&mut self) -> Result<()> {
        while self.locked.is_none() {
            if self.time_left().is_zero() {
                return Err(self.held_too_long());
            }
            // Whatever there is, it will be replaced.
            if let Turn::Ours(locked) = self.lock(u64::MAX, self.time_left())? {
                self.locked = Some(locked);
            }
        }
        self.look_closely()
    }

    /// Looks under the lock. What was revoked is removed, and what cannot be used is set aside.
    fn look_closely(&mut self) -> Result<()> {
        self.look()?;
        if let (true, Some(locked)) = (self.loaded.revoked.is_some(), &mut self.locked) {
            locked.remove(SAVING)?;
            self.shelf.forget_revoked();
        }
        let (Some(why), Some(locked)) = (self.loaded.unusable, &mut self.locked) else { return Ok(()) };
        let place = locked.set_aside(SAVING)?;
        let title = &self.keeper.provider.title;
        let message =
            format!("{title}: the stored grant could not be used: {why}; it was set aside as {place}");
        self.keeper.listeners.tell(Level::Warn, message.clone());
        self.keeper.core().state.lock().last_error = Some(Error::new(Kind::Store, message));
        Ok(())
    }

    /// The record's grant, if it is better than what this process has.
    fn better(&mut self, min_valid: i64) -> Option<Landing> {
        // What could not be saved is newer.
        if self.shelf.is_unsaved() {
            return None;
        }
        let (now, boot) = (self.keeper.clock.now(), self.keeper.clock.boot());
        let stored = self.loaded.record.as_ref()?;
        let grant = stored.grant.as_ref()?;
        let age = self.there(now).saturating_sub(stored.asked);
        let asked = (past(now, age), boot.saturating_sub(age.max(0)));
        let end = End::new(grant.life, asked.0, asked.1);
        let (token, freshness) = (grant.access_token.digest(), self.keeper.freshness());
        let core = self.keeper.core();
        let welcome = core.state.lock().welcomes(&token, grant.life, &end, now, min_valid, freshness);
        if !welcome || age < -SKEW {
            return None;
        }
        let companions = self.credentials.companions(&self.keeper.provider).ok()?;
        let stored = self.loaded.record.take()?;
        let grant = Grant { companions, ..stored.grant? };
        self.shelf.holds_record(stored.seed, self.loaded.counter);
        self.shelf.is_well();
        Some(Landing::Found(Box::new(FoundGrant { grant, refresh_token: stored.refresh_token, asked })))
    }

    /// Whether the vendor refused these very credentials a moment ago: then no lock is worth waiting for.
    fn remembered(&self) -> Option<Error> {
        self.keeper.read_credentials(self.credentials, self.refresh_token().is_none()).ok()?;
        let now = self.keeper.clock.now();
        self.keeper.core().state.lock().is_denied(now, &self.credentials.digest())
    }

    /// The refresh token to send: the record's, unless this process could not save a newer one.
    fn refresh_token(&self) -> Option<Arc<Secret>> {
        if let Some(record) = &self.loaded.record
            && !self.shelf.is_unsaved()
        {
            return record.refresh_token.as_ref().map(|token| Arc::new(token.duplicate()));
        }
        let outdated = self.seed.is_some() && self.shelf.seed() != self.seed;
        if outdated { None } else { self.keeper.core().state.lock().refresh_token.clone() }
    }

    /// What was granted with that refresh token.
    fn scope(&self) -> Option<Box<str>> {
        let stored = self.loaded.record.as_ref().filter(|_| !self.shelf.is_unsaved());
        let granted = stored.and_then(|record| record.grant.as_ref()).and_then(|grant| grant.scope.clone());
        granted.or_else(|| self.keeper.core().state.lock().scope.clone())
    }

    fn is_risky(&self) -> bool {
        self.keeper.is_risky(self.refresh_token().is_some())
    }

    /// Asks the vendor, and saves what comes of it.
    fn renew(&mut self, flight: &Flight<Arc<Live>>, errand: &Errand) -> (Landing, u32) {
        let _unfinished = self.is_risky().then(fork::Unfinished::begin);
        // What could not be saved until now; a person may bring another grant meanwhile.
        let drawn = self.draw();
        let sent = self.refresh_token();
        let (landing, tries) =
            self.keeper.exchange(self.credentials, acquire, sent.clone(), self.scope(), true);
        // Somebody else may have refreshed it after all, with a store whose locks do not hold.
        if let Landing::Failed(failure, _) = &landing {
            if failure.refresh_spent {
                // What could not be saved was in vain.
                self.shelf.give_up_unsaved(drawn);
            }
            // Some servers say no word of why.
            let is_refused = sent.is_some() && failure.error.kind() == Kind::ConsentRequired;
            if (is_refused || failure.refresh_spent) && self.look().is_ok() {
                if let Some(found) = self.better(errand.min_valid) {
                    return (found, tries);
                }
                let now = self.refresh_token();
                if now.is_some() && digest(now.as_deref()) != digest(sent.as_deref()) {
                    let (landing, more) =
                        self.keeper.exchange(self.credentials, acquire, now.clone(), self.scope(), true);
                    return (self.keep(landing, now.as_deref(), flight, errand), tries + more);
                }
            }
        }
        (self.keep(landing, sent.as_deref(), flight, errand), tries)
    }

    /// Saves what a flight brought, before anybody gets it. `sent` is the refresh token that bought it.
    fn keep(
        &mut self,
        landing: Landing,
        sent: Option<&Secret>,
        flight: &Flight<Arc<Live>>,
        errand: &Errand,
    ) -> Landing {
        // Before the look at the flight: what overtakes it after that is the later word.
        let counter = self.draw();
        // What was revoked or overtaken meanwhile is not wanted.
        if !self.keeper.core().state.lock().is_under_way(flight) {
            return landing;
        }
        let Some(stored) = self.worth_keeping(&landing, sent) else { return landing };
        // What can be had again is not worth the wait.
        let patience = if stored.refresh_token.is_some() { SAVE_AGAIN } else { Duration::ZERO };
        match self.save(&stored, counter, patience) {
            Ok(Saved::Saved) => landing,
            Ok(Saved::Newer) => {
                let title = &self.keeper.provider.title;
                let why = "another process saved a grant meanwhile, although this one held the record's lock";
                self.keeper.listeners.tell(Level::Warn, format!("{title}: {why}"));
                let theirs = self.look().ok().and_then(|()| self.better(errand.min_valid));
                theirs.unwrap_or(landing)
            }
            Err(error) => {
                self.keeper.complain(self.shelf, &error);
                let again = self.keeper.is_dear(stored.refresh_token.is_some());
                self.shelf.holds_unsaved(stored.seed, counter, again);
                landing
            }
        }
    }

    /// What is to lie in the store after such a landing; None where that is what lies there.
    fn worth_keeping(&mut self, landing: &Landing, sent: Option<&Secret>) -> Option<StoredGrant> {
        let record = self.loaded.record.take();
        let seed = self.seed.or(record.as_ref().map_or(self.shelf.seed(), |record| record.seed));
        match landing {
            Landing::Granted(granted, (asked, _)) => Some(self.stored(&granted.grant, *asked, seed)),
            // A new refresh token that came alone: the access token may live on.
            Landing::Failed(Failure { rotated: Some(rotated), .. }, _) => {
                let refresh_token = Some(rotated.duplicate());
                Some(StoredGrant { refresh_token, seed, ..record.unwrap_or_default() })
            }
            // None any more, if it is the record's: one that another process saved is not this one's to take away.
            Landing::Failed(Failure { refresh_spent: true, .. }, _) => record
                .filter(|record| sent.is_some() && digest(record.refresh_token.as_ref()) == digest(sent))
                .map(|record| StoredGrant { refresh_token: None, seed, ..record }),
            _ => None,
        }
    }

    fn stored(&self, grant: &Grant, asked: Now, seed: Option<Digest>) -> StoredGrant {
        let now = self.keeper.clock.now();
        let since = |running: i64| self.there(now).saturating_sub(now.running.saturating_sub(running));
        let core = self.keeper.core();
        let state = core.state.lock();
        StoredGrant {
            grant: Some(grant.access()),
            // Rather too old than too young: others go by it.
            asked: self.there(asked).saturating_sub(self.blur),
            refresh_token: grant.refresh_token.as_ref().map(Secret::duplicate),
            seed,
            refused: state.refused_tokens().map(|(token, running)| (token, since(running))).collect(),
        }
    }

    /// The counter of what this process saves next.
    fn draw(&self) -> u64 {
        self.shelf.draw(self.loaded.counter, self.there(self.keeper.clock.now()))
    }

    /// Saves a grant that this process has.
    fn save(&mut self, stored: &StoredGrant, counter: u64, patience: Duration) -> Result<Saved> {
        let record = self.shelf.seal(&self.keys, counter, stored)?;
        let saved = self.put(&record, self.loaded.counter, patience)?;
        if saved == Saved::Saved {
            self.shelf.holds_record(stored.seed, counter);
        }
        Ok(saved)
    }

    /// The bytes are the same each time, so that they are known if they arrived after all.
    fn put(&mut self, record: &Record, replaced: u64, patience: Duration) -> Result<Saved> {
        let until = self.keeper.clock.now().running.saturating_add(clock::nanos(patience));
        let mut pause = SLICE;
        loop {
            let Some(locked) = &mut self.locked else { return Err(self.held_too_long()) };
            match self.shelf.save(&mut **locked, record, replaced, SAVING) {
                Err(_) if self.keeper.clock.now().running.saturating_add(clock::nanos(pause)) < until => {
                    std::thread::sleep(pause);
                    pause *= 2;
                }
                outcome => return outcome,
            }
        }
    }

    fn held_too_long(&self) -> Error {
        Error::new(
            Kind::Timeout,
            format!(
                "{}: another process has been renewing this grant all the while, and holds its record in the store; if it was stopped or hangs, ending it frees the record",
                self.keeper.provider.title
            ),
        )
    }

    /// A moment by the store's clock.
    fn there(&self, moment: Now) -> i64 {
        moment.wall.saturating_add(self.loaded.ahead)
    }

    fn time_left(&self) -> Duration {
        clock::span(self.deadline.saturating_sub(self.keeper.clock.now().running))
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.locked = None;
        self.shelf.rest();
    }
}

fn digest(token: Option<&Secret>) -> Option<Digest> {
    token.map(Secret::digest)
}

/// The digest of the refresh token that the settings give. Its file need not stay once it was used.
fn given_seed(credentials: &Credentials<'_>) -> Option<Digest> {
    credentials.secret("refresh_token").ok().flatten().map(|seed| seed.digest())
}

/// So long ago, and never in the future.
fn past(now: Now, age: i64) -> Now {
    let age = age.max(0);
    Now { running: now.running.saturating_sub(age), wall: now.wall.saturating_sub(age) }
}
