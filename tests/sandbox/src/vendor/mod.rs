//! The vendors, and what the control needs of each.

mod acquire;
mod acquired;
mod frederick;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::routing::MethodFilter;

pub(crate) use acquire::Acquire;
pub(crate) use acquired::Acquired;
pub(crate) use frederick::Frederick;

use crate::answer::Answer;
use crate::authorization_server::device::DeviceAnswer;
use crate::call::Call;
use crate::control::ControlError;
use crate::desk::Desk;

/// A vendor's tokenkeep settings by name.
pub(crate) type Settings = BTreeMap<&'static str, String>;

/// One emulated vendor.
pub(crate) trait Vendor: Send + Sync {
    /// The path prefix and the first half of endpoint names.
    fn name(&self) -> &'static str;

    /// The switches and the ledger.
    fn desk(&self) -> &Mutex<Desk>;

    /// What it answers to.
    fn routes(self: Arc<Self>) -> Vec<Route>;

    /// Settings with which a tokenkeep client gets tokens here.
    fn settings(&self) -> Settings;

    /// The full URL of a resource that a token opens with GET.
    fn resource(&self) -> String;

    /// A token that is given to the user, where the vendor has both ways.
    fn personal_access_token(&self) -> Option<&'static str> {
        None
    }

    /// Forgets what lies outside the desk.
    fn forget(&self) {}

    /// Presses "Generate New Token".
    fn regenerate(&self) -> Result<String, ControlError> {
        Err(ControlError::Unsupported(self.name()))
    }

    /// Decides what a device that waits for its person meets.
    fn answer_device(&self, _user_code: &str, _answer: DeviceAnswer) -> Result<(), ControlError> {
        Err(ControlError::Unsupported(self.name()))
    }

    /// Issues a personal access token.
    fn issue_personal_access_token(&self, _scope: &str) -> Result<String, ControlError> {
        Err(ControlError::Unsupported(self.name()))
    }

    /// The desk, locked.
    fn at_desk(&self) -> MutexGuard<'_, Desk> {
        self.desk().lock().expect("desk")
    }
}

/// One endpoint of a vendor.
pub(crate) struct Route {
    /// `vendor/endpoint`.
    pub(crate) endpoint: String,
    pub(crate) methods: MethodFilter,
    /// The whole path, in axum's notation.
    pub(crate) path: String,
    handler: Box<dyn Fn(&Call) -> Answer + Send + Sync>,
}

impl Route {
    /// An endpoint at a path under the vendor's prefix.
    pub(crate) fn new<V: Vendor + 'static, A: Into<Answer> + 'static>(
        vendor: &Arc<V>,
        endpoint: &str,
        methods: MethodFilter,
        path: &str,
        handler: fn(&V, &Call) -> A,
    ) -> Self {
        let name = vendor.name();
        let vendor = Arc::clone(vendor);
        Self {
            endpoint: format!("{name}/{endpoint}"),
            methods,
            path: format!("/{name}{path}"),
            handler: Box::new(move |call| handler(&vendor, call).into()),
        }
    }

    /// The same endpoint at a path of its own, outside the vendor's prefix.
    pub(crate) fn outside(mut self, path: String) -> Self {
        self.path = path;
        self
    }

    /// Lets the vendor answer.
    pub(crate) fn answer(&self, call: &Call) -> Answer {
        (self.handler)(call)
    }
}
