//! The authorization request that a person's browser is sent with, and the redirect it comes back on
//! (RFC 6749 section 4.1, RFC 7636, RFC 9207).

use subtle::ConstantTimeEq;

use super::pkce;
use crate::error::{Error, Kind, Result};
use crate::scheme::form;
use crate::secret::Secret;
use crate::settings::Settings;

/// One request for a person's yes.
pub(crate) struct Authorization {
    pub(crate) url: Secret,
    state: Secret,
    verifier: Secret,
    redirect_uri: Box<str>,
    issuer: Option<Box<str>>,
}

/// What a good redirect brings: enough for one token request.
pub(crate) struct Code {
    pub(crate) code: Secret,
    pub(crate) verifier: Secret,
    pub(crate) redirect_uri: Box<str>,
}

impl Authorization {
    /// A fresh request: its own state and its own verifier.
    pub(crate) fn new(settings: &Settings) -> Result<Authorization> {
        let text = |name: &str| settings.text(name).unwrap_or_default();
        let (state, verifier) = (pkce::random_text()?, pkce::random_text()?);
        let challenge = pkce::challenge(&verifier);
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", text("client_id")),
            ("redirect_uri", text("redirect_uri")),
            ("scope", text("scope")),
            ("state", state.expose()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("audience", text("audience")),
            ("login_hint", text("login_hint")),
        ];
        pairs.extend(text("resource").split(' ').map(|resource| ("resource", resource)));
        let extra: Vec<_> = form::decode(text("authorize_extra")).collect();
        pairs.extend(extra.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let query = form::body(pairs);
        let endpoint = text("authorize_url");
        // An endpoint may have a query of its own (RFC 6749 section 3.1).
        let joint = if endpoint.contains('?') { "&" } else { "?" };
        Ok(Authorization {
            url: Secret::join(&[endpoint, joint, query.expose()]),
            state,
            verifier,
            redirect_uri: text("redirect_uri").into(),
            issuer: settings.text("issuer").map(Into::into),
        })
    }

    /// Checks the URL that the person came back on. Nothing is sent if anything is wrong with it.
    pub(crate) fn redirected(&self, url: &str) -> Result<Code> {
        self.check_place(url)?;
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let pairs: Vec<(String, Secret)> = form::decode(query.split('#').next().unwrap_or_default())
            .map(|(name, value)| (name, Secret::from(value)))
            .collect();
        let one = |name: &str| match pairs.iter().filter(|(known, _)| known == name).count() {
            0 => Ok(None),
            1 => Ok(pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value)),
            _ => Err(protocol(format!("the redirect has {name} more than once"))),
        };
        // The state first: whatever comes with a wrong one is nobody's answer to this request.
        let state = one("state")?.ok_or_else(|| protocol("the redirect has no state".into()))?;
        if !bool::from(state.expose().as_bytes().ct_eq(self.state.expose().as_bytes())) {
            let why = "the redirect's state is not this consent's: it answers another request, or is forged";
            return Err(protocol(why.into()));
        }
        self.check_issuer(one("iss")?)?;
        if let Some(code) = one("error")? {
            return Err(refusal(code.expose(), one("error_description")?.map(Secret::expose)));
        }
        let code =
            one("code")?.ok_or_else(|| protocol("the redirect has neither a code nor an error".into()))?;
        if code.expose().is_empty() {
            return Err(protocol("the redirect's code is empty".into()));
        }
        Ok(Code {
            code: code.duplicate(),
            verifier: self.verifier.duplicate(),
            redirect_uri: self.redirect_uri.clone(),
        })
    }

    /// The redirect must arrive exactly where it was asked to (RFC 8252 section 8.10); a bare query is taken
    /// as having done so.
    fn check_place(&self, url: &str) -> Result<()> {
        let place = url.split(['?', '#']).next().unwrap_or_default();
        let wanted = self.redirect_uri.split('?').next().unwrap_or_default();
        let is_root = |text: &str| text.trim_end_matches('/') == wanted.trim_end_matches('/');
        if place.is_empty() || place == wanted || (is_root(place) && wanted.matches('/').count() <= 3) {
            return Ok(());
        }
        Err(Error::new(
            Kind::InvalidArgument,
            format!("the person did not come back on redirect_uri ({wanted})"),
        ))
    }

    fn check_issuer(&self, issuer: Option<&Secret>) -> Result<()> {
        match (issuer, &self.issuer) {
            (Some(named), Some(expected)) if named.expose() != &**expected => Err(protocol(format!(
                "the redirect names another issuer than {expected}: it comes from another server (RFC 9207)"
            ))),
            _ => Ok(()),
        }
    }
}

fn protocol(why: String) -> Error {
    Error::new(Kind::Protocol, why)
}

/// The person's no, or the server's (RFC 6749 section 4.1.2.1).
fn refusal(code: &str, description: Option<&str>) -> Error {
    let line = |text: &str| text.chars().filter(|c| !c.is_control()).take(300).collect::<String>();
    let kind = match code {
        "access_denied" => Kind::ConsentRequired,
        "server_error" | "temporarily_unavailable" => Kind::Server,
        "unauthorized_client" => Kind::Denied,
        _ => Kind::Config,
    };
    let why = description.map(|text| format!(": \"{}\"", line(text))).unwrap_or_default();
    let what = if code == "access_denied" {
        "the person, or a rule of the server's, said no"
    } else {
        "the server refused"
    };
    Error::new(kind, format!("{what}: {}{why}", line(code))).with_code(Some(line(code)))
}
