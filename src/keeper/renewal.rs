//! A renewal from take-off to landing: on which thread, with how many tries, and what is written down of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};

use super::flight::CrashLanding;
use super::registry;
use super::state::{Freshness, State, inherited_refresh_token};
use super::visit::{Errand, FoundGrant, Purpose};
use super::{Asked, Core, Flight, Keeper, Live};
use crate::clock::Now;
use crate::error::{Error, Kind, Result};
use crate::fork;
use crate::log::Level;
#[cfg(not(all(test, shuttle)))]
use crate::scheme::acquire;
#[cfg(all(test, shuttle))]
use crate::scheme::double::acquire;
use crate::scheme::oauth2::authorization::Code;
use crate::scheme::oauth2::device::{self, Device};
use crate::scheme::{self, Credentials, Exchange, Failure, Granted, oauth2};
use crate::secret::{Digest, Secret};
use crate::store;
use crate::token::Grant;
use crate::transport::Transport;

/// How often a renewal tries where trying again can lose nothing.
const ATTEMPTS: u32 = 3;
/// The first pause between tries; it doubles, and chance makes it shorter.
const PAUSE: Duration = Duration::from_millis(200);

/// How a flight ended.
pub(super) enum Landing {
    Granted(Box<Granted>, (Now, i64)),
    /// Another process had it.
    Found(Box<FoundGrant>),
    /// Another process is renewing, and the token in use lives.
    LeftToOthers,
    /// Nobody was asked: the grant in use was saved, or that is put off.
    Kept,
    Failed(Failure, Digest),
    /// The same credentials were refused a moment ago: nobody was asked.
    Remembered(Error),
}

impl Keeper {
    /// Renews. A flight that cannot take off lands at once, with the reason.
    pub(super) fn fly(self: &Arc<Self>, flight: &Arc<Flight<Arc<Live>>>, errand: Errand) {
        let started =
            self.run(flight, self.needs_nobody(), move |keeper, flight| keeper.renew(flight, &errand));
        if let Err(error) = started {
            let core = self.core();
            let mut state = core.state.lock();
            state.take_flight(flight);
            // Where there is no thread to be had, not every call tries to start one.
            let failed = Landing::Failed(Failure::new(error), self.credentials().digest());
            let outcome = self.settle(&mut state, failed);
            drop(state);
            flight.land(outcome);
        }
    }

    /// Whether a renewal neither waits nor asks anybody: what is given, and what only a person can give.
    fn needs_nobody(&self) -> bool {
        let waits_for_person = oauth2::is_of_person(&self.provider, &self.settings)
            && self.refresh_token.load().is_none()
            && self.settings.secret("refresh_token").is_none();
        !scheme::may_change(&self.settings)
            && self.shelf.is_none()
            && (waits_for_person || scheme::is_given(&self.provider, &self.settings))
    }

