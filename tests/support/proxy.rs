//! An HTTP proxy that knows CONNECT alone.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::server::{self, Request};

/// A proxy on a loopback port. It ends with the process.
pub(crate) struct Proxy {
    address: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Proxy {
    /// A proxy that connects to this address, whatever host it is asked for.
    pub(crate) fn to(target: &str) -> Proxy {
        Proxy::start(Some(target.to_owned()), String::new())
    }

    /// A proxy that connects nobody and answers so.
    pub(crate) fn refusing(answer: &str) -> Proxy {
        Proxy::start(None, answer.to_owned())
    }

    fn start(target: Option<String>, refusal: String) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let book = Arc::clone(&seen);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (book, target, refusal) = (Arc::clone(&book), target.clone(), refusal.clone());
                std::thread::spawn(move || {
                    let Some(request) = server::read(&mut stream) else { return };
                    book.lock().expect("the book").push(request);
                    match target {
                        Some(target) => tunnel(stream, &target),
                        None => drop(stream.write_all(refusal.as_bytes())),
                    }
                });
            }
        });
        Proxy { address, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.lock().expect("the book").clone()
    }
}

fn tunnel(mut near: TcpStream, target: &str) {
    let Ok(mut far) = TcpStream::connect(target) else { return };
    if near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").is_err() {
        return;
    }
    let (Ok(back), Ok(forth)) = (near.try_clone(), far.try_clone()) else { return };
    std::thread::spawn(move || pump(forth, back));
    pump_ref(&mut near, &mut far);
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    pump_ref(&mut from, &mut to);
}

fn pump_ref(from: &mut TcpStream, to: &mut TcpStream) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    to.shutdown(std::net::Shutdown::Write).ok();
}
