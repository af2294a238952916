//! The consent object: a person's yes in progress.

use std::ffi::{CString, c_char};
use std::ptr;
use std::sync::Arc;

use super::argument::{Buffer, Given, Out, lend, present};
use super::call::tokenkeep_call;
use super::{
    ErrorOut, answer, guard, token, tokenkeep_client, tokenkeep_error, tokenkeep_status, tokenkeep_token,
};
use crate::{Consent, Error, Kind};

/// A person's consent in progress. Reference-counted; any number of threads may use it at once.
pub struct tokenkeep_consent {
    consent: Consent,
    url: CString,
    user_code: Option<CString>,
    client: tokenkeep_client,
}

impl tokenkeep_consent {
    fn into_raw(consent: Consent, client: &tokenkeep_client) -> *mut tokenkeep_consent {
        let text = |text: &str| CString::new(text).unwrap_or_default();
        let (url, user_code) = (text(consent.url()), consent.user_code().map(text));
        let consent = tokenkeep_consent { consent, url, user_code, client: client.clone() };
        Arc::into_raw(Arc::new(consent)).cast_mut()
    }
}

/// Begins a person's consent, for a client whose setting `grant` is `authorization_code` or
/// `device_code`: send the person to tokenkeep_consent_url. Then
///
/// - with a loopback `redirect_uri` (`http://127.0.0.1/path`, `http://[::1]/path`,
///   `http://localhost/path`), tokenkeep_consent_wait. Without a port in it, one is opened here and
///   closed with the consent; one that it names is opened by the first wait;
/// - with any other `redirect_uri`, give the URL that they come back on to tokenkeep_consent_finish;
/// - with `device_code`, show them tokenkeep_consent_user_code beside the URL, and
///   tokenkeep_consent_wait.
///
/// Free it with tokenkeep_consent_free. Blocks for as long as the call, or else the setting
/// `timeout`, allows: the vendor may have to be asked for its addresses, or for a code.
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
        out.set(tokenkeep_consent::into_raw(consent, client));
        Ok(())
    })
}

/// Goes on with a consent that tokenkeep_consent_seal gave, in this process or another. Every setting
/// that docs/SETTINGS.md calls identity must be that of the client that began it, and so must store_key
/// (or store_key_previous). Asks no vendor. Free it with tokenkeep_consent_free.
///
/// TOKENKEEP_CONSENT_REQUIRED: it was sealed more than ten minutes ago; begin another.
/// TOKENKEEP_INVALID_ARGUMENT: it was changed, or sealed for another client or with another key.
/// TOKENKEEP_CONFIG: there is no `store_key`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_client_resume(
    client: *mut tokenkeep_client,
    sealed: *const c_char,
    length: usize,
    out: *mut *mut tokenkeep_consent,
    error: *mut *mut tokenkeep_error,
) -> tokenkeep_status {
    // SAFETY: the header's rules for pointers.
    let (client, sealed, out, error) =
        unsafe { (client.as_ref(), Given::new(sealed, length), Out::pointer(out), ErrorOut::new(error)) };
    answer(error, || {
        let (client, out) = (present(client, "client")?, out.required("out")?);
        let sealed = sealed.text("sealed")?;
        let consent = client.work(|client| client.resume(sealed))?;
        out.set(tokenkeep_consent::into_raw(consent, client));
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

/// The code to show the person beside the URL, also where the URL holds it: they compare the two. NULL
/// unless the setting `grant` is `device_code`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_consent_user_code(
    consent: *const tokenkeep_consent,
    length_or_null: *mut usize,
) -> *const c_char {
    // SAFETY: the header's rules for pointers.
    let (consent, length) = unsafe { (consent.as_ref(), Out::new(length_or_null, 0)) };
    guard(ptr::null(), || {
        let user_code = consent.and_then(|consent| consent.user_code.as_ref());
        lend(user_code.map(|code| code.as_bytes_with_nul()), length)
    })
}

/// Writes the consent as text, and a NUL, into the buffer: for the person's own session cookie, so that
/// another process can go on with it by tokenkeep_client_resume, within ten minutes. The text is
/// base64url, some 1,000 bytes long, and sealed with the setting `store_key`.
///
/// `length` receives the length without the NUL, also with TOKENKEEP_BUFFER_TOO_SMALL: the buffer
/// needs one byte more than that. NULL as buffer, with a capacity of 0, asks for the length; the status
/// is then TOKENKEEP_BUFFER_TOO_SMALL, and an error is made if one is asked for. On failure the buffer
/// holds the empty text. Within one process a consent is finished at most once. Across processes only
/// the vendor can prevent a second use, by taking each code once.
///
/// TOKENKEEP_UNSUPPORTED: the consent holds a loopback port of this process's.
/// TOKENKEEP_CONFIG: there is no `store_key`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_consent_seal(
    consent: *const tokenkeep_consent,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
    error: *mut *mut tokenkeep_error,
) -> tokenkeep_status {
    // SAFETY: the header's rules for pointers.
    let (consent, mut buffer, length, error) = unsafe {
        (consent.as_ref(), Buffer::new(buffer, capacity), Out::new(length, 0), ErrorOut::new(error))
    };
    answer(error, || {
        let (this, length) = (present(consent, "consent")?, length.required("length")?);
        buffer.check()?;
        let text = CString::new(this.client.work(|_| this.consent.seal())?).unwrap_or_default();
        length.set(text.as_bytes().len());
        if buffer.fill(text.as_bytes_with_nul()) {
            return Ok(());
        }
        let needed = text.as_bytes_with_nul().len();
        Err(Error::new(Kind::BufferTooSmall, format!("the sealed consent needs {needed} bytes with its NUL")))
    })
}

/// Takes the whole URL that the person came back on and buys the first token with it; from then on
/// tokenkeep_client_token has tokens. Succeeds once. `out` may be NULL. Blocks for as long as the call,
/// or else the setting `timeout`, allows.
///
/// TOKENKEEP_INVALID_ARGUMENT: the URL is not `redirect_uri`, or this consent is over.
/// TOKENKEEP_PROTOCOL: its state or issuer is not this consent's, which stays open; or the vendor's
/// answer is malformed. TOKENKEEP_CONSENT_REQUIRED, TOKENKEEP_DENIED, TOKENKEEP_CONFIG,
/// TOKENKEEP_SERVER: the person or the vendor said no, by its error code.
/// TOKENKEEP_UNSUPPORTED: with `device_code` the person comes back on no URL; wait.
/// TOKENKEEP_TIMEOUT: the token may still come, for tokenkeep_client_token.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_consent_finish(
    consent: *mut tokenkeep_consent,
    redirected_url: *const c_char,
    length: usize,
    call_or_null: *const tokenkeep_call,
    out: *mut *mut tokenkeep_token,
    error: *mut *mut tokenkeep_error,
) -> tokenkeep_status {
    // SAFETY: the header's rules for pointers.
    let (consent, redirected_url, call, out, error) = unsafe {
        (
            consent.as_ref(),
            Given::new(redirected_url, length),
            tokenkeep_call::read(call_or_null),
            Out::pointer(out),
            ErrorOut::new(error),
        )
    };
    answer(error, || {
        let this = present(consent, "consent")?;
        let url = redirected_url.text("redirected_url")?;
        let call = call?;
        let token = this.client.work(|_| this.consent.finish(url, &call))?;
        if out.is_somewhere() {
            out.set(token::into_raw(token));
        }
        Ok(())
    })
}

