//! The only place that reads a clock.
//!
//! A token's life is measured on two clocks at once, because each can lie: the wall clock jumps, the running
//! clock stands still while a laptop sleeps. Both are read coarsely (a few milliseconds), which costs a sixth
//! of the precise clock and is far below any margin that matters to a token.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(test)]
use std::sync::{Arc, Mutex};

/// A moment on both clocks, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Now {
    /// The running clock, from an arbitrary start. It may stand still while the machine sleeps.
    pub(crate) running: i64,
    /// The wall clock, from the Unix epoch.
    pub(crate) wall: i64,
}

impl Now {
    /// How far the clocks stand apart. It changes only when one of them jumps or sleeps.
    pub(crate) fn drift(self) -> i64 {
        self.wall.wrapping_sub(self.running)
    }
}

/// A span in nanoseconds, cut to what fits.
pub(crate) fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

/// The span of that many nanoseconds; none below zero.
pub(crate) fn span(nanos: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}

/// The wall time of that many nanoseconds since the epoch.
pub(crate) fn wall_time(nanos: i64) -> SystemTime {
    match u64::try_from(nanos) {
        Ok(after) => UNIX_EPOCH + Duration::from_nanos(after),
        Err(_) => UNIX_EPOCH - Duration::from_nanos(nanos.unsigned_abs()),
    }
}

/// Where the time comes from: the machine, or a test.
#[derive(Clone)]
pub(crate) enum Clock {
    /// The machine's own clocks.
    System,
    /// A clock that moves only when a test moves it.
    #[cfg(test)]
    Manual(Arc<Mutex<Manual>>),
}

impl Clock {
    /// Both clocks, read coarsely. No system call.
    #[inline]
    pub(crate) fn now(&self) -> Now {
        match self {
            Clock::System => Now { running: system::running(), wall: system::wall() },
            #[cfg(test)]
            Clock::Manual(manual) => manual.lock().unwrap().now,
        }
    }

    /// The clock that goes on while the machine sleeps, in nanoseconds. Dearer; for when the others disagree.
    pub(crate) fn boot(&self) -> i64 {
        match self {
            Clock::System => system::boot(),
            #[cfg(test)]
            Clock::Manual(manual) => manual.lock().unwrap().boot,
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    fn read(clock: libc::clockid_t) -> i64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is valid for writing; an unknown clock leaves it at zero.
        unsafe { libc::clock_gettime(clock, &mut time) };
        #[allow(clippy::useless_conversion, reason = "narrower on 32-bit targets")]
        (i64::from(time.tv_sec) * 1_000_000_000 + i64::from(time.tv_nsec))
    }

    #[inline]
    pub(super) fn running() -> i64 {
        read(libc::CLOCK_MONOTONIC_COARSE)
    }

    #[inline]
    pub(super) fn wall() -> i64 {
        read(libc::CLOCK_REALTIME_COARSE)
    }

    pub(super) fn boot() -> i64 {
        read(libc::CLOCK_BOOTTIME)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod system {
    use std::time::{Instant, SystemTime, UNIX_EPOCH};

    #[allow(clippy::disallowed_methods, reason = "this is the clock module")]
    pub(super) fn running() -> i64 {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        super::nanos(START.get_or_init(Instant::now).elapsed())
    }

    #[allow(clippy::disallowed_methods, reason = "this is the clock module")]
    pub(super) fn wall() -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => super::nanos(after),
            Err(before) => -super::nanos(before.duration()),
        }
    }

    /// No clock here is known to count sleep; the wall clock does.
    pub(super) fn boot() -> i64 {
        running()
    }
}

/// The hands of a test's clock.
#[cfg(test)]
pub(crate) struct Manual {
    now: Now,
    boot: i64,
}

#[cfg(test)]
impl Manual {
    const START: i64 = 1_000_000_000_000_000_000;

    pub(crate) fn new() -> Arc<Mutex<Manual>> {
        let now = Now { running: 1_000_000_000, wall: Manual::START };
        Arc::new(Mutex::new(Manual { now, boot: 1_000_000_000 }))
    }

    /// Time goes by on every clock.
    pub(crate) fn pass(&mut self, span: Duration) {
        self.now.running += nanos(span);
        self.now.wall += nanos(span);
        self.boot += nanos(span);
    }

    /// Somebody sets the wall clock.
    pub(crate) fn set_wall(&mut self, seconds: i64) {
        self.now.wall += seconds * 1_000_000_000;
    }

    /// The machine sleeps: the running clock stands still.
    pub(crate) fn sleep(&mut self, span: Duration) {
        self.now.wall += nanos(span);
        self.boot += nanos(span);
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn the_system_clocks_run() {
        let (before, boot) = (Clock::System.now(), Clock::System.boot());
        assert!(before.running > 0 && before.wall > Manual::START && boot > 0);
        assert!(Clock::System.now().running >= before.running);
    }

    #[test]
    fn wall_times_before_the_epoch_are_not_lost() {
        assert_eq!(wall_time(-1_000_000_000), UNIX_EPOCH - Duration::from_secs(1));
    }
}
