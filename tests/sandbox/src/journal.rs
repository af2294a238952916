//! What reached the endpoints: every request, how many, and how many at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use serde::Serialize;

use crate::call::Call;

/// One request as it arrived.
#[derive(Clone, Debug, Serialize)]
pub struct Recorded {
    /// `vendor/endpoint`, or `unmatched` where no endpoint answers to the address.
    pub endpoint: String,
    /// Milliseconds since the sandbox started or was reset.
    pub at_ms: u64,
    /// The connection that it came on, by number; the first that the sandbox accepted is 1.
    pub connection: u64,
    /// `GET`, `POST`, ...
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query as it was sent, without the question mark; empty where there was none.
    pub query: String,
    /// The headers in order, names in lower case, repeated ones repeated.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

impl Recorded {
    /// The first header of that name, given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// How busy one endpoint has been.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Tally {
    /// Requests that reached it, those that met a fault included.
    pub requests: u64,
    /// The most requests it ever had under way at once.
    pub peak: u64,
    /// Requests under way now.
    pub under_way: u64,
}

#[derive(Debug)]
pub(crate) struct Journal {
    pages: Mutex<Pages>,
}

#[derive(Debug)]
struct Pages {
    started: Instant,
    requests: Vec<Recorded>,
    tallies: BTreeMap<String, Arc<Mutex<Tally>>>,
}

impl Pages {
    fn blank() -> Self {
        Self { started: Instant::now(), requests: Vec::new(), tallies: BTreeMap::new() }
    }
}

impl Journal {
    /// A journal with nothing in it.
    pub(crate) fn new() -> Self {
        Self { pages: Mutex::new(Pages::blank()) }
    }

    /// Records a request and counts it as under way until the visit is dropped.
    pub(crate) fn enter(&self, endpoint: &str, connection: u64, call: &Call) -> Visit {
        let mut pages = self.pages();
        let at_ms = u64::try_from(pages.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        pages.requests.push(record(endpoint, at_ms, connection, call));
        let tally = pages.tallies.entry(endpoint.to_owned()).or_default();
        Visit::begin(Arc::clone(tally))
    }

    /// Every endpoint that was asked at least once.
    pub(crate) fn tallies(&self) -> BTreeMap<String, Tally> {
        let pages = self.pages();
        let copy = |(endpoint, tally): (&String, &Arc<Mutex<Tally>>)| {
            (endpoint.clone(), *tally.lock().expect("tally"))
        };
        pages.tallies.iter().map(copy).collect()
    }

    /// The requests of one endpoint, or of all, oldest first.
    pub(crate) fn requests(&self, endpoint: Option<&str>) -> Vec<Recorded> {
        let pages = self.pages();
        let wanted = |recorded: &&Recorded| endpoint.is_none_or(|name| recorded.endpoint == name);
        pages.requests.iter().filter(wanted).cloned().collect()
    }

    /// Starts anew. Requests still under way no longer count.
    pub(crate) fn clear(&self) {
        *self.pages() = Pages::blank();
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().expect("journal")
    }
}

fn record(endpoint: &str, at_ms: u64, connection: u64, call: &Call) -> Recorded {
    let headers = call.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (name.to_string(), value.into_owned())
    });
    Recorded {
        endpoint: endpoint.to_owned(),
        at_ms,
        connection,
        method: call.method.to_string(),
        path: call.uri.path().to_owned(),
        query: call.uri.query().unwrap_or_default().to_owned(),
        headers: headers.collect(),
        body: String::from_utf8_lossy(&call.body).into_owned(),
    }
}

/// A request under way.
pub(crate) struct Visit {
    tally: Arc<Mutex<Tally>>,
}

impl Visit {
    fn begin(tally: Arc<Mutex<Tally>>) -> Self {
        let mut counted = tally.lock().expect("tally");
        counted.requests += 1;
        counted.under_way += 1;
        counted.peak = counted.peak.max(counted.under_way);
        drop(counted);
        Self { tally }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.tally.lock().expect("tally").under_way -= 1;
    }
}