/// Waits for the person, and buys the first token when they have said yes; from then on
/// tokenkeep_client_token has tokens. With a loopback `redirect_uri` this serves the person's browser,
/// on this thread; with `device_code` it asks the vendor, at the pace that the vendor sets. Blocks for as
/// long as the call, or else the setting `timeout`, allows: give people minutes. `out` may be NULL.
/// Threads that wait at once all get what comes, as does who waits later.
///
/// TOKENKEEP_TIMEOUT: nobody came yet; the consent is as good as before, so wait again.
/// TOKENKEEP_CONSENT_REQUIRED: the person or the vendor said no, or the user code ended; this consent is
/// over. TOKENKEEP_CANCELLED: tokenkeep_consent_cancel or tokenkeep_client_close.
/// TOKENKEEP_UNSUPPORTED: `redirect_uri` leads elsewhere; use tokenkeep_consent_finish. Or this process
/// was forked since the consent was begun: the parent waits for the person.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_consent_wait(
    consent: *mut tokenkeep_consent,
    call_or_null: *const tokenkeep_call,
    out: *mut *mut tokenkeep_token,
    error: *mut *mut tokenkeep_error,
) -> tokenkeep_status {
    // SAFETY: the header's rules for pointers.
    let (consent, call, out, error) = unsafe {
        (consent.as_ref(), tokenkeep_call::read(call_or_null), Out::pointer(out), ErrorOut::new(error))
    };
    answer(error, || {
        let this = present(consent, "consent")?;
        let call = call?;
        let token = this.client.work(|_| this.consent.wait(&call))?;
        if out.is_somewhere() {
            out.set(token::into_raw(token));
        }
        Ok(())
    })
}

/// Another reference to the same consent, to be freed on its own. NULL gives NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_consent_clone(
    consent: *const tokenkeep_consent,
) -> *mut tokenkeep_consent {
    if !consent.is_null() {
        // SAFETY: the header's rules for pointers; it came from `Arc::into_raw`.
        unsafe { Arc::increment_strong_count(consent) };
    }
    consent.cast_mut()
}

/// Ends the consent without a token: it can no longer be finished, and whoever waits for it gets
/// TOKENKEEP_CANCELLED. NULL is fine.
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

/// Drops one reference. The last one closes the consent's port; to end the waits of other threads, which
/// have references of their own, call tokenkeep_consent_cancel first. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_consent_free(consent: *mut tokenkeep_consent) {
    if !consent.is_null() {
        // SAFETY: the header's rules for pointers; it came from `Arc::into_raw`.
        let consent = unsafe { Arc::from_raw(consent) };
        guard((), || drop(consent));
    }
}
