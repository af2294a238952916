//! The same from C and C++: real programs, which this one plays the person for.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::authorization_server::{Registration, authorization_server};
use crate::executable::Executable;
use crate::person::{allows_device, refuses_device, says_no, says_yes};
use crate::support::browser::{self, parameter};
use crate::support::tls::certificates;
use crate::support::{Directory, chmod, pause};
use crate::toolchain::{ROOT, is_installed};

/// A running program, which does what it reads and writes what came of it.
struct Program(Child);

impl Program {
    fn start(command: Command, registration: &Registration<'_>, settings: &[(&str, &str)]) -> Program {
        Program::with(command, registration.settings().chain(settings.iter().copied()))
    }

    /// One that knows the issuer alone.
    fn discovering(command: Command, registration: &Registration<'_>) -> Program {
        Program::with(command, registration.settings().filter(|(name, _)| !name.ends_with("_url")))
    }

    fn with<'a>(mut command: Command, settings: impl Iterator<Item = (&'a str, &'a str)>) -> Program {
        command.args(settings.map(|(name, value)| format!("{name}={value}")));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Program(command.spawn().expect("the program runs"))
    }

    fn say(&mut self, command: &str) -> String {
        self.begin(command);
        self.hear()
    }

    /// Gives a command, and does not wait for what comes of it.
    fn begin(&mut self, command: &str) {
        let input = self.0.stdin.as_mut().expect("its standard input");
        writeln!(input, "{command}").expect("it reads");
    }

    fn hear(&mut self) -> String {
        let output = self.0.stdout.as_mut().expect("its standard output");
        let mut line = String::new();
        // It answers one line for each that it reads, so nothing is left in the buffer.
        BufReader::new(output).read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    /// Its input ends, and so must it.
    fn end(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().expect("it ends").success());
    }
}

#[test]
fn a_c_program_goes_the_whole_way() {
    for (compiler, kind) in [("gcc", "native"), ("clang", "web")] {
        if has(compiler, compiler) {
            goes_the_whole_way(kind, &c(compiler, "way"));
        }
    }
}

#[test]
fn a_cpp_program_goes_the_whole_way() {
    for (compiler, package, kind) in [("g++", "g++", "native"), ("clang++", "clang", "web")] {
        if has(compiler, package) {
            goes_the_whole_way(kind, &cpp(compiler, "way"));
        }
    }
}

#[test]
fn a_c_program_waits_for_a_yes_on_another_device() {
    if has("cc", "gcc") {
        waits_for_a_device(&c("cc", "device"));
    }
}

#[test]
fn a_cpp_program_waits_for_a_yes_on_another_device() {
    if has("c++", "g++") {
        waits_for_a_device(&cpp("c++", "device"));
    }
}

#[test]
fn a_c_program_goes_every_way_to_a_persons_yes() {
    if has("cc", "gcc") {
        goes_every_way_to_a_yes(&c("cc", "yes"));
    }
}

#[test]
fn a_cpp_program_goes_every_way_to_a_persons_yes() {
    if has("c++", "g++") {
        goes_every_way_to_a_yes(&cpp("c++", "yes"));
    }
}

#[test]
fn a_c_program_proves_itself_in_every_way() {
    if has("cc", "gcc") {
        proves_itself(&c("cc", "proof"));
    }
}

#[test]
fn a_cpp_program_proves_itself_in_every_way() {
    if has("c++", "g++") {
        proves_itself(&cpp("c++", "proof"));
    }
}

/// Whether there is a server, and the compiler that this package brings.
fn has(compiler: &str, package: &str) -> bool {
    let what = format!("a real authorization server with {compiler}");
    authorization_server().is_some() && is_installed(compiler, &what, package)
}

fn c(compiler: &str, name: &str) -> Executable {
    build(compiler, "c99", name, "client.c", &[])
}

fn cpp(compiler: &str, name: &str) -> Executable {
    build(compiler, "c++17", name, "client.cpp", &["-Wshadow", "-Wold-style-cast"])
}

fn build(compiler: &str, standard: &str, name: &str, source: &str, flags: &[&str]) -> Executable {
    let source = format!("{ROOT}/tests/oidc/programs/{source}");
    let name = format!("oidc-{name}");
    Executable::new(compiler, standard, &name).build(flags.iter().copied().chain([&*source]))
}

/// A no, a yes, the renewal of a token that has ended, one that all threads share, and the end of the grant.
fn goes_the_whole_way(kind: &str, executable: &Executable) {
    let Some(server) = authorization_server() else { return };
    let registration = server.register(kind, json!({}));
    let mut program = Program::start(executable.command(), &registration, &[]);
    let needs_consent = |answer: String| assert!(answer.starts_with("CONSENT_REQUIRED "), "{answer}");
    needs_consent(program.say("token"));

    let url = program.say("consent");
    needs_consent(program.say(&format!("finish {}", says_no(&url))));
    assert_eq!(registration.asked("token").len(), 0);
    registration.set_lifetime(2);
    let first = program.say(&format!("finish {}", says_yes(&url)));
    assert!(first.starts_with("SANDBOX-TOKEN-"), "{first:.20}");

    pause(2100);
    registration.set_lifetime(3600);
    let second = program.say("together");
    assert!(second != first && server.is_alive(&second) && !server.is_alive(&first));
    assert_eq!(registration.refreshes(), 1, "all threads share one refresh");

    assert_eq!(program.say("reject"), "rejected");
    let third = program.say("together");
    assert!(third != second && server.is_alive(&third));
    assert_eq!(registration.refreshes(), 2);
    let refresh_token = registration.newest("refresh_token");
    assert!(server.is_alive(&refresh_token), "and keep the family alive");

    assert_eq!(program.say("revoke"), "revoked");
    assert!(!server.is_alive(&third) && !server.is_alive(&refresh_token));
    needs_consent(program.say("token"));
    program.end();
}

