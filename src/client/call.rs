//! How one call is made, and what a client counts.

use std::time::{Duration, SystemTime};

/// How one call is made.
#[derive(Clone, Copy, Default)]
pub struct Call<'a> {
    /// How long it may take; none means the setting `timeout`.
    pub timeout: Option<Duration>,
    /// How long the token must still live; one that lives shorter is renewed first, unless the vendor's tokens
    /// never live that long.
    pub min_valid: Duration,
    /// Asked at least every 100 ms while the call waits; `true` ends it with
    /// [`Cancelled`](crate::Kind::Cancelled).
    pub interrupt: Option<&'a (dyn Fn() -> bool + Sync)>,
}

/// Numbers of a client and its credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// How many tokens this handle and its clones took from the cache.
    pub hits: u64,
    /// How many renewals of the credential succeeded.
    pub renewals: u64,
    /// How many failed.
    pub failures: u64,
    /// How many calls waited for a renewal that another call had started.
    pub shared_waits: u64,
    /// From when on a call renews the token; none where no renewal is due.
    pub next_renewal: Option<SystemTime>,
}
