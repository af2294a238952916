//! Waits at a loopback port for a person's browser (RFC 8252 sections 7.3 and 8).
//!
//! No thread of its own: it serves on the thread of whoever waits, for as long as that one cares to. Many connections are
//! open at once, because browsers open some ahead and send nothing on them.

mod address;
mod page;
mod request;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroU16;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use zeroize::Zeroizing;

use crate::clock::{self, Clock};
use crate::error::{Error, Kind, Result};
use crate::fork::Unshared;

pub(crate) use address::Address;
pub(crate) use page::Page;

/// Connections open at once; the oldest makes room for another.
const GUESTS: usize = 16;
/// How much is read at once.
const PART: usize = 4096;
/// How long a connection may take to send its request, and to go once it was answered.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a free port is looked for that both families have.
const TRIES: usize = 16;
/// The pause after an accept that failed, such as for want of descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// A port of this machine's, open to this machine alone. Dropping it closes it; a forked child does not keep it.
pub(crate) struct Listener {
    doors: Vec<Unshared<TcpListener>>,
    address: Address,
    guests: Vec<Guest>,
    clock: Clock,
}

/// One connection.
struct Guest {
    stream: TcpStream,
    /// What it sent so far; a code may be in it.
    heard: Zeroizing<Vec<u8>>,
    /// By the running clock.
    deadline: i64,
    /// An answered guest is only still here to take its answer: to close before it has sent everything would take
    /// the answer away from it.
    answered: bool,
}

impl Listener {
    /// Opens the port, or one that is free.
    pub(crate) fn bind(address: &Address, clock: &Clock) -> Result<Listener> {
        let doors = open(address).map_err(|error| unusable(address, &error))?;
        let port = doors.first().and_then(|door| door.local_addr().ok()).map_or(0, |local| local.port());
        let port = NonZeroU16::new(port).ok_or_else(|| Error::new(Kind::Internal, "a port has no number"))?;
        Ok(Listener { doors, address: address.at(port), guests: Vec::new(), clock: clock.clone() })
    }

    /// The redirect URI, with the port that is open.
    pub(crate) fn redirect_uri(&self) -> String {
        self.address.uri()
    }

    /// Serves until a request settles the matter, at most this long. `judge` is given the query of each request for
    /// the right place, and says what its sender gets to see and, if it settled the matter, how.
    pub(crate) fn serve<T>(
        &mut self,
        at_most: Duration,
        mut judge: impl FnMut(&str) -> (Page, Option<T>),
    ) -> Option<T> {
        self.wait(at_most);
        self.let_in();
        let now = self.clock.now().running;
        let mut settled = None;
        self.guests.retain_mut(|guest| {
            if settled.is_some() {
                return false;
            }
            let stays = guest.listen(now, &self.address, &mut |query| {
                let (page, matter) = judge(query);
                settled = matter;
                page
            });
            stays && settled.is_none()
        });
        settled
    }

    /// Until anybody knocks, speaks or has been patient for too long.
    fn wait(&self, at_most: Duration) {
        let now = self.clock.now().running;
        let next = self.guests.iter().map(|guest| clock::span(guest.deadline.saturating_sub(now))).min();
        let at_most = next.map_or(at_most, |next| next.min(at_most));
        let mut watched: Vec<PollFd<'_>> =
            self.doors.iter().map(|door| PollFd::new(&**door, PollFlags::IN)).collect();
        watched.extend(self.guests.iter().map(|guest| PollFd::new(&guest.stream, PollFlags::IN)));
        // A signal ends the wait early, so that the host sees to it at once.
        poll(&mut watched, Timespec::try_from(at_most).ok().as_ref()).ok();
    }

    fn let_in(&mut self) {
        let deadline = self.clock.now().running.saturating_add(clock::nanos(PATIENCE));
        for door in &self.doors {
            // The bound keeps a crowd from holding us up.
            for _ in 0..GUESTS {
                match door.accept() {
                    Ok((stream, _)) if stream.set_nonblocking(true).is_ok() => {
                        if self.guests.len() == GUESTS {
                            self.guests.remove(0);
                        }
                        self.guests.push(Guest::new(stream, deadline));
                    }
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error)
                        if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                    Err(_) => {
                        std::thread::sleep(PAUSE);
                        break;
                    }
                }
            }
        }
    }
}

impl Guest {
    fn new(stream: TcpStream, deadline: i64) -> Guest {
        // Of its full size from the start, so that growing leaves no copy of a code behind.
        let heard = Zeroizing::new(Vec::with_capacity(request::LIMIT + PART));
        Guest { stream, heard, deadline, answered: false }
    }

    /// Hears what the guest has to say, and answers once that is clear. Whether the guest stays.
    fn listen(&mut self, now: i64, address: &Address, judge: &mut dyn FnMut(&str) -> Page) -> bool {
        let gone = self.hear();
        if !self.answered {
            let page = match request::end(&self.heard) {
                Some(end) if end <= request::LIMIT => match request::query(&self.heard[..end], address) {
                    Ok(query) => judge(query),
                    Err(page) => page,
                },
                None if gone => return false,
                None if request::may_become_one(&self.heard) && now < self.deadline => return true,
                // It opened a connection ahead and did not use it.
                None if self.heard.is_empty() => return false,
                _ => Page::Malformed,
            };
            self.answer(page);
        }
        !gone && now < self.deadline
    }

