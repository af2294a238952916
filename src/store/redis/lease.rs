//! The lease of a lock. Redis takes a lock back after a few seconds, so that a holder that was killed is not waited for
//! longer; a holder that lives extends it meanwhile.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::fork;
use crate::sync::{Condvar, Mutex};

/// How long a lock stays without its holder.
pub(super) const LEASE: Duration = Duration::from_secs(5);
/// How often it is extended: two attempts may fail before it ends.
const EXTEND: Duration = Duration::from_millis(1500);

/// Extends a lease as long as it lives, on a thread of its own: the flight's is waiting for the vendor.
pub(super) struct Lease(Arc<Watch>);

struct Watch {
    over: Mutex<bool>,
    ended: Condvar,
}

impl Lease {
    pub(super) fn keep(extend: impl Fn() + Send + 'static) -> io::Result<Lease> {
        let watch = Arc::new(Watch { over: Mutex::new(false), ended: Condvar::new() });
        let lease = Lease(Arc::clone(&watch));
        fork::spawn_worker(move || {
            while !watch.is_over_within(EXTEND) {
                extend();
            }
        })?;
        Ok(lease)
    }
}

impl Watch {
    fn is_over_within(&self, within: Duration) -> bool {
        let over = self.over.lock();
        // Woken for no reason it extends early, which does no harm.
        if *over { true } else { *self.ended.wait(over, within) }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        *self.0.over.lock() = true;
        self.0.ended.notify_all();
    }
}
