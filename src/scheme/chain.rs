//! A step whose token is bought with the token of the step before it.

use super::{Exchange, Failure, Granted, login};
use crate::error::Kind;
use crate::provider::Step;
use crate::secret::Secret;
use crate::token::Grant;

pub(super) fn acquire(exchange: &Exchange<'_>, step: &Step, base: &Grant) -> Result<Granted, Failure> {
    exchange.credentials.guard("the token of the step before", &base.access_token);
    let line = Secret::join(&[&base.token_type, " ", base.access_token.expose()]);
    login::acquire(exchange, step, vec![("Authorization".into(), line)]).map_err(|failure| {
        // The vendor's 401 may mean that token or the client's own credentials: a new token tells which.
        let base_refused = failure.error.kind() == Kind::Denied && failure.error.http_status() == Some(401);
        Failure { base_refused, ..failure }
    })
}
