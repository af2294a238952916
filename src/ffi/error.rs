//! The error object.

use std::ffi::{CString, c_char};
use std::ptr;

use super::argument::{Out, lend};
use super::{guard, tokenkeep_status};
use crate::Error;

/// What went wrong, where, and what to do. Immutable; any number of threads may read it at once.
pub struct tokenkeep_error {
    error: Error,
    message: CString,
    code: Option<CString>,
}

impl From<Error> for tokenkeep_error {
    fn from(error: Error) -> tokenkeep_error {
        tokenkeep_error { message: c_text(error.message()), code: error.code().map(c_text), error }
    }
}

impl tokenkeep_error {
    /// The error object that a caller now owns.
    pub(super) fn into_raw(error: Error) -> *mut tokenkeep_error {
        Box::into_raw(Box::new(error.into()))
    }
}

/// A vendor's words may hold anything; C's texts end at a NUL.
fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}

/// Where the caller wants the error, if anywhere.
pub(super) struct ErrorOut(Out<*mut tokenkeep_error>);

impl ErrorOut {
    /// # Safety
    ///
    /// As for [`Out::new`].
    pub(super) unsafe fn new(place: *mut *mut tokenkeep_error) -> ErrorOut {
        // SAFETY: the same promise.
        ErrorOut(unsafe { Out::pointer(place) })
    }

    /// For functions that report a status only.
    pub(super) fn nowhere() -> ErrorOut {
        ErrorOut(Out::NOWHERE)
    }

    #[cold]
    pub(super) fn report(self, error: Error) {
        if self.0.is_somewhere() {
            self.0.set(tokenkeep_error::into_raw(error));
        }
    }
}

/// The status that the call returned; TOKENKEEP_OK for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_error_status(error: *const tokenkeep_error) -> tokenkeep_status {
    // SAFETY: the header's rules for pointers.
    let error = unsafe { error.as_ref() };
    guard(tokenkeep_status::TOKENKEEP_INTERNAL, || {
        error.map_or(tokenkeep_status::TOKENKEEP_OK, |error| error.error.kind().into())
    })
}

/// The HTTP status of the vendor's answer, such as 401; 0 if there was no answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_error_http_status(error: *const tokenkeep_error) -> i32 {
    // SAFETY: the header's rules for pointers.
    let error = unsafe { error.as_ref() };
    guard(0, || error.and_then(|error| error.error.http_status()).map_or(0, i32::from))
}

/// What went wrong, where, and what to do, in words. It never holds a secret.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_error_message(error: *const tokenkeep_error) -> *const c_char {
    // SAFETY: the header's rules for pointers.
    let error = unsafe { error.as_ref() };
    guard(ptr::null(), || lend(error.map(|error| error.message.as_bytes_with_nul()), Out::NOWHERE))
}

/// The vendor's own code, such as "invalid_grant" or "unauthorized"; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_error_code(error: *const tokenkeep_error) -> *const c_char {
    // SAFETY: the header's rules for pointers.
    let error = unsafe { error.as_ref() };
    guard(ptr::null(), || {
        let code = error.and_then(|error| error.code.as_deref());
        lend(code.map(|code| code.to_bytes_with_nul()), Out::NOWHERE)
    })
}

/// How long to wait, in milliseconds, before asking again can help; -1 if that is not known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_error_retry_after_ms(error: *const tokenkeep_error) -> i64 {
    // SAFETY: the header's rules for pointers.
    let error = unsafe { error.as_ref() };
    guard(-1, || {
        let Some(error) = error else { return -1 };
        let wait = error.error.retry_after();
        wait.map_or(-1, |wait| i64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX))
    })
}

/// 1 if the same call may succeed later without anybody mending anything, 0 if not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_error_is_retryable(error: *const tokenkeep_error) -> i32 {
    // SAFETY: the header's rules for pointers.
    let error = unsafe { error.as_ref() };
    guard(0, || error.is_some_and(|error| error.error.is_retryable()).into())
}

/// Frees the error. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_error_free(error: *mut tokenkeep_error) {
    if !error.is_null() {
        // SAFETY: the header's rules for pointers; it came from `Box::into_raw`.
        let error = unsafe { Box::from_raw(error) };
        guard((), || drop(error));
    }
}
