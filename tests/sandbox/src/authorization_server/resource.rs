//! Protected resources and their challenges (RFC 6750 section 3).

use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};
use serde_json::json;

use super::AuthorizationServer;
use crate::answer::Answer;
use crate::call::Call;
use crate::ledger::{Flaw, Level};
use crate::vendor::Vendor;

/// Why a resource stays closed.
pub(super) struct Challenge {
    status: StatusCode,
    /// None for a request that brought no credentials.
    error: Option<&'static str>,
    description: &'static str,
    /// The scope that would open it.
    scope: Option<&'static str>,
}

impl Challenge {
    const MISSING: Self = Self::new(StatusCode::UNAUTHORIZED, None, "");
    const TWICE: Self =
        Self::new(StatusCode::BAD_REQUEST, Some("invalid_request"), "the token is sent in two ways at once");

    const fn new(status: StatusCode, error: Option<&'static str>, description: &'static str) -> Self {
        Self { status, error, description, scope: None }
    }

    fn flawed(flaw: Flaw) -> Self {
        let description = match flaw {
            Flaw::Unknown => "the token is not known",
            Flaw::Expired => "the token has expired",
            Flaw::Spent | Flaw::Revoked => "the token is revoked",
        };
        Self::new(StatusCode::UNAUTHORIZED, Some("invalid_token"), description)
    }

    fn insufficient(scope: &'static str) -> Self {
        let description = "the token does not reach that far";
        Self {
            scope: Some(scope),
            ..Self::new(StatusCode::FORBIDDEN, Some("insufficient_scope"), description)
        }
    }
}

impl From<Challenge> for Answer {
    fn from(challenge: Challenge) -> Self {
        let mut header = "Bearer realm=\"sandbox\"".to_owned();
        let mut body = json!({});
        if let Some(error) = challenge.error {
            let description = challenge.description;
            header += &format!(", error=\"{error}\", error_description=\"{description}\"");
            body = json!({"error": error, "error_description": description});
        }
        if let Some(scope) = challenge.scope {
            header += &format!(", scope=\"{scope}\"");
        }
        let header = HeaderValue::try_from(header).expect("the texts of this file are plain");
        Answer::json(challenge.status, &body).with_header(WWW_AUTHENTICATE, header)
    }
}

impl AuthorizationServer {
    /// A resource for every token.
    pub(super) fn open_resource(&self, call: &Call) -> Result<Answer, Challenge> {
        self.resource_for(call, None)
    }

    /// A resource for tokens with the scope `admin`.
    pub(super) fn admin_resource(&self, call: &Call) -> Result<Answer, Challenge> {
        self.resource_for(call, Some("admin"))
    }

    /// Shows whom the token speaks for, and about what.
    fn resource_for(&self, call: &Call, scope: Option<&'static str>) -> Result<Answer, Challenge> {
        let token = call.bearer().ok_or(Challenge::MISSING)?;
        if call.query_value("access_token").is_some() {
            return Err(Challenge::TWICE);
        }
        let desk = self.at_desk();
        let entry = desk.check(token).map_err(Challenge::flawed)?;
        let subject = &entry.subject;
        if subject.level != Level::Access {
            return Err(Challenge::flawed(Flaw::Unknown));
        }
        let reaches = |wanted: &str| subject.scope.split(' ').any(|held| held == wanted);
        if let Some(wanted) = scope.filter(|&wanted| !reaches(wanted)) {
            return Err(Challenge::insufficient(wanted));
        }
        let mut body = json!({
            "subject": subject.holder,
            "scope": subject.scope,
            "audience": subject.audience,
            "resource": subject.resource,
        });
        if let Some(person) = &subject.person {
            body["person"] = json!(person);
        }
        Ok(Answer::json(StatusCode::OK, &body))
    }
}
