//! Where an authorization server's endpoints are.

use super::Exchange;
use crate::error::{Error, Kind};
use crate::scheme::Failure;

/// Where a client's requests go, and what its server says of its redirects.
#[allow(dead_code, reason = "some of it is for consents, which do not ask yet")]
pub(crate) struct Endpoints {
    pub(crate) authorize: Option<Box<str>>,
    pub(crate) token: Option<Box<str>>,
    pub(crate) device: Option<Box<str>>,
    pub(crate) revoke: Option<Box<str>>,
    /// What the parameter `iss` of a redirect must be, if there is one (RFC 9207).
    pub(crate) issuer: Option<Box<str>>,
    /// The server puts `iss` into every redirect, so that one without it is not the server's.
    pub(crate) iss_supported: bool,
    /// What is odd about the server, for the log of whoever begins a consent.
    pub(crate) warnings: Vec<String>,
}

/// The endpoints of the exchange's server.
pub(crate) fn endpoints(exchange: &Exchange<'_>) -> Result<Endpoints, Failure> {
    let url = |name: &str| exchange.settings.text(name).map(Into::into);
    Ok(Endpoints {
        authorize: url("authorize_url"),
        token: url("token_url"),
        device: url("device_url"),
        revoke: url("revoke_url"),
        issuer: url("issuer"),
        iss_supported: false,
        warnings: Vec::new(),
    })
}

impl Endpoints {
    /// The endpoint that a setting names: `token_url`, `authorize_url`, ...; or what to do without it.
    pub(crate) fn need(&self, setting: &str) -> Result<&str, Error> {
        let url = match setting {
            "authorize_url" => &self.authorize,
            "token_url" => &self.token,
            "device_url" => &self.device,
            _ => &self.revoke,
        };
        url.as_deref().ok_or_else(|| {
            Error::new(Kind::Config, format!("the server does not say where that is: set {setting}"))
        })
    }
}
