//! The client object. A handle is a counted reference: clones are the same client.

use std::ffi::c_char;
use std::ptr;
use std::sync::Arc;

use super::argument::{Buffer, Given, Out, invalid, present};
use super::call::tokenkeep_call;
use super::log::Logger;
use super::{
    ErrorOut, answer, guard, token, tokenkeep_config, tokenkeep_error, tokenkeep_status, tokenkeep_token,
};
use crate::{Client, Error, Kind, Result, Token};

/// Gets tokens for one credential and keeps them fresh. Reference-counted; any number of threads may
/// use it at once. Clients of the same credential share one token, however many there are.
#[derive(Clone)]
pub struct tokenkeep_client {
    client: Client,
    logger: Option<Arc<Logger>>,
}

impl tokenkeep_client {
    fn into_raw(self) -> *mut tokenkeep_client {
        Arc::into_raw(Arc::new(self)).cast_mut()
    }

    /// One call that only looks.
    #[inline]
    pub(super) fn look<T>(&self, look: impl FnOnce(&Client) -> T) -> Result<T> {
        if let Some(logger) = &self.logger {
            logger.enter()?;
        }
        Ok(look(&self.client))
    }

    /// One call that may do work, and what is to be told of it afterwards.
    #[inline]
    pub(super) fn work<T>(&self, work: impl FnOnce(&Client) -> Result<T>) -> Result<T> {
        let done = self.look(work)?;
        self.report();
        done
    }

    /// Tells the log callback what waits to be told.
    #[inline]
    fn report(&self) {
        if let Some(logger) = &self.logger {
            logger.deliver(&self.client);
        }
    }
}

/// A client with these settings, which are copied. Asks no vendor. Free it with
/// tokenkeep_client_free.
///
/// TOKENKEEP_CONFIG: settings are unknown, missing, contradictory or malformed; the error lists all
/// of them.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_client_new(
    config: *const tokenkeep_config,
    out: *mut *mut tokenkeep_client,
    error: *mut *mut tokenkeep_error,
) -> tokenkeep_status {
    // SAFETY: the header's rules for pointers.
    let (config, out, error) = unsafe { (config.as_ref(), Out::pointer(out), ErrorOut::new(error)) };
    answer(error, || {
        let (config, out) = (present(config, "config")?, out.required("out")?);
        let client = Client::new(&config.settings)?;
        let client = tokenkeep_client { client, logger: config.logger.clone() };
        client.report();
        out.set(client.into_raw());
        Ok(())
    })
}

/// The same client with one setting changed, such as `account`, `scope` or `mid`: a client of its
/// own, which logs where the first one does and is not closed with it. Its token is kept as long as
/// the first one lives, also when this one is freed. The setting is given as in tokenkeep_config_set.
/// Asks no vendor.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_client_with(
    client: *const tokenkeep_client,
    name: *const c_char,
    value: *const c_char,
    length: usize,
    out: *mut *mut tokenkeep_client,
    error: *mut *mut tokenkeep_error,
) -> tokenkeep_status {
    // SAFETY: the header's rules for pointers.
    let (client, name, value, out, error) = unsafe {
        (
            client.as_ref(),
            Given::nul_ended(name),
            Given::new(value, length),
            Out::pointer(out),
            ErrorOut::new(error),
        )
    };
    answer(error, || {
        let (base, out) = (present(client, "client")?, out.required("out")?);
        let name = name.text("name")?;
        let value = value.text(format_args!("the value of {name}"))?;
        let client = base.work(|client| client.with([(name, value)]))?;
        out.set(tokenkeep_client { client, logger: base.logger.clone() }.into_raw());
        Ok(())
    })
}

/// Another reference to the same client, to be freed on its own. NULL gives NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_client_clone(client: *const tokenkeep_client) -> *mut tokenkeep_client {
    if !client.is_null() {
        // SAFETY: the header's rules for pointers; it came from `Arc::into_raw`.
        unsafe { Arc::increment_strong_count(client) };
    }
    client.cast_mut()
}

/// Closes this client and its clones for good: whoever waits gets TOKENKEEP_CANCELLED at once, on
/// every thread, and so does whoever would have to wait later. Tokens in memory are still handed
/// out, and renewals that others wait for go on. A call that renews on its own thread
/// (`background = off`, tokenkeep_config_store) ends only when the network or the store does. NULL is
/// fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_client_close(client: *mut tokenkeep_client) {
    // SAFETY: the header's rules for pointers.
    let client = unsafe { client.as_ref() };
    guard((), || {
        if let Some(client) = client {
            client.client.close();
        }
    });
}

