//! The HTTP server: one thread, one runtime, one port.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use axum::Router;
use axum::extract::{ConnectInfo, RawPathParams, Request, State};
use axum::http::StatusCode;
use axum::routing::on;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::answer::Answer;
use crate::connection::{Doorway, Scissors};
use crate::control::{Control, http};
use crate::exchange;
use crate::vendor::Route;

/// Room for a test's crowd of clients that all connect at once.
const BACKLOG: u32 = 1024;

/// A running server; stops when dropped.
pub(crate) struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts to serve. Connections are accepted from now on.
    pub(crate) fn start(port: u16) -> io::Result<(Self, Arc<Control>)> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = match listen(&runtime, port) {
            Ok(listener) => listener,
            Err(error) => {
                // Dropped, a runtime panics where the caller is asynchronous itself.
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let control = Arc::new(Control::new(format!("http://{}", listener.local_addr()?)));
        let router = router(&control);
        let (stop, stopped) = oneshot::channel();
        let serve = move || run(&runtime, listener, router, stopped);
        let thread = thread::Builder::new().name("sandbox".to_owned()).spawn(serve)?;
        let server = Self { stop: Some(stop), thread: Some(thread) };
        Ok((server, control))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed already.
            let _ = thread.join();
        }
    }
}

fn listen(runtime: &Runtime, port: u16) -> io::Result<TcpListener> {
    let _context = runtime.enter();
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    socket.listen(BACKLOG)
}

/// Serves until told to stop; then the runtime goes, and with it every open connection.
fn run(runtime: &Runtime, listener: TcpListener, router: Router, stopped: oneshot::Receiver<()>) {
    runtime.block_on(async {
        let service = router.into_make_service_with_connect_info::<Scissors>();
        tokio::select! {
            outcome = axum::serve(Doorway::new(listener), service) => {
                outcome.expect("serving never ends by itself");
            }
            _ = stopped => {}
        }
    });
}

fn router(control: &Arc<Control>) -> Router {
    let mut router = http::router();
    for route in control.routes() {
        router = mount(router, route);
    }
    router
        .fallback(|control, scissors, parameters, request| {
            unmatched(control, StatusCode::NOT_FOUND, scissors, parameters, request)
        })
        .method_not_allowed_fallback(|control, scissors, parameters, request| {
            unmatched(control, StatusCode::METHOD_NOT_ALLOWED, scissors, parameters, request)
        })
        .with_state(Arc::clone(control))
}

fn mount(router: Router<Arc<Control>>, route: Route) -> Router<Arc<Control>> {
    let path = route.path.clone();
    let methods = route.methods;
    let route = Arc::new(route);
    let handler = move |State(control): State<Arc<Control>>,
                        ConnectInfo(scissors): ConnectInfo<Scissors>,
                        parameters: RawPathParams,
                        request: Request| {
        exchange::answer(control, Arc::clone(&route), scissors, parameters, request)
    };
    router.route(&path, on(methods, handler))
}

async fn unmatched(
    State(control): State<Arc<Control>>,
    status: StatusCode,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    parameters: RawPathParams,
    request: Request,
) -> Answer {
    exchange::answer_unmatched(control, status, scissors, parameters, request).await
}
