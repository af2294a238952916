//! What happened, for the host's log. Flights write it down; the next caller takes it along, so that no host
//! code ever runs on a thread of ours.

use std::collections::VecDeque;

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

/// The latest events, oldest first.
#[derive(Default)]
pub(super) struct Journal(VecDeque<Event>);

impl Journal {
    pub(super) fn write(&mut self, event: Event) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(event);
    }

    /// So many of the latest events, or all that are left of them.
    pub(super) fn last(&self, count: u64) -> Vec<Event> {
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(self.0.len());
        self.0.iter().skip(self.0.len() - count).cloned().collect()
    }
}