/// Drops one reference. This closes nothing: to end the calls of other threads, which have
/// references of their own, call tokenkeep_client_close first. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_client_free(client: *mut tokenkeep_client) {
    if !client.is_null() {
        // SAFETY: the header's rules for pointers; it came from `Arc::into_raw`.
        let client = unsafe { Arc::from_raw(client) };
        guard((), || drop(client));
    }
}

/// A usable token: from memory, or from the vendor, with one request however many threads ask.
/// Blocks for as long as the call, or else the setting `timeout`, allows. Free the token with
/// tokenkeep_token_free.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_client_token(
    client: *mut tokenkeep_client,
    call_or_null: *const tokenkeep_call,
    out: *mut *mut tokenkeep_token,
    error: *mut *mut tokenkeep_error,
) -> tokenkeep_status {
    // SAFETY: the header's rules for pointers.
    let (client, call, out, error) = unsafe {
        (client.as_ref(), tokenkeep_call::read(call_or_null), Out::pointer(out), ErrorOut::new(error))
    };
    answer(error, || {
        let (client, out) = (present(client, "client")?, out.required("out")?);
        let call = call?;
        out.set(token::into_raw(client.work(|client| client.token(&call))?));
        Ok(())
    })
}

/// The token in memory, if it is usable; else TOKENKEEP_WOULD_BLOCK. Never blocks and sends no
/// request. Free the token with tokenkeep_token_free.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_client_peek(
    client: *const tokenkeep_client,
    out: *mut *mut tokenkeep_token,
) -> tokenkeep_status {
    // SAFETY: the header's rules for pointers.
    let (client, out) = unsafe { (client.as_ref(), Out::pointer(out)) };
    answer(ErrorOut::nowhere(), || {
        let (client, out) = (present(client, "client")?, out.required("out")?);
        let token = client.look(Client::peek)?;
        out.set(token::into_raw(token.ok_or_else(|| Error::new(Kind::WouldBlock, "no token is in memory"))?));
        Ok(())
    })
}

/// Starts a renewal if one is due and returns at once; a later call finds the token in memory, or
/// waits less. With `background = off`, or a store of the program's own, it does the renewal first, on
/// this thread. For event loops: call this, and tokenkeep_client_peek now and then until there is a
/// token; tokenkeep_client_last_error says why none comes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_client_prefetch(
    client: *mut tokenkeep_client,
    error: *mut *mut tokenkeep_error,
) -> tokenkeep_status {
    // SAFETY: the header's rules for pointers.
    let (client, error) = unsafe { (client.as_ref(), ErrorOut::new(error)) };
    answer(error, || present(client, "client")?.work(Client::prefetch))
}

/// Like tokenkeep_client_token, for programs that want bytes: writes the value of the Authorization
/// header, "Bearer ...", and a NUL into the buffer. The cheapest way to a token in memory: after a
/// thread's first call for it nothing is allocated or locked, and no reference count is touched (but on
/// a thread beyond the first 64 that live at once).
///
/// `length` receives the length without the NUL, also with TOKENKEEP_BUFFER_TOO_SMALL: the buffer
/// needs one byte more than that, and a later token may be longer still. NULL as buffer, with a
/// capacity of 0, asks for the length; the status is then TOKENKEEP_BUFFER_TOO_SMALL, and an error is
/// made if one is asked for. The generation is for tokenkeep_client_rejected. On failure the buffer
/// holds the empty text. What is copied is the caller's to wipe.
///
/// TOKENKEEP_UNSUPPORTED: the setting `placement` is `query`, so there is no such header.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_client_copy_header(
    client: *mut tokenkeep_client,
    call_or_null: *const tokenkeep_call,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
    generation_or_null: *mut u64,
    error: *mut *mut tokenkeep_error,
) -> tokenkeep_status {
    // SAFETY: the header's rules for pointers.
    let (client, call, mut buffer, length, generation, error) = unsafe {
        (
            client.as_ref(),
            tokenkeep_call::read(call_or_null),
            Buffer::new(buffer, capacity),
            Out::new(length, 0),
            Out::new(generation_or_null, 0),
            ErrorOut::new(error),
        )
    };
    answer(error, || {
        let (client, length) = (present(client, "client")?, length.required("length")?);
        buffer.check()?;
        let call = call?;
        client.work(|client| client.read(&call, |token| copy(token, &mut buffer, &length, &generation)))?
    })
}

