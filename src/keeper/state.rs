//! The rules of freshness, as a state machine: no clock is read here, nothing is sent, nobody waits.
//!
//! A keeper asks [`State::decide`] what a call should do, and tells it what happened: a flight landed
//! ([`State::granted`], [`State::failed`]), a token was refused ([`State::refused`]).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::flight::Flight;
use crate::clock::{self, Now};
use crate::error::{Error, Kind};
use crate::scheme::Failure;
use crate::secret::{Digest, Secret};
use crate::token::{End, Grant, Life, Verdict};

const SECOND: i64 = 1_000_000_000;
/// An early window is at most this long, and at most a fifth of the life.
const EARLY_LIMIT: i64 = 300 * SECOND;
/// How long the vendor's own no is remembered: 30 s, doubling to 15 min.
const DENIED: (i64, i64) = (30 * SECOND, 900 * SECOND);
/// How long to leave a failing vendor alone while a token lives: 1 s, doubling to 5 min.
const TROUBLED_ALIVE: (i64, i64) = (SECOND, 300 * SECOND);
/// The same when there is none: callers are told the failure meanwhile.
const TROUBLED_DEAD: (i64, i64) = (SECOND, 10 * SECOND);
/// How long to leave a vendor alone whose new tokens are refused: 1 s, doubling to 5 min.
const REFUSED: (i64, i64) = (SECOND, 300 * SECOND);
/// How long not to run programs for credentials again that were refused, or of no use: 1 s, doubling to 32 s.
const REREAD: (i64, i64) = (SECOND, 32 * SECOND);
/// How long to leave a store alone that did not take a grant: 1 s, doubling to 1 min.
const UNSAVED: (i64, i64) = (SECOND, 60 * SECOND);
/// A token that was good for this long was no dud.
const PROVEN: i64 = 60 * SECOND;
/// So many tokens in a row that had ended before they arrived are no accident of a busy machine.
const STILLBORN: u32 = 3;
/// How many refused tokens are remembered.
const REFUSED_KEPT: usize = 4;

/// A grant in use.
pub(crate) struct Live {
    pub(crate) grant: Arc<Grant>,
    pub(crate) generation: u64,
    /// The first generation that this very token was had as.
    first: u64,
    pub(crate) end: End,
    /// When it was asked for, by the running clock.
    born: i64,
    /// When to renew it, by the running clock, if nothing comes between.
    renew_at: i64,
}

/// What a call does now.
pub(super) enum Step {
    /// Take this token.
    Take(Arc<Live>),
    /// Take this token and start a flight that nobody waits for.
    TakeAndFly(Arc<Live>),
    /// Take this token, which the store did not take, and start a flight that saves it and asks nobody.
    TakeAndSave(Arc<Live>),
    /// Start a flight and wait for it.
    Fly,
    /// Wait for the flight under way.
    Join(Arc<Flight<Arc<Live>>>),
    /// Nothing can be had for now.
    Fail(Error),
    /// The clocks moved apart: measure the token's end anew, then decide again.
    Measure,
}

/// What went wrong of late, and keeps flights from starting. A forked child takes it over: what its parent was told it
/// need not ask again.
#[derive(Clone, Default)]
pub(super) struct Setbacks {
    trouble: Option<Trouble>,
    /// Refused tokens, and since when, by the running clock.
    refused: VecDeque<(Digest, i64)>,
    /// How many new tokens were refused in a row.
    duds: u32,
    /// How many tokens in a row had ended before they arrived.
    stillborn: u32,
}

/// Why flights do not start for a while.
#[derive(Clone)]
struct Trouble {
    error: Error,
    since: i64,
    strikes: u32,
    cause: Cause,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// A failure that may pass.
    Passing,
    /// The vendor refused the credentials with this digest.
    Denied(Digest),
    /// The token of the step before could not be had.
    Base,
    /// Resources refused new tokens.
    Refused,
    /// A given token was refused.
    Given,
}

/// What the settings say of freshness.
#[derive(Clone, Copy, Default)]
pub(super) struct Freshness {
    pub(super) refresh_early: Option<Duration>,
}

