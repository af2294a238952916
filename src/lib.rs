//! tokenkeep gets API tokens, keeps them fresh and hands them out: to Rust, and to C, C++ and Python programs by way
//! of `include/tokenkeep.h`, `include/tokenkeep.hpp` and `bindings/python`.
//!
//! ```no_run
//! use tokenkeep::{Call, Client, Config};
//!
//! # fn main() -> tokenkeep::Result<()> {
//! let mut config = Config::new("acquired");
//! config.set("environment", "qa").set("app_id", "12345678").set("app_key_env", "ACQUIRED_APP_KEY");
//! let client = Client::new(&config)?;
//! for (name, value) in client.token(&Call::default())?.headers() {
//!     println!("{name}: {value}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What there is
//!
//! * [`Config`]: settings, `name = value` in text, or a profile of a `tokenkeep.toml`. [`settings()`] lists them all.
//! * [`Client`]: a handle on one credential's tokens. Clients of one credential share one token and one renewal.
//! * [`Token`]: what to send with a request, immutable and shared by reference.
//! * [`Consent`]: a person's yes in progress, where the vendor asks for one.
//! * [`Log`]: what happened, for the program's own log.
//! * [`HostStore`]: a place of the program's own where grants outlive it; `store = file` needs none.
//! * [`struct@Error`]: what went wrong and what to do, by [`Kind`].
//!
//! # What is promised
//!
//! * One renewal at a time for each credential, however many threads ask. All who wait get its result, and its failure.
//! * A deadline, [`close`](Client::close) and an interruption belong to the one who waits, and end no one else's wait.
//! * Nobody is handed a token past its end, by the wall clock or by the running clock. While a token lives nobody waits
//!   for a new one, except the caller who starts a renewal that spends a single-use refresh token.
//! * A lifetime counts from the moment the request was sent. A token is renewed a fifth of its life before its end (300 s
//!   at most), a little later by chance. Renewals are started by calls, never by timers.
//! * A renewal that fails while the token lives is seen in [`last_error`](Client::last_error), [`stats`](Client::stats)
//!   and the events alone, and backs off. Wrong credentials are tried once and remembered, on the vendor's own word only.
//! * [`rejected`](Client::rejected) drops the very token that was refused and no newer one, and says whether asking
//!   again is worth it.
//! * A cached token costs no lock, no system call and no allocation: [`Client::read`].
//!
//! # Logging
//!
//! tokenkeep logs nothing by itself: a [`Log`] that the settings name gives what happened, never a secret. The HTTP
//! client below it, ureq, logs the wire as it is, secrets included, at the level TRACE of the crate `log`: do not enable
//! that for the target `ureq` in a program that handles secrets.
#![warn(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr, unreachable_pub)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests are programs of their own"))]

mod client;
mod clock;
mod error;
mod fork;
mod keeper;
mod log;
mod loopback;
#[cfg(all(test, shuttle))]
mod model;
mod provider;
mod scheme;
mod seal;
mod secret;
mod settings;
mod store;
mod sync;
mod template;
mod token;
mod transport;

#[cfg(feature = "capi")]
pub mod ffi;

pub use client::{Asked, Call, Client, Consent, Stats, Waiting};
pub use error::{Error, Kind, Result};
pub use log::{Event, Level, Log};
pub use settings::{Config, HostStore, Setting, settings};
pub use token::{Lifetime, Token};

/// The README's Rust program is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
