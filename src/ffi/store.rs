//! A store that a C program makes: a table of functions over sealed bytes.

use std::error::Error;
use std::ffi::{CString, c_char, c_void};
use std::mem::offset_of;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::argument::{Given, invalid, present};
use super::log::{UserData, tokenkeep_drop_callback};
use super::sized::{self, Growing};
use super::{guard, tokenkeep_config, tokenkeep_status, unix_ms};
use crate::{HostStore, Result};

/// Where a store's load function puts what it found; good during that call.
pub struct tokenkeep_record(Result<Option<Vec<u8>>>);

/// A place of the program's own for grants that outlive it, such as a table of its database: functions
/// over sealed bytes, which are under a name of 64 hexadecimal digits, perhaps with ".aside" behind
/// them. Begin with TOKENKEEP_STORE_INIT and set all five.
///
/// They run on threads that called into the library, several at once, never under one of its locks. No
/// exception may leave them, nor longjmp. A call of theirs on any client for a token that is not in
/// memory, or to revoke one, returns TOKENKEEP_REENTRANT. Those that return int32_t return TOKENKEEP_OK,
/// or anything else for a failure, whose number is then in the error's message.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct tokenkeep_store {
    /// sizeof(tokenkeep_store).
    pub struct_size: usize,
    /// Finds the record of that name and passes its bytes to tokenkeep_record_set. If there is none,
    /// returns TOKENKEEP_OK without that call.
    pub load: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            name: *const c_char,
            record: *mut tokenkeep_record,
        ) -> i32,
    >,
    /// Puts a record in the place of the one before. From expires_at_ms on, in milliseconds since the Unix
    /// epoch, it is of no use; INT64_MAX means never.
    pub save: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            name: *const c_char,
            bytes: *const u8,
            length: usize,
            expires_at_ms: i64,
        ) -> i32,
    >,
    /// Takes a record away. There may be none.
    pub remove: Option<unsafe extern "C" fn(user_data: *mut c_void, name: *const c_char) -> i32>,
    /// Locks a record against everybody who uses the same place, in other processes and threads, until
    /// unlock on the same thread; TOKENKEEP_WOULD_BLOCK if another held it for all of timeout_ms. A lock
    /// must go with its holder's end.
    pub lock:
        Option<unsafe extern "C" fn(user_data: *mut c_void, name: *const c_char, timeout_ms: u32) -> i32>,
    /// Ends a lock.
    pub unlock: Option<unsafe extern "C" fn(user_data: *mut c_void, name: *const c_char)>,
}

// SAFETY: `repr(C)`, the size first, then functions for which zeros mean none.
unsafe impl Growing for tokenkeep_store {
    const NAME: &str = "tokenkeep_store";
    const FIRST: usize = offset_of!(tokenkeep_store, unlock) + size_of::<usize>();
}

/// The table with every function there.
struct Functions {
    load: unsafe extern "C" fn(*mut c_void, *const c_char, *mut tokenkeep_record) -> i32,
    save: unsafe extern "C" fn(*mut c_void, *const c_char, *const u8, usize, i64) -> i32,
    remove: unsafe extern "C" fn(*mut c_void, *const c_char) -> i32,
    lock: unsafe extern "C" fn(*mut c_void, *const c_char, u32) -> i32,
    unlock: unsafe extern "C" fn(*mut c_void, *const c_char),
}

/// A program's store.
struct Store {
    functions: Functions,
    user_data: UserData,
}

type Outcome<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

impl Store {
    fn new(table: tokenkeep_store, user_data: UserData) -> Result<Store> {
        let missing = |name: &str| invalid(format_args!("the store has no function {name}"));
        let functions = Functions {
            load: table.load.ok_or_else(|| missing("load"))?,
            save: table.save.ok_or_else(|| missing("save"))?,
            remove: table.remove.ok_or_else(|| missing("remove"))?,
            lock: table.lock.ok_or_else(|| missing("lock"))?,
            unlock: table.unlock.ok_or_else(|| missing("unlock"))?,
        };
        Ok(Store { functions, user_data })
    }
}