/// Everything that is remembered of one credential.
pub(super) struct State {
    pub(super) live: Option<Arc<Live>>,
    pub(super) refresh_token: Option<Arc<Secret>>,
    /// What was granted last: a refresh keeps to it (RFC 6749 section 6).
    pub(super) scope: Option<Box<str>>,
    pub(super) flight: Option<Arc<Flight<Arc<Live>>>>,
    /// How much longer a token must live to be good enough for all who joined that flight.
    joined_for: i64,
    /// From when on a call starts a flight although the token lives.
    pub(super) renew_at: i64,
    pub(super) last_error: Option<Error>,
    /// A refresh token that a parent process holds too, so that this one must not spend it.
    pub(super) inherited: bool,
    last_generation: u64,
    setbacks: Setbacks,
    /// When to save the grant in use, if the store did not take it, and how often that was put off.
    save_at: i64,
    put_off: u32,
    /// When credentials were last read again although there is trouble, and how often.
    reread: i64,
    rereads: u32,
    /// When the store was last looked at although the vendor was to be left alone.
    looked: i64,
}

impl State {
    pub(super) fn new() -> State {
        State {
            live: None,
            refresh_token: None,
            scope: None,
            flight: None,
            joined_for: 0,
            renew_at: i64::MAX,
            last_error: None,
            inherited: false,
            last_generation: 0,
            setbacks: Setbacks::default(),
            save_at: i64::MAX,
            put_off: 0,
            reread: i64::MIN,
            rereads: 0,
            looked: i64::MIN,
        }
    }

    /// What a forked child begins with, or a copy of another process's client. It renews when its parent would have.
    pub(super) fn inherit(
        live: Option<Arc<Live>>,
        refresh_token: Option<Arc<Secret>>,
        last_generation: u64,
        setbacks: Setbacks,
        inherited: bool,
    ) -> State {
        State {
            renew_at: live.as_ref().map_or(i64::MAX, |live| live.renew_at),
            // The fork may have come between the one word and the other.
            last_generation: last_generation.max(live.as_ref().map_or(0, |live| live.generation)),
            scope: live.as_ref().and_then(|live| live.grant.scope.clone()),
            live,
            refresh_token,
            last_error: setbacks.trouble.as_ref().map(|trouble| trouble.error.clone()),
            setbacks,
            inherited,
            ..State::new()
        }
    }

    /// What a call does that wants a token to live for `min_valid` more. `risky`: a renewal could lose something.
    pub(super) fn decide(&self, now: Now, min_valid: i64, risky: bool) -> Step {
        let Some(live) = &self.live else { return self.without_token(now) };
        let left = match live.end.verdict(now) {
            Verdict::Over => return self.without_token(now),
            Verdict::Unsure => return Step::Measure,
            Verdict::Lives(left) => left,
        };
        if left < min_valid && live.life() > min_valid && !self.inherited {
            return self.without_token(now);
        }
        if self.flight.is_some() || self.inherited {
            return Step::Take(Arc::clone(live));
        }
        match now.running >= self.renew_at && !self.is_blocked(now, true) {
            true if risky => Step::Fly,
            true => Step::TakeAndFly(Arc::clone(live)),
            false if now.running >= self.save_at => Step::TakeAndSave(Arc::clone(live)),
            false => Step::Take(Arc::clone(live)),
        }
    }

    /// What a call does that no token at hand is good enough for.
    fn without_token(&self, now: Now) -> Step {
        if let Some(flight) = &self.flight {
            return Step::Join(Arc::clone(flight));
        }
        self.hindrance(now).map_or(Step::Fly, Step::Fail)
    }

    /// Why the vendor must not be asked now, if there is a reason.
    pub(super) fn hindrance(&self, now: Now) -> Option<Error> {
        if self.inherited {
            return Some(inherited_refresh_token());
        }
        let trouble = self.setbacks.trouble.as_ref()?;
        let wait = trouble.until(false).saturating_sub(now.running);
        (wait > 0).then(|| trouble.error.clone().with_retry_after(Some(clock::span(wait))))
    }

    fn is_blocked(&self, now: Now, alive: bool) -> bool {
        self.setbacks.trouble.as_ref().is_some_and(|trouble| now.running < trouble.until(alive))
    }

    /// Whether these very credentials were refused a moment ago, by the vendor's own word.
    pub(super) fn is_denied(&self, now: Now, credentials: &Digest) -> Option<Error> {
        let trouble = self.setbacks.trouble.as_ref()?;
        let same = trouble.cause == Cause::Denied(*credentials);
        (same && now.running < trouble.until(false)).then(|| trouble.error.clone())
    }

