//! What the integration tests share: clients of a sandbox, threads that start together, a clock to wait by, files
//! and processes of a test's own.
#![allow(dead_code, reason = "every test program uses a part of it")]
#![allow(
    clippy::disallowed_methods,
    reason = "tests read clocks, the environment and start threads here alone"
)]

pub(crate) mod browser;
pub(crate) mod hang;
pub(crate) mod proxy;
pub(crate) mod redis;
pub(crate) mod server;
pub(crate) mod stores;
pub(crate) mod tls;
pub(crate) mod tool;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokenkeep::{Call, Client, Config, Consent, Error, Kind, Log, Token};
use tokenkeep_sandbox::{Fault, Sandbox, fixtures};

/// Long enough for anything that is going to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn sandbox() -> Sandbox {
    Sandbox::start().expect("the sandbox starts")
}

/// The settings with which a client gets tokens from a vendor of the sandbox.
pub(crate) fn config(sandbox: &Sandbox, vendor: &str) -> Config {
    let mut config = Config::new(vendor);
    config.set("base_url", &sandbox.base(vendor)).log_to(&Log::new());
    for (name, value) in sandbox.settings(vendor) {
        config.set(name, &value);
    }
    if vendor == "pink" {
        config.set("redirect_uri", fixtures::WEB_REDIRECT_URI);
    }
    config
}

pub(crate) fn open(config: &Config) -> Client {
    Client::new(config).expect("the settings are good")
}

pub(crate) fn client(sandbox: &Sandbox, vendor: &str) -> Client {
    open(&config(sandbox, vendor))
}

/// A client with some settings more, or others.
pub(crate) fn client_with(sandbox: &Sandbox, vendor: &str, settings: &[(&str, &str)]) -> Client {
    let mut config = config(sandbox, vendor);
    for (name, value) in settings {
        config.set(name, value);
    }
    open(&config)
}

/// A client of an OAuth 2 server that is not the sandbox.
pub(crate) fn client_of(server: &server::Server) -> Client {
    let mut config = Config::new("oauth2");
    config
        .set("token_url", &server.url("/token"))
        .set("client_id", "id")
        .set("client_secret", "SANDBOX-SECRET-id")
        .log_to(&Log::new());
    open(&config)
}

/// A client that gets one setting in another way, such as a secret by reference.
pub(crate) fn client_by(sandbox: &Sandbox, vendor: &str, name: &str, value: &str) -> Client {
    client(sandbox, vendor).with([(name, value)]).expect("the setting is good")
}

pub(crate) fn token(client: &Client) -> Token {
    client.token(&Call::default()).expect("a token")
}

pub(crate) fn failure(client: &Client) -> Error {
    client.token(&Call::default()).expect_err("no token")
}

/// Says that a resource has refused the token in use, so that the next call renews.
pub(crate) fn reject(client: &Client) {
    client.rejected(token(client).generation(), 401, None).expect("a new token is worth asking for");
}

/// A call that gives up after so many milliseconds.
pub(crate) fn within(milliseconds: u64) -> Call<'static> {
    Call { timeout: Some(Duration::from_millis(milliseconds)), ..Call::default() }
}

/// A call whose token must live for so many milliseconds more.
pub(crate) fn lasting(milliseconds: u64) -> Call<'static> {
    Call { min_valid: Duration::from_millis(milliseconds), ..Call::default() }
}

/// A fault that strikes every request until it is cleared.
pub(crate) fn always(endpoint: &str) -> Fault {
    Fault { times: 0, ..Fault::on(endpoint) }
}

/// An answer with this status, with no effect at the vendor.
pub(crate) fn outage(endpoint: &str, status: u16) -> Fault {
    Fault { status: Some(status), ..always(endpoint) }
}

/// A PINK client whose person has said yes.
pub(crate) fn consented(sandbox: &Sandbox, settings: &[(&str, &str)]) -> Client {
    let client = client_with(sandbox, "pink", settings);
    let consent = client.consent(&Call::default()).expect("a consent");
    consent.finish(&browser::say_yes(consent.url()), &Call::default()).expect("a token");
    client
}

/// The kind of an error, after a look at its text: who, what, and what to do are somebody's to read.
#[track_caller]
pub(crate) fn assert_error(error: &Error, kind: Kind, words: &[&str]) {
    assert_eq!(error.kind(), kind, "{error}");
    for word in words {
        assert!(error.message().contains(word), "{word:?} is not in: {error}");
    }
}

