//! The end of a C or C++ program while a renewal is under way: nothing waits for it, and nothing goes wrong.

#![cfg(all(feature = "capi", target_os = "linux"))]

#[path = "c/executable.rs"]
mod executable;
mod support;
#[path = "c/toolchain.rs"]
mod toolchain;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use executable::Executable;
use support::{Directory, always, chmod, timed};
use tokenkeep_sandbox::{Fault, Sandbox};
use toolchain::{ROOT, is_installed, run};

const IN_C: [&str; 6] = ["return", "exit", "_exit", "free", "close", "waiter"];
const IN_CPP: [&str; 3] = ["return", "exit", "waiter"];

/// Built once: the tests here run at the same time.
fn c() -> &'static Executable {
    static C: OnceLock<Executable> = OnceLock::new();
    C.get_or_init(|| Executable::new("cc", "c99", "exit").build([format!("{ROOT}/tests/c/exit/exit.c")]))
}

fn cpp() -> Executable {
    Executable::new("c++", "c++17", "exit").build([format!("{ROOT}/tests/cpp/exit.cpp")])
}

fn hanging(endpoint: &str) -> Sandbox {
    let sandbox = Sandbox::start().expect("a sandbox");
    sandbox.fault(Fault { hang: true, ..always(endpoint) });
    sandbox
}

fn leaving(mut command: Command, sandbox: &Sandbox, way: &str) -> Command {
    command.arg(sandbox.base("acquired")).arg(way);
    command
}

/// How long a program takes to end once it says that it leaves.
#[track_caller]
fn time_to_end(command: &mut Command) -> Duration {
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    let (status, took) = timed(|| child.wait().expect("the program ends"));
    assert!(status.success() && line == "leaving\n", "{command:?}: {status}, {line:?}");
    took
}

fn assert_prompt(program: &Executable, ways: &[&str]) {
    let sandbox = hanging("acquired/login");
    for way in ways {
        let times = times_to_end(|| leaving(program.command(), &sandbox, way));
        assert!(times[0] < Duration::from_millis(200), "{way}: {times:?}");
    }
}

/// Some, the shortest first: the machine may be busy with something else.
fn times_to_end(command: impl Fn() -> Command) -> Vec<Duration> {
    let mut times: Vec<_> = (0..5).map(|_| time_to_end(&mut command())).collect();
    times.sort();
    times
}

#[test]
fn a_c_program_ends_at_once_while_a_renewal_hangs() {
    assert_prompt(c(), &IN_C);
}

#[test]
fn a_cpp_program_ends_at_once_while_a_renewal_hangs() {
    assert_prompt(&cpp(), &IN_CPP);
}

/// The vendor may have spent the one refresh token there was.
#[test]
fn a_program_waits_a_moment_for_the_successor_of_a_refresh_token_that_was_sent() {
    let (sandbox, directory, program) = (hanging("pink/token"), Directory::new(), c());
    let place = directory.path().to_str().expect("text");
    chmod(place, 0o700);
    let times = |way: &str| {
        times_to_end(|| {
            let mut command = program.command();
            command.args([&sandbox.base("pink"), way, place]);
            command
        })
    };
    for way in ["return", "exit"] {
        let times = times(way);
        let (shortest, longest) = (times[0], times[4]);
        assert!(longest > Duration::from_millis(100), "{way}: {times:?}");
        assert!(shortest < Duration::from_millis(400), "{way}: {times:?}");
    }
    assert!(times("_exit")[0] < Duration::from_millis(100), "this runs no handlers");
}

#[test]
fn a_renewal_may_land_while_the_process_ends() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let program = c();
    for delay_ms in (100..=200).step_by(10) {
        sandbox.clear_faults();
        sandbox.fault(Fault { delay_ms, ..always("acquired/login") });
        time_to_end(&mut leaving(program.command(), &sandbox, "landing"));
    }
}

#[test]
fn no_memory_is_misused_at_the_end() {
    if is_installed("valgrind", "the end of a C program under valgrind", "valgrind") {
        let (sandbox, program) = (hanging("acquired/login"), c());
        for way in ["return", "free", "close"] {
            run(&mut leaving(program.under_valgrind(), &sandbox, way));
        }
    }
}
