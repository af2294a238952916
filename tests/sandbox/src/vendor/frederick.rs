//! Frederick: a user token buys a location token, and an API key goes with everything.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use axum::routing::MethodFilter;
use serde_json::json;

use super::{Route, Settings, Vendor};
use crate::answer::Answer;
use crate::behaviour::{Behaviour, ISSUING_SWITCHES};
use crate::call::Call;
use crate::desk::{Desk, Setup};
use crate::fixtures::{
    FREDERICK_API_KEY, FREDERICK_CLIENT_ID, FREDERICK_CLIENT_SECRET, FREDERICK_EMAIL, FREDERICK_LOCATION_ID,
    FREDERICK_PASSWORD,
};
use crate::ledger::{Level, Subject};

const NAME: &str = "frederick";
// Not documented by the vendor: the paths of both token calls, and that of the user's own resource
// (taken from its browser login).
const USER_TOKEN: &str = "/v1/user_access_token";
const LOCATION_TOKEN: &str = "/v1/locations/{location_id}/access_token";
const ME: &str = "/v1/users/me";
// The vendor documents resources under /locations/{location_id}.
const APPOINTMENTS: &str = "/v1/locations/{location_id}/appointments";

/// A marketing service for businesses that take appointments.
pub(crate) struct Frederick {
    base_url: String,
    desk: Mutex<Desk>,
}

impl Frederick {
    /// A service that knows the fixture owner, client and key.
    pub(crate) fn new(origin: &str) -> Self {
        let mut switches = ISSUING_SWITCHES.to_vec();
        switches.push("query_parameter");
        let setup = Setup {
            vendor: NAME,
            // Documented: the answers hold an access token and nothing else, and tokens do not
            // expire. Not documented by the vendor: the query parameter's name.
            behaviour: Behaviour {
                lifetime: json!({"absent": true}),
                token_type: None,
                ..Behaviour::default()
            },
            switches,
            unstated_validity: None,
            given: Vec::new(),
        };
        Self { base_url: format!("{origin}/{NAME}"), desk: Mutex::new(Desk::new(setup)) }
    }

    fn user_token(&self, call: &Call) -> Result<Answer, Refusal> {
        check_api_key(call)?;
        let owner = [
            ("email", FREDERICK_EMAIL),
            ("password", FREDERICK_PASSWORD),
            ("client_id", FREDERICK_CLIENT_ID),
            ("client_secret", FREDERICK_CLIENT_SECRET),
        ];
        check_fields(call, &owner)?;
        Ok(self.token_answer(Subject::new(Level::User, FREDERICK_EMAIL)))
    }

    fn location_token(&self, call: &Call) -> Result<Answer, Refusal> {
        check_api_key(call)?;
        self.check_token(call.bearer(), Level::User, FREDERICK_EMAIL)?;
        let client = [("client_id", FREDERICK_CLIENT_ID), ("client_secret", FREDERICK_CLIENT_SECRET)];
        check_fields(call, &client)?;
        let location_id = location(call)?;
        Ok(self.token_answer(Subject::new(Level::Location, location_id)))
    }

    fn appointments(&self, call: &Call) -> Result<Answer, Refusal> {
        check_api_key(call)?;
        let location_id = location(call)?;
        self.check_placed_token(call, Level::Location, location_id)?;
        let body = json!({"location_id": location_id, "appointments": [{"id": "a-1"}]});
        Ok(Answer::json(StatusCode::OK, &body))
    }

    fn me(&self, call: &Call) -> Result<Answer, Refusal> {
        check_api_key(call)?;
        self.check_placed_token(call, Level::User, FREDERICK_EMAIL)?;
        let body = json!({"id": "u-1", "email": FREDERICK_EMAIL, "first_name": "Frederick"});
        Ok(Answer::json(StatusCode::OK, &body))
    }

    fn token_answer(&self, subject: Subject) -> Answer {
        let mut desk = self.at_desk();
        let granted = desk.grant(subject, None);
        desk.answer(granted)
    }

