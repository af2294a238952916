//! A local emulator of the token APIs that tokenkeep speaks to, for its tests and its demo.
//!
//! One [`Sandbox`] is one HTTP server on a loopback port. It plays five parts, each under its own
//! path prefix: the vendors `acquire`, `acquired`, `frederick` and `pink`, and `oauth2`, a plain
//! OAuth 2 authorization server. Tokens are checked and expire for real. Every switch, fault and
//! record is at hand as a method of [`Sandbox`] and over HTTP under `/control`.
//!
//! ```
//! use serde_json::json;
//! use tokenkeep_sandbox::{Fault, Sandbox};
//!
//! let sandbox = Sandbox::start()?;
//! sandbox.set_lifetime("acquired", json!(5));
//! sandbox.fault(Fault { status: Some(503), ..Fault::on("acquired/login") });
//! // ... point a client at sandbox.base("acquired") ...
//! assert_eq!(sandbox.count("acquired/login"), 0);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Nothing is global: any number of sandboxes live side by side in one process. What the vendors
//! do not document is guessed, and every such guess is marked in the code with
//! "not documented by the vendor".

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod answer;
mod authorization_server;
mod behaviour;
mod call;
mod connection;
mod control;
mod desk;
mod exchange;
mod fault;
pub mod fixtures;
mod journal;
mod ledger;
mod mint;
mod sandbox;
mod server;
mod vendor;

pub use authorization_server::device::DeviceAnswer;
pub use behaviour::{BasicEncoding, Behaviour};
pub use control::{Control, ControlError};
pub use fault::{Body, Cut, Fault};
pub use journal::{Recorded, Tally};
pub use ledger::{Level, Revocation};
pub use sandbox::Sandbox;
