//! Looking up names. The operating system's lookup cannot be ended: one that is stuck outlives whoever asked. So
//! lookups have threads of their own, no more than a few however many calls ask, and calls for one name share one.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use once_cell::sync::OnceCell;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::{Error, Timeout, config::Config};

use crate::clock::{self, Clock};
use crate::fork::{self, PerProcess};
use crate::sync::{Condvar, Mutex, MutexGuard};

/// How many lookups a process has under way at most, the stuck ones included.
const LIMIT: usize = 16;

/// As many as ureq has room for.
const ADDRESSES: usize = 16;

static LOOKUPS: PerProcess<Lookups> = PerProcess::new();

/// The addresses of a name, or why there are none: what the system said, in a form that can be shared.
type Found = Result<Vec<SocketAddr>, (io::ErrorKind, String)>;

/// Finds the addresses that ureq connects to.
#[derive(Debug)]
pub(super) struct Names;

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let named = uri.scheme().zip(uri.authority());
        let address = named.and_then(|(scheme, authority)| DefaultResolver::host_and_port(scheme, authority));
        let address = address.ok_or(Error::HostNotFound)?;
        let found = addresses(&address, *timeout.after).map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => Error::Timeout(Timeout::Resolve),
            _ => error.into(),
        })?;
        let mut addresses = self.empty();
        found.into_iter().take(ADDRESSES).for_each(|address| addresses.push(address));
        if addresses.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}

/// The addresses of "host:port".
pub(crate) fn addresses(address: &str, at_most: Duration) -> io::Result<Vec<SocketAddr>> {
    if let Ok(literal) = address.parse() {
        return Ok(vec![literal]);
    }
    let late = || io::Error::new(io::ErrorKind::TimedOut, "the name was not found in time");
    let found = LOOKUPS.get(|_| Lookups::default()).find(address, at_most, ask_system);
    found.ok_or_else(late)?.map_err(|(kind, why)| io::Error::new(kind, why))
}

fn ask_system(address: &str) -> Found {
    address.to_socket_addrs().map(Iterator::collect).map_err(|why| (why.kind(), why.to_string()))
}

/// The lookups of one process.
#[derive(Default)]
struct Lookups {
    book: Mutex<Book>,
    ended: Condvar,
}

#[derive(Default)]
struct Book {
    /// Those that a call for the same name may wait for, too.
    shared: HashMap<String, Arc<OnceCell<Found>>>,
    running: usize,
}

impl Book {
    /// From now on, whoever asks for this name begins a lookup of his own.
    fn close(&mut self, address: &str, lookup: &Arc<OnceCell<Found>>) {
        if self.shared.get(address).is_some_and(|shared| Arc::ptr_eq(shared, lookup)) {
            self.shared.remove(address);
        }
    }
}

impl Lookups {
    /// The addresses of "host:port"; None if they do not come in time.
    fn find(self: &Arc<Self>, address: &str, at_most: Duration, ask: fn(&str) -> Found) -> Option<Found> {
        let deadline = now().saturating_add(clock::nanos(at_most));
        let mut book = self.book.lock();
        let lookup = loop {
            if let Some(lookup) = book.shared.get(address) {
                break Arc::clone(lookup);
            }
            if book.running < LIMIT {
                match self.begin(&mut book, address, ask) {
                    Ok(lookup) => break lookup,
                    Err(why) => return Some(Err((why.kind(), why.to_string()))),
                }
            }
            book = self.wait(book, deadline).ok()?;
        };
        loop {
            if let Some(found) = lookup.get() {
                return Some(found.clone());
            }
            match self.wait(book, deadline) {
                Ok(waited) => book = waited,
                Err(mut book) => {
                    // It may be stuck for good.
                    book.close(address, &lookup);
                    return None;
                }
            }
        }
    }

    fn begin(
        self: &Arc<Self>,
        book: &mut Book,
        address: &str,
        ask: fn(&str) -> Found,
    ) -> io::Result<Arc<OnceCell<Found>>> {
        let lookup = Arc::new(OnceCell::new());
        let (lookups, begun, name) = (Arc::clone(self), Arc::clone(&lookup), address.to_owned());
        fork::spawn_worker(move || {
            let found = ask(&name);
            let mut book = lookups.book.lock();
            begun.set(found).ok();
            book.close(&name, &begun);
            book.running -= 1;
            drop(book);
            lookups.ended.notify_all();
        })?;
        book.running += 1;
        book.shared.insert(address.to_owned(), Arc::clone(&lookup));
        Ok(lookup)
    }

    /// Waits until some lookup ends; the book as an error if it is too late to.
    fn wait<'a>(
        &self,
        book: MutexGuard<'a, Book>,
        deadline: i64,
    ) -> Result<MutexGuard<'a, Book>, MutexGuard<'a, Book>> {
        let left = clock::span(deadline.saturating_sub(now()));
        if left.is_zero() { Err(book) } else { Ok(self.ended.wait(book, left)) }
    }
}

fn now() -> i64 {
    Clock::System.now().running
}

#[cfg(test)]
mod test {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const NO_TIME: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(20);

    fn here() -> Vec<SocketAddr> {
        vec!["127.0.0.1:1".parse().unwrap()]
    }

    #[test]
    fn a_resolver_that_hangs_costs_a_few_threads_however_many_calls_time_out() {
        static STUCK: AtomicUsize = AtomicUsize::new(0);
        let stuck = |_: &str| -> Found {
            STUCK.fetch_add(1, Ordering::Relaxed);
            loop {
                std::thread::park();
            }
        };
        let lookups = Arc::new(Lookups::default());
        std::thread::scope(|scope| {
            for thread in 0..20 {
                let lookups = &lookups;
                scope.spawn(move || {
                    for call in 0..50 {
                        let name = format!("{}.example:443", if call % 2 == 0 { 0 } else { thread });
                        assert!(lookups.find(&name, Duration::from_millis(2), stuck).is_none());
                    }
                });
            }
        });
        let begun = STUCK.load(Ordering::Relaxed);
        assert!((2..=16).contains(&begun), "1000 calls left {begun} threads behind");
    }

    #[test]
    fn calls_for_one_name_share_one_lookup() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let slow = |_: &str| -> Found {
            ASKED.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(200));
            Ok(here())
        };
        let lookups = Arc::new(Lookups::default());
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| assert_eq!(lookups.find("a:1", LONG, slow), Some(Ok(here()))));
            }
        });
        assert_eq!(ASKED.load(Ordering::Relaxed), 1);
        assert_eq!(lookups.find("a:1", LONG, slow), Some(Ok(here())), "what is over is not remembered");
        assert_eq!(ASKED.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_name_whose_lookup_is_stuck_is_looked_up_anew() {
        let lookups = Arc::new(Lookups::default());
        assert!(
            lookups
                .find("a:1", NO_TIME, |_| loop {
                    std::thread::park()
                })
                .is_none()
        );
        assert_eq!(lookups.find("a:1", LONG, |_| Ok(here())), Some(Ok(here())));
    }

    #[test]
    fn a_name_that_finds_no_place_gets_the_first_that_is_free() {
        let lookups = Arc::new(Lookups::default());
        std::thread::scope(|scope| {
            for name in 0..4 * LIMIT {
                let lookups = &lookups;
                let brief = |_: &str| -> Found {
                    std::thread::sleep(Duration::from_millis(5));
                    Ok(here())
                };
                scope.spawn(move || {
                    assert_eq!(lookups.find(&format!("{name}:1"), LONG, brief), Some(Ok(here())))
                });
            }
        });
        assert_eq!(lookups.book.lock().running, 0);
    }
}
