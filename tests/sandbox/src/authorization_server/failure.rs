//! OAuth errors as token and revocation endpoints answer them (RFC 6749 section 5.2).

use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::answer::Answer;

/// An error code and what it means here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Failure {
    pub(super) error: &'static str,
    pub(super) description: &'static str,
}

impl Failure {
    pub(super) const fn new(error: &'static str, description: &'static str) -> Self {
        Self { error, description }
    }

    pub(super) const fn request(description: &'static str) -> Self {
        Self::new("invalid_request", description)
    }

    pub(super) const fn client(description: &'static str) -> Self {
        Self::new("invalid_client", description)
    }

    pub(super) const fn grant(description: &'static str) -> Self {
        Self::new("invalid_grant", description)
    }
}

/// 401 with a challenge for a client that failed to authenticate, else 400.
impl From<Failure> for Answer {
    fn from(failure: Failure) -> Self {
        let body = json!({"error": failure.error, "error_description": failure.description});
        if failure.error == "invalid_client" {
            let challenge = HeaderValue::from_static("Basic realm=\"token\"");
            Answer::json(StatusCode::UNAUTHORIZED, &body).uncached().with_header(WWW_AUTHENTICATE, challenge)
        } else {
            Answer::json(StatusCode::BAD_REQUEST, &body).uncached()
        }
    }
}