    /// Whether trouble ends when the credentials change, so that they are worth reading again. A command may give
    /// others each time: after two refusals there is a growing pause.
    fn depends_on_credentials(&self, now: Now) -> bool {
        self.setbacks.trouble.as_ref().is_some_and(|trouble| match trouble.cause {
            Cause::Base => true,
            Cause::Denied(_) if trouble.strikes <= 2 => true,
            Cause::Denied(_) => {
                now.running >= trouble.since.saturating_add(SECOND << (trouble.strikes - 2).min(9))
            }
            Cause::Passing | Cause::Refused | Cause::Given => false,
        })
    }

    /// Whether to read the credentials again now. What is read from files is read at once; programs are not run at every
    /// call, whatever came of the last time.
    pub(super) fn may_reread(&mut self, now: Now, commanded: bool) -> bool {
        if !self.depends_on_credentials(now) {
            return false;
        }
        let (first, limit) = REREAD;
        let pause = first.saturating_mul(1 << self.rereads.min(20)).min(limit);
        let last = self.setbacks.trouble.as_ref().map_or(i64::MIN, |trouble| trouble.since).max(self.reread);
        if commanded && now.running < last.saturating_add(pause) {
            return false;
        }
        (self.reread, self.rereads) = (now.running, self.rereads.saturating_add(1));
        true
    }

    /// How many grants there ever were.
    pub(super) fn last_generation(&self) -> u64 {
        self.last_generation
    }

    /// What a forked child needs to know of failures; None where there were none.
    pub(super) fn setbacks(&self) -> Option<&Setbacks> {
        let Setbacks { trouble, refused, duds, stillborn } = &self.setbacks;
        let any = trouble.is_some() || !refused.is_empty() || *duds > 0 || *stillborn > 0;
        any.then_some(&self.setbacks)
    }

    /// When the next flight is allowed, where trouble forbids one now.
    pub(super) fn blocked_until(&self) -> Option<i64> {
        self.setbacks.trouble.as_ref().map(|trouble| trouble.until(true))
    }

    /// A flight brought a grant that was asked for at `from`. `own_life`: the token itself says how long it lives, and
    /// nobody else does. `chance` is a random number below one.
    pub(super) fn granted(
        &mut self,
        grant: Grant,
        own_life: bool,
        (from, boot): (Now, i64),
        now: Now,
        freshness: Freshness,
        chance: f64,
    ) -> Result<Arc<Live>, Error> {
        if let Some(refresh_token) = &grant.refresh_token {
            self.refresh_token = Some(Arc::new(refresh_token.duplicate()));
        }
        self.scope.clone_from(&grant.scope);
        let digest = grant.access_token.digest();
        if self.is_refused(&digest, now) {
            let error = Error::new(
                Kind::Rejected,
                "the vendor, or the place the token is read from, gave the very token again that was refused",
            );
            self.stumble(error.clone(), now, Cause::Refused);
            return Err(error);
        }
        let again = self.live.as_ref().is_some_and(|live| live.grant.access_token.digest() == digest);
        let end = End::new(grant.life, from, boot);
        let end = match &self.live {
            // It says the same each time: it does not begin anew.
            Some(old) if again && own_life && old.end.running() < end.running() => old.end,
            _ => end,
        };
        self.setbacks.stillborn =
            if end.verdict(now) == Verdict::Over { self.setbacks.stillborn + 1 } else { 0 };
        let has_living = self.live.as_ref().is_some_and(|old| old.end.verdict(now) != Verdict::Over);
        if self.setbacks.stillborn >= STILLBORN || (self.setbacks.stillborn > 0 && has_living) {
            let error = Error::new(
                Kind::Protocol,
                "the vendor's tokens have ended before they arrive: their lifetime is shorter than their way",
            );
            self.stumble(error.clone(), now, Cause::Passing);
            return Err(error);
        }
        let renew_at = match again {
            true => same_again(&end, now),
            false => renewal(grant.life, &end, freshness, chance),
        };
        // The one before was good to its end: what is refused from here on is not refused in a row.
        if self.live.as_ref().is_some_and(|old| now.running.saturating_sub(old.born) > PROVEN) {
            self.setbacks.duds = 0;
        }
        self.last_generation += 1;
        let (grant, generation, born) = (Arc::new(grant), self.last_generation, from.running);
        let first = self.live.as_ref().filter(|_| again).map_or(generation, |live| live.first);
        let live = Arc::new(Live { grant, generation, first, end, born, renew_at });
        self.renew_at = renew_at;
        self.live = Some(Arc::clone(&live));
        self.inherited = false;
        self.setbacks.trouble = None;
        self.rereads = 0;
        self.last_error = None;
        Ok(live)
    }

