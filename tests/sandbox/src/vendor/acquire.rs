//! Acquire.io: one workspace token, copied from the dashboard.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use axum::routing::MethodFilter;
use serde_json::{Value, json};

use super::{Route, Settings, Vendor};
use crate::answer::Answer;
use crate::behaviour::Behaviour;
use crate::call::Call;
use crate::control::ControlError;
use crate::desk::{Desk, Setup};
use crate::fixtures::ACQUIRE_ACCESS_TOKEN;
use crate::ledger::{Level, Revocation, Subject};

const NAME: &str = "acquire";
const LEADS: &str = "/profile/lead/list";

/// The workspace and its token.
pub(crate) struct Acquire {
    base_url: String,
    desk: Mutex<Desk>,
}

impl Acquire {
    /// A workspace whose token is the fixture.
    pub(crate) fn new(origin: &str) -> Self {
        let setup = Setup {
            vendor: NAME,
            behaviour: Behaviour::default(),
            switches: vec!["regenerate_revokes", "reject_all_tokens"],
            unstated_validity: None,
            given: vec![(ACQUIRE_ACCESS_TOKEN.to_owned(), workspace())],
        };
        Self { base_url: format!("{origin}/{NAME}"), desk: Mutex::new(Desk::new(setup)) }
    }

    fn leads(&self, call: &Call) -> Answer {
        let Some(token) = call.bearer() else {
            return unauthorized(missing_token_advice(call));
        };
        if self.at_desk().check(token).is_err() {
            return unauthorized("The API token is not valid.");
        }
        let leads = json!([{"id": 1, "name": "Ada", "email": "ada@example.com"}]);
        envelope(StatusCode::OK, true, &Value::Null, &leads)
    }
}

impl Vendor for Acquire {
    fn name(&self) -> &'static str {
        NAME
    }

    fn desk(&self) -> &Mutex<Desk> {
        &self.desk
    }

    fn routes(self: Arc<Self>) -> Vec<Route> {
        // The vendor's sample posts; GET is the sandbox's own addition, for simple clients.
        let methods = MethodFilter::GET.or(MethodFilter::POST);
        vec![Route::new(&self, "leads", methods, LEADS, Self::leads)]
    }

    fn settings(&self) -> Settings {
        Settings::from([("access_token", ACQUIRE_ACCESS_TOKEN.to_owned())])
    }

    fn resource(&self) -> String {
        format!("{}{LEADS}", self.base_url)
    }

    // Not documented by the vendor: whether a new token ends the old one. The dashboard shows one
    // token a workspace, so by default it does.
    fn regenerate(&self) -> Result<String, ControlError> {
        let mut desk = self.at_desk();
        if desk.behaviour.regenerate_revokes {
            desk.ledger.revoke(&Revocation::All);
        }
        Ok(desk.issue_lasting(workspace(), None))
    }
}

fn workspace() -> Subject {
    Subject::new(Level::Access, "workspace")
}

/// The vendor's prose speaks of an "auth_token parameter", but all its samples send a bearer token.
fn missing_token_advice(call: &Call) -> &'static str {
    let literal = call.header("auth_token").is_some()
        || call.query_value("auth_token").is_some()
        || call.form().iter().any(|(name, _)| name == "auth_token");
    if literal {
        "auth_token is not a parameter of its own: send the token as Authorization: Bearer."
    } else {
        "Send the API token as Authorization: Bearer."
    }
}

// Not documented by the vendor: the body of a 401. This one follows its success envelope and the
// typed errors of its second API generation.
fn unauthorized(message: &str) -> Answer {
    let error = json!({"type": "ERROR_UNAUTHORIZED", "message": message});
    envelope(StatusCode::UNAUTHORIZED, false, &error, &Value::Null)
}

fn envelope(status: StatusCode, success: bool, error: &Value, data: &Value) -> Answer {
    let body = json!({"success": success, "error": error, "data": data});
    Answer::json(status, &body)
}
