//! A Redis of a test's own: a child process with its own directory, sockets and settings.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use redis::{Connection, FromRedisValue};

use super::tool;

/// What a started server may take until it answers, and anything else that is going to happen.
const PATIENCE: u32 = 2000;

pub(crate) struct RedisServer {
    child: Option<Child>,
    directory: PathBuf,
    /// The name of the option that its port is given by.
    listens: &'static str,
    port: u16,
    options: Vec<(String, String)>,
}

impl RedisServer {
    /// None, and a word about it, where there is no redis-server.
    pub(crate) fn start(options: &[(&str, &str)]) -> Option<RedisServer> {
        RedisServer::listening("port", options)
    }

    /// One whose port speaks TLS.
    pub(crate) fn start_tls(options: &[(&str, &str)]) -> Option<RedisServer> {
        RedisServer::listening("tls-port", options)
    }

    fn listening(port: &'static str, options: &[(&str, &str)]) -> Option<RedisServer> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        if !tool::is_installed("redis-server", "grants in a Redis", "redis-server") {
            return None;
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("tokenkeep-redis-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).expect("a directory");
        let options = options.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let mut server = RedisServer { child: None, directory, listens: port, port: free_port(), options };
        server.begin();
        Some(server)
    }

    /// Starts it, with what it had written to its disk.
    pub(crate) fn begin(&mut self) {
        self.spawn();
        let mut tries = 0;
        while self.try_connect().is_none() {
            tries += 1;
            let log = || std::fs::read_to_string(self.directory.join("log")).unwrap_or_default();
            assert!(tries < PATIENCE, "redis-server does not start: {}", log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Starts it, and does not wait until it answers.
    pub(crate) fn spawn(&mut self) {
        let mut command = Command::new("redis-server");
        let path = |name: &str| self.directory.join(name).to_str().expect("a path that is text").to_owned();
        let own = [
            ("port", "0".into()),
            (self.listens, self.port.to_string()),
            ("bind", "127.0.0.1 127.0.0.2".into()),
            ("unixsocket", path("socket")),
            ("dir", self.directory.to_str().expect("a path that is text").into()),
            ("logfile", path("log")),
            ("save", "".into()),
            ("enable-debug-command", "yes".into()),
        ];
        for (name, value) in own.iter().map(|(name, value)| (*name, value)) {
            command.arg(format!("--{name}")).args(value.split(' '));
        }
        for (name, value) in &self.options {
            command.arg(format!("--{name}")).args(value.split(' '));
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        self.child = Some(child.expect("redis-server starts"));
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it is killed");
            child.wait().expect("it ends");
        }
        std::fs::remove_file(self.directory.join("socket")).ok();
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The same Redis, far away: each answer takes that much longer.
    pub(crate) fn slow_url(&self, delay: Duration) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let near = listener.local_addr().expect("an address");
        let far = self.port;
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", far)) else { continue };
                let (asks, answers) =
                    (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
                std::thread::spawn(move || pump(asks, server, Duration::ZERO));
                std::thread::spawn(move || pump(answers, client, delay));
            }
        });
        format!("redis://{near}")
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.directory.join(file)
    }

    pub(crate) fn socket_url(&self) -> String {
        format!("unix://{}", self.path("socket").display())
    }

    /// One command by its words, as the server's owner.
    #[track_caller]
    pub(crate) fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut connection = self.try_connect().expect("it answers");
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query(&mut connection).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// How often a command was called since the server started, from scripts or not.
    pub(crate) fn calls(&self, command: &str) -> u64 {
        let prefix = format!("cmdstat_{command}:calls=");
        let stats: String = self.ask(&["INFO", "commandstats"]);
        let line = stats.lines().find_map(|line| line.strip_prefix(&prefix));
        line.map_or(0, |line| line.split(',').next().unwrap().parse().expect("a number"))
    }

    fn try_connect(&self) -> Option<Connection> {
        let mut url = self.socket_url();
        let password = self.options.iter().find(|(name, _)| name == "requirepass");
        url.extend(password.map(|(_, password)| format!("?pass={password}")));
        let mut connection = redis::Client::open(url).ok()?.get_connection().ok()?;
        redis::cmd("PING").exec(&mut connection).ok()?;
        Some(connection)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        std::fs::remove_dir_all(&self.directory).ok();
    }
}

/// Hands on what comes, a while later each time, and the end.
fn pump(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        std::thread::sleep(delay);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    to.shutdown(Shutdown::Write).ok();
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
