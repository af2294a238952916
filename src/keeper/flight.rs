//! One piece of work under way at the vendor, and those who wait for it.

use std::io::PipeWriter;
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::sync::{Condvar, Mutex};

/// Its result, once there is one, goes to everybody who waits: success and failure alike.
pub(crate) struct Flight<T> {
    aboard: Mutex<Aboard<T>>,
    landed: Condvar,
}

struct Aboard<T> {
    outcome: Option<Result<T>>,
    /// Closed when the flight lands, so that an event loop at the other end wakes up.
    alerts: Vec<PipeWriter>,
}

impl<T: Clone> Flight<T> {
    pub(super) fn new() -> Flight<T> {
        Flight { aboard: Mutex::new(Aboard { outcome: None, alerts: Vec::new() }), landed: Condvar::new() }
    }

    /// The outcome, if it comes within this time.
    pub(crate) fn wait(&self, at_most: Duration) -> Option<Result<T>> {
        let mut aboard = self.aboard.lock();
        if aboard.outcome.is_none() && !at_most.is_zero() {
            aboard = self.landed.wait(aboard, at_most);
        }
        aboard.outcome.clone()
    }

    /// Has a pipe closed when the flight lands; at once if it has.
    pub(crate) fn alert(&self, writer: PipeWriter) {
        let mut aboard = self.aboard.lock();
        if aboard.outcome.is_none() {
            aboard.alerts.push(writer);
        }
    }

    /// Wakes those who wait, so that they look whether they still want to.
    pub(crate) fn nudge(&self) {
        self.landed.notify_all();
    }

    pub(super) fn land(&self, outcome: Result<T>) {
        let alerts = {
            let mut aboard = self.aboard.lock();
            aboard.outcome.get_or_insert(outcome);
            std::mem::take(&mut aboard.alerts)
        };
        self.landed.notify_all();
        drop(alerts);
    }
}

/// Lands a flight with an error if whoever flies it is gone without having landed it.
pub(super) struct CrashLanding<'a, T: Clone>(pub(super) &'a Flight<T>);

impl<T: Clone> Drop for CrashLanding<'_, T> {
    fn drop(&mut self) {
        self.0.land(Err(Error::new(
            Kind::Internal,
            "the renewal ended in a fault of tokenkeep's own; please report it",
        )));
    }
}