// Every call below: the host promised with the table that its functions may be called with its user_data on any
// thread; the name ends with a NUL and outlives the call, as the record does.
impl HostStore for Store {
    fn load(&self, name: &str) -> Outcome<Option<Vec<u8>>> {
        let (name, mut record) = (CString::new(name)?, tokenkeep_record(Ok(None)));
        // SAFETY: as above.
        let status = unsafe { (self.functions.load)(self.user_data.pointer(), name.as_ptr(), &mut record) };
        checked(status)?;
        record.0.map_err(|misuse| misuse.message().into())
    }

    fn save(&self, name: &str, record: &[u8], expires: Option<SystemTime>) -> Outcome<()> {
        let (name, expires) = (CString::new(name)?, expires.map_or(i64::MAX, unix_ms));
        let (bytes, length) = (record.as_ptr(), record.len());
        // SAFETY: as above.
        let status =
            unsafe { (self.functions.save)(self.user_data.pointer(), name.as_ptr(), bytes, length, expires) };
        checked(status)
    }

    fn remove(&self, name: &str) -> Outcome<()> {
        let name = CString::new(name)?;
        // SAFETY: as above.
        checked(unsafe { (self.functions.remove)(self.user_data.pointer(), name.as_ptr()) })
    }

    fn lock(&self, name: &str, within: Duration) -> Outcome<bool> {
        let (name, within) = (CString::new(name)?, u32::try_from(within.as_millis()).unwrap_or(u32::MAX));
        // SAFETY: as above.
        let status = unsafe { (self.functions.lock)(self.user_data.pointer(), name.as_ptr(), within) };
        if status == tokenkeep_status::TOKENKEEP_WOULD_BLOCK as i32 {
            return Ok(false);
        }
        checked(status).map(|()| true)
    }

    fn unlock(&self, name: &str) {
        let Ok(name) = CString::new(name) else { return };
        // SAFETY: as above.
        unsafe { (self.functions.unlock)(self.user_data.pointer(), name.as_ptr()) };
    }

    /// The same user_data is the same place, in whichever config.
    fn place(&self) -> usize {
        self.user_data.pointer().addr()
    }
}

fn checked(status: i32) -> Outcome<()> {
    match status {
        0 => Ok(()),
        status => Err(format!("it returned {status}").into()),
    }
}

/// Keeps the grants of the clients that will be made from this config in a store of the program's own. It
/// needs the setting store_key, and no setting store. Renewals then run on the thread that calls: such a
/// call may last past its own deadline, until the network's timeouts and the store's functions end it.
/// Clients of one credential must have a store with the same user_data.
///
/// The table is copied. `drop`, if not NULL, is called with user_data exactly once: when the last of this
/// config and the clients and consents made from it is freed, and no renewal uses it any more (a config
/// that was given another store no longer counts); at once where nothing is registered: the config or the
/// table is NULL, or a function is missing, which tokenkeep_client_new reports.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_config_store(
    config: *mut tokenkeep_config,
    store: *const tokenkeep_store,
    user_data: *mut c_void,
    drop: tokenkeep_drop_callback,
) {
    // SAFETY: the header's rules for pointers and callbacks.
    let (config, table, user_data) = unsafe {
        let table = store.as_ref().map(|store| sized::read(store));
        (config.as_mut(), table, UserData::new(user_data, drop))
    };
    guard((), || {
        let Some(config) = config else { return };
        let made = present(table, "the store")
            .and_then(|table| table)
            .and_then(|table| Store::new(table, user_data));
        match made {
            Ok(store) => {
                config.settings.store(Arc::new(store));
            }
            Err(misuse) => config.settings.misuse(misuse.message().to_owned()),
        }
    });
}

/// Takes a copy of a record's bytes, for the load function of a store. Bytes that are NULL though their
/// length is not 0, or a length that nothing in memory can have, make that load fail.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_record_set(
    record: *mut tokenkeep_record,
    bytes: *const c_void,
    length: usize,
) {
    // SAFETY: the header's rules for pointers.
    let (record, bytes) = unsafe { (record.as_mut(), Given::counted(bytes.cast(), length)) };
    guard((), || {
        let Some(record) = record else { return };
        record.0 = bytes.bytes("what tokenkeep_record_set was given").map(|bytes| Some(bytes.to_vec()));
    });
}
