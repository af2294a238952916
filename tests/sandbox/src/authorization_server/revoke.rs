//! The revocation endpoint (RFC 7009).

use axum::http::StatusCode;

use super::AuthorizationServer;
use super::failure::Failure;
use super::parameters::Parameters;
use crate::answer::Answer;
use crate::call::Call;
use crate::ledger::{Level, Revocation};
use crate::vendor::Vendor;

impl AuthorizationServer {
    /// Revokes an access token, or a refresh token and all that came of its consent.
    pub(super) fn revoke(&self, call: &Call) -> Result<Answer, Failure> {
        let form = Parameters::of_form(call)?;
        let client = self.client(call, &form)?;
        let token = form.require("token", "token is missing")?;
        let mut desk = self.at_desk();
        let done = Answer::empty(StatusCode::OK).uncached();
        // Section 2.2: a token that is not known is as good as revoked.
        let Some(entry) = desk.ledger.find(token) else {
            return Ok(done);
        };
        if entry.subject.holder != client.id {
            let complaint = "the token was issued to another client";
            return Err(Failure::new("unauthorized_client", complaint));
        }
        match (entry.subject.level, entry.family) {
            (Level::Refresh, Some(family)) => desk.ledger.revoke_family(family),
            _ => {
                desk.ledger.revoke(&Revocation::Token(token.to_owned()));
            }
        }
        Ok(done)
    }
}
