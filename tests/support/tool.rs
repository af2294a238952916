//! The tools that a test needs beside cargo.

use std::env;
use std::fs::OpenOptions;
use std::io::{self, Write};

/// Whether a tool is there. If not, what needs it is skipped and says so, at once and at the end of `make test`; with
/// TOKENKEEP_NO_SKIP=1 it fails.
#[track_caller]
pub(crate) fn is_installed(tool: &str, what: &str, package: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).any(|directory| directory.join(tool).is_file());
    if !found {
        let line = format!("skipped: {what} (install: apt-get install {package})");
        assert!(env::var_os("TOKENKEEP_NO_SKIP").is_none_or(|no| no != "1"), "{line}");
        // Not by a macro: the test runner would keep it to itself.
        writeln!(io::stderr(), "{line}").expect("standard error takes a line");
        // Where cargo builds: this program is PROFILE/deps/NAME there. tests/skipped.sh reads it.
        let program = env::current_exe().expect("this program has a path");
        let list = program.ancestors().nth(3).expect("cargo's directory").join("skipped");
        let mut list =
            OpenOptions::new().append(true).create(true).open(list).expect("a list of what is skipped");
        writeln!(list, "{line}").expect("the list takes a line");
    }
    found
}
