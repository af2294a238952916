//! The parameters of an OAuth request.

use axum::http::header::CONTENT_TYPE;

use super::failure::Failure;
use crate::call::Call;

/// The only parameters that may be given more than once (RFC 8693, RFC 8707).
const REPEATABLE: [&str; 2] = ["audience", "resource"];

/// Decoded parameters; an empty value counts as absent (RFC 6749 section 3.1).
#[derive(Clone, Debug)]
pub(super) struct Parameters {
    pairs: Vec<(String, String)>,
}

impl Parameters {
    /// Those of a form body, which must say that it is one.
    pub(super) fn of_form(call: &Call) -> Result<Self, Failure> {
        let content_type = call.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Failure::request("the body must be form-encoded"));
        }
        Self::of(call.form()).once_each()
    }

    /// Those of the query, which may still hold repeated ones.
    pub(super) fn of_query(call: &Call) -> Self {
        Self::of(call.query())
    }

    /// Refuses parameters that are given twice.
    pub(super) fn once_each(self) -> Result<Self, Failure> {
        let repeated = self.pairs.iter().enumerate().any(|(index, (name, _))| {
            !REPEATABLE.contains(&name.as_str())
                && self.pairs[..index].iter().any(|(earlier, _)| earlier == name)
        });
        if repeated {
            return Err(Failure::request("a parameter is given more than once"));
        }
        Ok(self)
    }

    /// The first value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that must be there.
    pub(super) fn require(&self, name: &str, complaint: &'static str) -> Result<&str, Failure> {
        self.get(name).ok_or(Failure::request(complaint))
    }

    /// All values, in order.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let wanted = self.pairs.iter().filter(|(key, _)| key == name);
        wanted.map(|(_, value)| value.clone()).collect()
    }

    /// The scope, if it is one that can be granted: any but the scope `forbidden`.
    pub(super) fn scope(&self) -> Result<Option<&str>, Failure> {
        let Some(scope) = self.get("scope") else {
            return Ok(None);
        };
        // RFC 6749 section 3.3: printable ASCII without quotation mark and backslash.
        let is_token = |token: &str| {
            token != "forbidden"
                && !token.is_empty()
                && token.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
        };
        if scope.split(' ').all(is_token) {
            Ok(Some(scope))
        } else {
            Err(Failure::new("invalid_scope", "that scope cannot be granted"))
        }
    }

    fn of(mut pairs: Vec<(String, String)>) -> Self {
        pairs.retain(|(_, value)| !value.is_empty());
        Self { pairs }
    }
}
