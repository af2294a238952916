//! Keeps one credential's grant fresh: decides when a flight starts, who waits for it, and what is remembered.

mod answered;
mod flight;
mod key;
mod registry;
mod renewal;
mod shelf;
mod state;
mod tenant;
mod visit;

#[cfg(test)]
mod test;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::clock::{self, Clock, Now};
use crate::error::{Error, Kind, Result};
use crate::fork;
use crate::log::{Level, Listeners, Log};
use crate::provider::Provider;
use crate::scheme;
use crate::scheme::oauth2::{self, discovery};
use crate::secret::{Digest, Secret};
use crate::settings::{Settings, Source};
pub(crate) use crate::store::faults;
use crate::store::{self, StoredGrant};
use crate::sync::{Leader, Mutex};
use crate::token::Verdict;

use answered::Answered;
pub(crate) use flight::Flight;
use key::Key;
#[cfg(all(test, shuttle))]
pub(crate) use registry::begin_anew;
use shelf::Shelf;
pub(crate) use state::Live;
use state::{Setbacks, State, Step};
pub(crate) use tenant::Tenant;

use visit::{Errand, Purpose};

/// One credential, or one level of a chain.
pub(crate) struct Keeper {
    provider: Arc<Provider>,
    settings: Arc<Settings>,
    level: usize,
    key: Key,
    clock: Clock,
    /// In a chain, who keeps the token that this one's is bought with.
    base: Option<Tenant>,
    /// What its OAuth 2 server said of itself.
    metadata: Arc<discovery::Cache>,
    /// Where the grant outlives this process, if it does.
    shelf: Option<Box<Shelf>>,
    gate: Gate,
    core: ArcSwap<Core>,
    /// What `core` last said, to be read without its lock: by a forked child, whose copy of the lock may be held
    /// by a thread that it does not have.
    live: ArcSwapOption<Live>,
    refresh_token: ArcSwapOption<Secret>,
    setbacks: ArcSwapOption<Setbacks>,
    last_generation: AtomicU64,
    /// The longest timeout of its clients: what a flight may take.
    budget: AtomicI64,
    counts: Counts,
    tenants: AtomicUsize,
    listeners: Listeners,
}

/// All that a hit looks at. Written under the state's lock, read without.
struct Gate {
    /// The generation of the grant in use; 0 for none.
    generation: AtomicU64,
    /// From when on a call must look closer.
    renew_at: AtomicI64,
    /// The fork generation that the state belongs to.
    born: AtomicU64,
}

/// What a lock guards, and so what a forked child must replace.
struct Core {
    born: u64,
    state: Mutex<State>,
    /// Who starts an early renewal; all others take the token and go.
    early: Leader,
    /// Requests for a person's yes whose code was sent.
    answered: Mutex<Answered>,
}

impl Core {
    fn new(born: u64, state: State) -> Core {
        Core { born, state: Mutex::new(state), early: Leader::new(), answered: Mutex::default() }
    }
}

#[derive(Default)]
struct Counts {
    renewals: AtomicU64,
    failures: AtomicU64,
    shared_waits: AtomicU64,
}

/// What a keeper's counters say.
pub(crate) struct Counted {
    pub(crate) renewals: u64,
    pub(crate) failures: u64,
    pub(crate) shared_waits: u64,
    pub(crate) renew_at: Option<std::time::SystemTime>,
}

/// What a call gets.
pub(crate) enum Asked {
    /// This.
    Live(Arc<Live>),
    /// Whatever this flight brings.
    Flight(Arc<Flight<Arc<Live>>>),
}

impl Keeper {
    /// The keeper of these settings' credential, shared with every client that has the same.
    pub(crate) fn open(
        provider: &Arc<Provider>,
        settings: &Arc<Settings>,
        clock: &Clock,
        budget: Duration,
    ) -> Result<Tenant> {
        fork::watch();
        Keeper::open_level(provider, settings, clock, scheme::level(provider, settings), budget)
    }

