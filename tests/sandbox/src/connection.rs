//! Connections that can be cut at a chosen byte of the answer.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::fault::Cut;

/// Cuts one connection; every request on it carries a clone.
#[derive(Clone, Debug)]
pub(crate) struct Scissors {
    connection: u64,
    order: Arc<Mutex<Option<Order>>>,
}

#[derive(Clone, Copy, Debug)]
struct Order {
    cut: Cut,
    body_length: usize,
}

impl Scissors {
    fn new(connection: u64) -> Self {
        Self { connection, order: Arc::default() }
    }

    /// Which connection it is; the first is 1.
    pub(crate) fn connection(&self) -> u64 {
        self.connection
    }

    /// Lets the next answer, whose body has the given length, break off.
    pub(crate) fn cut(&self, cut: Cut, body_length: usize) {
        *self.order.lock().expect("scissors") = Some(Order { cut, body_length });
    }

    fn take(&self) -> Option<Order> {
        self.order.lock().expect("scissors").take()
    }
}

impl Order {
    /// How many bytes may still leave, counted from the start of the answer.
    fn allowance(self, start_of_answer: &[u8]) -> usize {
        let head = start_of_answer
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .map_or(start_of_answer.len(), |end| end + 4);
        match self.cut {
            Cut::BeforeAnswer => 0,
            Cut::MidHeaders => head / 2,
            Cut::MidBody => head + self.body_length / 2,
        }
    }
}

/// Accepts connections that carry scissors, and counts them.
pub(crate) struct Doorway {
    listener: TcpListener,
    accepted: u64,
}

impl Doorway {
    pub(crate) fn new(listener: TcpListener) -> Self {
        Self { listener, accepted: 0 }
    }
}

impl Listener for Doorway {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Without it a small answer may wait for the peer's delayed acknowledgement. A socket that
        // refuses is one that the peer has closed already.
        let _ = stream.set_nodelay(true);
        self.accepted += 1;
        (Connection::new(stream, self.accepted), address)
    }

    fn local_addr(&self) -> Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, Doorway>> for Scissors {
    fn connect_info(stream: IncomingStream<'_, Doorway>) -> Self {
        stream.io().scissors.clone()
    }
}

/// A TCP stream whose writing side obeys its scissors.
pub(crate) struct Connection {
    stream: TcpStream,
    scissors: Scissors,
    remaining: Option<usize>,
}

impl Connection {
    fn new(stream: TcpStream, number: u64) -> Self {
        Self { stream, scissors: Scissors::new(number), remaining: None }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        if let Some(order) = self.scissors.take() {
            self.remaining = Some(order.allowance(bytes));
        }
        let Some(remaining) = self.remaining else {
            return Pin::new(&mut self.stream).poll_write(context, bytes);
        };
        if remaining == 0 {
            return Poll::Ready(Err(Error::from(ErrorKind::ConnectionAborted)));
        }
        let allowed = &bytes[..bytes.len().min(remaining)];
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, allowed))?;
        self.remaining = Some(remaining - written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