    /// A flight brought nothing.
    pub(super) fn failed(&mut self, failure: Failure, now: Now, credentials: Digest) -> Error {
        if let Some(rotated) = failure.rotated {
            self.refresh_token = Some(Arc::new(rotated));
        } else if failure.refresh_spent {
            self.refresh_token = None;
        }
        let cause = match (failure.final_word, failure.base_missing) {
            (true, _) => Cause::Denied(credentials),
            (false, true) => Cause::Base,
            (false, false) => Cause::Passing,
        };
        self.stumble(failure.error.clone(), now, cause);
        failure.error
    }

    fn stumble(&mut self, error: Error, now: Now, cause: Cause) {
        let same = |old: &Trouble| std::mem::discriminant(&old.cause) == std::mem::discriminant(&cause);
        let strikes = self.setbacks.trouble.as_ref().filter(|old| same(old)).map_or(0, |old| old.strikes);
        self.last_error = Some(error.clone());
        self.setbacks.trouble =
            Some(Trouble { error, since: now.running, strikes: strikes.saturating_add(1), cause });
        self.renew_at = self.renew_at.max(self.blocked_until().unwrap_or(self.renew_at));
    }

    /// A resource refused the token of this generation. Ok: another one is worth asking for.
    pub(super) fn refused(&mut self, generation: u64, now: Now) -> Result<(), Error> {
        self.check_generation(generation)?;
        match &self.live {
            Some(live) if live.is_of(generation) => {
                let proven = now.running.saturating_sub(live.born) > PROVEN;
                self.setbacks.duds = if proven { 1 } else { self.setbacks.duds.saturating_add(1) };
                self.remember_refused(live.grant.access_token.digest(), now);
                self.live = None;
            }
            Some(_) => return Ok(()),
            None => return self.still_refused(now),
        }
        if self.setbacks.duds < 2 {
            return Ok(());
        }
        let error = Error::new(
            Kind::Rejected,
            "two new tokens were refused in a row: the resource does not take this client's tokens; \
             check its URL, the environment, scope and audience",
        );
        let (since, strikes) = (now.running, self.setbacks.duds - 1);
        self.setbacks.trouble = Some(Trouble { error: error.clone(), since, strikes, cause: Cause::Refused });
        self.last_error = Some(error.clone());
        Err(error)
    }

    /// The refusals were not the tokens' fault, least of all this one's.
    pub(super) fn exonerate(&mut self, token: Option<Digest>) {
        self.setbacks.duds = 0;
        self.setbacks.refused.retain(|(known, _)| Some(*known) != token);
        if self.setbacks.trouble.as_ref().is_some_and(|trouble| trouble.cause == Cause::Refused) {
            self.setbacks.trouble = None;
        }
    }

    /// A resource refused a given token, which cannot be had anew.
    pub(super) fn given_refused(&mut self, generation: u64, now: Now, hint: &str) -> Error {
        if let Err(error) = self.check_generation(generation) {
            return error;
        }
        let error = Error::new(
            Kind::Rejected,
            format!("the given access_token was refused and cannot be renewed: {hint}"),
        );
        if self.live.as_ref().is_some_and(|live| live.is_of(generation)) {
            self.live = None;
            self.stumble(error.clone(), now, Cause::Given);
        }
        error
    }

    fn check_generation(&self, generation: u64) -> Result<(), Error> {
        match (1..=self.last_generation).contains(&generation) {
            true => Ok(()),
            false => {
                Err(Error::new(Kind::InvalidArgument, "no token of that generation was ever handed out"))
            }
        }
    }

    fn still_refused(&self, now: Now) -> Result<(), Error> {
        match &self.setbacks.trouble {
            Some(trouble) if trouble.cause == Cause::Refused && now.running < trouble.until(false) => {
                Err(trouble.error.clone())
            }
            _ => Ok(()),
        }
    }

    /// Whether a token was refused of late. Not for ever: the resource may have erred, and there may be no other.
    fn is_refused(&self, token: &Digest, now: Now) -> bool {
        let of_late = |since: i64| now.running.saturating_sub(since) < REFUSED.1;
        self.setbacks.refused.iter().any(|(known, since)| known == token && of_late(*since))
    }