/// Runs the same work on so many threads that all begin at once.
pub(crate) fn together<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(threads);
    std::thread::scope(|scope| {
        let start = |index| {
            let (barrier, work) = (&barrier, &work);
            scope.spawn(move || {
                barrier.wait();
                work(index)
            })
        };
        let running: Vec<_> = (0..threads).map(start).collect();
        running.into_iter().map(|thread| thread.join().expect("the thread ends well")).collect()
    })
}

/// The outcome of some work and how long it took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let outcome = work();
    (outcome, start.elapsed())
}

/// Waits for a consent, and has the wait ended so: the one who waits leaves soon.
#[track_caller]
pub(crate) fn is_ended(consent: &Consent, call: &Call<'_>, end: impl FnOnce()) {
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| consent.wait(call).unwrap_err());
        pause(150);
        let ((), took) = timed(end);
        let (error, waited) = timed(|| waiting.join().unwrap());
        assert!(took + waited < PATIENCE / 10, "{took:?} {waited:?}");
        assert_eq!(error.kind(), Kind::Cancelled, "{error}");
    });
}

/// Waits for something that another thread brings about.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        pause(5);
    }
}

pub(crate) fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// Waits until the vendor is at work on a request.
#[track_caller]
pub(crate) fn until_asked(sandbox: &Sandbox, endpoint: &str, requests: u64) {
    until(endpoint, || sandbox.count(endpoint) >= requests);
}

/// A directory of the test's own, gone with it.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Directory {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tokenkeep-test-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory");
        Directory(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file that nobody else can read, and tells its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(&path, text).expect("a file");
        let path = path.to_str().expect("a path that is text").to_owned();
        chmod(&path, 0o600);
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

pub(crate) fn chmod(path: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("permissions");
}

/// What a test is told by the process that started it. None in the process that runs all tests.
pub(crate) fn told(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

/// Runs one test of this program in a process of its own, with an environment of its own. That test sees the
/// variables with [`told`], and does nothing where they are not set.
#[track_caller]
pub(crate) fn in_child(test: &str, environment: &[(&str, &str)], directory: Option<&Path>) -> Output {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    for name in PROXIES.iter().chain(&["TOKENKEEP_CONFIG", "XDG_CONFIG_HOME"]) {
        command.env_remove(name);
    }
    command.envs(environment.iter().copied());
    command.current_dir(directory.unwrap_or(Path::new("/")));
    let output = command.output().expect("the child runs");
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "there is no test {test}: {text}");
    output
}

const PROXIES: [&str; 9] = [
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "REQUEST_METHOD",
];

/// Does some work in a process that can start no thread meanwhile: there is no room for another stack.
pub(crate) fn without_threads<T>(work: impl FnOnce() -> T) -> T {
    let before = limit_address_space(None);
    limit_address_space(Some(address_space() + (1 << 20)));
    // Stacks of threads that have ended are used again: these take them.
    let (keep, ends) = std::sync::mpsc::channel::<()>();
    let ends = std::sync::Arc::new(std::sync::Mutex::new(ends));
    let sleep = || {
        let ends = std::sync::Arc::clone(&ends);
        let wait = move || drop(ends.lock().map(|ends| ends.recv()));
        std::thread::Builder::new().stack_size(2 << 20).spawn(wait).ok()
    };
    let sleepers: Vec<_> = std::iter::from_fn(sleep).collect();
    let outcome = work();
    limit_address_space(Some(before));
    drop(keep);
    sleepers.into_iter().for_each(|sleeper| sleeper.join().expect("it only slept"));
    outcome
}

/// How many bytes of address space this process has.
fn address_space() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("this is Linux");
    let pages: u64 = pages.split(' ').next().and_then(|pages| pages.parse().ok()).expect("a number");
    // SAFETY: sysconf only looks something up.
    pages * u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).expect("a size")
}

/// Sets how many bytes it may have, and tells how many it might before.
fn limit_address_space(bytes: Option<u64>) -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid for reading and writing.
    unsafe {
        libc::getrlimit(libc::RLIMIT_AS, &mut limit);
        let before = limit.rlim_cur;
        limit.rlim_cur = bytes.unwrap_or(before);
        libc::setrlimit(libc::RLIMIT_AS, &limit);
        before
    }
}

/// The wall clock.
pub(crate) fn now() -> std::time::SystemTime {
    std::time::SystemTime::now()
}
