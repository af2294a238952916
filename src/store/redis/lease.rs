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
            let mut over = watch.over.lock();
            while !*over {
                over = watch.ended.wait(over, EXTEND);
                if !*over {
                    // Under the lock: an extension that arrives after the lock was given back would take it again.
                    extend();
                }
            }
        })?;
        Ok(lease)
    }
}

impl Drop for Lease {
    /// Waits for an extension under way.
    fn drop(&mut self) {
        *self.0.over.lock() = true;
        self.0.ended.notify_all();
    }
}

#[cfg(test)]
mod test {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn who_ends_a_lease_waits_for_an_extension_under_way_and_none_comes_after_it() {
        let [under_way, done] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let (begins, ends) = (Arc::clone(&under_way), Arc::clone(&done));
        let lease = Lease::keep(move || {
            begins.store(true, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(200));
            ends.store(true, Ordering::SeqCst);
        });
        let lease = lease.expect("a thread");
        while !under_way.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(lease);
        assert!(done.swap(false, Ordering::SeqCst), "it was waited for");
        std::thread::sleep(EXTEND + Duration::from_millis(200));
        assert!(!done.load(Ordering::SeqCst), "there is no other one");
    }
}
