//! `include/tokenkeep.h` is what `src/ffi` says. To write it anew:
//! `TOKENKEEP_UPDATE_HEADER=1 cargo test --features capi --test header`.

#![cfg(feature = "capi")]

use std::{env, fs};

const GENERATED: &str = include_str!(concat!(env!("OUT_DIR"), "/tokenkeep.h"));
const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/include/tokenkeep.h");

#[test]
fn the_header_is_fresh() {
    if env::var_os("TOKENKEEP_UPDATE_HEADER").is_some() {
        fs::write(COMMITTED, GENERATED).expect("the header can be written");
    }
    let committed = fs::read_to_string(COMMITTED).expect("the header is there");
    assert!(
        committed == GENERATED,
        "include/tokenkeep.h is stale: TOKENKEEP_UPDATE_HEADER=1 cargo test --features capi --test header"
    );
}