    /// A flight of its own, which no other call joins.
    pub(super) fn depart<T: Clone + Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Arc<Keeper>) -> Result<T> + Send + 'static,
    ) -> Arc<Flight<T>> {
        let flight = Arc::new(Flight::new());
        if let Err(error) = self.run(&flight, false, |keeper, _| work(keeper)) {
            flight.land(Err(error));
        }
        flight
    }

    /// Does a flight's work on a worker thread or, where nothing is to be waited for or the settings want no
    /// thread, on this one.
    fn run<T: Clone + Send + 'static>(
        self: &Arc<Self>,
        flight: &Arc<Flight<T>>,
        here: bool,
        work: impl FnOnce(&Arc<Keeper>, &Flight<T>) -> Result<T> + Send + 'static,
    ) -> Result<()> {
        let (keeper, aboard) = (Arc::clone(self), Arc::clone(flight));
        let job = move || {
            let _landing = CrashLanding(&aboard);
            // A panic ends the flight, never the host.
            let outcome = catch_unwind(AssertUnwindSafe(|| work(&keeper, &aboard)));
            // Let go first: whoever is told may drop the last client, and that is then the end of the keeper.
            drop(keeper);
            if let Ok(outcome) = outcome {
                aboard.land(outcome);
            }
        };
        store::refuse_reentry()?;
        // A host's store is called on the host's threads alone.
        let here = here || self.settings.store().is_some();
        if here || self.settings.text("background") == Some("off") {
            job();
            return Ok(());
        }
        fork::spawn_worker(job).map_err(|error| {
            let why = "no thread could be started for the renewal, so nobody was asked";
            let advice = "is this process, or its user, at the limit of threads or memory?";
            Error::new(Kind::Network, format!("{}: {why}: {error} ({advice})", self.provider.title))
        })
    }

    /// One renewal from take-off to landing.
    fn renew(self: &Arc<Self>, flight: &Flight<Arc<Live>>, errand: &Errand) -> Result<Arc<Live>> {
        let core = self.core();
        let _clear = Clear { keeper: self, core: &core, flight };
        let (mut landing, mut attempts) = self.bring(flight, errand);
        let mut state = core.state.lock();
        while matches!(landing, Landing::LeftToOthers | Landing::Kept)
            && let Some(min_valid) = state.is_wanting(flight, self.clock.now())
        {
            drop(state);
            (landing, attempts) = self.bring(flight, &Errand { min_valid, purpose: Purpose::Renew });
            state = core.state.lock();
        }
        if !state.take_flight(flight) {
            let live = state.live.clone();
            drop(state);
            return live.ok_or_else(|| {
                self.unwanted(flight, landing, "the grant was revoked while it was being renewed")
            });
        }
        let outcome = self.settle(&mut state, landing);
        drop(state);
        if attempts > 1 {
            self.listeners.tell(Level::Debug, format!("{}: it took {attempts} tries", self.provider.title));
        }
        outcome
    }

    /// What an errand comes to, and after how many tries.
    fn bring(self: &Arc<Self>, flight: &Flight<Arc<Live>>, errand: &Errand) -> (Landing, u32) {
        match (&self.shelf, &errand.purpose) {
            (Some(shelf), Purpose::Save) => (self.save_again(shelf), 0),
            (Some(shelf), _) => self.renew_stored(shelf, flight, errand),
            (None, _) => {
                let (refresh_token, scope) = self.at_hand();
                self.exchange(&self.credentials(), acquire, refresh_token, scope, true)
            }
        }
    }

    /// The refresh token in memory, and what was granted with it.
    pub(super) fn at_hand(self: &Arc<Self>) -> (Option<Arc<Secret>>, Option<Box<str>>) {
        let core = self.core();
        let state = core.state.lock();
        (state.refresh_token.clone(), state.scope.clone())
    }

    /// A grant that comes when nobody wants it any more is revoked: nobody else knows of it.
    fn unwanted(self: &Arc<Self>, flight: &Flight<Arc<Live>>, landing: Landing, why: &str) -> Error {
        let error = Error::new(Kind::Cancelled, why);
        // The vendor may be slow to forget, and whoever waits need not wait for that.
        flight.land(Err(error.clone()));
        if let Landing::Granted(granted, _) = landing {
            let refresh_token = granted.grant.refresh_token.as_ref().map(|token| (token, "refresh_token"));
            for (token, hint) in
                refresh_token.into_iter().chain([(&granted.grant.access_token, "access_token")])
            {
                if let Err(error) = self.tell_revoked(token, hint) {
                    self.listeners
                        .tell(Level::Warn, format!("a token that came too late may still live: {error}"));
                }
            }
        }
        error
    }

    /// Writes down how a flight ended, and tells the state.
    fn settle(self: &Arc<Self>, state: &mut State, landing: Landing) -> Result<Arc<Live>> {
        let now = self.clock.now();
        let title = &self.provider.title;
        state.plan_save(self.shelf.as_ref().is_some_and(|shelf| shelf.is_unsaved()), now);
        let mut news = "a token was had";
        let outcome = match landing {
            Landing::Granted(granted, asked) => {
                for warning in granted.warnings {
                    self.listeners.tell(Level::Warn, warning);
                }
                let own = granted.life_is_its_own;
                state.granted(granted.grant, own, asked, now, self.freshness(), chance())
            }
            Landing::Found(found) => {
                news = "a token was found in the store";
                state.refresh_token = found.refresh_token.map(Arc::new);
                state.granted(found.grant, false, found.asked, now, self.freshness(), chance())
            }
            Landing::LeftToOthers => {
                let live = state.leave_to_others(now);
                self.publish(state);
                return live.ok_or_else(refused_meanwhile);
            }
            Landing::Kept => {
                self.publish(state);
                return state.live.clone().ok_or_else(refused_meanwhile);
            }
            Landing::Failed(failure, credentials) => Err(state.failed(failure, now, credentials)),
            Landing::Remembered(error) => {
                self.publish(state);
                return Err(error);
            }
        };
        self.publish(state);
        match &outcome {
            Ok(_) => {
                self.counts.renewals.fetch_add(1, Ordering::Relaxed);
                self.listeners.tell(Level::Info, format!("{title}: {news}"));
            }
            Err(error) => {
                self.counts.failures.fetch_add(1, Ordering::Relaxed);
                let level = if state.live.is_some() { Level::Warn } else { Level::Error };
                self.listeners.tell(level, format!("no token was had: {error}"));
            }
        }
        outcome
    }

    /// Tries one exchange, again where that can lose nothing, and with a new base token where the old is refused.
    pub(super) fn exchange(
        self: &Arc<Self>,
        credentials: &Credentials<'_>,
        attempt: impl Fn(&Exchange<'_>) -> std::result::Result<Granted, Failure>,
        refresh_token: Option<Arc<Secret>>,
        granted_scope: Option<Box<str>>,
        remembering: bool,
    ) -> (Landing, u32) {
        let transport = Transport::new(&self.settings, self.clock.clone(), self.budget());
        let by_seed = remembering && refresh_token.is_none();
        // The first refusal that may have been the base token's fault, and that token.
        let mut suspected: Option<(Failure, Arc<Live>)> = None;
        let mut tries = 1;
        loop {
            let outcome = self.prepare(credentials, &transport, remembering, by_seed).and_then(|base| {
                let asked = (self.clock.now(), self.clock.boot());
                let seed = if by_seed { self.unspent_seed(credentials)? } else { None };
                let spent = refresh_token.as_deref().or(seed.as_deref());
                let base_grant = base.as_ref().map(|live| &*live.grant);
                let exchange = Exchange {
                    granted_scope: granted_scope.as_deref(),
                    ..self.exchange_with(&transport, credentials, spent, base_grant)
                };
                let outcome = attempt(&exchange);
                let rotated = match &outcome {
                    Ok(granted) => granted.grant.refresh_token.as_ref(),
                    Err(failure) => failure.rotated.as_ref(),
                };
                if let (Some(seed), Some(rotated)) = (&seed, rotated)
                    && seed.digest() != rotated.digest()
                {
                    registry::registry().spend(seed.digest());
                }
                match outcome {
                    Ok(granted) => Ok((granted, asked)),
                    Err(failure) => Err(Refusal::Failed(failure, base)),
                }
            });
            let (failure, base) = match outcome {
                Ok((granted, asked)) => return (Landing::Granted(Box::new(granted), asked), tries),
                Err(Refusal::Remembered(error)) => return (Landing::Remembered(error), tries),
                Err(Refusal::Failed(failure, base)) => (failure, base),
            };
            if let Some(keeper) = &self.base {
                match (suspected.take(), base) {
                    (Some((first, old)), None) if failure.base_missing && is_same_again(&failure) => {
                        // There is no other: it was this step that was refused, and not for its token.
                        keeper.exonerate(Some(&old));
                        return (Landing::Failed(first, credentials.digest()), tries);
                    }
                    // A new one fared no better: it is this step that was refused, and others may use that token.
                    (Some(_), Some(_)) if failure.base_refused => keeper.exonerate(None),
                    (None, Some(live))
                        if failure.base_refused && keeper.rejected(live.generation).is_ok() =>
                    {
                        suspected = Some((failure, live));
                        continue;
                    }
                    (before, _) => suspected = before,
                }
            }
            let Some(pause) = self.pause(&failure, tries, &transport) else {
                return (Landing::Failed(failure, credentials.digest()), tries);
            };
            // For those whose patience ends before the tries do.
            self.core().state.lock().last_error = Some(failure.error.clone());
            std::thread::sleep(pause);
            tries += 1;
        }
    }

    /// How long to wait before the next try, if there is to be one: what the vendor asks for, else a random part of a
    /// doubling span.
    fn pause(&self, failure: &Failure, tries: u32, transport: &Transport<'_>) -> Option<Duration> {
        let limit = self.settings.count("max_attempts").unwrap_or(ATTEMPTS);
        let doubled = PAUSE.saturating_mul(1 << tries.min(5));
        // A fleet that was told to wait alike does not come back all at once.
        let pause = failure
            .error
            .retry_after()
            .map_or_else(|| doubled.mul_f64(chance()), |wait| wait.mul_f64(1.0 + chance() / 10.0));
        (failure.repeatable && tries < limit && pause < transport.time_left()).then_some(pause)
    }

    /// Reads the credentials, looks whether they were refused a moment ago, and gets the base token.
    fn prepare(
        self: &Arc<Self>,
        credentials: &Credentials<'_>,
        transport: &Transport<'_>,
        remembering: bool,
        by_seed: bool,
    ) -> std::result::Result<Option<Arc<Live>>, Refusal> {
        self.read_credentials(credentials, by_seed)?;
        if remembering
            && let Some(error) = self.core().state.lock().is_denied(self.clock.now(), &credentials.digest())
        {
            return Err(Refusal::Remembered(error));
        }
        let Some(keeper) = &self.base else { return Ok(None) };
        let missing = |error| Refusal::Failed(Failure { base_missing: true, ..Failure::new(error) }, None);
        keeper.wait(transport).map(Some).map_err(missing)
    }

    /// The credentials of one flight.
    pub(super) fn credentials(&self) -> Credentials<'_> {
        Credentials::new(&self.provider, &self.settings, self.budget())
    }

    pub(super) fn read_credentials(&self, credentials: &Credentials<'_>, by_seed: bool) -> Result<()> {
        for name in scheme::secrets_used(&self.provider, &self.settings, self.level) {
            // The given refresh token is for the first time only; its file need not stay.
            if by_seed || name != "refresh_token" {
                credentials.secret(name)?;
            }
        }
        Ok(())
    }

    /// The given refresh token, unless it was rotated away. An error where it is another's to spend.
    fn unspent_seed(self: &Arc<Self>, credentials: &Credentials<'_>) -> Result<Option<Rc<Secret>>> {
        let Some(seed) = credentials.secret("refresh_token")? else { return Ok(None) };
        let (registry, digest) = (registry::registry(), seed.digest());
        if registry.is_spent(&digest) {
            return Ok(None);
        }
        let lasts = self.shelf.is_some();
        if !lasts && self.is_risky(true) && registry.is_inherited(&digest) {
            return Err(inherited_refresh_token());
        }
        registry.claim(digest, self.key, lasts)?;
        Ok(Some(seed))
    }

    /// A token for the next step of a chain.
    fn wait(self: &Arc<Self>, transport: &Transport<'_>) -> Result<Arc<Live>> {
        let flight = match self.ask(Duration::ZERO)? {
            Asked::Live(live) => return Ok(live),
            Asked::Flight(flight) => flight,
        };
        // It wakes early when a client of the step before is closed, which is no concern of this one's.
        loop {
            let left = transport.time_left();
            match flight.wait(left) {
                Some(outcome) => return outcome,
                None if left.is_zero() => {
                    let why = "the token of the step before did not come in time";
                    return Err(Error::new(Kind::Timeout, format!("{}: {why}", self.provider.title)));
                }
                None => {}
            }
        }
    }

    fn exchange_with<'a>(
        &'a self,
        transport: &'a Transport<'a>,
        credentials: &'a Credentials<'a>,
        refresh_token: Option<&'a Secret>,
        base: Option<&'a Grant>,
    ) -> Exchange<'a> {
        Exchange {
            provider: &self.provider,
            settings: &self.settings,
            level: self.level,
            transport,
            credentials,
            refresh_token,
            base,
            granted_scope: None,
            metadata: &self.metadata,
        }
    }

    /// Puts the grant that a person's code buys in use. A code is sent once, whoever has it: an error means that it was
    /// not sent, and still may be.
    pub(crate) fn redeem(self: &Arc<Self>, code: Arc<Code>) -> Result<Arc<Flight<Arc<Live>>>> {
        let (request, core) = (code.request, self.core());
        if !core.answered.lock().insert(request, self.clock.now().running) {
            return Err(Error::new(
                Kind::InvalidArgument,
                "this consent was finished before in this process: its code is good only once, begin another",
            ));
        }
        let flight = self.buy(move |exchange| oauth2::redeem(exchange, &code), || true);
        if flight.is_err() {
            core.answered.lock().remove(&request);
        }
        flight
    }

    /// Asks whether a person has said yes to a device code, and puts the grant that comes of it in use. One that comes
    /// when nobody wants it any more is revoked.
    pub(crate) fn poll(
        self: &Arc<Self>,
        device: Arc<Device>,
        wanted: impl Fn() -> bool + Send + 'static,
    ) -> Result<Arc<Flight<Arc<Live>>>> {
        self.buy(move |exchange| device::poll(exchange, &device), wanted)
    }

    /// An exchange that a person's yes allows, in a flight of its own. Where it cannot take off, nothing was sent.
    fn buy(
        self: &Arc<Self>,
        attempt: impl Fn(&Exchange<'_>) -> std::result::Result<Granted, Failure> + Send + 'static,
        wanted: impl Fn() -> bool + Send + 'static,
    ) -> Result<Arc<Flight<Arc<Live>>>> {
        let flight = Arc::new(Flight::new());
        self.run(&flight, false, move |keeper, flight| {
            let credentials = keeper.credentials();
            let (landing, _) = keeper.exchange(&credentials, attempt, None, None, false);
            match landing {
                // What was not had says nothing of the grant in use.
                Landing::Failed(failure, _) => Err(failure.error),
                landing if !wanted() => Err(keeper.unwanted(flight, landing, "the consent was cancelled")),
                landing => {
                    let saved = keeper.save_consent(&landing);
                    let core = keeper.core();
                    let mut state = core.state.lock();
                    // Whatever a renewal of the old grant brings is overtaken.
                    state.flight = None;
                    // It may be another person's.
                    (state.refresh_token, state.scope) = (None, None);
                    if let Err(unsaved) = saved {
                        keeper.hold_unsaved(&unsaved);
                    }
                    keeper.settle(&mut state, landing)
                }
            }
        })?;
        Ok(flight)
    }

    /// Asks the server for something that is no grant, in a flight of its own; on this thread where `here` says that
    /// nobody is asked. With what is odd about the answer.
    pub(crate) fn inquire<T: Clone + Send + 'static>(
        self: &Arc<Self>,
        here: bool,
        ask: impl FnOnce(&Exchange<'_>) -> std::result::Result<(T, Vec<String>), Failure> + Send + 'static,
    ) -> Result<Arc<Flight<T>>> {
        let flight = Arc::new(Flight::new());
        self.run(&flight, here, move |keeper, _| {
            let (found, warnings) = keeper.with_exchange(ask)?;
            for warning in warnings {
                keeper.listeners.tell(Level::Warn, warning);
            }
            Ok(found)
        })?;
        Ok(flight)
    }

    /// Tells the server to forget a token. It may be told so twice (RFC 7009 section 2.2).
    pub(super) fn tell_revoked(&self, token: &Secret, hint: &str) -> Result<()> {
        let transport = Transport::new(&self.settings, self.clock.clone(), self.budget());
        let credentials = self.credentials();
        let exchange = self.exchange_with(&transport, &credentials, None, None);
        let mut tries = 1;
        while let Err(failure) = oauth2::revoke(&exchange, token, hint) {
            let pause = self.pause(&failure, tries, &transport).ok_or(failure.error)?;
            std::thread::sleep(pause);
            tries += 1;
        }
        Ok(())
    }

    /// One exchange that brings no grant.
    fn with_exchange<T>(
        &self,
        attempt: impl FnOnce(&Exchange<'_>) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        let transport = Transport::new(&self.settings, self.clock.clone(), self.budget());
        let credentials = self.credentials();
        attempt(&self.exchange_with(&transport, &credentials, None, None)).map_err(|failure| failure.error)
    }

    pub(super) fn freshness(&self) -> Freshness {
        Freshness { refresh_early: self.settings.span("refresh_early") }
    }
}

/// Why an attempt brought nothing.
enum Refusal {
    Failed(Failure, Option<Arc<Live>>),
    Remembered(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Failed(error.into(), None)
    }
}

/// Whether no token could be had because it would have been one that was refused before.
fn is_same_again(failure: &Failure) -> bool {
    failure.error.kind() == Kind::Rejected
}

/// Takes the flight off the state even if it crashed, so that the next call can start another.
struct Clear<'a> {
    keeper: &'a Arc<Keeper>,
    core: &'a Core,
    flight: &'a Flight<Arc<Live>>,
}

impl Drop for Clear<'_> {
    fn drop(&mut self) {
        let mut state = self.core.state.lock();
        if state.take_flight(self.flight) {
            self.keeper.publish(&state);
        }
    }
}

fn refused_meanwhile() -> Error {
    Error::new(Kind::Cancelled, "the token was refused at this very moment: ask again")
}

/// A random number from zero up to one.
fn chance() -> f64 {
    let mut bytes = [0; 4];
    // Without random bytes nothing is spread out, and nothing else is lost.
    SystemRandom::new().fill(&mut bytes).ok();
    f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod test;
