//! What happened, for the host's log. Flights write it down; the next caller takes it along, so that no host
//! code ever runs on a thread of ours.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sync::Mutex;

/// Enough for every event between two calls of a busy program; older ones are dropped.
const KEPT: usize = 64;

/// How grave an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Level {
    /// A renewal failed and no token lives.
    Error = 1,
    /// Something is odd, or a renewal failed while a token lives.
    Warn = 2,
    /// A token was renewed.
    Info = 3,
    /// How it went.
    Debug = 4,
}

/// One log event. It never holds a secret.
#[derive(Clone, Debug)]
pub struct Event {
    /// How grave it is.
    pub level: Level,
    /// One line.
    pub message: String,
}

#[derive(Default)]
pub(crate) struct Journal {
    /// How many events there ever were.
    written: AtomicU64,
    last: Mutex<VecDeque<Event>>,
}

impl Journal {
    pub(super) fn write(&self, level: Level, message: String) {
        let mut last = self.last.lock();
        if last.len() == KEPT {
            last.pop_front();
        }
        last.push_back(Event { level, message });
        self.written.fetch_add(1, Ordering::Release);
    }

    /// How many events there ever were.
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// The events after the first `seen`, oldest first, and how many there now were.
    pub(crate) fn since(&self, seen: u64) -> (Vec<Event>, u64) {
        let last = self.last.lock();
        let written = self.written();
        let new = usize::try_from(written.saturating_sub(seen)).unwrap_or(usize::MAX).min(last.len());
        (last.iter().skip(last.len() - new).cloned().collect(), written)
    }
}
