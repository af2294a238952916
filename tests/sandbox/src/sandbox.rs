//! The sandbox as a test holds it.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::authorization_server::device::DeviceAnswer;
use crate::control::{Control, ControlError};
use crate::fault::Fault;
use crate::journal::{Recorded, Tally};
use crate::ledger::{Level, Revocation};
use crate::server::Server;

/// A running sandbox. Dropping it closes the port and every connection.
///
/// # Panics
///
/// A test that names a vendor, endpoint or switch that does not exist is a mistake in the test, so
/// the methods below panic on it. [`Sandbox::control`] has the same operations with a `Result`.
pub struct Sandbox {
    control: Arc<Control>,
    _server: Server,
}

impl Sandbox {
    /// Starts a sandbox on a free loopback port and returns when it accepts connections.
    pub fn start() -> io::Result<Self> {
        Self::start_on(0)
    }

    /// Starts a sandbox on the given loopback port; 0 takes a free one.
    pub fn start_on(port: u16) -> io::Result<Self> {
        let (server, control) = Server::start(port)?;
        Ok(Self { control, _server: server })
    }

    /// The operations that report a mistake instead of panicking.
    #[must_use]
    pub fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// The origin, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> &str {
        self.control.url()
    }

    /// The `base_url` of a vendor.
    #[must_use]
    #[track_caller]
    pub fn base(&self, vendor: &str) -> String {
        sure(self.control.base(vendor))
    }

    /// The full URL of a resource that the vendor's token opens with GET.
    #[must_use]
    #[track_caller]
    pub fn resource(&self, vendor: &str) -> String {
        sure(self.control.resource(vendor))
    }

    /// tokenkeep settings with which a client gets tokens from the vendor.
    #[must_use]
    #[track_caller]
    pub fn settings(&self, vendor: &str) -> BTreeMap<&'static str, String> {
        sure(self.control.settings(vendor))
    }

    /// All that a client needs to know, as the binary prints it when it is ready.
    #[must_use]
    pub fn ready(&self) -> Value {
        self.control.ready()
    }

    /// Sets switches of a vendor by name, such as `json!({"rotate_refresh": false})`; see
    /// [`Behaviour`](crate::Behaviour). Answers with all switches that the vendor has.
    #[track_caller]
    pub fn configure(&self, vendor: &str, patch: Value) -> Map<String, Value> {
        let Value::Object(patch) = patch else {
            panic!("a patch is a JSON object, not {patch}");
        };
        sure(self.control.configure(vendor, &patch))
    }

    /// Sets the raw `expires_in` of token answers; `{"absent": true}` leaves it out.
    #[track_caller]
    pub fn set_lifetime(&self, vendor: &str, lifetime: Value) {
        self.configure(vendor, json!({"lifetime": lifetime}));
    }

    /// Sets how long tokens issued from now on are really honoured; `None` follows the lifetime.
    #[track_caller]
    pub fn set_valid_for_ms(&self, vendor: &str, milliseconds: Option<u64>) {
        self.configure(vendor, json!({"valid_for_ms": milliseconds}));
    }

    /// Puts a fault behind those already waiting.
    #[track_caller]
    pub fn fault(&self, fault: Fault) {
        sure(self.control.add_faults(vec![fault]));
    }

    /// Forgets the faults still to come.
    pub fn clear_faults(&self) {
        self.control.clear_faults();
    }

    /// Revokes one token and says whether it stood until now.
    #[track_caller]
    pub fn revoke(&self, vendor: &str, token: &str) -> bool {
        let revocation = Revocation::Token(token.to_owned());
        sure(self.control.revoke(vendor, &revocation)) > 0
    }

    /// Revokes the tokens of one level and says how many fell.
    #[track_caller]
    pub fn revoke_level(&self, vendor: &str, level: Level) -> usize {
        sure(self.control.revoke(vendor, &Revocation::Level(level)))
    }

    /// Revokes all of a vendor's tokens but refresh tokens, and says how many fell.
    #[track_caller]
    pub fn revoke_all(&self, vendor: &str) -> usize {
        sure(self.control.revoke(vendor, &Revocation::AccessTokens))
    }

    /// Ends the life of a vendor's access tokens now and says how many died.
    #[track_caller]
    pub fn expire(&self, vendor: &str) -> usize {
        sure(self.control.expire(vendor))
    }

    /// Presses Acquire's "Generate New Token" and answers with the new one.
    #[track_caller]
    pub fn regenerate(&self, vendor: &str) -> String {
        sure(self.control.regenerate(vendor))
    }

    /// Decides what the device that shows this user code meets from now on.
    #[track_caller]
    pub fn answer_device(&self, user_code: &str, answer: DeviceAnswer) {
        sure(self.control.answer_device("oauth2", user_code, answer));
    }

    /// Issues a PINK personal access token; an empty scope means the usual one.
    #[track_caller]
    pub fn issue_personal_access_token(&self, scope: &str) -> String {
        sure(self.control.issue_personal_access_token("pink", scope))
    }

    /// How many requests reached an endpoint, those that met a fault included.
    #[must_use]
    #[track_caller]
    pub fn count(&self, endpoint: &str) -> u64 {
        self.tally(endpoint).requests
    }

    /// How many requests an endpoint had under way at once, at most.
    #[must_use]
    #[track_caller]
    pub fn peak(&self, endpoint: &str) -> u64 {
        self.tally(endpoint).peak
    }

    /// How busy an endpoint has been.
    #[must_use]
    #[track_caller]
    pub fn tally(&self, endpoint: &str) -> Tally {
        sure(self.control.tally(endpoint))
    }

    /// How busy each endpoint has been; those never asked are left out.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, Tally> {
        self.control.counts()
    }

    /// The requests that reached an endpoint, oldest first.
    #[must_use]
    #[track_caller]
    pub fn requests(&self, endpoint: &str) -> Vec<Recorded> {
        sure(self.control.requests(endpoint))
    }

    /// The requests that reached any endpoint, oldest first.
    #[must_use]
    pub fn all_requests(&self) -> Vec<Recorded> {
        self.control.all_requests()
    }

    /// Back to the start: switches, tokens, codes, faults, counts and records.
    pub fn reset(&self) {
        self.control.reset();
    }
}

#[track_caller]
fn sure<T>(outcome: Result<T, ControlError>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}
