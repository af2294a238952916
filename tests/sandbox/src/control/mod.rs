//! Everything that can be done to a running sandbox.

pub(crate) mod http;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Map, Value, json};

use crate::authorization_server::AuthorizationServer;
use crate::authorization_server::device::DeviceAnswer;
use crate::fault::{Fault, FaultQueue};
use crate::journal::{Journal, Recorded, Tally};
use crate::ledger::Revocation;
use crate::vendor::{Acquire, Acquired, Frederick, Route, Vendor};

/// The state of a sandbox: its vendors, the faults to come and the record of what happened.
///
/// [`Sandbox`](crate::Sandbox) has the same operations for tests, which panic where these fail.
pub struct Control {
    url: String,
    vendors: Vec<Arc<dyn Vendor>>,
    endpoints: BTreeSet<String>,
    faults: Mutex<FaultQueue>,
    journal: Journal,
}

/// Why the control did not do as told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ControlError {
    /// No vendor has that name.
    UnknownVendor(String),
    /// No endpoint has that name; these exist.
    UnknownEndpoint(String, Vec<String>),
    /// That vendor has no such thing.
    Unsupported(&'static str),
    /// The order cannot be read.
    Invalid(String),
}

impl fmt::Display for ControlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownVendor(name) => write!(formatter, "no vendor {name:?}"),
            Self::UnknownEndpoint(name, known) => {
                write!(formatter, "no endpoint {name:?}; there are: {}", known.join(", "))
            }
            Self::Unsupported(vendor) => write!(formatter, "{vendor} has no such thing"),
            Self::Invalid(message) => formatter.write_str(message),
        }
    }
}

impl std::error::Error for ControlError {}

impl Control {
    /// The state of a fresh sandbox that is reached at the given origin.
    pub(crate) fn new(url: String) -> Self {
        let vendors: Vec<Arc<dyn Vendor>> = vec![
            Arc::new(Acquire::new(&url)),
            Arc::new(Acquired::new(&url)),
            Arc::new(Frederick::new(&url)),
            Arc::new(AuthorizationServer::pink(&url)),
            Arc::new(AuthorizationServer::oauth2(&url)),
        ];
        let mut control = Self {
            url,
            vendors,
            endpoints: BTreeSet::new(),
            faults: Mutex::default(),
            journal: Journal::new(),
        };
        let routes = control.routes();
        control.endpoints = routes.into_iter().map(|route| route.endpoint).collect();
        control
    }

    /// The origin of the sandbox, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The `base_url` of a vendor.
    pub fn base(&self, vendor: &str) -> Result<String, ControlError> {
        Ok(format!("{}/{}", self.url, self.vendor(vendor)?.name()))
    }

    /// The full URL of a resource that the vendor's token opens with GET.
    pub fn resource(&self, vendor: &str) -> Result<String, ControlError> {
        Ok(self.vendor(vendor)?.resource())
    }

