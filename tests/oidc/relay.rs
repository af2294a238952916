//! A network that loses answers: a TCP relay between the client and the server.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A relay on a loopback port. It ends with the process.
pub(crate) struct Relay {
    address: String,
    line: Arc<Line>,
}

struct Line {
    target: String,
    is_cut: AtomicBool,
    lost: AtomicUsize,
}

impl Relay {
    /// A relay to the server of this URL.
    pub(crate) fn to(url: &str) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let target = url.strip_prefix("http://").expect("a plain URL").to_owned();
        let line = Arc::new(Line { target, is_cut: AtomicBool::new(false), lost: AtomicUsize::new(0) });
        let relay = Relay { address, line: Arc::clone(&line) };
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let line = Arc::clone(&line);
                std::thread::spawn(move || line.carry(near));
            }
        });
        relay
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on requests arrive and answers do not, or again they do.
    pub(crate) fn lose_answers(&self, yes: bool) {
        self.line.is_cut.store(yes, Ordering::SeqCst);
    }

    /// How many answers were lost.
    pub(crate) fn lost(&self) -> usize {
        self.line.lost.load(Ordering::SeqCst)
    }
}

impl Line {
    fn carry(&self, mut near: TcpStream) {
        let mut far = TcpStream::connect(&self.target).expect("the server");
        let (mut back, mut forth) = (far.try_clone().expect("a stream"), near.try_clone().expect("a stream"));
        std::thread::spawn(move || {
            std::io::copy(&mut forth, &mut back).ok();
            back.shutdown(std::net::Shutdown::Write).ok();
        });
        let mut buffer = [0; 16 * 1024];
        while let Ok(read @ 1..) = far.read(&mut buffer) {
            // The server has done what it was asked by now: it answers last.
            if self.is_cut.load(Ordering::SeqCst) {
                self.lost.fetch_add(1, Ordering::SeqCst);
                break;
            }
            if near.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        near.shutdown(std::net::Shutdown::Both).ok();
    }
}
