//! The C++ interface as C++ programs see it: compiled by g++ and clang++ in every standard since C++17, with and
//! without exceptions and RTTI, run against a sandbox, and watched by valgrind.

#![cfg(all(feature = "capi", target_os = "linux"))]

#[path = "c/executable.rs"]
mod executable;
mod support;
#[path = "c/toolchain.rs"]
mod toolchain;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use executable::Executable;
use support::{Directory, browser, until};
use tokenkeep_sandbox::{Sandbox, fixtures};
use toolchain::{ROOT, is_installed, run, scratch};

/// Each compiler, and the package that brings it.
const COMPILERS: [(&str, &str); 2] = [("g++", "g++"), ("clang++", "clang")];

/// The files of the test program, and those that all programs here are made with.
const CLIENT: [&str; 9] =
    ["client", "values", "tokens", "errors", "refusals", "logs", "threads", "consents", "stores"];
const SUPPORT: [&str; 3] = ["check", "http", "sandbox"];

/// Beyond those of the C programs.
const WARNINGS: [&str; 2] = ["-Wshadow", "-Wold-style-cast"];
const LEAN: [&str; 2] = ["-fno-exceptions", "-fno-rtti"];

/// The path of one of the files.
fn source(name: &str) -> String {
    format!("{ROOT}/tests/cpp/{name}.cpp")
}

/// A program of these files, compiled with these flags.
#[track_caller]
fn build(compiler: &str, standard: &str, name: &str, flags: &[&str], files: &[&str]) -> Executable {
    let flags = WARNINGS.iter().chain(flags).map(|flag| (*flag).to_owned());
    let files = files.iter().map(|file| source(file));
    Executable::new(compiler, standard, name).build(flags.chain(files))
}

/// Runs a command with a sandbox of its own, whose URL is the argument.
#[track_caller]
fn run_with_sandbox(mut command: Command) {
    let sandbox = Sandbox::start().expect("a sandbox");
    run(command.arg(sandbox.url()));
}

fn compiler_is_installed(compiler: &str, package: &str) -> bool {
    is_installed(compiler, &format!("the C++ interface with {compiler}"), package)
}

/// The test program.
fn client(compiler: &str, standard: &str) -> Executable {
    build(compiler, standard, "client", &[], &[&CLIENT[..], &SUPPORT].concat())
}

/// Builds the test program and runs it.
fn try_client(compiler: &str, package: &str, standard: &str) {
    if compiler_is_installed(compiler, package) {
        run_with_sandbox(client(compiler, standard).command());
    }
}

#[test]
fn gcc_cpp17_and_no_memory_is_misused_or_lost() {
    if compiler_is_installed("g++", "g++") {
        let program = client("g++", "c++17");
        run_with_sandbox(program.command());
        if is_installed("valgrind", "the C++ interface under valgrind", "valgrind") {
            run_with_sandbox(program.under_valgrind());
        }
    }
}

#[test]
fn gcc_cpp20() {
    try_client("g++", "g++", "c++20");
}

#[test]
fn clang_cpp17() {
    try_client("clang++", "clang", "c++17");
}

#[test]
fn clang_cpp20() {
    try_client("clang++", "clang", "c++20");
}

#[test]
fn it_works_without_exceptions_and_rtti() {
    let files = [&["no_exceptions"][..], &SUPPORT].concat();
    for (compiler, package) in COMPILERS {
        if compiler_is_installed(compiler, package) {
            for standard in ["c++17", "c++20"] {
                run_with_sandbox(build(compiler, standard, "no_exceptions", &LEAN, &files).command());
            }
        }
    }
}

