//! Against a real authorization server: oidc-provider, which is OpenID certified, and strict. What the sandbox does
//! is what we thought of; what this one does is what others meant.
#![cfg(unix)]

mod authorization_server;
mod code;
mod credentials;
mod person;
mod refresh;
mod relay;
mod revocation;
#[path = "../support/mod.rs"]
mod support;