    /// Another process was refused this token.
    pub(super) fn learn_refused(&mut self, digest: Digest, since: i64) {
        if !self.setbacks.refused.iter().any(|(known, _)| *known == digest) {
            let refused = &mut self.setbacks.refused;
            let later = refused.iter().position(|(_, known)| *known > since);
            refused.insert(later.unwrap_or(refused.len()), (digest, since));
            if refused.len() > REFUSED_KEPT {
                refused.pop_front();
            }
        }
    }

    /// The refused tokens that are remembered, and since when, by the running clock.
    pub(super) fn refused_tokens(&self) -> impl Iterator<Item = (Digest, i64)> {
        self.setbacks.refused.iter().copied()
    }

    fn remember_refused(&mut self, digest: Digest, now: Now) {
        self.setbacks.refused.retain(|(known, _)| *known != digest);
        self.setbacks.refused.push_back((digest, now.running));
        if self.setbacks.refused.len() > REFUSED_KEPT {
            self.setbacks.refused.pop_front();
        }
    }

    /// Whether the token in use lives for that much longer.
    pub(super) fn outlives(&self, now: Now, min_valid: i64) -> bool {
        let left = self.live.as_ref().map(|live| live.end.verdict(now));
        matches!(left, Some(Verdict::Lives(left)) if left > min_valid)
    }

    /// Whether another token, which the store had, is better than the one in use.
    pub(super) fn welcomes(
        &self,
        token: &Digest,
        life: Life,
        end: &End,
        now: Now,
        min_valid: i64,
        freshness: Freshness,
    ) -> bool {
        let Verdict::Lives(left) = end.verdict(now) else { return false };
        let known = self.live.as_ref().is_some_and(|live| live.grant.access_token.digest() == *token);
        let long_enough = left > min_valid || whole(life) <= min_valid;
        let due = now.running >= renewal(life, end, freshness, 0.0);
        if known || !long_enough || self.is_refused(token, now) {
            return false;
        }
        // Where there is none, one that lives is good enough; the next call looks whether it is due.
        !due || !self.outlives(now, min_valid)
    }

    /// Another process is renewing: the token in use is kept a while.
    pub(super) fn leave_to_others(&mut self, now: Now) -> Option<Arc<Live>> {
        let live = self.live.clone()?;
        self.renew_at = same_again(&live.end, now).min(now.running.saturating_add(SECOND));
        Some(live)
    }

    /// Whether it is time to look into the store although the vendor is to be left alone. Another process may have what
    /// this one could not get.
    pub(super) fn may_look(&mut self, now: Now) -> bool {
        let may = now.running.saturating_sub(self.looked) >= SECOND;
        if may {
            self.looked = now.running;
        }
        may
    }

    /// From when on a call must look closer.
    pub(super) fn look_at(&self) -> i64 {
        let busy = self.flight.is_some() || self.inherited;
        if busy { i64::MAX } else { self.renew_at.min(self.save_at) }
    }

    /// A flight has landed, and the store has the grant in use, or still does not.
    pub(super) fn plan_save(&mut self, is_unsaved: bool, now: Now) {
        let (first, limit) = UNSAVED;
        let pause = first.saturating_mul(1 << self.put_off.min(20)).min(limit);
        (self.save_at, self.put_off) = match is_unsaved {
            true => (now.running.saturating_add(pause), self.put_off.saturating_add(1)),
            false => (i64::MAX, 0),
        };
    }

    /// A flight takes off.
    pub(super) fn take_off(&mut self, flight: &Arc<Flight<Arc<Live>>>) {
        (self.flight, self.joined_for) = (Some(Arc::clone(flight)), 0);
    }

    /// A call waits for the flight under way, and wants a token to live for `min_valid` more.
    pub(super) fn join(&mut self, min_valid: i64) {
        self.joined_for = self.joined_for.max(min_valid);
    }

    /// Whether that flight, which was to leave the vendor alone, is to bring a token after all, and how much longer that
    /// must live: the one in use was refused meanwhile, or is too old for those who joined.
    pub(super) fn is_wanting(&self, flight: &Flight<Arc<Live>>, now: Now) -> Option<i64> {
        let suffices = self.live.as_ref().is_some_and(|live| match live.end.verdict(now) {
            Verdict::Lives(left) => left >= self.joined_for || live.life() <= self.joined_for,
            // Whoever gets it asks again.
            Verdict::Over | Verdict::Unsure => true,
        });
        (!suffices && self.is_under_way(flight)).then_some(self.joined_for)
    }

