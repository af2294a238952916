//! A loopback HTTP server that answers byte for byte as it is told, for shapes that the sandbox has not.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::PATIENCE;

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

/// A server on a loopback port. It answers each connection once and closes it. It ends with the process.
pub(crate) struct Server {
    address: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Server {
        Server::on(TcpListener::bind("127.0.0.1:0").expect("a port"), answer)
    }

    /// A server on a port that is open already.
    pub(crate) fn on(
        listener: TcpListener,
        answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static,
    ) -> Server {
        let address = listener.local_addr().expect("an address").to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (book, answer) = (Arc::clone(&seen), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (book, answer) = (Arc::clone(&book), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &book, &*answer));
            }
        });
        Server { address, seen }
    }

    /// Always the same answer.
    pub(crate) fn saying(answer: &str) -> Server {
        let answer = answer.as_bytes().to_vec();
        Server::start(move |_| answer.clone())
    }

    /// Always the same answer, at once, to whatever comes: also to what is no HTTP.
    pub(crate) fn blurting(answer: &str) -> Server {
        let (listener, answer) =
            (TcpListener::bind("127.0.0.1:0").expect("a port"), answer.as_bytes().to_vec());
        let address = listener.local_addr().expect("an address").to_string();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                stream.read(&mut [0; 4096]).and_then(|_| stream.write_all(&answer)).ok();
            }
        });
        Server { address, seen: Arc::default() }
    }

    /// Always this JSON, with 200.
    pub(crate) fn granting(body: &str) -> Server {
        Server::saying(&json(200, body))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.lock().expect("the book").clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.requests().len()
    }
}

/// A whole answer with a JSON body.
pub(crate) fn json(status: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn serve(mut stream: TcpStream, book: &Mutex<Vec<Request>>, answer: &dyn Fn(&Request) -> Vec<u8>) {
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    if let Some(request) = read(&mut stream) {
        book.lock().expect("the book").push(request.clone());
        stream.write_all(&answer(&request)).ok();
    }
}

/// Reads one request; None from whoever hangs up.
pub(crate) fn read(stream: &mut impl Read) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let request = Request { head: head.to_owned(), body: body.to_owned() };
            let length = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
            if body.len() >= length {
                return Some(request);
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}