    /// Reads what is there. Whether there will be no more.
    fn hear(&mut self) -> bool {
        let mut part = Zeroizing::new([0; PART]);
        loop {
            match self.stream.read(&mut *part) {
                Ok(0) => return true,
                Ok(read) if !self.answered => {
                    self.heard.extend_from_slice(&part[..read]);
                    if self.heard.len() > request::LIMIT {
                        return false;
                    }
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() != ErrorKind::WouldBlock,
            }
        }
    }

    /// A page is far smaller than a socket's buffer: it is written whole, or its reader is gone.
    fn answer(&mut self, page: Page) {
        self.answered = true;
        self.stream.write_all(page.answer().as_bytes()).ok();
        self.stream.shutdown(Shutdown::Write).ok();
        self.heard = Zeroizing::default();
    }
}

/// The listening sockets: `localhost` is both families on one port, as far as the machine has them.
fn open(address: &Address) -> io::Result<Vec<Unshared<TcpListener>>> {
    let mut outcome = Err(ErrorKind::AddrNotAvailable.into());
    for _ in 0..TRIES {
        outcome = open_all(&address.sockets(address.port()));
        match &outcome {
            // Another program has the port that was free in the other family.
            Err(error) if error.kind() == ErrorKind::AddrInUse && address.is_open() => {}
            _ => break,
        }
    }
    outcome
}

fn open_all(sockets: &[SocketAddr]) -> io::Result<Vec<Unshared<TcpListener>>> {
    let mut doors: Vec<Unshared<TcpListener>> = Vec::new();
    let mut missing = None;
    for socket in sockets {
        let port =
            doors.first().map_or(Ok(socket.port()), |door| door.local_addr().map(|local| local.port()))?;
        match Unshared::open(|| TcpListener::bind(SocketAddr::new(socket.ip(), port))) {
            Ok(door) => {
                door.set_nonblocking(true)?;
                doors.push(door);
            }
            // A family where somebody else listens must not be left out: the code would go there.
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(error),
            Err(error) => missing = Some(error),
        }
    }
    match missing {
        Some(error) if doors.is_empty() => Err(error),
        _ => Ok(doors),
    }
}

fn unusable(address: &Address, error: &io::Error) -> Error {
    let (kind, advice) = match error.kind() {
        ErrorKind::AddrInUse => {
            let advice = "another program listens there: end it, leave the port out of redirect_uri so that a free one is \
                          taken, or give the URL that the person comes back on to finish";
            (Kind::Config, advice)
        }
        ErrorKind::PermissionDenied => {
            (Kind::Config, "choose a port above 1023 in redirect_uri, or leave it out")
        }
        _ => (Kind::Network, "does this machine have that loopback address?"),
    };
    Error::new(kind, format!("redirect_uri {}: no port could be opened: {error} ({advice})", address.uri()))
}

#[cfg(test)]
mod test {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::clock::Manual;

    fn listener() -> (Listener, Arc<Mutex<Manual>>, SocketAddr) {
        let hands = Manual::new();
        let clock = Clock::Manual(Arc::clone(&hands));
        let listener = Listener::bind(&Address::of("http://127.0.0.1/callback").unwrap(), &clock).unwrap();
        let place = listener.doors[0].local_addr().unwrap();
        (listener, hands, place)
    }

    /// Serves until nothing more happens; nobody settles anything.
    fn serve(listener: &mut Listener) {
        for _ in 0..5 {
            let settled = listener.serve(Duration::from_millis(20), |_| (Page::Unasked, None::<()>));
            assert!(settled.is_none());
        }
    }

    fn said(guest: &mut TcpStream) -> String {
        let mut answer = String::new();
        guest.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        guest.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn who_is_slow_is_told_so_and_who_is_silent_is_let_go_after_five_seconds() {
        let (mut listener, hands, place) = listener();
        let (mut silent, mut slow) = (TcpStream::connect(place).unwrap(), TcpStream::connect(place).unwrap());
        slow.write_all(b"GET /callback?state=").unwrap();
        serve(&mut listener);
        hands.lock().unwrap().pass(PATIENCE - Duration::from_millis(1));
        serve(&mut listener);
        assert_eq!(listener.guests.len(), 2, "not yet");
        hands.lock().unwrap().pass(Duration::from_millis(1));
        serve(&mut listener);
        assert!(said(&mut slow).starts_with("HTTP/1.1 400 "));
        assert_eq!(said(&mut silent), "");
        assert_eq!(listener.guests.len(), 0);
    }

    #[test]
    fn a_crowd_is_bounded_and_the_oldest_makes_room() {
        let (mut listener, _, place) = listener();
        let crowd: Vec<_> = (0..3 * GUESTS).map(|_| TcpStream::connect(place).unwrap()).collect();
        serve(&mut listener);
        assert_eq!(listener.guests.len(), GUESTS);
        let kept = |guest: &TcpStream| {
            let peer = guest.local_addr().unwrap();
            listener.guests.iter().any(|known| known.stream.peer_addr().is_ok_and(|known| known == peer))
        };
        assert!(!kept(&crowd[0]) && kept(&crowd[3 * GUESTS - 1]));
    }

    #[test]
    fn an_answered_guest_may_finish_speaking_before_the_connection_is_closed() {
        let (mut listener, _, place) = listener();
        let mut guest = TcpStream::connect(place).unwrap();
        guest.write_all(b"POST /callback HTTP/1.1\r\nContent-Length: 9\r\n").unwrap();
        guest.write_all(format!("Host: {place}\r\n\r\n").as_bytes()).unwrap();
        serve(&mut listener);
        guest.write_all(b"code=1234").unwrap();
        serve(&mut listener);
        assert!(said(&mut guest).starts_with("HTTP/1.1 405 "));
        drop(guest);
        serve(&mut listener);
        assert_eq!(listener.guests.len(), 0);
    }
}
