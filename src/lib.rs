//! tokenkeep gets API tokens, keeps them fresh and hands them out.
#![warn(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr, unreachable_pub)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests are programs of their own"))]

mod client;
mod clock;
mod error;
mod fork;
mod keeper;
mod provider;
mod scheme;
mod secret;
mod settings;
mod sync;
mod template;
mod token;
mod transport;

#[cfg(feature = "capi")]
pub mod ffi;

pub use client::{Asked, Call, Client, Consent, Stats, Waiting};
pub use error::{Error, Kind, Result};
pub use keeper::{Event, Level};
pub use settings::{Config, Setting, settings};
pub use token::{Lifetime, Token};
