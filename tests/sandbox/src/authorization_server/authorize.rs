//! The authorization endpoint. Nobody is asked: consent is given at once, or refused at once.

use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use form_urlencoded::Serializer;

use super::AuthorizationServer;
use super::client::Client;
use super::code::Code;
use super::failure::Failure;
use super::parameters::Parameters;
use crate::answer::Answer;
use crate::call::Call;
use crate::ledger::{Level, Subject};
use crate::vendor::Vendor;

impl AuthorizationServer {
    /// Redirects back with a code or an error; what cannot be trusted is not redirected to.
    pub(super) fn authorize(&self, call: &Call) -> Result<Answer, Failure> {
        let query = Parameters::of_query(call);
        let (client, redirect_uri) = self.addressee(&query)?;
        let outcome = match self.consent(client, redirect_uri, query.clone()) {
            Ok(code) => vec![("code", code)],
            Err(failure) => vec![
                ("error", failure.error.to_owned()),
                ("error_description", failure.description.to_owned()),
            ],
        };
        self.redirect(redirect_uri, outcome, query.get("state"))
    }

    fn addressee<'query>(&self, query: &'query Parameters) -> Result<(&Client, &'query str), Failure> {
        let id = query.require("client_id", "client_id is missing")?;
        let client = self.profile.clients.iter().find(|client| client.id == id);
        let client = client.ok_or(Failure::request("the client is not known"))?;
        let redirect_uri = query.require("redirect_uri", "redirect_uri is missing")?;
        if !Client::may_redirect_to(redirect_uri) {
            return Err(Failure::request("redirect_uri is not registered"));
        }
        Ok((client, redirect_uri))
    }

    fn consent(&self, client: &Client, redirect_uri: &str, query: Parameters) -> Result<String, Failure> {
        let query = query.once_each()?;
        if query.require("response_type", "response_type is missing")? != "code" {
            let complaint = "only the code response type is supported";
            return Err(Failure::new("unsupported_response_type", complaint));
        }
        let scope = query.scope()?.unwrap_or(self.profile.scope);
        let challenge = self.challenge(&query)?;
        if self.at_desk().behaviour.deny_consent || query.get("deny").is_some() {
            return Err(Failure::new("access_denied", "the user said no"));
        }
        let code = Code {
            subject: Subject {
                scope: scope.to_owned(),
                audience: query.all("audience"),
                resource: query.all("resource"),
                person: query.get("login_hint").map(str::to_owned),
                ..Subject::new(Level::Access, client.id)
            },
            redirect_uri: redirect_uri.to_owned(),
            challenge,
        };
        let label = format!("{}-code", self.profile.name);
        Ok(self.codes().issue(&label, code))
    }

    /// The S256 challenge. Without a method RFC 7636 means `plain`, which is refused.
    fn challenge(&self, query: &Parameters) -> Result<Option<String>, Failure> {
        match (query.get("code_challenge"), query.get("code_challenge_method")) {
            (None, None) if self.at_desk().behaviour.require_pkce => {
                Err(Failure::request("code_challenge is missing"))
            }
            (None, None) => Ok(None),
            (Some(challenge), Some("S256")) => Ok(Some(challenge.to_owned())),
            _ => Err(Failure::request("code_challenge_method must be S256")),
        }
    }

    fn redirect(
        &self,
        redirect_uri: &str,
        outcome: Vec<(&'static str, String)>,
        state: Option<&str>,
    ) -> Result<Answer, Failure> {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(outcome);
        if let Some(state) = state {
            query.append_pair("state", state);
        }
        if let Some(issuer) = self.announced_issuer() {
            query.append_pair("iss", &issuer);
        }
        let mark = if redirect_uri.contains('?') { '&' } else { '?' };
        let location = format!("{redirect_uri}{mark}{}", query.finish());
        let location = HeaderValue::from_str(&location)
            .map_err(|_| Failure::request("redirect_uri is not registered"))?;
        Ok(Answer::empty(StatusCode::FOUND).uncached().with_header(LOCATION, location))
    }

    fn announced_issuer(&self) -> Option<String> {
        let behaviour = &self.at_desk().behaviour;
        let issuer = behaviour.redirect_iss.as_ref().unwrap_or(&self.issuer);
        behaviour.iss_in_redirect.then(|| issuer.clone())
    }
}
