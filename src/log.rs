//! What happened, for the host's log. Flights write it down; the next caller takes it along, so that no host
//! code ever runs on a thread of ours.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::ArcSwapOption;

use crate::fork;

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

/// Where the events of any number of clients wait for a host that logs them. A clone is the same log.
///
/// An event comes to each log once, however many of the credential's clients write to it. The latest 64 wait.
///
/// ```
/// let log = tokenkeep::Log::new();
/// let mut config = tokenkeep::Config::new("acquire");
/// let client = tokenkeep::Client::new(config.set("access_token", "a1b2c3").log_to(&log))?;
/// client.token(&tokenkeep::Call::default())?;
/// for event in log.take_events() {
///     println!("{:?}: {}", event.level, event.message);
/// }
/// # Ok::<(), tokenkeep::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Inbox>);

/// Without a lock, which a thread of a forked child's parent might have held.
#[derive(Debug, Default)]
struct Inbox {
    waiting: AtomicBool,
    events: ArcSwapOption<Events>,
}

#[derive(Debug)]
struct Events {
    /// The fork generation they belong to: a parent's events are not its children's to tell.
    born: u64,
    list: Vec<Arc<Event>>,
}

impl Log {
    /// An empty log.
    pub fn new() -> Log {
        Log::default()
    }

    /// Whether events wait to be taken. Cheap enough for every call.
    #[inline]
    pub fn has_events(&self) -> bool {
        self.0.waiting.load(Ordering::Acquire)
    }

    /// Takes the events that wait, oldest first.
    pub fn take_events(&self) -> Vec<Event> {
        self.0.waiting.store(false, Ordering::Release);
        match self.0.events.swap(None) {
            Some(events) if events.born == fork::generation() => {
                events.list.iter().map(|event| Event::clone(event)).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Inbox {
    fn put(&self, event: &Arc<Event>) {
        let born = fork::generation();
        self.events.rcu(|before| {
            let before = before.as_ref().filter(|before| before.born == born);
            let kept = before.map_or(&[][..], |before| &before.list);
            let list = kept[kept.len().saturating_sub(KEPT - 1)..].iter().chain([event]).cloned().collect();
            Some(Arc::new(Events { born, list }))
        });
        self.waiting.store(true, Ordering::Release);
    }
}

/// The logs that are told of one credential.
#[derive(Default)]
pub(crate) struct Listeners(ArcSwapOption<Vec<Weak<Inbox>>>);

impl Listeners {
    /// From now on this log is told, too.
    pub(crate) fn add(&self, log: &Log) {
        let new = Arc::downgrade(&log.0);
        let known = |list: &Vec<Weak<Inbox>>| list.iter().any(|listener| listener.ptr_eq(&new));
        if self.0.load().as_deref().is_some_and(known) {
            return;
        }
        self.0.rcu(|before| {
            let others = before.iter().flat_map(|list| list.iter());
            let living = others.filter(|other| other.strong_count() > 0 && !other.ptr_eq(&new));
            Some(Arc::new(living.chain([&new]).cloned().collect::<Vec<_>>()))
        });
    }

    pub(crate) fn tell(&self, level: Level, message: String) {
        let event = Arc::new(Event { level, message });
        for listener in self.0.load().iter().flat_map(|list| list.iter()) {
            if let Some(inbox) = listener.upgrade() {
                inbox.put(&event);
            }
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;

    fn messages(log: &Log) -> Vec<String> {
        log.take_events().into_iter().map(|event| event.message).collect()
    }

    #[test]
    fn each_log_is_told_once_however_often_it_was_added() {
        let (listeners, one, two) = (Listeners::default(), Log::new(), Log::new());
        for log in [&one, &two, &one, &one.clone()] {
            listeners.add(log);
        }
        assert!(!one.has_events());
        listeners.tell(Level::Info, "a".into());
        listeners.tell(Level::Info, "b".into());
        for log in [&one, &two] {
            assert!(log.has_events());
            assert_eq!(messages(log), ["a", "b"]);
            assert!(!log.has_events() && messages(log).is_empty());
        }
    }

    #[test]
    fn the_latest_events_are_kept() {
        let (listeners, log) = (Listeners::default(), Log::new());
        listeners.add(&log);
        (0..100).for_each(|number| listeners.tell(Level::Info, number.to_string()));
        let told = messages(&log);
        assert_eq!((told.len(), &*told[0], &*told[63]), (64, "36", "99"));
    }

    #[test]
    fn a_log_that_is_gone_is_not_kept() {
        let (listeners, log) = (Listeners::default(), Log::new());
        for _ in 0..100 {
            listeners.add(&Log::new());
        }
        listeners.add(&log);
        assert_eq!(listeners.0.load().as_ref().map(|list| list.len()), Some(1));
    }
}
