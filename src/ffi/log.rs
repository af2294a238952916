//! Log callbacks: on the thread that called in, under no lock, one at a time on each thread.

use std::cell::Cell;
use std::ffi::{c_char, c_void};
use std::ptr;

use super::argument::invalid;
use crate::{Client, Error, Kind, Level, Result};

/// How grave a log message is.
#[derive(Clone, Copy)]
#[repr(i32)]
pub enum tokenkeep_level {
    /// A program will miss its token.
    TOKENKEEP_LEVEL_ERROR = 1,
    /// Somebody should look at it.
    TOKENKEEP_LEVEL_WARN = 2,
    /// A renewal and its outcome.
    TOKENKEEP_LEVEL_INFO = 3,
    /// Every step.
    TOKENKEEP_LEVEL_DEBUG = 4,
}

/// Takes one log message: UTF-8 with a NUL behind its `length` bytes, good during the call, never a
/// secret. Several threads may be in the callback at once. It must return: no exception may leave it,
/// nor longjmp.
pub type tokenkeep_log_callback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, level: i32, message: *const c_char, length: usize)>;

/// Releases a callback's user_data. Runs exactly once.
pub type tokenkeep_drop_callback = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// What the host hands to its callbacks, and how to release it; released when this is dropped.
pub(super) struct UserData {
    pointer: *mut c_void,
    release: tokenkeep_drop_callback,
}

// SAFETY: the header has the host answer for its user_data on any thread.
unsafe impl Send for UserData {}
// SAFETY: the same.
unsafe impl Sync for UserData {}

impl UserData {
    /// # Safety
    ///
    /// `release` takes `pointer`, once, on any thread.
    pub(super) unsafe fn new(pointer: *mut c_void, release: tokenkeep_drop_callback) -> UserData {
        UserData { pointer, release }
    }

    pub(super) fn pointer(&self) -> *mut c_void {
        self.pointer
    }
}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: `new` was promised this one call.
            unsafe { release(self.pointer) };
        }
    }
}

/// Where the log messages of one config's clients go.
pub(super) struct Logger {
    level: i32,
    callback: unsafe extern "C" fn(*mut c_void, i32, *const c_char, usize),
    user_data: UserData,
}

thread_local! {
    /// The logger whose callback this thread is in.
    static WITHIN: Cell<*const Logger> = const { Cell::new(ptr::null()) };
}

impl Logger {
    /// The logger that a host asks for; none for a NULL callback.
    ///
    /// # Safety
    ///
    /// `callback` is NULL, or may be called with this user_data on any thread.
    pub(super) unsafe fn new(
        level: i32,
        callback: tokenkeep_log_callback,
        user_data: UserData,
    ) -> Result<Option<Logger>> {
        if !(Level::Error as i32..=Level::Debug as i32).contains(&level) {
            return Err(invalid(format_args!("the log level {level} is none of TOKENKEEP_LEVEL_...")));
        }
        Ok(callback.map(|callback| Logger { level, callback, user_data }))
    }

    /// Refuses a call that comes from within this logger's own callback.
    #[inline]
    pub(super) fn enter(&self) -> Result<()> {
        if ptr::eq(WITHIN.get(), self) { Err(reentrant()) } else { Ok(()) }
    }

    /// Hands over what waits to be told. From within any callback nothing is: the next call will.
    #[inline]
    pub(super) fn deliver(&self, client: &Client) {
        if client.has_events() && WITHIN.get().is_null() {
            self.deliver_all(client);
        }
    }

    #[cold]
    fn deliver_all(&self, client: &Client) {
        let events = client.take_events();
        WITHIN.set(self);
        for event in events {
            if event.level as i32 <= self.level {
                self.tell(event.level, event.message);
            }
        }
        WITHIN.set(ptr::null());
    }

    fn tell(&self, level: Level, mut message: String) {
        let length = message.len();
        message.push('\0');
        // SAFETY: `new` was promised that this may be called; the message outlives the call.
        unsafe { (self.callback)(self.user_data.pointer, level as i32, message.as_ptr().cast(), length) };
    }
}

#[cold]
fn reentrant() -> Error {
    Error::new(Kind::Reentrant, "a log callback called a client that logs to it; call it after the callback")
}
