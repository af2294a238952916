//! Numbers of one credential.

use std::time::SystemTime;

use pyo3::prelude::*;

/// What one credential cost so far.
///
/// Attributes:
///     hits (int): tokens handed out from the cache.
///     renewals (int): renewals that succeeded.
///     failures (int): renewals that failed.
///     shared_waits (int): callers that waited for somebody else's renewal.
///     next_renewal (datetime.datetime | None): when the next renewal becomes due (UTC), if that is known.
///
/// Example:
///     >>> client.stats().failures
///     0
#[pyclass(frozen, get_all, module = "tokenkeep")]
pub(crate) struct Stats {
    hits: u64,
    renewals: u64,
    failures: u64,
    shared_waits: u64,
    next_renewal: Option<SystemTime>,
}

impl From<tokenkeep::Stats> for Stats {
    fn from(stats: tokenkeep::Stats) -> Stats {
        let tokenkeep::Stats { hits, renewals, failures, shared_waits, next_renewal } = stats;
        Stats { hits, renewals, failures, shared_waits, next_renewal }
    }
}

#[pymethods]
impl Stats {
    fn __repr__(&self) -> String {
        let Stats { hits, renewals, failures, shared_waits, .. } = self;
        format!(
            "<tokenkeep.Stats hits={hits} renewals={renewals} failures={failures} \
             shared_waits={shared_waits}>"
        )
    }
}
