//! Locks. Wherever a thread can wait, std's futex locks are used: parking_lot keeps one process-wide table of
//! parked threads, and a child forked while a thread holds a bucket of it hangs for ever. parking_lot serves
//! where nothing ever waits: [`Leader`] and [`TryLock`].
//!
//! A lock that a panic left behind is taken over: every critical section replaces whole values, so there is no
//! half-made state to see.

use std::sync::PoisonError;
use std::time::Duration;

#[cfg(all(test, shuttle))]
pub(crate) use shuttle::sync::MutexGuard;
#[cfg(not(all(test, shuttle)))]
pub(crate) use std::sync::MutexGuard;

#[cfg(all(test, shuttle))]
use shuttle::sync;
#[cfg(not(all(test, shuttle)))]
use std::sync;

/// A mutual exclusion lock that knows no poison.
#[derive(Default)]
pub(crate) struct Mutex<T>(sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Mutex<T> {
        Mutex(sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A condition to wait for under a [`Mutex`].
#[derive(Default)]
pub(crate) struct Condvar(sync::Condvar);

impl Condvar {
    pub(crate) const fn new() -> Condvar {
        Condvar(sync::Condvar::new())
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>, at_most: Duration) -> MutexGuard<'a, T> {
        self.0.wait_timeout(guard, at_most).unwrap_or_else(PoisonError::into_inner).0
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// Elects at most one thread at a time, which has the value as long as it leads. Nobody ever waits for it.
pub(crate) struct Leader<T = ()>(parking_lot::Mutex<T>);

impl Leader {
    pub(crate) const fn new() -> Leader {
        Leader::over(())
    }
}

impl<T> Leader<T> {
    pub(crate) const fn over(value: T) -> Leader<T> {
        Leader(parking_lot::Mutex::new(value))
    }

    /// Some for the one thread that leads until it drops the guard; None for all others.
    pub(crate) fn try_lead(&self) -> Option<parking_lot::MutexGuard<'_, T>> {
        self.0.try_lock()
    }
}

/// A lock for what may be left undone, held for moments only. A forked child whose parent had a thread in it does
/// without, instead of hanging.
#[derive(Default)]
pub(crate) struct TryLock<T>(parking_lot::Mutex<T>);

impl<T> TryLock<T> {
    /// The value; None if somebody else has held it for far longer than anybody living would.
    pub(crate) fn lock(&self) -> Option<parking_lot::MutexGuard<'_, T>> {
        const TRIES: u32 = 10_000;
        (0..TRIES).find_map(|_| {
            let guard = self.0.try_lock();
            if guard.is_none() {
                std::thread::yield_now();
            }
            guard
        })
    }
}
