//! C programs that are linked against the shared library.
#![allow(dead_code, reason = "every test program uses a part of it")]

use std::ffi::OsStr;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use super::toolchain::{ROOT, built, run, scratch};

/// The name that programs load the shared library by.
pub(crate) const SONAME: &str =
    concat!("libtokenkeep.so.", env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));

/// A C program to be linked against the shared library.
pub(crate) struct Executable {
    compiler: Command,
    path: PathBuf,
    libraries: PathBuf,
}

impl Executable {
    /// A program of this name, in this standard of C, every warning an error.
    pub(crate) fn new(compiler: &str, standard: &str, name: &str) -> Executable {
        let directory = scratch(&format!("{name}-{compiler}-{standard}"));
        // Programs load the library by the name that the linker wrote into it, not by the file's.
        for link in ["libtokenkeep.so", SONAME] {
            symlink(built().join("libtokenkeep.so"), directory.join(link)).expect("a link");
        }
        let path = directory.join(name);
        let mut command = Command::new(compiler);
        command
            .arg(format!("-std={standard}"))
            .args(["-g", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"])
            .arg(format!("-I{ROOT}/include"))
            .arg("-o")
            .arg(&path);
        Executable { compiler: command, path, libraries: directory }
    }

    /// Compiles these files and links them.
    #[track_caller]
    pub(crate) fn build<P: AsRef<OsStr>>(mut self, sources: impl IntoIterator<Item = P>) -> Executable {
        self.compiler.args(sources).arg("-L").arg(&self.libraries).args(["-ltokenkeep", "-lpthread"]);
        run(&mut self.compiler);
        self
    }

    /// The command that runs it.
    pub(crate) fn command(&self) -> Command {
        self.under(Command::new(&self.path))
    }

    /// The command that runs it under valgrind, which fails where memory is misused or lost.
    pub(crate) fn under_valgrind(&self) -> Command {
        let mut valgrind = Command::new("valgrind");
        valgrind
            .args(["--quiet", "--error-exitcode=9", "--leak-check=full"])
            .args(["--errors-for-leak-kinds=definite,indirect", "--show-leak-kinds=definite,indirect"])
            .arg(&self.path);
        self.under(valgrind)
    }

    fn under(&self, mut command: Command) -> Command {
        command.env("LD_LIBRARY_PATH", &self.libraries).current_dir(&self.libraries);
        command
    }
}
