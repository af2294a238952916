//! What a caller hands in: text to read, places to write to. Each is made from raw pointers once, at the top of
//! an export, and is safe to use from there on.

use std::ffi::{CStr, c_char};
use std::fmt;
use std::ptr::{self, NonNull};
use std::slice;

use crate::{Error, Kind, Result};

/// The length that says: the text ends with a NUL. `TOKENKEEP_NUL_ENDED` in the header.
const NUL_ENDED: usize = usize::MAX;

/// An error that tells the caller what was wrong with the call.
pub(super) fn invalid(what: impl fmt::Display) -> Error {
    Error::new(Kind::InvalidArgument, what.to_string())
}

/// The object behind a handle, or the error for a NULL one.
pub(super) fn present<T>(handle: Option<T>, name: &str) -> Result<T> {
    handle.ok_or_else(|| invalid(format_args!("{name} is NULL")))
}

/// Text as a caller gives it: a pointer and a length.
#[derive(Clone, Copy)]
pub(super) enum Given<'a> {
    /// A NULL pointer, and the length beside it.
    Null(usize),
    /// A length that nothing in memory can have.
    TooLong,
    /// The bytes themselves.
    Bytes(&'a [u8]),
}

impl<'a> Given<'a> {
    /// # Safety
    ///
    /// `start` is NULL, or points to `length` bytes (up to a NUL if `length` says so) that nobody changes during `'a`.
    pub(super) unsafe fn new(start: *const c_char, length: usize) -> Given<'a> {
        if length == NUL_ENDED && !start.is_null() {
            // SAFETY: this length promises a NUL.
            Given::Bytes(unsafe { CStr::from_ptr(start) }.to_bytes())
        } else {
            // SAFETY: the same promise.
            unsafe { Given::counted(start.cast(), length) }
        }
    }

    /// Bytes that no NUL ends.
    ///
    /// # Safety
    ///
    /// `start` is NULL, or points to `length` bytes that nobody changes during `'a`.
    pub(super) unsafe fn counted(start: *const u8, length: usize) -> Given<'a> {
        if start.is_null() {
            Given::Null(length)
        } else if isize::try_from(length).is_err() {
            Given::TooLong
        } else {
            // SAFETY: as the caller promises; the length was checked just now.
            Given::Bytes(unsafe { slice::from_raw_parts(start, length) })
        }
    }

    /// # Safety
    ///
    /// `start` is NULL, or points to bytes up to a NUL that nobody changes during `'a`.
    pub(super) unsafe fn nul_ended(start: *const c_char) -> Given<'a> {
        // SAFETY: the same promise.
        unsafe { Given::new(start, NUL_ENDED) }
    }

    /// The bytes; NULL with length 0 is no bytes.
    pub(super) fn bytes(self, what: impl fmt::Display) -> Result<&'a [u8]> {
        match self {
            Given::Bytes(bytes) => Ok(bytes),
            Given::Null(0) => Ok(&[]),
            Given::Null(_) => Err(invalid(format_args!("{what} is NULL"))),
            Given::TooLong => Err(invalid(format_args!("{what} has an impossible length"))),
        }
    }

    /// The bytes of something that may be left out: NULL, with length 0 or as NUL-ended text, is nothing.
    pub(super) fn optional_bytes(self, what: impl fmt::Display) -> Result<Option<&'a [u8]>> {
        match self {
            Given::Null(0 | NUL_ENDED) => Ok(None),
            given => given.bytes(what).map(Some),
        }
    }

    /// The text: UTF-8 without a NUL in it (a length that counts the NUL is a common slip).
    pub(super) fn text(self, what: impl fmt::Display) -> Result<&'a str> {
        let bytes = self.bytes(&what)?;
        if bytes.contains(&0) {
            return Err(invalid(format_args!("{what} has a NUL in it: its length must not count one")));
        }
        std::str::from_utf8(bytes).map_err(|_| invalid(format_args!("{what} is not UTF-8")))
    }
}

/// A place where the caller wants a value, or nowhere.
pub(super) struct Out<T>(Option<NonNull<T>>);

impl<T> Out<T> {
    pub(super) const NOWHERE: Out<T> = Out(None);

    /// Writes `nothing` there at once.
    ///
    /// # Safety
    ///
    /// `place` is NULL, or good for writing a `T` for as long as the result is used.
    pub(super) unsafe fn new(place: *mut T, nothing: T) -> Out<T> {
        let out = Out(NonNull::new(place));
        out.set(nothing);
        out
    }

    /// The place, if there is one; a result that goes nowhere would be lost.
    pub(super) fn required(self, name: &str) -> Result<Out<T>> {
        present(self.0, name).map(|_| self)
    }

    pub(super) fn is_somewhere(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn set(&self, value: T) {
        if let Some(place) = self.0 {
            // SAFETY: `new` was promised that this is good for writing.
            unsafe { place.write(value) };
        }
    }
}

impl<T> Out<*mut T> {
    /// A place for a pointer, NULL from the start.
    ///
    /// # Safety
    ///
    /// As for [`Out::new`].
    pub(super) unsafe fn pointer(place: *mut *mut T) -> Out<*mut T> {
        // SAFETY: the same promise.
        unsafe { Out::new(place, ptr::null_mut()) }
    }
}

/// Room for a text of ours in the caller's memory.
pub(super) struct Buffer {
    start: *mut u8,
    capacity: usize,
}

impl Buffer {
    /// Makes the text there empty at once, if there is room for even that.
    ///
    /// # Safety
    ///
    /// `start` is NULL, or good for writing `capacity` bytes for as long as the result is used.
    pub(super) unsafe fn new(start: *mut c_char, capacity: usize) -> Buffer {
        let mut buffer = Buffer { start: start.cast(), capacity };
        buffer.fill(b"\0");
        buffer
    }

    /// Copies the text with its NUL, if it fits.
    #[inline]
    pub(super) fn fill(&mut self, text_with_nul: &[u8]) -> bool {
        let fits = !self.start.is_null() && text_with_nul.len() <= self.capacity;
        if fits {
            // SAFETY: `new` was promised this much room; the text is ours and cannot lie in it.
            unsafe { ptr::copy_nonoverlapping(text_with_nul.as_ptr(), self.start, text_with_nul.len()) };
        }
        fits
    }

    /// NULL is a buffer only with a capacity of 0.
    pub(super) fn check(&self) -> Result<()> {
        if self.start.is_null() && self.capacity > 0 {
            return Err(invalid("buffer is NULL, but its capacity is not 0"));
        }
        Ok(())
    }
}

/// Lends a text of ours, which ends with a NUL, to the caller; NULL for no text.
pub(super) fn lend(text_with_nul: Option<&[u8]>, length: Out<usize>) -> *const c_char {
    let Some(text) = text_with_nul else { return ptr::null() };
    length.set(text.len() - 1);
    text.as_ptr().cast()
}