    /// Whether that flight is the one under way.
    pub(super) fn is_under_way(&self, flight: &Flight<Arc<Live>>) -> bool {
        self.flight.as_ref().is_some_and(|current| std::ptr::eq(&**current, flight))
    }

    /// The clocks moved apart: the end is measured by the clock that counts sleep.
    pub(super) fn measure(&mut self, now: Now, boot: i64) {
        if let Some(live) = &self.live {
            let end = live.end.measured_anew(now, boot);
            let (grant, generation, born) = (Arc::clone(&live.grant), live.generation, live.born);
            let first = live.first;
            let renew_at = live.renew_at.min(end.running());
            self.renew_at = self.renew_at.min(end.running());
            self.live = Some(Arc::new(Live { grant, generation, first, end, born, renew_at }));
        }
    }

    /// A flight has landed. False if it is no longer the one under way.
    pub(super) fn take_flight(&mut self, flight: &Flight<Arc<Live>>) -> bool {
        let current = self.is_under_way(flight);
        if current {
            self.flight = None;
        }
        current
    }

    /// Everything of the grant is forgotten; what a flight under way brings, too.
    pub(super) fn forget(&mut self) {
        self.flight = None;
        self.live = None;
        self.refresh_token = None;
        self.scope = None;
        self.setbacks.trouble = None;
        self.inherited = false;
    }
}

impl Live {
    /// Whether this very token was handed out as that generation.
    fn is_of(&self, generation: u64) -> bool {
        (self.first..=self.generation).contains(&generation)
    }

    /// When it was asked for, by the running clock as it is now: that may have stood still meanwhile.
    pub(super) fn asked(&self) -> i64 {
        match self.grant.life {
            Life::For(span) => self.born.min(self.end.running().saturating_sub(clock::nanos(span))),
            Life::Never | Life::Unknown => self.born,
        }
    }

    /// How long it lived in all, in nanoseconds.
    fn life(&self) -> i64 {
        whole(self.grant.life)
    }
}

impl Trouble {
    /// Until when no flight starts.
    fn until(&self, alive: bool) -> i64 {
        let (first, limit) = match self.cause {
            Cause::Denied(_) | Cause::Given => DENIED,
            Cause::Refused => REFUSED,
            Cause::Passing | Cause::Base if alive => TROUBLED_ALIVE,
            Cause::Passing | Cause::Base => TROUBLED_DEAD,
        };
        let doubled = first.saturating_mul(1 << (self.strikes.saturating_sub(1)).min(20)).min(limit);
        let asked = self.error.retry_after().map_or(0, clock::nanos);
        self.since.saturating_add(doubled.max(asked))
    }
}

/// A life in nanoseconds.
fn whole(life: Life) -> i64 {
    match life {
        Life::For(span) => clock::nanos(span),
        Life::Never | Life::Unknown => i64::MAX,
    }
}

/// When to renew: a fifth of the life before its end, 300 s at most, unless the settings say otherwise; and a
/// little later by chance, so that a fleet does not ask all at once.
fn renewal(life: Life, end: &End, freshness: Freshness, chance: f64) -> i64 {
    let Life::For(life) = life else { return i64::MAX };
    let life = clock::nanos(life);
    let early = match freshness.refresh_early {
        Some(early) => clock::nanos(early).min(life / 2),
        None => (life / 5).min(EARLY_LIMIT),
    };
    let jitter = (early as f64 * 0.25 * chance) as i64;
    end.running().saturating_sub(early).saturating_add(jitter)
}

/// The vendor gave the same token again: leave it alone for a quarter of what is left.
fn same_again(end: &End, now: Now) -> i64 {
    let left = end.running().saturating_sub(now.running).max(0);
    now.running.saturating_add((left / 4).max(SECOND))
}

/// Why a refresh token that another process holds is not sent.
pub(super) fn inherited_refresh_token() -> Error {
    Error::new(
        Kind::Store,
        "the process that this client came from, by fork or by pickle, holds the same refresh token, which is good only once: \
         set store = file, so that both share what comes of it, or refresh_rotates = no if it may be used again",
    )
}
