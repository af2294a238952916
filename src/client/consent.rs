//! A person's yes in progress: the authorization code grant.

use std::fmt;

use arc_swap::ArcSwapOption;

use super::{Call, Client, Waiting};
use crate::error::{Error, Kind, Result};
use crate::scheme::oauth2::authorization::Authorization;
use crate::token::Token;

/// A consent: send the person to [`url`](Consent::url), then [`finish`](Consent::finish) with the URL that they
/// come back on.
///
/// It can be used from any thread, and finishes once.
pub struct Consent {
    client: Client,
    url: Box<str>,
    open: ArcSwapOption<Authorization>,
}

impl Consent {
    pub(super) fn new(client: &Client, authorization: Authorization) -> Consent {
        Consent {
            client: client.clone(),
            url: authorization.url.expose().into(),
            open: ArcSwapOption::from_pointee(authorization),
        }
    }

    /// Where the person says yes.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes the URL that the person came back on and buys the token with the code in it.
    ///
    /// A URL that does not belong to this consent is refused before anything is sent, and the consent stays
    /// open. Once a code was sent the consent is over, whatever came of it (RFC 6749 section 4.1.2).
    pub fn finish(&self, redirected_url: &str, call: &Call<'_>) -> Result<Token> {
        let authorization = self.open.load_full().ok_or_else(over)?;
        let code = authorization.redirected(redirected_url)?;
        if self.client.is_closed() {
            return Err(self.client.closed());
        }
        // Only one caller gets to send it.
        self.open.swap(None).ok_or_else(over)?;
        let flight = self.client.keeper().redeem(code);
        Waiting::for_consent(&self.client, flight, call).finish(call.interrupt)
    }

    /// Ends it: nothing that arrives later is taken.
    pub fn cancel(&self) {
        self.open.store(None);
    }
}

fn over() -> Error {
    Error::new(Kind::InvalidArgument, "this consent is finished or was cancelled: begin another")
}

impl fmt::Debug for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consent").field("open", &self.open.load().is_some()).finish_non_exhaustive()
    }
}
