//! What the linker is told about the shared library: the name that programs will load it by, and that it stays.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for argument in arguments(&variable("CARGO_CFG_TARGET_OS"), &abi_version()) {
        println!("cargo:rustc-cdylib-link-arg={argument}");
    }
}

/// Releases that share this can replace each other: 1 for all of 1.x; before that, 0.1 for all of 0.1.x.
fn abi_version() -> String {
    match variable("CARGO_PKG_VERSION_MAJOR").as_str() {
        "0" => format!("0.{}", variable("CARGO_PKG_VERSION_MINOR")),
        major => major.to_owned(),
    }
}

fn arguments(os: &str, abi: &str) -> Vec<String> {
    match os {
        "windows" => vec![],
        "macos" => vec![format!("-Wl,-install_name,@rpath/libtokenkeep.{abi}.dylib")],
        // nodelete: threads that end after a dlclose still run destructors in here.
        _ => vec![
            format!("-Wl,-soname,libtokenkeep.so.{abi}"),
            "-Wl,-z,nodelete".to_owned(),
            "-Wl,-z,relro,-z,now".to_owned(),
        ],
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}
