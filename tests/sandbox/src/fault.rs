//! Faults: what an endpoint does wrong, and how often.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::control::ControlError;

/// One thing that an endpoint does wrong.
///
/// A fault with a `status`, a `redirect`, a `hang` or a [`Body`] of its own stands in for the
/// endpoint, which then never sees the request. With only a delay, headers, padding or a cut the
/// request takes effect and its answer suffers. `processed` overrules either.
///
/// ```
/// use tokenkeep_sandbox::{Cut, Fault};
///
/// let lost_answer = Fault { cut: Some(Cut::BeforeAnswer), ..Fault::on("pink/token") };
/// let two_outages = Fault { status: Some(503), times: 2, ..Fault::on("acquired/*") };
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// `vendor/endpoint`, or `vendor/*` for each of a vendor's endpoints.
    pub endpoint: String,
    /// How many requests it strikes; 0 means every one until the faults are cleared.
    pub times: u32,
    /// How many requests it lets pass first.
    pub skip: u32,
    /// Holds the answer back for this long. The request takes effect before the wait.
    pub delay_ms: u64,
    /// The status to answer with.
    pub status: Option<u16>,
    /// Headers added to the answer, such as `Retry-After`.
    pub headers: BTreeMap<String, String>,
    /// The content type to claim, whatever the body is.
    pub content_type: Option<String>,
    /// The body to answer with.
    pub body: Option<Body>,
    /// Redirects there, with 302 unless `status` says otherwise.
    pub redirect: Option<String>,
    /// Accepts the request and never answers.
    pub hang: bool,
    /// Closes the connection before the answer is complete.
    pub cut: Option<Cut>,
    /// Whether the request takes effect, where the default will not do.
    pub processed: Option<bool>,
}

/// The body of a faulty answer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// Bytes that are not JSON, though the content type says so.
    Garbage,
    /// Nothing at all.
    Empty,
    /// A web page, with 200 unless a status is given.
    Html,
    /// This text.
    Text(String),
    /// This JSON.
    Json(Value),
    /// The true answer, padded with one more member to this many bytes.
    Huge(usize),
    /// The true answer with one more member: arrays nested this deep.
    Deep(usize),
}

/// Where the connection is closed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// After the request took effect, before the first byte of the answer.
    BeforeAnswer,
    /// In the middle of the answer's headers.
    MidHeaders,
    /// In the middle of the answer's body.
    MidBody,
}

impl Fault {
    /// A fault on `vendor/endpoint` or `vendor/*` that strikes once and, so far, does nothing.
    #[must_use]
    pub fn on(endpoint: &str) -> Self {
        Self { endpoint: endpoint.to_owned(), ..Self::default() }
    }

    /// Whether the endpoint handles the request at all.
    pub(crate) fn is_processed(&self) -> bool {
        self.processed.unwrap_or_else(|| !self.stands_in())
    }

    fn stands_in(&self) -> bool {
        let keeps_body = matches!(self.body, None | Some(Body::Huge(_) | Body::Deep(_)));
        !keeps_body || self.hang || self.status.is_some() || self.redirect.is_some()
    }

    /// How long the answer is held back.
    pub(crate) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }

    /// Turns the endpoint's answer, where it gave one, into the faulty one.
    pub(crate) fn reshape(&self, answer: Option<Answer>) -> Answer {
        let stand_in = || Answer::json(StatusCode::OK, &json!({"message": "injected fault"}));
        let mut answer = answer.unwrap_or_else(stand_in);
        if let Some(body) = &self.body {
            answer = body.replace(answer);
        }
        if let Some(location) = self.redirect.as_deref().and_then(header_value) {
            answer.status = StatusCode::FOUND;
            answer.headers.insert(LOCATION, location);
        }
        if let Some(status) = self.status.and_then(status_code) {
            answer.status = status;
        }
        if let Some(content_type) = self.content_type.as_deref().and_then(header_value) {
            answer.headers.insert(CONTENT_TYPE, content_type);
        }
        for (name, value) in &self.headers {
            if let (Some(name), Some(value)) = (header_name(name), header_value(value)) {
                answer.headers.insert(name, value);
            }
        }
        answer
    }

    /// Refuses a fault that could not be sent over HTTP.
    pub(crate) fn check(&self) -> Result<(), ControlError> {
        let refuse = |what: &str| Err(ControlError::Invalid(what.to_owned()));
        if self.status.is_some_and(|code| status_code(code).is_none()) {
            return refuse("status is not between 200 and 999");
        }
        if self.headers.keys().any(|name| header_name(name).is_none()) {
            return refuse("a header name holds characters that HTTP forbids");
        }
        let mut values = self.headers.values().chain(&self.content_type).chain(&self.redirect);
        if values.any(|value| header_value(value).is_none()) {
            return refuse("a header value holds characters that HTTP forbids");
        }
        Ok(())
    }

    fn matches(&self, endpoint: &str) -> bool {
        match self.endpoint.strip_suffix('*') {
            Some(vendor) => endpoint.starts_with(vendor),
            None => self.endpoint == endpoint,
        }
    }
}

