//! The core's log events as records of the logger `tokenkeep`.
//!
//! They are emitted by the thread that called in, once it holds the interpreter and no lock of the core, so
//! that a handler may do whatever it likes, a call into this module included.

use once_cell::race::OnceBox;
use pyo3::prelude::*;
use tokenkeep::{Client, Event, Level, Log};

/// The one log of all clients: their events go to one logger.
pub(crate) fn shared() -> &'static Log {
    // Nobody waits for another's first use: a forked child might do so for ever.
    static SHARED: OnceBox<Log> = OnceBox::new();
    SHARED.get_or_init(Box::default)
}

/// Emits the events that wait.
pub(crate) fn deliver(py: Python<'_>, client: &Client) -> PyResult<()> {
    if client.has_events() { emit(py, &py.detach(|| client.take_events())) } else { Ok(()) }
}

#[cold]
fn emit(py: Python<'_>, events: &[Event]) -> PyResult<()> {
    if !is_wanted(py, events)? {
        return Ok(());
    }
    let logger = py.import("logging")?.call_method1("getLogger", ("tokenkeep",))?;
    for event in events {
        logger.call_method1("log", (number(event.level), "%s", &event.message))?;
    }
    Ok(())
}

/// Whether somebody may read these: a program that never imported `logging` gets its warnings only.
fn is_wanted(py: Python<'_>, events: &[Event]) -> PyResult<bool> {
    if events.iter().any(|event| event.level <= Level::Warn) {
        return Ok(true);
    }
    py.import("sys")?.getattr("modules")?.contains("logging")
}

fn number(level: Level) -> i32 {
    match level {
        Level::Error => 40,
        Level::Warn => 30,
        Level::Info => 20,
        Level::Debug => 10,
    }
}
