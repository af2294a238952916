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
use support::{always, timed};
use tokenkeep_sandbox::{Fault, Sandbox};
use toolchain::{ROOT, is_installed, run};

const IN_C: [&str; 5] = ["return", "exit", "free", "close", "waiter"];
const IN_CPP: [&str; 3] = ["return", "exit", "waiter"];

/// Built once: the tests here run at the same time.
fn c() -> &'static Executable {
    static C: OnceLock<Executable> = OnceLock::new();
    C.get_or_init(|| Executable::new("cc", "c99", "exit").build([format!("{ROOT}/tests/c/exit/exit.c")]))
}

fn cpp() -> Executable {
    Executable::new("c++", "c++17", "exit").build([format!("{ROOT}/tests/cpp/exit.cpp")])
}

fn hanging() -> Sandbox {
    let sandbox = Sandbox::start().expect("a sandbox");
    sandbox.fault(Fault { hang: true, ..always("acquired/login") });
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
    let sandbox = hanging();
    for way in ways {
        // The best of some: the machine may be busy with something else.
        let times = (0..5).map(|_| time_to_end(&mut leaving(program.command(), &sandbox, way)));
        let best = times.min().expect("it ran");
        assert!(best < Duration::from_millis(200), "{way}: {best:?}");
    }
}

#[test]
fn a_c_program_ends_at_once_while_a_renewal_hangs() {
    assert_prompt(c(), &IN_C);
}

#[test]
fn a_cpp_program_ends_at_once_while_a_renewal_hangs() {
    assert_prompt(&cpp(), &IN_CPP);
}

#[test]
fn a_renewal_may_land_while_the_process_ends() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let program = c();
    for delay_ms in (50..=150).step_by(10) {
        sandbox.clear_faults();
        sandbox.fault(Fault { delay_ms, ..always("acquired/login") });
        time_to_end(&mut leaving(program.command(), &sandbox, "landing"));
    }
}

#[test]
fn no_memory_is_misused_at_the_end() {
    if is_installed("valgrind", "the end of a C program under valgrind", "valgrind") {
        let (sandbox, program) = (hanging(), c());
        for way in ["return", "free", "close"] {
            run(&mut leaving(program.under_valgrind(), &sandbox, way));
        }
    }
}
