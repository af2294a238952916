use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::get;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tokenkeep-sandbox");

struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    ready: Value,
}

fn start(arguments: &[&str]) -> Running {
    let mut child =
        Command::new(PROGRAM).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let ready = serde_json::from_str(&line).unwrap();
    Running { child, stdout, ready }
}

impl Running {
    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(status.unwrap().success());
    }

    #[track_caller]
    fn assert_ends_cleanly(mut self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "still running");
            std::thread::sleep(Duration::from_millis(5));
        };
        assert_eq!(status.code(), Some(0));
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "one line only");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

#[test]
fn the_ready_line_says_all_that_a_client_needs() {
    let running = start(&[]);
    let ready = &running.ready;
    let url = ready["url"].as_str().unwrap();
    assert_eq!(ready["control"], format!("{url}/control"));
    let vendors = ready["vendors"].as_object().unwrap();
    let names: Vec<_> = vendors.keys().map(String::as_str).collect();
    assert_eq!(names, ["acquire", "acquired", "frederick", "oauth2", "pink"]);
    for (name, vendor) in vendors {
        assert_eq!(vendor["base_url"], format!("{url}/{name}"));
        let resource = vendor["resource"].as_str().unwrap();
        assert!((401..=403).contains(&get(resource).send().status));
        let settings = vendor["settings"].as_object().unwrap();
        assert!(settings.values().all(Value::is_string));
    }
    let keys = |vendor: &str| {
        let settings = vendors[vendor]["settings"].as_object().unwrap();
        settings.keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(keys("acquire"), "access_token");
    assert_eq!(keys("acquired"), "app_id app_key");
    assert_eq!(
        keys("frederick"),
        "api_key client_id client_secret email location_id location_token_url password user_token_url"
    );
    assert_eq!(keys("oauth2"), "client_id client_secret revoke_url scope token_url");
    assert_eq!(keys("pink"), "authorize_url client_id client_secret redirect_uri revoke_url scope token_url");
    let token = vendors["pink"]["personal_access_token"].as_str().unwrap();
    let resource = vendors["pink"]["resource"].as_str().unwrap();
    get(resource).bearer(token).send().expect(200);
}

#[test]
fn it_ends_on_sigterm_and_sigint() {
    for name in ["TERM", "INT"] {
        let running = start(&[]);
        running.signal(name);
        running.assert_ends_cleanly();
    }
}

#[test]
fn it_ends_when_stdin_closes_if_told_to() {
    let mut running = start(&["--until-stdin-closes"]);
    drop(running.child.stdin.take());
    running.assert_ends_cleanly();

    let mut running = start(&[]);
    drop(running.child.stdin.take());
    std::thread::sleep(Duration::from_millis(100));
    assert!(running.child.try_wait().unwrap().is_none());
}

#[test]
fn it_takes_the_port_it_is_given() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let running = start(&["--port", &port.to_string()]);
    assert_eq!(running.ready["url"], format!("http://127.0.0.1:{port}"));
    let second = run(&["--port", &port.to_string()]);
    assert_eq!(second.status.code(), Some(1), "the port is taken");
    assert!(second.stdout.is_empty() && !second.stderr.is_empty());
}

#[test]
fn a_wrong_command_line_is_explained() {
    for arguments in [&["--port"][..], &["--port", "x"], &["--nonsense"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("usage:"));
    }
    let help = run(&["--help"]);
    assert!(help.status.success());
    assert!(String::from_utf8_lossy(&help.stdout).contains("--port"));
}
