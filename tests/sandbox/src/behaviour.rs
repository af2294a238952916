//! A vendor's switches.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::control::ControlError;

/// A number of seconds beyond this says nothing about when a token should end.
const LONGEST_SANE_SECONDS: f64 = 1e9;

/// How a vendor behaves. Each vendor has its own defaults, and only the switches that mean
/// something to it can be set.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// The raw `expires_in` of token answers; `{"absent": true}` leaves the member out.
    pub lifetime: Value,
    /// How long a token is really honoured. Unset, it follows `lifetime` where that is a number
    /// from 0 to 1e9 (in a string, too), and else the vendor's own default.
    pub valid_for_ms: Option<u64>,
    /// The `token_type` of token answers; null leaves the member out.
    pub token_type: Option<String>,
    /// Claims of the tokens, which then look like JWTs; null makes them opaque.
    pub token_claims: Option<Map<String, Value>>,
    /// Members merged into token answers, over the true ones.
    pub answer_extra: Map<String, Value>,
    /// Answers with the token given out last, as long as it lives.
    pub same_token: bool,
    /// Every resource call meets the answer for a bad token.
    pub reject_all_tokens: bool,
    /// Acquired.com: the caller's address is on the allowlist.
    pub allowlisted: bool,
    /// Acquire: a newly generated token ends the one before.
    pub regenerate_revokes: bool,
    /// Frederick: the query parameter that may carry the token.
    pub query_parameter: String,
    /// OAuth: each refresh gives a new refresh token and spends the old.
    pub rotate_refresh: bool,
    /// OAuth: a spent refresh token revokes all tokens that came of the same consent.
    pub reuse_revokes: bool,
    /// OAuth: a code buys a refresh token too.
    pub issue_refresh_token: bool,
    /// OAuth: redirects name the issuer (RFC 9207).
    pub iss_in_redirect: bool,
    /// OAuth: the issuer named in redirects, where it is to be a false one.
    pub redirect_iss: Option<String>,
    /// OAuth: authorization requests without PKCE are refused.
    pub require_pkce: bool,
    /// OAuth: the user says no.
    pub deny_consent: bool,
    /// OAuth: the raw `interval` of device answers; `{"absent": true}` leaves it out.
    pub device_interval: Value,
    /// OAuth: the raw `expires_in` of device answers, likewise.
    pub device_expires_in: Value,
    /// OAuth: device answers have `verification_uri_complete`.
    pub device_complete: bool,
    /// OAuth: how Basic credentials are to be encoded.
    pub basic_encoding: BasicEncoding,
    /// OAuth: the only audience that client assertions may have; null takes the issuer and the token endpoint.
    pub assertion_audience: Option<String>,
    /// OAuth: members merged into the metadata, over the true ones; null leaves a member out.
    pub metadata: Map<String, Value>,
}

/// How a client's id and secret are written before they become Basic credentials.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BasicEncoding {
    /// Each is form-encoded first, as RFC 6749 section 2.3.1 has it.
    Form,
    /// As they are, as many servers have it.
    Raw,
}

/// The switches of every vendor that issues tokens on request.
pub(crate) const ISSUING_SWITCHES: [&str; 7] = [
    "lifetime",
    "valid_for_ms",
    "token_type",
    "token_claims",
    "answer_extra",
    "same_token",
    "reject_all_tokens",
];

impl Behaviour {
    /// Merges a patch, all of it or nothing.
    pub(crate) fn patch(&self, patch: &Map<String, Value>, switches: &[&str]) -> Result<Self, ControlError> {
        if let Some(stray) = patch.keys().find(|key| !switches.contains(&key.as_str())) {
            let known = switches.join(", ");
            let message = format!("no switch {stray:?} at this vendor; it has: {known}");
            return Err(ControlError::Invalid(message));
        }
        let mut merged = self.to_json();
        merged.extend(patch.clone());
        serde_json::from_value(Value::Object(merged))
            .map_err(|error| ControlError::Invalid(error.to_string()))
    }

    /// The switches by name.
    pub(crate) fn to_json(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(members)) => members,
            other => unreachable!("a struct becomes an object, not {other:?}"),
        }
    }

    /// How long a token issued now is honoured; `unstated` where the lifetime does not say.
    pub(crate) fn validity(&self, unstated: Option<Duration>) -> Option<Duration> {
        match self.valid_for_ms {
            Some(milliseconds) => Some(Duration::from_millis(milliseconds)),
            None => sane_seconds(&self.lifetime).or(unstated),
        }
    }

    /// The members that describe an access token to the client.
    pub(crate) fn token_answer(&self, access_token: &str) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert("access_token".to_owned(), json!(access_token));
        if let Some(token_type) = &self.token_type {
            members.insert("token_type".to_owned(), json!(token_type));
        }
        if self.lifetime != json!({"absent": true}) {
            members.insert("expires_in".to_owned(), self.lifetime.clone());
        }
        members
    }
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            lifetime: json!(3600),
            valid_for_ms: None,
            token_type: Some("Bearer".to_owned()),
            token_claims: None,
            answer_extra: Map::new(),
            same_token: false,
            reject_all_tokens: false,
            allowlisted: true,
            regenerate_revokes: true,
            query_parameter: "access_token".to_owned(),
            rotate_refresh: true,
            reuse_revokes: true,
            issue_refresh_token: true,
            iss_in_redirect: true,
            redirect_iss: None,
            require_pkce: true,
            deny_consent: false,
            device_interval: json!(1),
            device_expires_in: json!(600),
            device_complete: true,
            basic_encoding: BasicEncoding::Form,
            assertion_audience: None,
            metadata: Map::new(),
        }
    }
}

pub(crate) fn sane_seconds(lifetime: &Value) -> Option<Duration> {
    let seconds = match lifetime {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    (0.0..=LONGEST_SANE_SECONDS).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}
