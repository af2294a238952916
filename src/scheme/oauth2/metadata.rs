//! What an authorization server says of itself (RFC 8414 section 2), as far as it concerns a client.

use crate::scheme::answer::{Body, shorten};
use crate::settings::check_url;

/// A server's metadata, checked.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    pub(super) authorize: Option<Box<str>>,
    pub(super) token: Option<Box<str>>,
    pub(super) device: Option<Box<str>>,
    pub(super) revoke: Option<Box<str>>,
    /// The endpoints for a client that shows a certificate (RFC 8705 section 5).
    pub(super) mtls: Mtls,
    /// `token_endpoint_auth_methods_supported`.
    pub(super) auth_methods: Option<Vec<String>>,
    /// `token_endpoint_auth_signing_alg_values_supported`.
    pub(super) auth_algorithms: Option<Vec<String>>,
    /// `code_challenge_methods_supported`.
    pub(super) challenge_methods: Option<Vec<String>>,
    /// `authorization_response_iss_parameter_supported` (RFC 9207 section 3).
    pub(super) iss_supported: bool,
}

/// `mtls_endpoint_aliases`.
#[derive(Debug, Default)]
pub(super) struct Mtls {
    pub(super) token: Option<Box<str>>,
    pub(super) device: Option<Box<str>>,
    pub(super) revoke: Option<Box<str>>,
}

impl Metadata {
    /// Reads a document that must be that issuer's own, to the letter (RFC 8414 section 3.3). The fault continues
    /// "it answered with ...".
    pub(super) fn read(body: &Body<'_>, issuer: &str, encrypted: bool) -> Result<Metadata, String> {
        let document = Document { body, encrypted };
        match document.text("issuer")? {
            None => return Err("no issuer in it".into()),
            Some(named) if named != issuer => {
                let named = shorten(&named);
                return Err(format!("the issuer {named:?}, which is not {issuer:?} to the letter"));
            }
            Some(_) => {}
        }
        if document.body.at("mtls_endpoint_aliases").is_some_and(|aliases| !aliases.get().starts_with('{')) {
            return Err("an mtls_endpoint_aliases that is no object".into());
        }
        Ok(Metadata {
            authorize: document.url("authorization_endpoint")?,
            token: document.url("token_endpoint")?,
            device: document.url("device_authorization_endpoint")?,
            revoke: document.url("revocation_endpoint")?,
            mtls: Mtls {
                token: document.url("mtls_endpoint_aliases.token_endpoint")?,
                device: document.url("mtls_endpoint_aliases.device_authorization_endpoint")?,
                revoke: document.url("mtls_endpoint_aliases.revocation_endpoint")?,
            },
            auth_methods: document.list("token_endpoint_auth_methods_supported")?,
            auth_algorithms: document.list("token_endpoint_auth_signing_alg_values_supported")?,
            challenge_methods: document.list("code_challenge_methods_supported")?,
            iss_supported: document.switch("authorization_response_iss_parameter_supported")?,
        })
    }
}

/// The document as it came. What is not asked for may be anything.
struct Document<'a> {
    body: &'a Body<'a>,
    /// What is said over TLS leads nowhere without.
    encrypted: bool,
}

impl Document<'_> {
    fn text(&self, name: &str) -> Result<Option<String>, String> {
        let Some(value) = self.body.at(name) else { return Ok(None) };
        serde_json::from_str(value.get()).map(Some).map_err(|_| format!("{name} that is no text"))
    }

    fn url(&self, name: &str) -> Result<Option<Box<str>>, String> {
        let Some(url) = self.text(name)? else { return Ok(None) };
        check_url(name, &url).map_err(|why| format!("an endpoint that cannot be used: {why}"))?;
        if self.encrypted && !url.starts_with("https:") {
            return Err(format!("{name} that leaves https"));
        }
        Ok(Some(url.into()))
    }

    fn list(&self, name: &str) -> Result<Option<Vec<String>>, String> {
        let Some(value) = self.body.at(name) else { return Ok(None) };
        serde_json::from_str(value.get()).map(Some).map_err(|_| format!("{name} that is no list of texts"))
    }

    fn switch(&self, name: &str) -> Result<bool, String> {
        let Some(value) = self.body.at(name) else { return Ok(false) };
        serde_json::from_str(value.get()).map_err(|_| format!("{name} that is neither true nor false"))
    }
}