/// The example for the desktop, with a browser that it finds and without one.
#[test]
fn a_person_logs_in_at_the_desktop() {
    let example = format!("{ROOT}/bindings/cpp/examples/desktop.cpp");
    let program = Executable::new("c++", "c++17", "desktop").build([example]);
    let sandbox = Sandbox::start().expect("a sandbox");
    let directory = Directory::new();
    let profile = directory.write(
        "tokenkeep.toml",
        &format!(
            "[files]\nprovider = \"pink\"\nclient_id = \"{}\"\nredirect_uri = \"http://127.0.0.1/callback\"\n\
             authorize_url = \"{base}/oauth/authorize\"\ntoken_url = \"{base}/oauth/token\"\n",
            fixtures::PINK_PUBLIC_CLIENT_ID,
            base = sandbox.base("pink")
        ),
    );
    // A person's browser that only notes where it is sent, and stays for as long as there is that note.
    let opener = directory.write(
        "bin/xdg-open",
        "#!/bin/sh\nexec >/dev/null\nprintf %s \"$1\" >\"$OPENED\"\n\
         while [ -e \"$OPENED\" ]; do /bin/sleep 0.1; done\n",
    );
    support::chmod(&opener, 0o700);
    let opened = directory.path().join("opened");
    for (path, finds_browser) in [("bin", true), ("empty", false)] {
        let mut command = program.command();
        command.arg("files").env("TOKENKEEP_CONFIG", &profile).env("OPENED", &opened);
        command.env("PATH", directory.path().join(path)).stdout(Stdio::piped());
        let mut running = command.spawn().expect("the example runs");
        let mut told = BufReader::new(running.stdout.take().expect("its output"));
        let mut line = String::new();
        told.read_line(&mut line).expect("a line");
        let url = line.trim().rsplit(' ').next().expect("a URL");
        if finds_browser {
            until("the browser is opened", || fs::read_to_string(&opened).is_ok_and(|opened| opened == url));
        }
        assert_eq!(browser::log_in(url).status, 200);
        let mut rest = String::new();
        told.read_to_string(&mut rest).expect("its output");
        assert!(running.wait().expect("it ends").success(), "{line}{rest}");
        assert!(rest.ends_with("the vendor answered 200\n"), "{rest}");
        assert_eq!(rest.contains("Open that page"), !finds_browser, "{rest}");
    }
}

/// Two translation units with the header in them make one program, also where they were compiled differently.
#[test]
fn units_of_every_kind_are_linked_together() {
    for (compiler, package) in COMPILERS {
        if !compiler_is_installed(compiler, package) {
            continue;
        }
        let directory = scratch(&format!("units-{compiler}"));
        for (kind, flags) in [("plain", &[][..]), ("no-rtti", &LEAN[1..]), ("lean", &LEAN[..])] {
            let object = directory.join(format!("{kind}.o"));
            run(Command::new(compiler)
                .args(["-std=c++17", "-Wall", "-Wextra", "-Werror", "-c", "-o"])
                .arg(&object)
                .arg(format!("-I{ROOT}/include"))
                .args(flags)
                .arg(source("double_include_b")));
            let parts = [source("double_include_a"), object.to_str().expect("text").to_owned()];
            let program = Executable::new(compiler, "c++20", &format!("units-{kind}")).build(parts);
            run(&mut program.command());
        }
    }
}

/// All that a unit brings along is weak, so that the same in another unit is no clash, and nothing of the library
/// is C++.
#[test]
fn no_symbol_of_the_header_is_a_units_own() {
    if !is_installed("nm", "the symbols of a C++ unit", "binutils") {
        return;
    }
    let object = scratch("symbols").join("unit.o");
    run(Command::new("c++")
        .args(["-std=c++17", "-c", "-o"])
        .arg(&object)
        .arg(format!("-I{ROOT}/include"))
        .arg(source("double_include_b")));
    let symbols = run(Command::new("nm").args(["--demangle", "--extern-only"]).arg(&object));
    for line in symbols.lines().filter(|line| line.contains("tokenkeep::")) {
        assert!(line.contains(" W ") || line.contains(" V ") || line.contains(" u "), "{line}");
    }
}

/// Text that outlives the token it belongs to is a mistake that clang sees.
#[test]
fn a_view_of_a_temporary_token_is_warned_of() {
    if !compiler_is_installed("clang++", "clang") {
        return;
    }
    let source = scratch("dangling").join("dangling.cpp");
    let text = "#include <tokenkeep.hpp>\n\
        char first(const tokenkeep::Client &client) {\n\
        std::string_view header = client.token().authorization();\n\
        return header[0];\n}\n";
    fs::write(&source, text).expect("a file");
    let output = Command::new("clang++")
        .args(["-std=c++17", "-Wall", "-fsyntax-only"])
        .arg(format!("-I{ROOT}/include"))
        .arg(&source)
        .output()
        .expect("clang++ runs");
    assert!(String::from_utf8_lossy(&output.stderr).contains("-Wdangling"), "{output:?}");
}