    /// Checks the token of a resource call, which may stand in the query instead of the header.
    fn check_placed_token(&self, call: &Call, level: Level, holder: &str) -> Result<(), Refusal> {
        let in_query = call.query_value(&self.at_desk().behaviour.query_parameter);
        self.check_token(call.bearer().or(in_query.as_deref()), level, holder)
    }

    fn check_token(&self, token: Option<&str>, level: Level, holder: &str) -> Result<(), Refusal> {
        let desk = self.at_desk();
        let entry = token.and_then(|token| desk.check(token).ok());
        let fits = |subject: &Subject| subject.level == level && subject.holder == holder;
        if entry.is_some_and(|entry| fits(&entry.subject)) { Ok(()) } else { Err(Refusal::Unauthorized) }
    }
}

impl Vendor for Frederick {
    fn name(&self) -> &'static str {
        NAME
    }

    fn desk(&self) -> &Mutex<Desk> {
        &self.desk
    }

    fn routes(self: Arc<Self>) -> Vec<Route> {
        let (get, post) = (MethodFilter::GET, MethodFilter::POST);
        vec![
            Route::new(&self, "user_token", post, USER_TOKEN, Self::user_token),
            Route::new(&self, "location_token", post, LOCATION_TOKEN, Self::location_token),
            Route::new(&self, "appointments", get, APPOINTMENTS, Self::appointments),
            Route::new(&self, "me", get, ME, Self::me),
        ]
    }

    fn settings(&self) -> Settings {
        Settings::from([
            ("api_key", FREDERICK_API_KEY.to_owned()),
            ("client_id", FREDERICK_CLIENT_ID.to_owned()),
            ("client_secret", FREDERICK_CLIENT_SECRET.to_owned()),
            ("email", FREDERICK_EMAIL.to_owned()),
            ("password", FREDERICK_PASSWORD.to_owned()),
            ("location_id", FREDERICK_LOCATION_ID.to_owned()),
            ("user_token_url", format!("{}{USER_TOKEN}", self.base_url)),
            ("location_token_url", format!("{}{LOCATION_TOKEN}", self.base_url)),
        ])
    }

    fn resource(&self) -> String {
        let path = APPOINTMENTS.replace("{location_id}", FREDERICK_LOCATION_ID);
        format!("{}{path}", self.base_url)
    }
}

/// Why a request is refused.
enum Refusal {
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
}

// Not documented by the vendor: the bodies of all errors of its first API generation.
impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let (status, message) = match refusal {
            Refusal::BadRequest => (StatusCode::BAD_REQUEST, "Bad Request"),
            Refusal::Unauthorized => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            Refusal::Forbidden => (StatusCode::FORBIDDEN, "Forbidden"),
            Refusal::NotFound => (StatusCode::NOT_FOUND, "Not Found"),
        };
        Answer::json(status, &json!({"message": message}))
    }
}

// Not documented by the vendor: the answer to a bad API key. A key in x-api-key suggests AWS API
// Gateway, which answers so.
fn check_api_key(call: &Call) -> Result<(), Refusal> {
    if call.header("x-api-key") == Some(FREDERICK_API_KEY) { Ok(()) } else { Err(Refusal::Forbidden) }
}

// Not documented by the vendor: the answers to missing and to wrong fields.
fn check_fields(call: &Call, expected: &[(&str, &str)]) -> Result<(), Refusal> {
    let body = call.json().unwrap_or_default();
    if expected.iter().any(|(name, _)| !body[name].is_string()) {
        return Err(Refusal::BadRequest);
    }
    if expected.iter().any(|(name, value)| body[name] != *value) {
        return Err(Refusal::Unauthorized);
    }
    Ok(())
}

/// The location in the path. The vendor's examples are UUIDs; anything of that alphabet will do
/// here, and those that start with eight zeros do not exist.
fn location(call: &Call) -> Result<&str, Refusal> {
    let id = call.path_parameter("location_id").unwrap_or_default();
    let plausible = (1..=64).contains(&id.len())
        && id.chars().all(|character| character.is_ascii_alphanumeric() || character == '-')
        && !id.starts_with("00000000-");
    // Not documented by the vendor: the answer to an unknown location.
    plausible.then_some(id).ok_or(Refusal::NotFound)
}
