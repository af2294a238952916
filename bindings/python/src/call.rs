//! Calls into the core that may wait: detached from the interpreter, and ended by Ctrl-C.

use std::time::Duration;

use pyo3::prelude::*;
use tokenkeep::{Call, Client};

use crate::{error, interrupt, log};

/// How long a caller is willing to wait, and how long the token must live.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// None = the setting `timeout`.
    timeout: Option<Duration>,
    min_valid: Duration,
}

impl Limits {
    /// Limits given in seconds, as Python counts time.
    pub(crate) fn new(py: Python<'_>, timeout: Option<f64>, min_valid: Option<f64>) -> PyResult<Limits> {
        Ok(Limits {
            timeout: timeout.map(|seconds| span(py, "timeout", seconds)).transpose()?,
            min_valid: min_valid.map_or(Ok(Duration::ZERO), |seconds| span(py, "min_valid", seconds))?,
        })
    }

    pub(crate) fn min_valid(&self) -> Duration {
        self.min_valid
    }

    /// The core's form of them, for a call that does not wait.
    pub(crate) fn call(&self) -> Call<'static> {
        Call { timeout: self.timeout, min_valid: self.min_valid, interrupt: None }
    }
}

fn span(py: Python<'_>, name: &str, seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        error::invalid_argument(py, &format!("{name} must be a number of seconds, not {seconds}"))
    })
}

/// Lets `work` call the core while other Python threads run.
///
/// The core asks between the slices of a wait whether a signal came. If its handler raised, as Ctrl-C's does,
/// the wait ends and that exception is raised, in place of whatever the core said.
pub(crate) fn run<R: Send>(
    py: Python<'_>,
    client: &Client,
    limits: Limits,
    work: impl FnOnce(&Call<'_>) -> tokenkeep::Result<R> + Send,
) -> PyResult<R> {
    let outcome = py.detach(|| work(&Call { interrupt: Some(&interrupt::came), ..limits.call() }));
    settle(py, client, outcome)
}

/// Delivers the log events of a call and turns its outcome into Python's. What interrupted the call comes first.
pub(crate) fn settle<R>(py: Python<'_>, client: &Client, outcome: tokenkeep::Result<R>) -> PyResult<R> {
    let interrupt = interrupt::take();
    let delivered = log::deliver(py, client);
    match interrupt {
        Some(interrupt) => Err(interrupt),
        None => delivered.and_then(|()| outcome.map_err(|failure| error::exception(py, &failure))),
    }
}