impl Default for Fault {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            times: 1,
            skip: 0,
            delay_ms: 0,
            status: None,
            headers: BTreeMap::new(),
            content_type: None,
            body: None,
            redirect: None,
            hang: false,
            cut: None,
            processed: None,
        }
    }
}

impl Body {
    fn replace(&self, answer: Answer) -> Answer {
        const JSON: &str = "application/json";
        match self {
            Self::Garbage => answer.with_body(JSON, "{\"access_token\": \"\u{fffd}\0 not json"),
            Self::Empty => answer.with_body(JSON, ""),
            Self::Html => answer.with_body(
                "text/html; charset=utf-8",
                "<!DOCTYPE html><html><body><h1>It works!</h1></body></html>",
            ),
            Self::Text(text) => answer.with_body("text/plain; charset=utf-8", text.as_str()),
            Self::Json(value) => answer.with_body(JSON, value.to_string()),
            Self::Huge(length) => {
                let bare = with_member(&answer.body, "padding", "\"\"").len();
                let padding = "x".repeat(length.saturating_sub(bare));
                let body = with_member(&answer.body, "padding", &format!("\"{padding}\""));
                answer.with_body(JSON, body)
            }
            Self::Deep(depth) => {
                let nested = "[".repeat(*depth) + &"]".repeat(*depth);
                let body = with_member(&answer.body, "nested", &nested);
                answer.with_body(JSON, body)
            }
        }
    }
}

/// Adds a member to the text of a JSON object; text, because a parsed value nested a million deep
/// overflows the stack when it is dropped.
fn with_member(object: &[u8], name: &str, value: &str) -> Vec<u8> {
    let open = object.trim_ascii_end().strip_suffix(b"}").unwrap_or(b"{");
    let comma = if open.trim_ascii() == b"{" { "" } else { "," };
    [open, format!("{comma}\"{name}\":{value}}}").as_bytes()].concat()
}

/// Interim answers (1xx) cannot be given as final ones.
fn status_code(code: u16) -> Option<StatusCode> {
    StatusCode::from_u16(code).ok().filter(|status| !status.is_informational())
}

fn header_name(name: &str) -> Option<HeaderName> {
    name.parse().ok()
}

fn header_value(value: &str) -> Option<HeaderValue> {
    value.parse().ok()
}

/// The faults still to come, in the order in which they were asked for.
#[derive(Debug, Default)]
pub(crate) struct FaultQueue {
    faults: Vec<Fault>,
}

impl FaultQueue {
    /// Puts faults behind those already waiting.
    pub(crate) fn extend(&mut self, faults: Vec<Fault>) {
        self.faults.extend(faults);
    }

    /// Forgets all faults.
    pub(crate) fn clear(&mut self) {
        self.faults.clear();
    }

    /// The fault that strikes this request: the first that matches and has nothing left to skip.
    pub(crate) fn take(&mut self, endpoint: &str) -> Option<Fault> {
        let due = self.faults.iter_mut().position(|fault| {
            let matches = fault.matches(endpoint);
            let skips = matches && fault.skip > 0;
            fault.skip -= u32::from(skips);
            matches && !skips
        })?;
        match self.faults[due].times {
            0 => Some(self.faults[due].clone()),
            1 => Some(self.faults.remove(due)),
            _ => {
                self.faults[due].times -= 1;
                Some(self.faults[due].clone())
            }
        }
    }
}