    /// tokenkeep settings with which a client gets tokens from the vendor.
    pub fn settings(&self, vendor: &str) -> Result<BTreeMap<&'static str, String>, ControlError> {
        Ok(self.vendor(vendor)?.settings())
    }

    /// All that a client needs to know, as the binary prints it when it is ready.
    #[must_use]
    pub fn ready(&self) -> Value {
        let describe = |vendor: &Arc<dyn Vendor>| {
            let mut description = json!({
                "base_url": format!("{}/{}", self.url, vendor.name()),
                "resource": vendor.resource(),
                "settings": vendor.settings(),
            });
            if let Some(token) = vendor.personal_access_token() {
                description["personal_access_token"] = json!(token);
            }
            (vendor.name().to_owned(), description)
        };
        let vendors: Map<String, Value> = self.vendors.iter().map(describe).collect();
        json!({"url": self.url, "control": format!("{}/control", self.url), "vendors": vendors})
    }

    /// Sets switches of a vendor, all of the patch or nothing. An empty patch changes nothing.
    /// Answers with all switches that the vendor has.
    pub fn configure(
        &self,
        vendor: &str,
        patch: &Map<String, Value>,
    ) -> Result<Map<String, Value>, ControlError> {
        let mut desk = self.vendor(vendor)?.at_desk();
        desk.configure(patch)?;
        Ok(desk.switches())
    }

    /// Puts faults behind those already waiting, all of them or none.
    pub fn add_faults(&self, faults: Vec<Fault>) -> Result<(), ControlError> {
        faults.iter().try_for_each(|fault| self.check(fault))?;
        self.faults().extend(faults);
        Ok(())
    }

    /// Forgets the faults still to come. Requests that already met one are not helped.
    pub fn clear_faults(&self) {
        self.faults().clear();
    }

    /// Revokes tokens and says how many fell.
    pub fn revoke(&self, vendor: &str, revocation: &Revocation) -> Result<usize, ControlError> {
        Ok(self.vendor(vendor)?.at_desk().ledger.revoke(revocation))
    }

    /// Ends the life of a vendor's access tokens now and says how many died. Refresh tokens stay.
    pub fn expire(&self, vendor: &str) -> Result<usize, ControlError> {
        Ok(self.vendor(vendor)?.at_desk().ledger.expire())
    }

    /// Presses Acquire's "Generate New Token" and answers with the new one.
    pub fn regenerate(&self, vendor: &str) -> Result<String, ControlError> {
        self.vendor(vendor)?.regenerate()
    }

    /// Decides what the device that shows this user code meets from now on.
    pub fn answer_device(
        &self,
        vendor: &str,
        user_code: &str,
        answer: DeviceAnswer,
    ) -> Result<(), ControlError> {
        self.vendor(vendor)?.answer_device(user_code, answer)
    }

    /// Issues a personal access token; an empty scope means the vendor's usual one.
    pub fn issue_personal_access_token(&self, vendor: &str, scope: &str) -> Result<String, ControlError> {
        self.vendor(vendor)?.issue_personal_access_token(scope)
    }

    /// How busy each endpoint has been; those never asked are left out.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, Tally> {
        self.journal.tallies()
    }

    /// How busy one endpoint has been.
    pub fn tally(&self, endpoint: &str) -> Result<Tally, ControlError> {
        self.require_endpoint(endpoint)?;
        Ok(self.counts().remove(endpoint).unwrap_or_default())
    }

    /// The requests that reached one endpoint, oldest first.
    pub fn requests(&self, endpoint: &str) -> Result<Vec<Recorded>, ControlError> {
        self.require_endpoint(endpoint)?;
        Ok(self.journal.requests(Some(endpoint)))
    }

    /// The requests that reached any endpoint, oldest first.
    #[must_use]
    pub fn all_requests(&self) -> Vec<Recorded> {
        self.journal.requests(None)
    }

    /// Back to the start: switches, tokens, codes, faults, counts and records.
    pub fn reset(&self) {
        self.clear_faults();
        for vendor in &self.vendors {
            vendor.at_desk().reset();
            vendor.forget();
        }
        self.journal.clear();
    }

    /// All endpoints of all vendors.
    pub(crate) fn routes(&self) -> Vec<Route> {
        let routes = |vendor: &Arc<dyn Vendor>| Arc::clone(vendor).routes();
        self.vendors.iter().flat_map(routes).collect()
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The fault that strikes a request which has just arrived.
    pub(crate) fn take_fault(&self, endpoint: &str) -> Option<Fault> {
        self.faults().take(endpoint)
    }

    fn faults(&self) -> MutexGuard<'_, FaultQueue> {
        self.faults.lock().expect("faults")
    }

    fn vendor(&self, name: &str) -> Result<&dyn Vendor, ControlError> {
        let found = self.vendors.iter().find(|vendor| vendor.name() == name);
        found.map(AsRef::as_ref).ok_or_else(|| ControlError::UnknownVendor(name.to_owned()))
    }

    fn check(&self, fault: &Fault) -> Result<(), ControlError> {
        fault.check()?;
        let known = match fault.endpoint.strip_suffix("/*") {
            Some(vendor) => self.vendor(vendor).is_ok(),
            None => self.endpoints.contains(&fault.endpoint),
        };
        if known { Ok(()) } else { Err(self.unknown_endpoint(&fault.endpoint)) }
    }

    fn require_endpoint(&self, endpoint: &str) -> Result<(), ControlError> {
        if endpoint == crate::exchange::UNMATCHED || self.endpoints.contains(endpoint) {
            Ok(())
        } else {
            Err(self.unknown_endpoint(endpoint))
        }
    }

    fn unknown_endpoint(&self, endpoint: &str) -> ControlError {
        let known = self.endpoints.iter().cloned().collect();
        ControlError::UnknownEndpoint(endpoint.to_owned(), known)
    }
}
