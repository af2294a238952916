//! Against a real authorization server: oidc-provider, which is OpenID certified, and strict. What the sandbox does
//! is what we thought of; what this one does is what others meant.
#![cfg(unix)]

mod assertion;
mod authorization_server;
mod code;
mod credentials;
mod device;
mod discovery;
#[cfg(all(feature = "capi", target_os = "linux"))]
#[path = "../c/executable.rs"]
mod executable;
#[cfg(all(feature = "capi", target_os = "linux"))]
mod native;
mod person;
mod refresh;
mod relay;
mod revocation;
#[path = "../support/mod.rs"]
mod support;
#[cfg(all(feature = "capi", target_os = "linux"))]
#[path = "../c/toolchain.rs"]
mod toolchain;