fn waits_for_a_device(executable: &Executable) {
    let Some(server) = authorization_server() else { return };
    let mut program = Program::start(executable.command(), &server.register("device", json!({})), &[]);
    let url = program.say("consent");
    assert_eq!(parameter(&url, "user_code"), program.say("user_code"));
    allows_device(&url);
    let token = program.say("wait");
    assert!(token.starts_with("SANDBOX-TOKEN-"), "{token}");
    assert!(server.is_alive(&token));
    program.end();

    let mut refused = Program::start(executable.command(), &server.register("device", json!({})), &[]);
    refuses_device(&refused.say("consent"));
    let no = refused.say("wait");
    assert!(no.starts_with("CONSENT_REQUIRED ") && no.contains("access_denied"), "{no}");
    refused.end();
}

fn goes_every_way_to_a_yes(executable: &Executable) {
    waits_at_a_port_of_its_own(executable);
    finishes_in_another_process(executable);
    knows_the_issuer_alone(executable);
}

fn waits_at_a_port_of_its_own(executable: &Executable) {
    let Some(server) = authorization_server() else { return };
    let mut program = Program::start(executable.command(), &server.register("native", json!({})), &[]);
    let url = program.say("consent");
    program.begin("wait");
    assert_eq!(browser::get(&says_yes(&url), &[]).status, 200);
    let token = program.hear();
    assert!(server.is_alive(&token), "{token}");
    program.end();
}

fn finishes_in_another_process(executable: &Executable) {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("web", json!({}));
    let key = "5a".repeat(32);
    let start = || Program::start(executable.command(), &registration, &[("store_key", &key)]);
    let (mut first, mut second) = (start(), start());
    let url = first.say("consent");
    let sealed = first.say("seal");
    first.end();
    assert_eq!(second.say(&format!("resume {sealed}")), url);
    let token = second.say(&format!("finish {}", says_yes(&url)));
    assert!(server.is_alive(&token), "{token}");
    assert_eq!(second.say("token"), token);
    second.end();
}

fn knows_the_issuer_alone(executable: &Executable) {
    let Some(server) = authorization_server() else { return };
    let mut machine = Program::discovering(executable.command(), &server.register("basic", json!({})));
    let token = machine.say("token");
    assert!(server.is_alive(&token), "{token}");
    machine.end();
    let mut web = Program::discovering(executable.command(), &server.register("web", json!({})));
    let url = web.say("consent");
    let token = web.say(&format!("finish {}", says_yes(&url)));
    assert!(server.is_alive(&token), "{token}");
    assert_eq!(web.say("revoke"), "revoked");
    assert!(!server.is_alive(&token));
    web.end();
}

/// By a secret, by a signature, by a certificate.
fn proves_itself(executable: &Executable) {
    let (Some(server), Some(certificates)) = (authorization_server(), certificates()) else { return };
    let buys = |kind: &str, settings: &[(&str, &str)]| {
        let registration = server.register(kind, json!({}));
        let mut program = Program::start(executable.command(), &registration, settings);
        let token = program.say("token");
        assert!(server.is_alive(&token), "{kind}: {token}");
        program.end();
    };
    for kind in ["basic", "post", "client_secret_jwt", "private_key_jwt"] {
        buys(kind, &[]);
    }
    let url = format!("{}/token", server.tls_url().expect("a TLS port"));
    let [chain, key, ca] = ["client.pem", "client.key", "ca.pem"].map(|file| certificates.path(file));
    let files = [("client_cert_file", &*chain), ("client_key_file", &key), ("ca_file", &ca)];
    buys("tls", &[&files[..], &[("token_url", &url)]].concat());
}

#[test]
fn processes_that_ask_at_once_send_one_refresh_and_keep_the_grant() {
    let Some(server) = authorization_server() else { return };
    let executable = Executable::new("cc", "c99", "oidc-processes")
        .build([format!("{ROOT}/tests/oidc/programs/client.c")]);
    let directory = Directory::new();
    let place = directory.path().to_str().expect("a path that is text");
    chmod(place, 0o700);
    let key = "5a".repeat(32);
    let store = [("store", "file"), ("store_path", place), ("store_key", &*key)];
    let registration = server.register("native", json!({}));
    let mut programs: Vec<_> =
        (0..4).map(|_| Program::start(executable.command(), &registration, &store)).collect();

    let url = programs[0].say("consent");
    registration.set_lifetime(2);
    let first = programs[0].say(&format!("finish {}", says_yes(&url)));
    pause(2100);
    registration.set_lifetime(3600);
    let renew = |programs: &mut Vec<Program>| {
        programs.iter_mut().for_each(|program| program.begin("token"));
        let renewed: Vec<_> = programs.iter_mut().map(Program::hear).collect();
        assert!(renewed[0].starts_with("SANDBOX-TOKEN-"), "{}", renewed[0]);
        assert!(renewed.iter().all(|token| *token == renewed[0]));
        assert!(server.is_alive(&renewed[0]) && server.is_alive(&registration.newest("refresh_token")));
        renewed[0].clone()
    };
    let second = renew(&mut programs);
    assert!(second != first);
    assert_eq!(registration.refreshes(), 1, "one on the wire, when the token has ended");

    programs.iter_mut().for_each(|program| assert_eq!(program.say("reject"), "rejected"));
    assert!(renew(&mut programs) != second);
    assert_eq!(registration.refreshes(), 2, "and one when it was refused");
    programs.into_iter().for_each(Program::end);
}
