//! What each thread has of a client to itself: its hold on the token, and its count of hits.
//!
//! A hit then writes nothing that another thread reads or writes in earnest: no lock, no locked instruction, no
//! cache line passed to and fro. This file is unsafe for that alone; every other way to the same speed (hazard
//! pointers, an asymmetric fence) needs more of it.

use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::{AtomicU64, Ordering};

use once_cell::race::OnceBox;

use crate::token::Token;

const ROW: usize = 8;
const ROWS: usize = 8;
/// Threads with seats. Those that come while so many live share the token by its reference count.
const SEATS: usize = ROW * ROWS;

/// A client's seats, a row at a time as threads with such numbers come: an unused client stays small, and no hit
/// allocates. Nobody waits for a row to be made, so that no forked child waits for ever.
#[derive(Default)]
pub(super) struct Seats {
    rows: [OnceBox<[Seat; ROW]>; ROWS],
    standing: AtomicU64,
}

/// One thread's. A line of its own, so that neighbours do not slow each other down.
#[derive(Default)]
#[repr(align(64))]
struct Seat {
    token: UnsafeCell<Option<Token>>,
    /// How many reads of the token are under way on this thread, one inside the other.
    reads: Cell<u32>,
    /// Written by this thread alone, read by all.
    hits: AtomicU64,
}

// SAFETY: `token` and `reads` are touched in `Seats::read` and `Seats::take` alone, on the one thread that has the
// seat's number. Numbers pass from a thread that ends to one that begins with release and acquire. Whoever drops
// the seats has the client to itself.
unsafe impl Sync for Seat {}

/// Counts a read of the seat's token for as long as it goes on, also if it panics.
struct Reading<'a>(&'a Cell<u32>);

impl<'a> Reading<'a> {
    #[inline]
    fn begin(reads: &'a Cell<u32>) -> Reading<'a> {
        reads.set(reads.get() + 1);
        Reading(reads)
    }
}

impl Drop for Reading<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Seats {
    /// Lends this thread's token, and counts the hit, if there is one and it is good; else gives back what was to be
    /// done with it.
    #[inline]
    pub(super) fn read<R, F: FnOnce(&Token) -> R>(
        &self,
        is_good: impl FnOnce(&Token) -> bool,
        use_it: F,
    ) -> Result<R, F> {
        let Some(seat) = self.of_this_thread() else { return Err(use_it) };
        let _reading = Reading::begin(&seat.reads);
        // SAFETY: the seat is this thread's, and `take` changes nothing while a read goes on.
        match unsafe { &*seat.token.get() } {
            Some(token) if is_good(token) => {
                // Nobody else writes it: no locked instruction is needed.
                seat.hits.store(seat.hits.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                Ok(use_it(token))
            }
            _ => Err(use_it),
        }
    }

    #[inline]
    fn of_this_thread(&self) -> Option<&Seat> {
        let number = number::of_this_thread()?;
        self.rows.get(number / ROW)?.get()?.get(number % ROW)
    }

    /// Has this thread hold this token from now on, where it has a seat; drops the one before.
    pub(super) fn take(&self, token: &Token) {
        let Some(number) = number::of_this_thread() else { return };
        let seat = &self.rows[number / ROW].get_or_init(Box::default)[number % ROW];
        if seat.reads.get() == 0 {
            // SAFETY: the seat is this thread's, and no read of it is under way. One pointer is replaced by
            // another, so that a fork meanwhile leaves the child with either.
            let before = unsafe { &mut *seat.token.get() }.replace(token.clone());
            drop(before);
        }
    }

    /// Counts the hit of a thread that took the token by its reference count.
    pub(super) fn count_standing(&self) {
        self.standing.fetch_add(1, Ordering::Relaxed);
    }

    /// How many hits there were.
    pub(super) fn hits(&self) -> u64 {
        let seats = self.rows.iter().filter_map(OnceBox::get).flatten();
        let seated: u64 = seats.map(|seat| seat.hits.load(Ordering::Relaxed)).sum();
        seated + self.standing.load(Ordering::Relaxed)
    }
}

/// Small numbers for threads: each has its own while it lives.
mod number {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::SEATS;

    /// A bit for each number that is taken.
    static TAKEN: AtomicU64 = AtomicU64::new(0);
    const _: () = assert!(SEATS == u64::BITS as usize);