    fn open_level(
        provider: &Arc<Provider>,
        settings: &Arc<Settings>,
        clock: &Clock,
        level: usize,
        budget: Duration,
    ) -> Result<Tenant> {
        let base = match level.checked_sub(1) {
            Some(below) => Some(Keeper::open_level(provider, settings, clock, below, budget)?),
            None => None,
        };
        let key = key::key(provider, settings, level, registry::process_key()?);
        let shelf = Shelf::open(provider, settings, level)?.map(Box::new);
        let record = shelf.as_ref().map(|shelf| shelf.name().to_owned());
        let seed = settings.secret("refresh_token").and_then(|source| match source {
            Source::Literal(token) | Source::Env { value: token, .. } => Some(token.digest()),
            Source::File(_) | Source::Command(_) => None,
        });
        let suits = |keeper: &Keeper| match key::disagreement(settings, &keeper.settings) {
            None => Ok(()),
            Some(name) => Err(Error::new(
                Kind::Config,
                format!(
                    "another client of the same credential has another {name}: they share one token, so they must agree"
                ),
            )),
        };
        let make = || {
            Keeper::new(Arc::clone(provider), Arc::clone(settings), level, key, clock.clone(), base, shelf)
        };
        let keeper = registry::registry().tenant(key, seed, record.as_deref(), suits, make)?;
        keeper.budget.fetch_max(clock::nanos(budget), Ordering::Relaxed);
        Ok(keeper)
    }

