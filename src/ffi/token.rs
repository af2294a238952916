//! The token object. A handle is a counted reference to the token itself: handing one out costs one count.

use std::ffi::c_char;
use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::Arc;

use super::argument::{Out, invalid, lend, present};
use super::{ErrorOut, answer, guard, tokenkeep_status, unix_ms};
use crate::token::Inner;
use crate::{Lifetime, Token};

/// A token: immutable, reference-counted, for any number of threads at once; wiped from memory with
/// its last reference.
pub struct tokenkeep_token {
    _opaque: (),
}

/// How long a token lives.
#[derive(Clone, Copy)]
#[repr(i32)]
pub enum tokenkeep_lifetime {
    /// Until tokenkeep_token_expires_at_ms.
    TOKENKEEP_LIFETIME_KNOWN = 0,
    /// The vendor declares that it never ends.
    TOKENKEEP_LIFETIME_NEVER = 1,
    /// Nobody said: it is good until it is refused.
    TOKENKEEP_LIFETIME_UNKNOWN = 2,
}

/// The reference that a caller now owns.
pub(super) fn into_raw(token: Token) -> *mut tokenkeep_token {
    Arc::into_raw(token.0).cast_mut().cast()
}

/// A token of the caller's, looked at without counting a reference.
struct Borrowed(Option<ManuallyDrop<Token>>);

impl Borrowed {
    /// # Safety
    ///
    /// `token` is NULL, or came from [`into_raw`] and outlives the result and what is lent from it.
    unsafe fn new(token: *const tokenkeep_token) -> Borrowed {
        if token.is_null() {
            return Borrowed(None);
        }
        // SAFETY: it came from `Arc::into_raw`; never dropped, this leaves the count as it is.
        Borrowed(Some(ManuallyDrop::new(Token(unsafe { Arc::from_raw(token.cast::<Inner>()) }))))
    }

    fn token(&self) -> Option<&Token> {
        self.0.as_deref()
    }
}

/// The access token itself. Better use the headers: they have everything that the vendor asks for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_token_value(
    token: *const tokenkeep_token,
    length_or_null: *mut usize,
) -> *const c_char {
    // SAFETY: the header's rules for pointers.
    let (token, length) = unsafe { (Borrowed::new(token), Out::new(length_or_null, 0)) };
    guard(ptr::null(), || lend(token.token().map(Token::value_with_nul), length))
}

/// The value of the Authorization header, "Bearer ..."; NULL if the setting `placement` is `query`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_token_authorization(
    token: *const tokenkeep_token,
    length_or_null: *mut usize,
) -> *const c_char {
    // SAFETY: the header's rules for pointers.
    let (token, length) = unsafe { (Borrowed::new(token), Out::new(length_or_null, 0)) };
    guard(ptr::null(), || lend(token.token().and_then(Token::authorization_with_nul), length))
}

/// How many headers the vendor wants on a request: Authorization, unless the token goes into the
/// query, and its own, such as x-api-key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_token_header_count(token: *const tokenkeep_token) -> usize {
    // SAFETY: the header's rules for pointers.
    let token = unsafe { Borrowed::new(token) };
    guard(0, || token.token().map_or(0, |token| token.headers().count()))
}

/// One header, `index` counting from 0; Authorization comes first. Either length may be NULL.
/// TOKENKEEP_INVALID_ARGUMENT: there is no such header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_token_header(
    token: *const tokenkeep_token,
    index: usize,
    name: *mut *const c_char,
    name_length: *mut usize,
    value: *mut *const c_char,
    value_length: *mut usize,
) -> tokenkeep_status {
    // SAFETY: the header's rules for pointers.
    let (token, name, name_length, value, value_length) = unsafe {
        (
            Borrowed::new(token),
            Out::new(name, ptr::null()),
            Out::new(name_length, 0),
            Out::new(value, ptr::null()),
            Out::new(value_length, 0),
        )
    };
    answer(ErrorOut::nowhere(), || {
        let (name, value) = (name.required("name")?, value.required("value")?);
        let header = present(token.token(), "token")?.header_with_nul(index);
        let (name_text, value_text) = header.ok_or_else(|| invalid("there is no such header"))?;
        name.set(lend(Some(name_text.to_bytes_with_nul()), name_length));
        value.set(lend(Some(value_text), value_length));
        Ok(())
    })
}

