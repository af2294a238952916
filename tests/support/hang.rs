//! Ways in which a vendor keeps a renewal waiting: each phase of a request that can hang, for real.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::process::Command;
use std::time::Duration;

use tokenkeep::Config;

use super::server::Server;
use super::{Directory, pause, tool};

/// What a request gets stuck in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hang {
    Lookup,
    Connect,
    Handshake,
    Proxy,
    Answer,
    SlowBody,
}

impl Hang {
    pub(crate) const ALL: [Hang; 6] =
        [Hang::Lookup, Hang::Connect, Hang::Handshake, Hang::Proxy, Hang::Answer, Hang::SlowBody];

    /// The settings of a client whose renewal gets stuck there. The lookup hangs where [`resolver`] is preloaded.
    pub(crate) fn config(self) -> Config {
        let mut config = Config::new("oauth2");
        config.set("client_id", "id").set("client_secret", "SANDBOX-SECRET-id");
        match self {
            Hang::Lookup => config.set("token_url", "https://vendor.invalid/token"),
            Hang::Connect => config.set("token_url", &format!("https://{}/token", full())),
            Hang::Handshake => config.set("token_url", &format!("https://{}/token", answering(silence))),
            Hang::Proxy => config
                .set("token_url", "https://vendor.example/token")
                .set("proxy", &format!("http://{}", answering(silence))),
            Hang::Answer => config.set("token_url", &format!("http://{}/token", answering(silence))),
            Hang::SlowBody => config.set("token_url", &format!("http://{}/token", answering(trickle))),
        };
        config
    }
}

/// A library that, preloaded, lets no name below .invalid be resolved; None where no compiler is there.
pub(crate) fn resolver(directory: &Directory) -> Option<String> {
    tool::is_installed("cc", "name lookups that hang", "gcc").then(|| {
        let library = directory.path().join("hanging_names.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/hanging_names.c");
        let built =
            Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).args([source, "-ldl"]).status();
        assert!(built.expect("cc runs").success());
        library.to_str().expect("a path that is text").to_owned()
    })
}

/// How many lookups the preloaded resolver has held up so far.
pub(crate) fn names_held_up() -> i32 {
    // SAFETY: the name ends with a NUL; what is found is the function that hanging_names.c declares.
    unsafe {
        let found = libc::dlsym(libc::RTLD_DEFAULT, c"hanging_names".as_ptr());
        assert!(!found.is_null(), "the resolver is not preloaded");
        std::mem::transmute::<*mut libc::c_void, extern "C" fn() -> i32>(found)()
    }
}

/// The address of a port whose queue is full, for as long as the process.
fn full() -> SocketAddr {
    let full = Full::new();
    let address = full.address();
    std::mem::forget(full);
    address
}

/// A port whose queue is full: whoever connects gets no answer.
pub(crate) struct Full {
    listener: TcpListener,
    queued: Vec<TcpStream>,
}

impl Full {
    pub(crate) fn new() -> Full {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        // SAFETY: the descriptor is a listening socket of ours; this shortens its queue.
        assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 0) }, 0);
        let address = listener.local_addr().expect("an address");
        let queued: Vec<TcpStream> =
            std::iter::from_fn(|| TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok())
                .collect();
        assert!(!queued.is_empty(), "nobody ever got in");
        Full { listener, queued }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("an address")
    }

    /// From now on the port is served, by this answer to everybody.
    pub(crate) fn drain(self, answer: &str) -> Server {
        drop(self.queued);
        let answer = answer.as_bytes().to_vec();
        Server::on(self.listener, move |_| answer.clone())
    }
}

/// The address of a server that does this with each of its connections.
fn answering(serve: fn(TcpStream)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Takes what comes and says nothing.
fn silence(mut stream: TcpStream) {
    while let Ok(1..) = stream.read(&mut [0; 4096]) {}
}

/// An answer that is on its way for ever: a byte a second.
fn trickle(mut stream: TcpStream) {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4096\r\n\r\n{";
    let mut said = stream.read(&mut [0; 4096]).and_then(|_| stream.write_all(head.as_bytes()));
    while said.is_ok() {
        pause(1000);
        said = stream.write_all(b" ");
    }
}
