//! The C interface, as `include/tokenkeep.h` shows it. One file for each C object.
//!
//! The doc comments of what is exported are the header's text and speak to a C programmer. An export takes the
//! caller's pointers over in one `unsafe` block at its top, whose ground is the header's section "Pointers"; what
//! it does then runs behind [`guard`] or [`answer`], so that no panic reaches the caller; results are written at
//! the end, and only if it succeeded.

#![allow(non_camel_case_types, reason = "the names are C's")]
#![allow(clippy::missing_safety_doc, reason = "the header states once what holds for every pointer")]

mod argument;
mod call;
mod client;
mod config;
mod consent;
mod error;
mod log;
mod sized;
mod stats;
mod status;
mod store;
mod token;
mod version;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::{Error, Kind, Result};

pub use call::*;
pub use client::*;
pub use config::*;
pub use consent::*;
pub use error::*;
pub use log::{tokenkeep_drop_callback, tokenkeep_level, tokenkeep_log_callback};
pub use stats::*;
pub use status::*;
pub use store::*;
pub use token::*;
pub use version::*;

/// Runs a body that cannot fail; a panic in it ends here and gives `nothing`.
fn guard<T>(nothing: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(nothing)
}

/// Runs a body that may fail; its error goes to the caller, and so does the news of a panic.
fn answer(error: ErrorOut, body: impl FnOnce() -> Result<()>) -> tokenkeep_status {
    match catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| Err(panicked())) {
        Ok(()) => tokenkeep_status::TOKENKEEP_OK,
        Err(cause) => {
            let status = cause.kind().into();
            error.report(cause);
            status
        }
    }
}

/// The panic's own words are left out: they may quote the text at hand, and that may be a secret.
#[cold]
fn panicked() -> Error {
    Error::new(Kind::Internal, "tokenkeep failed inside (a panic, told on standard error): please report it")
}

/// Milliseconds since the Unix epoch.
fn unix_ms(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}

#[cfg(test)]
mod test {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_panic_ends_at_the_boundary() {
        let status = answer(ErrorOut::nowhere(), || panic!("caught"));
        assert_eq!(status, tokenkeep_status::TOKENKEEP_INTERNAL);
        assert_eq!(guard(7, || panic!("caught")), 7);
    }

    #[test]
    fn what_the_header_shares_between_threads_may_be_shared() {
        fn shared<T: Send + Sync>() {}
        shared::<tokenkeep_client>();
        shared::<tokenkeep_consent>();
        shared::<tokenkeep_error>();
        shared::<crate::token::Token>();
    }

    #[test]
    fn times_on_both_sides_of_the_epoch() {
        assert_eq!(unix_ms(UNIX_EPOCH + Duration::from_millis(1500)), 1500);
        assert_eq!(unix_ms(UNIX_EPOCH - Duration::from_millis(1500)), -1500);
    }
}
