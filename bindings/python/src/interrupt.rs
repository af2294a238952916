//! What ends a call from outside, such as Ctrl-C: an exception that no part of tokenkeep may take for a failure.
//!
//! It is raised while the core is at work, by a signal handler or in a method of the program's own store. The thread
//! keeps it while the core comes to a sound end, and the call that it ran for raises it.

use std::cell::RefCell;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;

thread_local! {
    static KEPT: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

/// Runs the pending signal handlers. True when one has raised, or the interpreter is shutting down.
pub(crate) fn came() -> bool {
    Python::try_attach(|py| {
        look(py);
        is_kept()
    })
    .unwrap_or(true)
}

/// Runs the pending signal handlers, and keeps what one raises, whatever it is: it is meant for the program.
pub(crate) fn look(py: Python<'_>) {
    if let Err(raised) = py.check_signals() {
        keep(raised);
    }
}

/// Keeps an exception that is no failure: KeyboardInterrupt, SystemExit.
pub(crate) fn keep_if_one(py: Python<'_>, raised: &PyErr) {
    if !raised.is_instance_of::<PyException>(py) {
        keep(raised.clone_ref(py));
    }
}

pub(crate) fn is_kept() -> bool {
    KEPT.with_borrow(Option::is_some)
}

/// What is to be raised in place of whatever the core said.
pub(crate) fn take() -> Option<PyErr> {
    KEPT.take()
}

/// The first one counts: the call is over with it.
fn keep(raised: PyErr) {
    if !is_kept() {
        KEPT.set(Some(raised));
    }
}
