//! Acquired.com: a JSON login for a token of one hour.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{HeaderName, StatusCode};
use axum::routing::MethodFilter;
use serde_json::{Map, Value, json};

use super::{Route, Settings, Vendor};
use crate::answer::Answer;
use crate::behaviour::{Behaviour, ISSUING_SWITCHES};
use crate::call::Call;
use crate::desk::{Desk, Setup};
use crate::fixtures::{ACQUIRED_APP_ID, ACQUIRED_APP_KEY, ACQUIRED_OTHER_APP_ID, ACQUIRED_OTHER_APP_KEY};
use crate::ledger::{Level, Subject};

const NAME: &str = "acquired";
const LOGIN: &str = "/v1/login";
const CUSTOMERS: &str = "/v1/customers";
const PAYMENT_LINKS: &str = "/v1/payment-links";

const ACCOUNTS: [(&str, &str); 2] =
    [(ACQUIRED_APP_ID, ACQUIRED_APP_KEY), (ACQUIRED_OTHER_APP_ID, ACQUIRED_OTHER_APP_KEY)];

/// The payment service.
pub(crate) struct Acquired {
    base_url: String,
    desk: Mutex<Desk>,
}

impl Acquired {
    /// A service that knows the fixture accounts.
    pub(crate) fn new(origin: &str) -> Self {
        let mut switches = ISSUING_SWITCHES.to_vec();
        switches.push("allowlisted");
        let setup = Setup {
            vendor: NAME,
            // The documented sample token starts like a JWT; its claims are not documented by the
            // vendor.
            behaviour: Behaviour { token_claims: Some(Map::new()), ..Behaviour::default() },
            switches,
            unstated_validity: Some(Duration::from_secs(3600)),
            given: Vec::new(),
        };
        Self { base_url: format!("{origin}/{NAME}"), desk: Mutex::new(Desk::new(setup)) }
    }

    fn login(&self, call: &Call) -> Answer {
        let mut desk = self.at_desk();
        if !desk.behaviour.allowlisted {
            return forbidden(LOGIN);
        }
        let (app_id, app_key) = match credentials(call) {
            Ok(pair) => pair,
            Err(complaints) => return invalid(LOGIN, &complaints),
        };
        if !ACCOUNTS.contains(&(app_id.as_str(), app_key.as_str())) {
            return unauthorized(LOGIN);
        }
        let granted = desk.grant(Subject::new(Level::Access, &app_id), None);
        desk.answer(granted)
    }

    fn customers(&self, call: &Call) -> Answer {
        self.open(call, CUSTOMERS, || {
            let customer = json!({"customer_id": "c-1", "first_name": "Ada", "last_name": "Byron"});
            let meta = json!({"count": 1, "offset": 0, "limit": 25, "total": 1, "links": []});
            Answer::json(StatusCode::OK, &json!({"meta": meta, "data": [customer]}))
        })
    }

    fn payment_links(&self, call: &Call) -> Answer {
        self.open(call, PAYMENT_LINKS, || {
            let body = json!({"status": "success", "link_id": "l-1"});
            Answer::json(StatusCode::CREATED, &body)
        })
    }

    /// Checks the token, and on success echoes the headers that name a company and its account.
    fn open(&self, call: &Call, instance: &str, resource: impl Fn() -> Answer) -> Answer {
        let desk = self.at_desk();
        if !desk.behaviour.allowlisted {
            return forbidden(instance);
        }
        let token = call.bearer().unwrap_or_default();
        if desk.check(token).is_err() {
            return unauthorized(instance);
        }
        let mut answer = resource();
        for name in ["company-id", "mid"].map(HeaderName::from_static) {
            if let Some(value) = call.headers.get(&name) {
                answer = answer.with_header(name, value.clone());
            }
        }
        answer
    }
}

impl Vendor for Acquired {
    fn name(&self) -> &'static str {
        NAME
    }

    fn desk(&self) -> &Mutex<Desk> {
        &self.desk
    }

    fn routes(self: Arc<Self>) -> Vec<Route> {
        let (get, post) = (MethodFilter::GET, MethodFilter::POST);
        vec![
            Route::new(&self, "login", post, LOGIN, Self::login),
            // A published client of the vendor's adds the slash.
            Route::new(&self, "login", post, "/v1/login/", Self::login),
            Route::new(&self, "customers", get, CUSTOMERS, Self::customers),
            Route::new(&self, "payment_links", post, PAYMENT_LINKS, Self::payment_links),
        ]
    }

    fn settings(&self) -> Settings {
        Settings::from([("app_id", ACQUIRED_APP_ID.to_owned()), ("app_key", ACQUIRED_APP_KEY.to_owned())])
    }

    fn resource(&self) -> String {
        format!("{}{CUSTOMERS}", self.base_url)
    }
}

/// Both fields, or a complaint about each that is missing, empty or not a string. Their lengths
/// are not checked: the vendor's own example answers 401, not 400, to wrong ones.
fn credentials(call: &Call) -> Result<(String, String), Vec<Value>> {
    let body = call.json().unwrap_or_default();
    let field = |name: &str| {
        let text = body[name].as_str().unwrap_or_default();
        let complaint = json!({"parameter": name, "reason": "This field is required."});
        if text.is_empty() { Err(complaint) } else { Ok(text.to_owned()) }
    };
    match (field("app_id"), field("app_key")) {
        (Ok(app_id), Ok(app_key)) => Ok((app_id, app_key)),
        (app_id, app_key) => Err(app_id.err().into_iter().chain(app_key.err()).collect()),
    }
}

fn invalid(instance: &str, complaints: &[Value]) -> Answer {
    let title = "Your request parameters did not pass our validation.";
    let mut body = envelope("validation", title, instance);
    body["invalid_parameters"] = json!(complaints);
    Answer::json(StatusCode::BAD_REQUEST, &body)
}

fn unauthorized(instance: &str) -> Answer {
    let title = "Authentication with the API failed, please check your details and try again.";
    let body = envelope("unauthorized", title, instance);
    Answer::json(StatusCode::UNAUTHORIZED, &body)
}

// Not documented by the vendor: what a caller off the allowlist meets. It might be a 401.
fn forbidden(instance: &str) -> Answer {
    let title = "You do not have access to the requested resource, please check your details and try again.";
    let body = envelope("forbidden", title, instance);
    Answer::json(StatusCode::FORBIDDEN, &body)
}

fn envelope(error_type: &str, title: &str, instance: &str) -> Value {
    json!({"status": "error", "error_type": error_type, "title": title, "instance": instance})
}
