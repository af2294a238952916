//! Generates the C header from `src/ffi` into `OUT_DIR` (feature `capi`). The committed copy is
//! `include/tokenkeep.h`; `tests/header.rs` holds the two together.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "capi")]
    header::generate();
}

#[cfg(feature = "capi")]
mod header {
    use std::env;
    use std::path::PathBuf;

    /// The files that export something, in the order of the header.
    const SOURCES: [&str; 11] = [
        "version", "status", "log", "call", "config", "store", "client", "stats", "token", "consent", "error",
    ];

    pub(super) fn generate() {
        println!("cargo:rerun-if-changed=cbindgen.toml");
        let config =
            cbindgen::Config::from_file("cbindgen.toml").expect("cbindgen.toml is a cbindgen configuration");
        let mut header = cbindgen::Builder::new().with_config(config);
        for source in SOURCES {
            let path = format!("src/ffi/{source}.rs");
            println!("cargo:rerun-if-changed={path}");
            header = header.with_src(path);
        }
        let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
        header.generate().expect("src/ffi exports what C can express").write_to_file(out.join("tokenkeep.h"));
    }
}
