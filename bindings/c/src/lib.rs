//! The C library: what `tokenkeep::ffi` exports, as a shared and a static library.
pub use tokenkeep_core::ffi::*;