    fn new(
        provider: Arc<Provider>,
        settings: Arc<Settings>,
        level: usize,
        key: Key,
        clock: Clock,
        base: Option<Tenant>,
        shelf: Option<Box<Shelf>>,
    ) -> Keeper {
        let born = fork::generation();
        // A copy of a client, whose original may spend the given refresh token.
        let given = settings.secret("refresh_token").is_some();
        let inherited =
            settings.has_travelled() && shelf.is_none() && oauth2::is_risky(&provider, &settings, given);
        let state = State::inherit(None, None, 0, Setbacks::default(), inherited);
        Keeper {
            metadata: registry::registry().metadata(key::server(&settings)),
            provider,
            settings,
            level,
            key,
            clock,
            base,
            shelf,
            gate: Gate {
                generation: AtomicU64::new(0),
                renew_at: AtomicI64::new(i64::MAX),
                born: AtomicU64::new(born),
            },
            core: ArcSwap::from_pointee(Core::new(born, state)),
            live: ArcSwapOption::empty(),
            refresh_token: ArcSwapOption::empty(),
            setbacks: ArcSwapOption::empty(),
            last_generation: AtomicU64::new(0),
            budget: AtomicI64::new(0),
            counts: Counts::default(),
            tenants: AtomicUsize::new(0),
            listeners: Listeners::default(),
        }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Whose grant it keeps, the same in every process; no secret.
    pub(crate) fn identity(&self) -> Digest {
        key::identity(&self.provider, &self.settings, self.level)
    }

    /// Whether a token of this generation may be handed out now without looking closer. The token's own end is
    /// the caller's to check.
    #[inline]
    pub(crate) fn admits(&self, generation: u64, now: Now) -> bool {
        generation == self.gate.generation.load(Ordering::Acquire)
            && now.running < self.gate.renew_at.load(Ordering::Relaxed)
            && fork::generation() == self.gate.born.load(Ordering::Relaxed)
    }

    /// What a call does now that wants a token to live for `min_valid` more. Starts a flight where one is due.
    pub(crate) fn ask(self: &Arc<Self>, min_valid: Duration) -> Result<Asked> {
        // A flight that waits for this very thread would never land.
        store::refuse_reentry()?;
        let core = self.core();
        let min_valid = clock::nanos(min_valid);
        // In the early window one thread looks closer; all others take the token and go.
        let leading = core.early.try_lead();
        if leading.is_none()
            && let Some(live) = self.take_without_lock(min_valid)
        {
            return Ok(Asked::Live(live));
        }
        let mut state = core.state.lock();
        loop {
            let now = self.clock.now();
            let mut errand = Errand { min_valid, purpose: Purpose::Renew };
            let step = state.decide(now, min_valid, self.is_risky(state.refresh_token.is_some()));
            if matches!(step, Step::TakeAndSave(_)) {
                errand.purpose = Purpose::Save;
            }
            let flight = match step {
                Step::Take(live) => return Ok(Asked::Live(live)),
                Step::Join(flight) => {
                    state.join(min_valid);
                    self.counts.shared_waits.fetch_add(1, Ordering::Relaxed);
                    return Ok(Asked::Flight(flight));
                }
                Step::Measure => {
                    state.measure(now, self.clock.boot());
                    self.publish(&state);
                    continue;
                }
                Step::Fail(error) => {
                    // Refused credentials that may have changed since are read again; nothing else is.
                    if !self.may_reread(&mut state, now) {
                        if self.shelf.is_none() || !state.may_look(now) {
                            return Err(error);
                        }
                        errand.purpose = Purpose::Look(error);
                    }
                    self.take_off(&mut state)
                }
                Step::TakeAndFly(live) | Step::TakeAndSave(live) => {
                    let flight = self.take_off(&mut state);
                    drop(state);
                    drop(leading);
                    self.fly(&flight, errand);
                    // On this thread it has landed by now, and the token may have ended meanwhile.
                    return match flight.wait(Duration::ZERO) {
                        Some(Ok(fresh)) => Ok(Asked::Live(fresh)),
                        Some(Err(error)) if !live.end.outlives(self.clock.now(), Duration::ZERO) => {
                            Err(error)
                        }
                        _ => Ok(Asked::Live(live)),
                    };
                }
                Step::Fly => self.take_off(&mut state),
            };
            drop(state);
            drop(leading);
            self.fly(&flight, errand);
            return Ok(Asked::Flight(flight));
        }
    }

    /// Whether it is worthwhile to read refused credentials again.
    fn may_reread(&self, state: &mut State, now: Now) -> bool {
        scheme::may_change(&self.settings) && state.may_reread(now, scheme::are_commanded(&self.settings))
    }

    fn take_without_lock(&self, min_valid: i64) -> Option<Arc<Live>> {
        let live = self.live.load_full()?;
        let current = self.gate.generation.load(Ordering::Acquire) == live.generation;
        match live.end.verdict(self.clock.now()) {
            Verdict::Lives(left) if current && left > min_valid => Some(live),
            _ => None,
        }
    }

    /// The token in use if it lives; asks nobody.
    pub(crate) fn peek(self: &Arc<Self>) -> Option<Arc<Live>> {
        let core = self.core();
        let mut state = core.state.lock();
        loop {
            let live = state.live.clone()?;
            let now = self.clock.now();
            match live.end.verdict(now) {
                Verdict::Lives(_) => return Some(live),
                Verdict::Over => return None,
                Verdict::Unsure => {
                    state.measure(now, self.clock.boot());
                    self.publish(&state);
                }
            }
        }
    }

    /// A resource refused the token of this generation. Ok: another one is worth asking for, once.
    pub(crate) fn rejected(self: &Arc<Self>, generation: u64) -> Result<()> {
        let core = self.core();
        let mut state = core.state.lock();
        let now = self.clock.now();
        let given = scheme::is_given(&self.provider, &self.settings) && !scheme::may_change(&self.settings);
        let outcome = match given {
            true => Err(state.given_refused(generation, now, &self.provider.given_hint)),
            false => state.refused(generation, now),
        };
        self.publish(&state);
        outcome
    }

    /// The refusals were not the tokens' fault; that one may be handed out again.
    fn exonerate(self: &Arc<Self>, token: Option<&Live>) {
        let core = self.core();
        let mut state = core.state.lock();
        state.exonerate(token.map(|live| live.grant.access_token.digest()));
        self.publish(&state);
    }

    /// Tells the vendor to forget the grant, where it listens, and forgets it in any case.
    pub(crate) fn revoke(self: &Arc<Self>) -> Arc<Flight<()>> {
        let (core, now) = (self.core(), self.clock.now());
        let (live, refresh_token) = {
            let mut state = core.state.lock();
            let had = (state.live.take(), state.refresh_token.take());
            state.forget();
            // Also where it cannot be removed: whatever the next look finds was revoked by now.
            self.shelf.iter().for_each(|shelf| shelf.revoke(now));
            self.publish(&state);
            had
        };
        self.depart(move |keeper| {
            let (stored, mut outcome) = match keeper.withdraw() {
                Ok(stored) => (stored.unwrap_or_default(), Ok(())),
                Err(error) => (StoredGrant::default(), Err(error)),
            };
            // Each once, and the refresh tokens first: they could buy access tokens anew (RFC 7009 section 2.1).
            let mut told = Vec::new();
            let mut refresh_gone = false;
            let mut tell = |token: Option<&Secret>, hint: &str| {
                let Some(token) = token.filter(|token| !told.contains(&token.digest())) else { return };
                told.push(token.digest());
                match keeper.tell_revoked(token, hint) {
                    // The grant is gone all the same (RFC 7009 section 2.2.1).
                    Err(error) if error.kind() == Kind::Unsupported && refresh_gone => {
                        let why = "what is out ends by itself, and is never renewed";
                        keeper.listeners.tell(Level::Warn, format!("{error}; {why}"));
                    }
                    Ok(()) => refresh_gone |= hint == "refresh_token",
                    Err(error) => outcome = std::mem::replace(&mut outcome, Ok(())).and(Err(error)),
                }
            };
            tell(stored.refresh_token.as_ref(), "refresh_token");
            tell(refresh_token.as_deref(), "refresh_token");
            tell(stored.grant.as_ref().map(|grant| &grant.access_token), "access_token");
            tell(live.as_ref().map(|live| &live.grant.access_token), "access_token");
            outcome
        })
    }

    pub(crate) fn last_error(self: &Arc<Self>) -> Option<Error> {
        self.core().state.lock().last_error.clone()
    }

    /// From now on this log is told what happens, on every level of a chain.
    pub(crate) fn log_to(&self, log: &Log) {
        self.listeners.add(log);
        if let Some(base) = &self.base {
            base.log_to(log);
        }
    }

    pub(crate) fn counted(&self) -> Counted {
        let renew_at = self.gate.renew_at.load(Ordering::Relaxed);
        let now = self.clock.now();
        let known = self.gate.generation.load(Ordering::Relaxed) != 0 && renew_at != i64::MAX;
        Counted {
            renewals: self.counts.renewals.load(Ordering::Relaxed),
            failures: self.counts.failures.load(Ordering::Relaxed),
            shared_waits: self.counts.shared_waits.load(Ordering::Relaxed),
            renew_at: known.then(|| clock::wall_time(now.wall.saturating_add(renew_at - now.running))),
        }
    }

    /// Wakes those who wait for the flight under way, so that they look whether they still want to.
    pub(crate) fn nudge(self: &Arc<Self>) {
        if let Some(flight) = &self.core().state.lock().flight {
            flight.nudge();
        }
    }

    /// The state with its locks; a fresh one in a forked child, which begins with what was published.
    fn core(self: &Arc<Self>) -> Arc<Core> {
        let born = fork::generation();
        let core = self.core.load_full();
        if core.born == born {
            return core;
        }
        let refresh_token = self.refresh_token.load_full();
        // Parent and child share what lies in a store, unless the store did not take it.
        let shared = self.shelf.as_ref().is_some_and(|shelf| !shelf.is_unsaved());
        let inherited = self.is_risky(refresh_token.is_some()) && !shared;
        let state = State::inherit(
            self.live.load_full(),
            refresh_token,
            self.last_generation.load(Ordering::Relaxed),
            self.setbacks.load().as_deref().cloned().unwrap_or_default(),
            inherited,
        );
        let fresh = Arc::new(Core::new(born, state));
        self.core.compare_and_swap(&core, fresh);
        fork::leave_behind(core);
        let core = self.core.load_full();
        self.publish(&core.state.lock());
        self.gate.born.store(born, Ordering::Relaxed);
        registry::registry().adopt(self.key, self);
        core
    }

    /// Makes the state's word known to those who do not take its lock.
    fn publish(&self, state: &State) {
        self.gate.generation.store(0, Ordering::Release);
        self.live.store(state.live.clone());
        self.refresh_token.store(state.refresh_token.clone());
        self.setbacks.store(state.setbacks().cloned().map(Arc::new));
        self.last_generation.store(state.last_generation(), Ordering::Relaxed);
        self.gate.renew_at.store(state.look_at(), Ordering::Relaxed);
        let generation = state.live.as_ref().map_or(0, |live| live.generation);
        self.gate.generation.store(generation, Ordering::Release);
    }

    /// Whether renewing could lose something: it would spend a refresh token that may be good only once.
    fn is_risky(&self, has_refresh_token: bool) -> bool {
        let has_any = has_refresh_token || self.settings.secret("refresh_token").is_some();
        oauth2::is_risky(&self.provider, &self.settings, has_any)
    }

    /// Whether its token lives, by its last word.
    pub(crate) fn has_living(&self) -> bool {
        self.live.load().as_ref().is_some_and(|live| live.end.outlives(self.clock.now(), Duration::ZERO))
    }

    /// Whether its grant can be had again, from the settings alone or from the store.
    pub(crate) fn is_replaceable(&self) -> bool {
        let is_stored = self.shelf.as_ref().is_some_and(|shelf| shelf.has_all());
        is_stored
            || !oauth2::is_of_person(&self.provider, &self.settings) && self.refresh_token.load().is_none()
    }

    fn take_off(&self, state: &mut State) -> Arc<Flight<Arc<Live>>> {
        let flight = Arc::new(Flight::new());
        state.take_off(&flight);
        self.publish(state);
        flight
    }

    fn budget(&self) -> Duration {
        clock::span(self.budget.load(Ordering::Relaxed))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        registry::registry().forget(&self.key);
    }
}
