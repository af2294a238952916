//! The C interface as C programs see it: compiled by gcc and clang in every standard since C99, run against a
//! sandbox, and watched by valgrind.

#![cfg(all(feature = "capi", target_os = "linux"))]

#[path = "c/declaration.rs"]
mod declaration;
#[path = "c/executable.rs"]
mod executable;
#[path = "c/nulls.rs"]
mod nulls;
mod support;
#[path = "c/toolchain.rs"]
mod toolchain;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use declaration::Declaration;
use executable::{Executable, SONAME};
use support::{Directory, browser};
use tokenkeep_sandbox::{Sandbox, fixtures};
use toolchain::{ROOT, built, is_installed, run, scratch};

#[test]
fn gcc_c99() {
    try_program("gcc", "c99");
}

#[test]
fn gcc_c11() {
    try_program("gcc", "c11");
}

#[test]
fn gcc_c17() {
    try_program("gcc", "c17");
}

#[test]
fn clang_c99() {
    try_program("clang", "c99");
}

#[test]
fn clang_c11() {
    try_program("clang", "c11");
}

#[test]
fn clang_c17() {
    try_program("clang", "c17");
}

/// Builds the program and runs it against a sandbox of its own.
fn try_program(compiler: &str, standard: &str) {
    if is_installed(compiler, &format!("the C interface with {compiler} -std={standard}"), compiler) {
        let (sandbox, store) = (Sandbox::start().expect("a sandbox"), Directory::new());
        let mut command = Executable::new(compiler, standard, "capi").build(sources()).command();
        if (compiler, standard) == ("gcc", "c11") {
            // Once: they have nothing to do with the compiler.
            support::chmod(store.path().to_str().expect("text"), 0o700);
            command.env("FORKS", "200").env("FORKS_STORE", store.path());
        }
        run(command.arg(sandbox.url()));
    }
}

#[test]
fn no_memory_is_misused_or_lost() {
    if is_installed("valgrind", "the C interface under valgrind", "valgrind") {
        let sandbox = Sandbox::start().expect("a sandbox");
        run(Executable::new("cc", "c99", "leaks").build(sources()).under_valgrind().arg(sandbox.url()));
    }
}

/// The files of the test program.
fn sources() -> Vec<PathBuf> {
    let files = fs::read_dir(format!("{ROOT}/tests/c/program")).expect("the program's files");
    let paths = files.map(|file| file.expect("a file").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "c")).collect()
}

#[test]
fn the_quickstart_gets_a_token() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let example = format!("{ROOT}/bindings/c/examples/quickstart.c");
    let program = Executable::new("cc", "c99", "quickstart").build([example]);
    let told = run(program
        .command()
        .env("ACQUIRED_APP_ID", fixtures::ACQUIRED_APP_ID)
        .env("ACQUIRED_APP_KEY", fixtures::ACQUIRED_APP_KEY)
        .env("ACQUIRED_BASE_URL", sandbox.base("acquired")));
    assert_eq!(told, "the vendor answered 200\n");
    assert_eq!(sandbox.count("acquired/login"), 1);
}

#[test]
fn a_person_logs_in_on_another_device() {
    let example = format!("{ROOT}/bindings/c/examples/device.c");
    let program = Executable::new("cc", "c99", "device").build([example]);
    let sandbox = Sandbox::start().expect("a sandbox");
    let directory = Directory::new();
    let profile = directory.write(
        "tokenkeep.toml",
        &format!(
            "[files]\nprovider = \"oauth2\"\ngrant = \"device_code\"\nclient_id = \"{}\"\n\
             device_url = \"{base}/device\"\ntoken_url = \"{base}/token\"\n",
            fixtures::OAUTH2_PUBLIC_CLIENT_ID,
            base = sandbox.base("oauth2")
        ),
    );
    let mut command = program.command();
    command.arg("files").env("TOKENKEEP_CONFIG", &profile).stdout(Stdio::piped());
    let mut running = command.spawn().expect("the example runs");
    let mut told = BufReader::new(running.stdout.take().expect("its output"));
    let mut line = String::new();
    told.read_line(&mut line).expect("a line");
    assert_eq!(browser::get(line.trim_start_matches("Open ").trim(), &[]).status, 200);
    let mut rest = String::new();
    told.read_to_string(&mut rest).expect("its output");
    assert!(running.wait().expect("it ends").success(), "{line}{rest}");
    assert!(rest.contains("the code ") && rest.ends_with("the vendor answered 200\n"), "{rest}");
}

#[test]
fn null_is_survived_everywhere() {
    let source = scratch("nulls").join("nulls.c");
    fs::write(&source, nulls::program()).expect("a file can be written");
    let program = Executable::new("cc", "c99", "nulls-everywhere").build([&source]);
    run(&mut program.command());
    if is_installed("valgrind", "NULL everywhere under valgrind", "valgrind") {
        run(&mut program.under_valgrind());
    }
}

#[test]
fn the_header_is_clean_cpp() {
    let source = scratch("header").join("header.cpp");
    let text = "#include <tokenkeep.h>\ntokenkeep_call call = TOKENKEEP_CALL_INIT;\n\
        tokenkeep_store store = TOKENKEEP_STORE_INIT;\n";
    fs::write(&source, text).expect("a file can be written");
    let warnings = [
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Wconversion",
        "-Wold-style-cast",
        "-Wzero-as-null-pointer-constant",
        "-Werror",
    ];
    for (compiler, package) in [("g++", "g++"), ("clang++", "clang")] {
        if is_installed(compiler, &format!("the C header with {compiler}"), package) {
            for standard in ["-std=c++11", "-std=c++17", "-std=c++20"] {
                let mut check = Command::new(compiler);
                check.arg(standard).args(warnings).args(["-I", &format!("{ROOT}/include"), "-fsyntax-only"]);
                run(check.arg(&source));
            }
        }
    }
}

#[test]
fn exactly_the_headers_functions_are_exported() {
    if !is_installed("nm", "the exported symbols", "binutils") {
        return;
    }
    let symbols = run(Command::new("nm").args(["-D", "--defined-only"]).arg(built().join("libtokenkeep.so")));
    let exported: BTreeSet<_> = symbols.lines().filter_map(|line| line.rsplit(' ').next()).collect();
    let declarations = Declaration::all();
    let declared: BTreeSet<_> = declarations.iter().map(|function| function.name.as_str()).collect();
    assert_eq!(exported, declared);
}

#[test]
fn the_library_is_linked_as_it_should_be() {
    if !is_installed("readelf", "how the library is linked", "binutils") {
        return;
    }
    let library = built().join("libtokenkeep.so");
    let dynamic = run(Command::new("readelf").args(["-d", "-W"]).arg(&library));
    assert!(dynamic.contains(&format!("soname: [{SONAME}]")), "{dynamic}");
    let flags = dynamic.lines().find(|line| line.contains("(FLAGS_1)")).unwrap_or_default();
    assert!(flags.contains("NOW") && flags.contains("NODELETE"), "{dynamic}");
    assert!(!dynamic.contains("(RPATH)") && !dynamic.contains("(RUNPATH)"), "{dynamic}");
    let segments = run(Command::new("readelf").args(["-l", "-W"]).arg(&library));
    assert!(segments.contains("GNU_RELRO"), "{segments}");

    let loaded = run(Command::new("ldd").arg(&library));
    let allowed = ["linux-vdso", "libc.", "libgcc_s.", "/ld-linux"];
    for line in loaded.lines() {
        assert!(allowed.iter().any(|name| line.contains(name)), "{line}");
    }
}
