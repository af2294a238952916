//! Waiting for a renewal without blocking a thread: what `tokenkeep._asyncio` is built of.

use std::io::PipeReader;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use tokenkeep::Asked;

use crate::call::{self, Limits};
use crate::client::Client;
use crate::token::Token;

/// What `ask` answers.
#[derive(IntoPyObject)]
pub(crate) enum Answer {
    Ready(Py<Token>),
    Waiting(Py<Waiting>),
}

/// Asks for a token without waiting for it (Token | Waiting).
#[pyfunction]
#[pyo3(signature = (client, timeout=None, min_valid=None))]
pub(crate) fn ask(
    client: &Bound<'_, Client>,
    timeout: Option<f64>,
    min_valid: Option<f64>,
) -> PyResult<Answer> {
    let (py, this) = (client.py(), client.get());
    let limits = Limits::new(py, timeout, min_valid)?;
    let asked = py.detach(|| this.core().ask(&limits.call()));
    match call::settle(py, this.core(), asked)? {
        Asked::Ready(token) => Ok(Answer::Ready(this.object(py, token)?)),
        Asked::Waiting(waiting) => {
            let waiting = Waiting { waiting: Mutex::new(waiting), client: client.clone().unbind() };
            Ok(Answer::Waiting(Py::new(py, waiting)?))
        }
    }
}

/// One caller's wait for a renewal. Dropping it leaves the renewal alone.
#[pyclass(frozen, module = "tokenkeep._tokenkeep")]
pub(crate) struct Waiting {
    waiting: Mutex<tokenkeep::Waiting>,
    client: Py<Client>,
}

impl Waiting {
    fn detached<R: Send>(&self, py: Python<'_>, work: impl FnOnce(&mut tokenkeep::Waiting) -> R + Send) -> R {
        py.detach(|| work(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[pymethods]
impl Waiting {
    /// The token, once it is here (Token | None). Raises what the renewal raised, or TokenTimeout once this
    /// caller's time is up.
    fn look(&self, py: Python<'_>) -> PyResult<Option<Py<Token>>> {
        let client = self.client.get();
        let outcome = self.detached(py, |waiting| waiting.wait(Duration::ZERO)).transpose();
        let token = call::settle(py, client.core(), outcome)?;
        token.map(|token| client.object(py, token)).transpose()
    }

    /// How many seconds this caller still waits (float).
    fn time_left(&self, py: Python<'_>) -> f64 {
        self.detached(py, |waiting| waiting.time_left()).as_secs_f64()
    }

    /// A bell that rings when the renewal lands.
    fn bell(&self, py: Python<'_>) -> PyResult<Bell> {
        let (reader, writer) = std::io::pipe()?;
        self.detached(py, |waiting| waiting.alert(writer));
        Ok(Bell(reader))
    }
}

/// The reading end of a pipe, which becomes readable when a renewal lands. It is closed when it is dropped.
#[pyclass(frozen, module = "tokenkeep._tokenkeep")]
pub(crate) struct Bell(PipeReader);

#[cfg(unix)]
#[pymethods]
impl Bell {
    /// The file descriptor (int).
    fn fileno(&self) -> std::os::fd::RawFd {
        std::os::fd::AsRawFd::as_raw_fd(&self.0)
    }
}