/// The pair for the query, "access_token=...", encoded; NULL unless the setting `placement` is
/// `query`. Send "Cache-Control: no-store" with such a request (RFC 6750 section 2.3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_token_query(
    token: *const tokenkeep_token,
    length_or_null: *mut usize,
) -> *const c_char {
    // SAFETY: the header's rules for pointers.
    let (token, length) = unsafe { (Borrowed::new(token), Out::new(length_or_null, 0)) };
    guard(ptr::null(), || lend(token.token().and_then(Token::query_with_nul), length))
}

/// Whether the end of the token's life is known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_token_lifetime(token: *const tokenkeep_token) -> tokenkeep_lifetime {
    // SAFETY: the header's rules for pointers.
    let token = unsafe { Borrowed::new(token) };
    guard(tokenkeep_lifetime::TOKENKEEP_LIFETIME_UNKNOWN, || match token.token().map(Token::lifetime) {
        Some(Lifetime::Known { .. }) => tokenkeep_lifetime::TOKENKEEP_LIFETIME_KNOWN,
        Some(Lifetime::Never) => tokenkeep_lifetime::TOKENKEEP_LIFETIME_NEVER,
        None | Some(Lifetime::Unknown) => tokenkeep_lifetime::TOKENKEEP_LIFETIME_UNKNOWN,
    })
}

/// When the token ends, in milliseconds since the Unix epoch; INT64_MAX unless that is known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_token_expires_at_ms(token: *const tokenkeep_token) -> i64 {
    // SAFETY: the header's rules for pointers.
    let token = unsafe { Borrowed::new(token) };
    guard(i64::MAX, || match token.token().map(Token::lifetime) {
        Some(Lifetime::Known { expires_at }) => unix_ms(expires_at),
        None | Some(Lifetime::Never | Lifetime::Unknown) => i64::MAX,
    })
}

/// The number of the grant behind the token, for tokenkeep_client_rejected. Each credential counts its
/// own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_token_generation(token: *const tokenkeep_token) -> u64 {
    // SAFETY: the header's rules for pointers.
    let token = unsafe { Borrowed::new(token) };
    guard(0, || token.token().map_or(0, Token::generation))
}

/// The scope that was granted, names parted by spaces; NULL if neither the vendor nor the settings
/// name one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_token_scope(
    token: *const tokenkeep_token,
    length_or_null: *mut usize,
) -> *const c_char {
    // SAFETY: the header's rules for pointers.
    let (token, length) = unsafe { (Borrowed::new(token), Out::new(length_or_null, 0)) };
    guard(ptr::null(), || {
        let scope = token.token().and_then(Token::scope_c);
        lend(scope.map(|scope| scope.to_bytes_with_nul()), length)
    })
}

/// The ID token that came with this token (OpenID Connect); NULL if none came, as with most refreshes.
/// It is NOT verified: nobody has looked at its signature, issuer, audience, nonce or times. Verify it
/// before you believe it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_token_id_token(
    token: *const tokenkeep_token,
    length_or_null: *mut usize,
) -> *const c_char {
    // SAFETY: the header's rules for pointers.
    let (token, length) = unsafe { (Borrowed::new(token), Out::new(length_or_null, 0)) };
    guard(ptr::null(), || lend(token.token().and_then(Token::id_token_with_nul), length))
}

/// Another reference to the same token, to be freed on its own. NULL gives NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_token_clone(token: *const tokenkeep_token) -> *mut tokenkeep_token {
    // SAFETY: the header's rules for pointers.
    let token = unsafe { Borrowed::new(token) };
    guard(ptr::null_mut(), || token.token().map_or(ptr::null_mut(), |token| into_raw(token.clone())))
}

/// Drops one reference. The token is wiped with the last one; a client holds some of its own while it
/// lives. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_token_free(token: *mut tokenkeep_token) {
    // SAFETY: the header's rules for pointers; what was borrowed is the caller's to give away.
    let token = unsafe { Borrowed::new(token) };
    guard((), || drop(token.0.map(ManuallyDrop::into_inner)));
}
