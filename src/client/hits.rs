//! How many tokens were taken from the cache, counted without threads getting in each other's way.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use once_cell::race::OnceBox;

/// Threads of their own line; those that come later share the second half.
const OWN: usize = 8;
const LINES: usize = 2 * OWN;

/// One counter to a cache line, so that two threads do not pass one line to and fro.
#[derive(Default)]
#[repr(align(64))]
struct Line(AtomicU64);

/// An exact count. Its lines are made with the client's first token: one that is never used stays small, and no hit
/// allocates. Nobody waits for them
/// to be made, so that no forked child waits for ever.
#[derive(Default)]
pub(super) struct Hits(OnceBox<[Line; LINES]>);

thread_local! {
    static THREAD: Cell<usize> = const { Cell::new(usize::MAX) };
}

impl Hits {
    /// Makes room to count in.
    pub(super) fn prepare(&self) {
        self.0.get_or_init(Box::default);
    }

    #[inline]
    pub(super) fn add(&self) {
        let lines = self.0.get_or_init(Box::default);
        let thread = this_thread();
        if thread < OWN {
            // Nobody else writes this line: no locked instruction is needed.
            let line = &lines[thread].0;
            line.store(line.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        } else {
            lines[OWN + thread % OWN].0.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn count(&self) -> u64 {
        let lines = self.0.get().map_or(&[][..], |lines| lines.as_slice());
        lines.iter().map(|line| line.0.load(Ordering::Relaxed)).sum()
    }
}

/// The number of this thread among those that ever took a token. Never given away twice.
#[inline]
fn this_thread() -> usize {
    THREAD.with(|thread| match thread.get() {
        usize::MAX => number_thread(thread),
        known => known,
    })
}

#[cold]
fn number_thread(thread: &Cell<usize>) -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread.set(NEXT.fetch_add(1, Ordering::Relaxed));
    thread.get()
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn no_hit_is_lost_however_many_threads_count() {
        let hits = Hits::default();
        assert_eq!(hits.count(), 0);
        std::thread::scope(|scope| {
            for _ in 0..3 * LINES {
                scope.spawn(|| (0..10_000).for_each(|_| hits.add()));
            }
        });
        assert_eq!(hits.count(), 3 * LINES as u64 * 10_000);
    }
}
