//! A host's own place for grants.

use std::error::Error;
use std::time::{Duration, SystemTime};

/// A place of the program's own where grants outlive it: a table of its database, a vault. It keeps sealed bytes under
/// names and knows nothing of what is in them; [`Config::store`](crate::Config::store) puts it in use, and the setting
/// `store_key` seals the records.
///
/// It is called on threads that called a [`Client`](crate::Client), never under a lock of tokenkeep's, by several of them
/// at once. It must not call a client itself: that is an error of kind [`Reentrant`](crate::Kind::Reentrant). Its errors are
/// repeated in tokenkeep's own, so they must hold no secret.
pub trait HostStore: Send + Sync {
    /// The record of that name (64 hexadecimal digits, perhaps with `.aside` behind them), whole; None if there is none.
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Box<dyn Error + Send + Sync>>;

    /// Puts a record in the place of the one before, and returns when it will be found again. `expires`: from when on it
    /// is of no use, where that is known; one with a refresh token never is.
    fn save(
        &self,
        name: &str,
        record: &[u8],
        expires: Option<SystemTime>,
    ) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// Takes a record away. There may be none.
    fn remove(&self, name: &str) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// Locks a record against everybody who uses the same place, in other processes and threads, until
    /// [`unlock`](HostStore::unlock) on the same thread. False: another held it all the while. A lock must go with its
    /// holder's end.
    fn lock(&self, name: &str, within: Duration) -> Result<bool, Box<dyn Error + Send + Sync>>;

    /// Ends a lock.
    fn unlock(&self, name: &str);

    /// What tells this place from another: clients of one credential must have the same. By default the object itself.
    fn place(&self) -> usize {
        std::ptr::from_ref(self).cast::<()>().addr()
    }
}
