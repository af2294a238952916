//! What `bindings/c/install.sh` installs can be used from outside this tree, in every way that it promises.

#![cfg(all(feature = "capi", target_os = "linux"))]

#[path = "c/toolchain.rs"]
mod toolchain;

use std::process::Command;

use toolchain::{ROOT, built, is_installed, run, scratch};

#[test]
fn the_installed_library_is_found_and_used() {
    let tools = [("pkg-config", "pkg-config"), ("cmake", "cmake"), ("objcopy", "binutils")];
    let what = "the installed library";
    if tools.into_iter().all(|(tool, package)| is_installed(tool, what, package)) {
        let script = format!("{ROOT}/tests/c/consume.sh");
        run(Command::new("sh").arg(script).arg(built()).arg(scratch("install")));
    }
}
