//! One caller's patience: its own deadline and its own interruption, shared with nobody.

use std::time::Duration;

use super::{Call, Client};
use crate::clock;
use crate::error::{Error, Kind, Result};
use crate::keeper::Flight;

/// How long a wait goes on without looking whether the client was closed or the caller interrupted.
pub(super) const SLICE: Duration = Duration::from_millis(100);

/// What ends a wait before its time.
pub(super) struct Patience<'a> {
    client: &'a Client,
    interrupt: Option<&'a (dyn Fn() -> bool + Sync)>,
    deadline: i64,
    /// What becomes of the thing waited for, in an error.
    afterwards: &'static str,
}

impl<'a> Patience<'a> {
    pub(super) fn new(client: &'a Client, call: &Call<'a>, afterwards: &'static str) -> Patience<'a> {
        let deadline =
            client.now().saturating_add(clock::nanos(call.timeout.unwrap_or_else(|| client.timeout())));
        Patience { client, interrupt: call.interrupt, deadline, afterwards }
    }

    /// By the running clock.
    pub(super) fn deadline(&self) -> i64 {
        self.deadline
    }

    /// How long to wait before asking this again; or why to wait no longer. `late` says what did not come in time.
    pub(super) fn slice(&self, late: impl FnOnce() -> String) -> Result<Duration> {
        if self.client.is_closed() {
            return Err(self.client.closed());
        }
        if self.interrupt.is_some_and(|interrupted| interrupted()) {
            let why = format!("the call was interrupted; {}", self.afterwards);
            return Err(Error::new(Kind::Cancelled, why));
        }
        let left = clock::span(self.deadline.saturating_sub(self.client.now()));
        if left.is_zero() {
            let why = format!("{}: {}; {}", self.client.provider(), late(), self.afterwards);
            return Err(Error::new(Kind::Timeout, why));
        }
        Ok(left.min(SLICE))
    }

    /// Waits for a flight to the end.
    pub(super) fn attend<T: Clone>(&self, flight: &Flight<T>, late: &str) -> Result<T> {
        let mut slice = Duration::ZERO;
        loop {
            if let Some(outcome) = flight.wait(slice) {
                return outcome;
            }
            slice = self.slice(|| late.into())?;
        }
    }
}