#[inline]
fn copy(token: &Token, buffer: &mut Buffer, length: &Out<usize>, generation: &Out<u64>) -> Result<()> {
    let Some(line) = token.authorization_with_nul() else { return Err(no_header()) };
    length.set(line.len() - 1);
    if !buffer.fill(line) {
        return Err(too_small(line.len()));
    }
    generation.set(token.generation());
    Ok(())
}

#[cold]
fn no_header() -> Error {
    let what = "with placement = query there is no Authorization header: use tokenkeep_token_query";
    Error::new(Kind::Unsupported, what)
}

#[cold]
fn too_small(needed: usize) -> Error {
    Error::new(Kind::BufferTooSmall, format!("the Authorization header needs {needed} bytes with its NUL"))
}

/// Whether a token may go with a request to this URL: 1 if it is https (or leads to loopback) and its host
/// is one of the setting `api_hosts` (see docs/SETTINGS.md); else 0. Ask where a URL comes from
/// elsewhere, a redirect's or a next page's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_client_may_send_to(
    client: *const tokenkeep_client,
    url: *const c_char,
    length: usize,
) -> i32 {
    // SAFETY: the header's rules for pointers.
    let (client, url) = unsafe { (client.as_ref(), Given::new(url, length)) };
    guard(0, || match (client, url.text("url")) {
        (Some(client), Ok(url)) => client.client.may_send_to(url).into(),
        _ => 0,
    })
}

/// Tells that the vendor refused a token, and learns whether another one may help. TOKENKEEP_OK: get
/// a new token and send the request again, once. TOKENKEEP_REJECTED: do not; the error says why (the
/// scope does not suffice, say, or two new tokens were refused in a row).
///
/// Only the token of that very generation is forgotten, so all threads that saw it refused may say
/// so. Numbers of different credentials overlap: give one to a client of the same credential, one that
/// was kept since. `http_status` is that of the refusal, such as 401; `www_authenticate` is the value
/// of the header of that name, NULL if there was none. Asks no vendor.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_client_rejected(
    client: *mut tokenkeep_client,
    generation: u64,
    http_status: i32,
    www_authenticate: *const c_char,
    length: usize,
    error: *mut *mut tokenkeep_error,
) -> tokenkeep_status {
    // SAFETY: the header's rules for pointers.
    let (client, www_authenticate, error) =
        unsafe { (client.as_ref(), Given::new(www_authenticate, length), ErrorOut::new(error)) };
    answer(error, || {
        let client = present(client, "client")?;
        let http_status = http_status_of(http_status)?;
        // It comes from the network: what is not UTF-8 in it is no reason to refuse the report.
        let challenge = www_authenticate.optional_bytes("www_authenticate")?.map(String::from_utf8_lossy);
        client.work(|client| client.rejected(generation, http_status, challenge.as_deref()))
    })
}

fn http_status_of(number: i32) -> Result<u16> {
    let status = u16::try_from(number).ok().filter(|status| (100..600).contains(status));
    status.ok_or_else(|| invalid(format_args!("{number} is no HTTP status")))
}

/// Gives the tokens back: revokes them with the vendor where it offers that (RFC 7009), and forgets
/// them in any case. Blocks for as long as the call, or else the setting `timeout`, allows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_client_revoke(
    client: *mut tokenkeep_client,
    call_or_null: *const tokenkeep_call,
    error: *mut *mut tokenkeep_error,
) -> tokenkeep_status {
    // SAFETY: the header's rules for pointers.
    let (client, call, error) =
        unsafe { (client.as_ref(), tokenkeep_call::read(call_or_null), ErrorOut::new(error)) };
    answer(error, || {
        let client = present(client, "client")?;
        let call = call?;
        client.work(|client| client.revoke(&call))
    })
}

/// Why the last renewal failed; NULL if it succeeded. While the old token is still good, no call
/// reports such a failure. Free the error with tokenkeep_error_free. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_client_last_error(
    client: *const tokenkeep_client,
    out: *mut *mut tokenkeep_error,
) -> tokenkeep_status {
    // SAFETY: the header's rules for pointers.
    let (client, out) = unsafe { (client.as_ref(), Out::pointer(out)) };
    answer(ErrorOut::nowhere(), || {
        let (client, out) = (present(client, "client")?, out.required("out")?);
        let error = client.look(Client::last_error)?;
        out.set(error.map_or(ptr::null_mut(), tokenkeep_error::into_raw));
        Ok(())
    })
}
