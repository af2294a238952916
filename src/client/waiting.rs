//! One caller's wait for a flight: its own deadline, its own interruption, shared with nobody.

use std::io::PipeWriter;
use std::sync::Arc;
use std::time::Duration;

use super::patience::SLICE;
use super::{Call, Client};
use crate::clock;
use crate::error::{Error, Kind, Result};
use crate::keeper::{Asked as KeeperAsked, Flight, Live};
use crate::token::{Token, Verdict};

/// The answer of [`Client::ask`].
pub enum Asked {
    /// A token, at once.
    Ready(Token),
    /// A renewal is under way.
    Waiting(Waiting),
}

/// One caller's wait for a renewal. Dropping it leaves the renewal alone.
pub struct Waiting {
    client: Client,
    flight: Arc<Flight<Arc<Live>>>,
    min_valid: Duration,
    deadline: i64,
    /// Whether a token that still lives will do where the flight brings none.
    renewal: bool,
}

impl Waiting {
    /// A wait for a renewal.
    pub(super) fn new(client: &Client, flight: Arc<Flight<Arc<Live>>>, call: &Call<'_>) -> Waiting {
        let deadline =
            client.now().saturating_add(clock::nanos(call.timeout.unwrap_or_else(|| client.timeout())));
        Waiting { client: client.clone(), flight, min_valid: call.min_valid, deadline, renewal: true }
    }

    /// A wait for what a person's yes buys, until that time by the running clock.
    pub(super) fn for_consent(client: &Client, flight: Arc<Flight<Arc<Live>>>, deadline: i64) -> Waiting {
        Waiting { client: client.clone(), flight, min_valid: Duration::ZERO, deadline, renewal: false }
    }

    /// What is left until the call's own deadline.
    pub fn time_left(&self) -> Duration {
        clock::span(self.deadline.saturating_sub(self.client.now()))
    }

    /// Waits at most this long, and at most 100 ms; zero just looks. None: not yet. Past the call's deadline it is an error of
    /// kind [`Timeout`](Kind::Timeout).
    pub fn wait(&mut self, slice: Duration) -> Option<Result<Token>> {
        if self.client.is_closed() {
            return Some(Err(self.client.closed()));
        }
        match self.flight.wait(slice.min(SLICE).min(self.time_left())) {
            Some(Ok(live)) => self.arrived(&live),
            Some(Err(error)) => Some(self.despite(error)),
            None if self.client.is_closed() => Some(Err(self.client.closed())),
            None if self.time_left().is_zero() => Some(Err(self.late())),
            None => None,
        }
    }

    /// The writing end of a pipe, to be closed when the renewal ends, so that an event loop sees the reading
    /// end become readable.
    pub fn alert(&self, writer: PipeWriter) {
        self.flight.alert(writer);
    }

    /// Waits to the end.
    pub(super) fn finish(mut self, interrupt: Option<&(dyn Fn() -> bool + Sync)>) -> Result<Token> {
        loop {
            if let Some(outcome) = self.wait(SLICE) {
                return outcome;
            }
            if interrupt.is_some_and(|interrupted| interrupted()) {
                return Err(Error::new(Kind::Cancelled, "the call was interrupted; the renewal goes on"));
            }
        }
    }

    /// A token that ended on its way here is no token: ask again.
    fn arrived(&mut self, live: &Arc<Live>) -> Option<Result<Token>> {
        let keeper = self.client.keeper();
        match live.end.verdict(keeper.clock().now()) {
            Verdict::Lives(_) => Some(Ok(self.client.present(live))),
            Verdict::Over | Verdict::Unsure if self.time_left().is_zero() => Some(Err(self.late())),
            Verdict::Over | Verdict::Unsure => match keeper.ask(self.min_valid) {
                Ok(KeeperAsked::Live(live)) => Some(Ok(self.client.present(&live))),
                Ok(KeeperAsked::Flight(flight)) => {
                    self.flight = flight;
                    None
                }
                Err(error) => Some(Err(error)),
            },
        }
    }

    /// While a token lives that is good enough, a failed renewal is nobody's trouble.
    fn despite(&self, error: Error) -> Result<Token> {
        let living = if self.renewal { self.client.lasting(self.min_valid) } else { None };
        living.ok_or(error)
    }

    fn late(&self) -> Error {
        let provider = self.client.provider();
        let last = self.client.last_error();
        let because = last.as_ref().map(|error| format!(" (last: {error})")).unwrap_or_default();
        let late = Error::new(
            Kind::Timeout,
            format!(
                "{provider}: no token within the call's timeout; the renewal goes on, and a later call may find its token{because}"
            ),
        );
        late.with_retry_after(last.and_then(|error| error.retry_after()))
    }
}
