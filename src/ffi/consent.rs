//! The consent object: a person's yes in progress.

use std::ffi::{CString, c_char};
use std::ptr;

use super::argument::{Given, Out, lend, present};
use super::call::tokenkeep_call;
use super::{
    ErrorOut, answer, guard, token, tokenkeep_client, tokenkeep_error, tokenkeep_status, tokenkeep_token,
};
use crate::{Call, Consent};

/// A person's consent in progress. Any number of threads may use it at once.
pub struct tokenkeep_consent {
    consent: Consent,
    url: CString,
    client: tokenkeep_client,
}

/// Begins a person's consent, for a client whose setting `grant` is `authorization_code`: send the
/// person to tokenkeep_consent_url, and give the URL that they come back on to
/// tokenkeep_consent_finish. Free it with tokenkeep_consent_free. Blocks for as long as the call, or
/// else the setting `timeout`, allows: the vendor may have to be asked for its addresses.
///
/// TOKENKEEP_UNSUPPORTED: this client's tokens need no consent.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_client_consent(
    client: *mut tokenkeep_client,
    call_or_null: *const tokenkeep_call,
    out: *mut *mut tokenkeep_consent,
    error: *mut *mut tokenkeep_error,
) -> tokenkeep_status {
    // SAFETY: the header's rules for pointers.
    let (client, call, out, error) = unsafe {
        (client.as_ref(), tokenkeep_call::read(call_or_null), Out::pointer(out), ErrorOut::new(error))
    };
    answer(error, || {
        let (client, out) = (present(client, "client")?, out.required("out")?);
        let call = call?;
        let consent = client.work(|client| client.consent(&call))?;
        let url = CString::new(consent.url()).unwrap_or_default();
        let consent = tokenkeep_consent { consent, url, client: client.clone() };
        out.set(Box::into_raw(Box::new(consent)));
        Ok(())
    })
}

/// Where to send the person.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_consent_url(
    consent: *const tokenkeep_consent,
    length_or_null: *mut usize,
) -> *const c_char {
    // SAFETY: the header's rules for pointers.
    let (consent, length) = unsafe { (consent.as_ref(), Out::new(length_or_null, 0)) };
    guard(ptr::null(), || lend(consent.map(|consent| consent.url.as_bytes_with_nul()), length))
}

/// Takes the whole URL that the person came back on and buys the first token with it; from then on
/// tokenkeep_client_token has tokens. Succeeds once. `out` may be NULL. Blocks for as long as the
/// setting `timeout` allows.
///
/// TOKENKEEP_CONSENT_REQUIRED: the person or the vendor said no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_consent_finish(
    consent: *mut tokenkeep_consent,
    redirected_url: *const c_char,
    length: usize,
    out: *mut *mut tokenkeep_token,
    error: *mut *mut tokenkeep_error,
) -> tokenkeep_status {
    // SAFETY: the header's rules for pointers.
    let (consent, redirected_url, out, error) = unsafe {
        (consent.as_ref(), Given::new(redirected_url, length), Out::pointer(out), ErrorOut::new(error))
    };
    answer(error, || {
        let this = present(consent, "consent")?;
        let url = redirected_url.text("redirected_url")?;
        let token = this.client.work(|_| this.consent.finish(url, &Call::default()))?;
        if out.is_somewhere() {
            out.set(token::into_raw(token));
        }
        Ok(())
    })
}

/// Ends the consent without a token: it can no longer be finished. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_consent_cancel(consent: *mut tokenkeep_consent) {
    // SAFETY: the header's rules for pointers.
    let consent = unsafe { consent.as_ref() };
    guard((), || {
        if let Some(this) = consent {
            this.consent.cancel();
        }
    });
}

/// Frees the consent. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_consent_free(consent: *mut tokenkeep_consent) {
    if !consent.is_null() {
        // SAFETY: the header's rules for pointers; it came from `Box::into_raw`.
        let consent = unsafe { Box::from_raw(consent) };
        guard((), || drop(consent));
    }
}
