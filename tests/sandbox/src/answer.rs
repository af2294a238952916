//! An HTTP answer before it is sent.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// Status, headers and body; small enough to be held whole, so that a fault can reshape it.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// An answer without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Vec::new() }
    }

    /// An answer with a JSON body.
    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Self::empty(status).with_body("application/json", body.to_string())
    }

    /// Replaces the body and its content type.
    pub(crate) fn with_body(self, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let mut answer = self.with_header(CONTENT_TYPE, HeaderValue::from_static(content_type));
        answer.body = body.into();
        answer
    }

    /// Sets one header, replacing an earlier one of that name.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Forbids caches to keep the answer, as RFC 6749 asks of every answer that holds a token.
    pub(crate) fn uncached(self) -> Self {
        self.with_header(CACHE_CONTROL, HeaderValue::from_static("no-store"))
            .with_header(PRAGMA, HeaderValue::from_static("no-cache"))
    }
}

/// A handler may return a refusal as an error, whatever its vendor's refusals look like.
impl<Refusal: Into<Answer>> From<Result<Answer, Refusal>> for Answer {
    fn from(outcome: Result<Answer, Refusal>) -> Self {
        outcome.unwrap_or_else(Into::into)
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
