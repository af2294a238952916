//! A connection to a Redis.

use std::io::{self, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use rustls::{ClientConnection, StreamOwned};
use socket2::{Domain, SockAddr, Socket, Type};

use super::address::{Address, Place};
use super::fault;
use super::protocol::{Answer, Command, Fault, Script};
use super::tls::{self, Tls};
use crate::clock::{self, Clock};
use crate::transport;

/// A socket that the other side has closed is an error, not a SIGPIPE that ends the host. Where there is no such flag
/// the socket is made so.
#[cfg(not(any(windows, target_vendor = "apple")))]
const NO_SIGNAL: i32 = libc::MSG_NOSIGNAL;
#[cfg(any(windows, target_vendor = "apple"))]
const NO_SIGNAL: i32 = 0;

/// A connection that has shown its password.
pub(super) struct Connection {
    pub(super) place: Place,
    stream: BufReader<Stream>,
    /// An answer is missing, and would be taken for the next one.
    broken: bool,
}

enum Stream {
    Plain(Wire),
    Tls(Box<StreamOwned<ClientConnection, Wire>>),
}

/// A socket on which nothing takes longer than until the deadline, however slowly bytes drip.
struct Wire {
    socket: Socket,
    deadline: Deadline,
}

/// When waiting ends, by the running clock.
#[derive(Clone, Copy)]
pub(super) struct Deadline(i64);

impl Deadline {
    pub(super) fn after(within: Duration) -> Deadline {
        Deadline(Clock::System.now().running.saturating_add(clock::nanos(within)))
    }

    pub(super) fn left(self) -> Duration {
        clock::span(self.0.saturating_sub(Clock::System.now().running))
    }

    fn some_left(self) -> io::Result<Duration> {
        let left = self.left();
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Connection {
    /// Connects to a place, and shows it what the address holds.
    pub(super) fn open(
        place: &Place,
        address: &Address,
        tls: &Tls<'_>,
        deadline: Deadline,
    ) -> Result<Connection, Fault> {
        let stream = match place {
            Place::Socket(path) => Stream::Plain(Wire::to_socket(path, deadline)?),
            Place::Port { host, port, tls: false } => Stream::Plain(Wire::to_port(host, *port, deadline)?),
            Place::Port { host, port, tls: true } => {
                let client = tls.client(host)?;
                let mut wire = StreamOwned::new(client, Wire::to_port(host, *port, deadline)?);
                wire.conn.complete_io(&mut wire.sock).map_err(tls::told)?;
                Stream::Tls(Box::new(wire))
            }
        };
        let mut connection =
            Connection { place: place.clone(), stream: BufReader::new(stream), broken: false };
        connection.authenticate(address)?;
        if address.database != 0 {
            connection.ask(&Command::new(&[b"SELECT", address.database.to_string().as_bytes()]))?;
        }
        Ok(connection)
    }

    pub(super) fn set_deadline(&mut self, deadline: Deadline) {
        self.stream.get_mut().wire().deadline = deadline;
    }

    pub(super) fn is_usable(&self) -> bool {
        !self.broken
    }

    fn authenticate(&mut self, address: &Address) -> Result<(), Fault> {
        let Some(password) = &address.password else { return Ok(()) };
        let user = address.user.as_deref().map(str::as_bytes);
        let words = std::iter::once(&b"AUTH"[..]).chain(user).chain([password.expose().as_bytes()]);
        match self.ask(&Command::new(&words.collect::<Vec<_>>())) {
            // What Redis says of a command may repeat it. What passes is not about the password.
            Err(Fault::Refused(refusal)) => match Fault::Refused(refusal) {
                passing if fault::is_passing(&passing) => Err(passing),
                Fault::Refused(refusal) => Err(Fault::Locked(refusal.code)),
                other => Err(other),
            },
            outcome => outcome.map(drop),
        }
    }

    /// The answer to one command.
    pub(super) fn ask(&mut self, command: &Command) -> Result<Answer, Fault> {
        let mut answers = self.ask_all(std::slice::from_ref(command))?;
        answers.pop().ok_or(Fault::Strange)?.accepted()
    }

    /// The answers to some commands, which are sent together.
    pub(super) fn ask_all(&mut self, commands: &[Command]) -> Result<Vec<Answer>, Fault> {
        self.broken = true;
        let stream = self.stream.get_mut();
        for command in commands {
            stream.write_all(&command.0)?;
        }
        stream.flush()?;
        let answers = commands.iter().map(|_| Answer::read(&mut self.stream)).collect::<Result<_, _>>()?;
        self.broken = false;
        Ok(answers)
    }

    /// The answer of a script.
    pub(super) fn run(
        &mut self,
        script: &'static str,
        keys: &[&str],
        arguments: &[&[u8]],
    ) -> Result<Answer, Fault> {
        let script = Script::new(script);
        match self.ask(&script.call(keys, arguments)) {
            Err(Fault::Refused(refusal)) if refusal.code == "NOSCRIPT" => {
                self.ask(&script.introduce(keys, arguments))
            }
            outcome => outcome,
        }
    }
}

impl Wire {
    fn to_port(host: &str, port: u16, deadline: Deadline) -> io::Result<Wire> {
        let name = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let addresses = transport::addresses(&name, deadline.some_left()?)?;
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "there is no such host");
        for (at, address) in addresses.iter().enumerate() {
            // Each has its part of the time, so that one that is silent does not keep the next from being asked.
            let part = u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
            match Wire::connect(*address, deadline.some_left()? / part) {
                Ok(socket) => return Ok(Wire { socket, deadline }),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn connect(address: SocketAddr, within: Duration) -> io::Result<Socket> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.connect_timeout(&address.into(), within)?;
        socket.set_tcp_nodelay(true)?;
        Ok(socket)
    }

    fn to_socket(path: &Path, deadline: Deadline) -> io::Result<Wire> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.connect_timeout(&SockAddr::unix(path)?, deadline.some_left()?)?;
        Ok(Wire { socket, deadline })
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(self.deadline.some_left()?))?;
        (&self.socket).read(buffer)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.deadline.some_left()?))?;
        self.socket.send_with_flags(bytes, NO_SIGNAL)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream {
    fn wire(&mut self) -> &mut Wire {
        match self {
            Stream::Plain(wire) => wire,
            Stream::Tls(stream) => &mut stream.sock,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(wire) => wire.read(buffer),
            Stream::Tls(stream) => stream.read(buffer).map_err(tls::told),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(wire) => wire.write(bytes),
            Stream::Tls(stream) => stream.write(bytes).map_err(tls::told),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Plain(wire) => wire.flush(),
            Stream::Tls(stream) => stream.flush().map_err(tls::told),
        }
    }
}
