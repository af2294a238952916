//! The control over HTTP: JSON in, JSON out, each handler one call of [`Control`].

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{Control, ControlError};
use crate::answer::Answer;
use crate::authorization_server::device::DeviceAnswer;
use crate::fault::Fault;
use crate::ledger::{Level, Revocation};

type Outcome = Result<Value, ControlError>;
type Shared = State<Arc<Control>>;

/// The routes under `/control`.
pub(crate) fn router() -> Router<Arc<Control>> {
    Router::new()
        .route("/control/reset", post(reset))
        .route("/control/faults", post(add_faults).delete(clear_faults))
        .route("/control/counts", get(counts))
        .route("/control/requests", get(requests))
        .route("/control/vendors/{vendor}", post(configure))
        .route("/control/vendors/{vendor}/revoke", post(revoke))
        .route("/control/vendors/{vendor}/expire", post(expire))
        .route("/control/vendors/{vendor}/regenerate", post(regenerate))
        .route("/control/vendors/{vendor}/device", post(answer_device))
        .route("/control/vendors/{vendor}/personal_access_tokens", post(issue_personal_access_token))
}

async fn reset(State(control): Shared) -> Response {
    control.reset();
    answer(Ok(json!({})))
}

async fn configure(State(control): Shared, Path(vendor): Path<String>, body: Bytes) -> Response {
    let switches = read::<Map<String, Value>>(&body).and_then(|patch| control.configure(&vendor, &patch));
    answer(switches.map(Value::Object))
}

async fn add_faults(State(control): Shared, body: Bytes) -> Response {
    let added = read_one_or_many::<Fault>(&body).and_then(|faults| {
        let count = faults.len();
        control.add_faults(faults).map(|()| json!({"added": count}))
    });
    answer(added)
}

async fn clear_faults(State(control): Shared) -> Response {
    control.clear_faults();
    answer(Ok(json!({})))
}

async fn revoke(State(control): Shared, Path(vendor): Path<String>, body: Bytes) -> Response {
    let revoked = read::<Selection>(&body)
        .and_then(Selection::into_revocation)
        .and_then(|revocation| control.revoke(&vendor, &revocation));
    answer(revoked.map(|count| json!({"revoked": count})))
}

async fn expire(State(control): Shared, Path(vendor): Path<String>) -> Response {
    let expired = control.expire(&vendor);
    answer(expired.map(|count| json!({"expired": count})))
}

async fn regenerate(State(control): Shared, Path(vendor): Path<String>) -> Response {
    let token = control.regenerate(&vendor);
    answer(token.map(|token| json!({"access_token": token})))
}

async fn answer_device(State(control): Shared, Path(vendor): Path<String>, body: Bytes) -> Response {
    let decided = read::<Decision>(&body)
        .and_then(|decision| control.answer_device(&vendor, &decision.user_code, decision.answer));
    answer(decided.map(|()| json!({})))
}

async fn issue_personal_access_token(
    State(control): Shared,
    Path(vendor): Path<String>,
    body: Bytes,
) -> Response {
    let token =
        read::<Wish>(&body).and_then(|wish| control.issue_personal_access_token(&vendor, &wish.scope));
    answer(token.map(|token| json!({"personal_access_token": token})))
}

async fn counts(State(control): Shared) -> Response {
    answer(Ok(json!(control.counts())))
}

async fn requests(State(control): Shared, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let endpoint = pairs.find(|(name, _)| name == "endpoint");
    let requests = match endpoint {
        Some((_, endpoint)) => control.requests(&endpoint),
        None => Ok(control.all_requests()),
    };
    answer(requests.map(|requests| json!(requests)))
}

/// The body of a revocation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Selection {
    token: Option<String>,
    level: Option<Value>,
}

/// The body of a person's decision about a device.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    user_code: String,
    answer: DeviceAnswer,
}

/// The body of a request for a personal access token.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    #[serde(default)]
    scope: String,
}

impl Selection {
    fn into_revocation(self) -> Result<Revocation, ControlError> {
        match (self.token, self.level) {
            (None, None) => Ok(Revocation::AccessTokens),
            (Some(token), None) => Ok(Revocation::Token(token)),
            (None, Some(level)) if level == "all" => Ok(Revocation::All),
            (None, Some(level)) => serde_json::from_value::<Level>(level)
                .map(Revocation::Level)
                .map_err(|error| ControlError::Invalid(error.to_string())),
            (Some(_), Some(_)) => {
                let message = "name a token or a level, not both";
                Err(ControlError::Invalid(message.to_owned()))
            }
        }
    }
}

/// Reads a JSON body; none at all counts as `{}`.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, ControlError> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| ControlError::Invalid(error.to_string()))
}

/// Reads a JSON array, or one value as an array of one.
fn read_one_or_many<T: DeserializeOwned>(body: &Bytes) -> Result<Vec<T>, ControlError> {
    let list = match read(body)? {
        list @ Value::Array(_) => list,
        one => json!([one]),
    };
    serde_json::from_value(list).map_err(|error| ControlError::Invalid(error.to_string()))
}

fn answer(outcome: Outcome) -> Response {
    let answer = match outcome {
        Ok(body) => Answer::json(StatusCode::OK, &body),
        Err(error) => Answer::json(status(&error), &json!({"error": error.to_string()})),
    };
    answer.into_response()
}

fn status(error: &ControlError) -> StatusCode {
    match error {
        ControlError::UnknownVendor(_) => StatusCode::NOT_FOUND,
        ControlError::UnknownEndpoint(..) | ControlError::Unsupported(_) | ControlError::Invalid(_) => {
            StatusCode::BAD_REQUEST
        }
    }
}
