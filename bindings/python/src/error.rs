//! The core's errors as the exceptions of `tokenkeep._error`.

use std::time::Duration;

use pyo3::prelude::*;
use tokenkeep::{Error, Kind};

/// The exception that mirrors an error of the core.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    let retry_after = error.retry_after().as_ref().map(Duration::as_secs_f64);
    let details = (error.http_status(), error.code(), retry_after);
    made(py, error.kind(), error.message(), details)
}

/// The exception for a call that was made wrongly.
pub(crate) fn invalid_argument(py: Python<'_>, message: &str) -> PyErr {
    made(py, Kind::InvalidArgument, message, (None, None, None))
}

/// The exception for settings that do not suffice.
pub(crate) fn config(py: Python<'_>, message: &str) -> PyErr {
    made(py, Kind::Config, message, (None, None, None))
}

/// The HTTP status, the vendor's own code, and the seconds to wait.
type Details<'a> = (Option<u16>, Option<&'a str>, Option<f64>);

fn made(py: Python<'_>, kind: Kind, message: &str, details: Details<'_>) -> PyErr {
    let (http_status, code, retry_after) = details;
    let exception = py
        .import("tokenkeep._error")
        .and_then(|module| module.getattr("of_status"))
        .and_then(|of_status| of_status.call1((kind.name(), message, http_status, code, retry_after)));
    match exception {
        Ok(exception) => PyErr::from_value(exception),
        Err(failure) => failure,
    }
}