    /// This thread has not asked for a number yet, or found none left.
    const NONE: usize = usize::MAX;

    struct Number(Cell<usize>);

    thread_local! {
        static NUMBER: Number = const { Number(Cell::new(NONE)) };
    }

    impl Drop for Number {
        fn drop(&mut self) {
            if self.0.get() < SEATS {
                TAKEN.fetch_and(!(1 << self.0.get()), Ordering::Release);
            }
        }
    }

    /// The number of this thread; None if none is left, or the thread is about to end.
    #[inline]
    pub(super) fn of_this_thread() -> Option<usize> {
        let known = NUMBER.try_with(|number| number.0.get()).ok()?;
        if known < SEATS { Some(known) } else { take() }
    }

    #[cold]
    fn take() -> Option<usize> {
        let mut taken = TAKEN.load(Ordering::Relaxed);
        loop {
            let free = taken.trailing_ones();
            if free == u64::BITS {
                return None;
            }
            match TAKEN.compare_exchange_weak(taken, taken | 1 << free, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => {
                    NUMBER.try_with(|number| number.0.set(free as usize)).ok();
                    return Some(free as usize);
                }
                Err(now) => taken = now,
            }
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::clock::Now;
    use crate::secret::Secret;
    use crate::token::{End, Grant, Life, Presentation};

    fn token(value: &str) -> Token {
        let grant = Grant {
            access_token: Secret::new(value),
            token_type: "Bearer".into(),
            life: Life::Never,
            refresh_token: None,
            id_token: None,
            scope: None,
            companions: Vec::new(),
        };
        let end = End::new(Life::Never, Now { running: 0, wall: 0 }, 0);
        Token::new(&grant, 1, end, &Presentation { query_parameter: None, companions: Vec::new() })
    }

    /// These tests need seats to be free, or none: one at a time.
    fn alone() -> std::sync::MutexGuard<'static, ()> {
        static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
        ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn value(seats: &Seats) -> Option<String> {
        seats.read(|_| true, |token| token.value().to_owned()).ok()
    }

    #[test]
    fn no_hit_is_lost_however_many_threads_count() {
        let _alone = alone();
        let seats = Seats::default();
        std::thread::scope(|scope| {
            for _ in 0..2 * SEATS {
                scope.spawn(|| {
                    seats.take(&token("a"));
                    for _ in 0..1000 {
                        if seats.read(|_| true, |_| ()).is_err() {
                            seats.count_standing();
                        }
                    }
                });
            }
        });
        assert_eq!(seats.hits(), 2 * SEATS as u64 * 1000);
    }

    #[test]
    fn a_token_lent_stays_while_its_reader_asks_again() {
        let _alone = alone();
        let seats = Seats::default();
        seats.take(&token("outer"));
        let read = seats.read(
            |_| true,
            |outer| {
                seats.take(&token("inner"));
                (outer.value().to_owned(), value(&seats))
            },
        );
        assert_eq!(read.ok(), Some(("outer".into(), Some("outer".into()))));
        seats.take(&token("inner"));
        assert_eq!(value(&seats).as_deref(), Some("inner"));
    }

    #[test]
    fn a_reader_that_panics_leaves_its_seat_in_order() {
        let _alone = alone();
        let seats = Seats::default();
        seats.take(&token("before"));
        let read = || seats.read(|_| true, |_| -> () { panic!("a reader's own fault") }).ok();
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).is_err());
        seats.take(&token("after"));
        assert_eq!(value(&seats).as_deref(), Some("after"));
    }

    #[test]
    fn a_seat_passes_to_another_thread_when_its_own_ends() {
        let _alone = alone();
        let seats = Seats::default();
        for turn in 0..10 * SEATS {
            let seen = std::thread::scope(|scope| {
                let thread = scope.spawn(|| {
                    seats.take(&token(&turn.to_string()));
                    value(&seats)
                });
                thread.join().unwrap()
            });
            assert_eq!(seen, Some(turn.to_string()));
        }
    }

    #[test]
    fn what_is_not_good_is_not_lent() {
        let _alone = alone();
        let seats = Seats::default();
        seats.take(&token("a"));
        assert!(seats.read(|_| false, |_| ()).is_err());
        assert_eq!(seats.hits(), 0);
    }
}
