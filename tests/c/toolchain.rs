//! The C library as cargo builds it, and the tools to try it with.
#![allow(dead_code, unused_imports, reason = "every test program uses a part of it")]

pub(crate) use crate::support::tool::is_installed;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

/// The root of the sources.
pub(crate) const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Runs a command that must succeed, and gives what it wrote to standard output.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}{err}", output.status);
    out.into_owned()
}

/// An empty directory of this name under the target directory.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory).expect("the last run's files can be removed");
    }
    fs::create_dir_all(&directory).expect("a directory can be made");
    directory
}

/// Where cargo puts the C library, built just now.
pub(crate) fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "tokenkeep-c"]).current_dir(ROOT);
        // What cargo says of this program's package is not for that build: ring, which watches it, would be built
        // anew each time, and all above it.
        let of_this = |name: &str| {
            name == "OUT_DIR" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        };
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(of_this)) {
            build.env_remove(name);
        }
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        run(&mut build);
        // This program lies in the directory `deps` beside the library.
        let program = env::current_exe().expect("a program knows where it lies");
        program.parent().and_then(Path::parent).expect("there are two directories above").to_owned()
    })
}
