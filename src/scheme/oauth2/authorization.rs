//! The authorization request that a person's browser is sent with, and the redirect it comes back on
//! (RFC 6749 section 4.1, RFC 7636, RFC 9207).

use subtle::ConstantTimeEq;

use super::discovery::{Endpoint, Endpoints};
use super::pkce;
use crate::error::{Error, Kind, Result};
use crate::scheme::form;
use crate::secret::{Digest, Secret};
use crate::settings::Settings;

/// One request for a person's yes.
pub(crate) struct Authorization {
    endpoint: Box<str>,
    state: Secret,
    verifier: Secret,
    redirect_uri: Box<str>,
    issuer: Option<Box<str>>,
    /// The server names itself in every redirect.
    announces_issuer: bool,
}

/// What a good redirect brings: enough for one token request.
pub(crate) struct Code {
    pub(crate) code: Secret,
    pub(crate) verifier: Secret,
    pub(crate) redirect_uri: Box<str>,
    /// Which request it answers.
    pub(crate) request: Digest,
}

impl Authorization {
    /// A fresh request: its own state and its own verifier.
    pub(crate) fn new(endpoints: &Endpoints, redirect_uri: &str) -> Result<Authorization> {
        Ok(Authorization {
            endpoint: endpoints.need(Endpoint::Authorize)?.into(),
            state: pkce::random_text()?,
            verifier: pkce::random_text()?,
            redirect_uri: redirect_uri.into(),
            issuer: endpoints.issuer.clone(),
            announces_issuer: endpoints.iss_supported,
        })
    }

    /// Where the person says yes.
    pub(crate) fn url(&self, settings: &Settings) -> Secret {
        let text = |name: &str| settings.text(name).unwrap_or_default();
        let challenge = pkce::challenge(&self.verifier);
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", text("client_id")),
            ("redirect_uri", &self.redirect_uri),
            ("scope", text("scope")),
            ("state", self.state.expose()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("audience", text("audience")),
            ("login_hint", text("login_hint")),
        ];
        pairs.extend(text("resource").split(' ').map(|resource| ("resource", resource)));
        let extra: Vec<_> = form::decode(text("authorize_extra")).collect();
        pairs.extend(extra.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let query = form::body(pairs);
        // An endpoint may have a query of its own (RFC 6749 section 3.1).
        let joint = if self.endpoint.contains('?') { "&" } else { "?" };
        Secret::join(&[&self.endpoint, joint, query.expose()])
    }

    pub(crate) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Whether a redirect's query answers this very request: whatever comes with another state is nobody's answer.
    pub(crate) fn is_answered_by(&self, query: &str) -> bool {
        Redirected::read(query)
            .one("state")
            .is_ok_and(|state| state.is_some_and(|state| self.has_state(state)))
    }

    /// Checks the URL that the person came back on. Nothing is sent if anything is wrong with it.
    pub(crate) fn redirected(&self, url: &str) -> Result<Code> {
        let url = url.split('#').next().unwrap_or_default();
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let answer = Redirected::read(query);
        self.check_place(place, &answer)?;
        // The state first: an error, too, is to be believed from the one who was asked alone.
        let state = answer.one("state")?.ok_or_else(|| protocol("the redirect has no state".into()))?;
        if !self.has_state(state) {
            let why = "the redirect's state is not this consent's: it answers another request, or is forged";
            return Err(protocol(why.into()));
        }
        self.check_issuer(answer.one("iss")?)?;
        if let Some(code) = answer.one("error")? {
            return Err(refusal(code.expose(), answer.one("error_description")?.map(Secret::expose)));
        }
        let code = answer
            .one("code")?
            .ok_or_else(|| protocol("the redirect has neither a code nor an error".into()))?;
        if code.expose().is_empty() {
            return Err(protocol("the redirect's code is empty".into()));
        }
        Ok(Code {
            code: code.duplicate(),
            verifier: self.verifier.duplicate(),
            redirect_uri: self.redirect_uri.clone(),
            request: self.state.digest(),
        })
    }

    fn has_state(&self, state: &Secret) -> bool {
        state.expose().as_bytes().ct_eq(self.state.expose().as_bytes()).into()
    }

    /// The redirect must arrive exactly where it was asked to (RFC 8252 section 8.10). A bare query is taken as having
    /// done so: whoever hands it over knows where it arrived.
    fn check_place(&self, place: &str, answer: &Redirected) -> Result<()> {
        let (wanted, own) = self.redirect_uri.split_once('?').unwrap_or((&self.redirect_uri, ""));
        let has_all = form::decode(own).all(|(name, value)| answer.has(&name, &value));
        if place.is_empty() || (is_same_place(place, wanted) && has_all) {
            return Ok(());
        }
        Err(Error::new(
            Kind::InvalidArgument,
            format!("the person did not come back on redirect_uri ({})", self.redirect_uri),
        ))
    }

    /// Which server the answer comes from (RFC 9207 section 2.4): another's is a mix-up.
    fn check_issuer(&self, named: Option<&Secret>) -> Result<()> {
        match (named, &self.issuer) {
            (Some(named), Some(expected)) if named.expose() != &**expected => Err(protocol(format!(
                "the redirect names another issuer than {expected}: it comes from another server (RFC 9207)"
            ))),
            (None, Some(expected)) if self.announces_issuer => Err(protocol(format!(
                "the redirect names no issuer, and {expected} always does: it comes from another server (RFC 9207)"
            ))),
            _ => Ok(()),
        }
    }

    /// What another process needs to check the redirect. Secret.
    pub(crate) fn pack(&self) -> Secret {
        form::body([
            ("authorize", &*self.endpoint),
            ("state", self.state.expose()),
            ("verifier", self.verifier.expose()),
            ("redirect", &self.redirect_uri),
            ("issuer", self.issuer.as_deref().unwrap_or_default()),
            ("announces", if self.announces_issuer { "1" } else { "" }),
        ])
    }

    /// What [`pack`](Authorization::pack) gave.
    pub(crate) fn unpack(packed: &str) -> Option<Authorization> {
        let packed = Redirected::read(packed);
        let text = |name: &str| packed.one(name).ok().flatten();
        Some(Authorization {
            endpoint: text("authorize")?.expose().into(),
            state: text("state")?.duplicate(),
            verifier: text("verifier")?.duplicate(),
            redirect_uri: text("redirect")?.expose().into(),
            issuer: text("issuer").map(|issuer| issuer.expose().into()),
            announces_issuer: text("announces").is_some(),
        })
    }
}

/// The parameters of a redirect.
struct Redirected(Vec<(String, Secret)>);

impl Redirected {
    fn read(query: &str) -> Redirected {
        Redirected(form::decode(query).map(|(name, value)| (name, Secret::from(value))).collect())
    }

    /// A parameter that may be there once (RFC 6749 section 3.1).
    fn one(&self, name: &str) -> Result<Option<&Secret>> {
        let mut found = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value);
        match (found.next(), found.next()) {
            (value, None) => Ok(value),
            _ => Err(protocol(format!("the redirect has {name} more than once"))),
        }
    }

    fn has(&self, name: &str, value: &str) -> bool {
        self.0.iter().any(|(known, held)| known == name && held.expose() == value)
    }
}

/// Whether two URLs without queries are one place, as browsers see it: the case of scheme and host, a port that goes
/// without saying, and a lone slash make no difference. Nothing else is overlooked.
fn is_same_place(one: &str, other: &str) -> bool {
    /// Scheme, host, port and path.
    type Parts = (String, String, u16, String);
    fn parts(url: &str) -> Option<Parts> {
        let url: http::Uri = url.parse().ok()?;
        let scheme = url.scheme_str()?.to_ascii_lowercase();
        let usual = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let authority = url.authority()?.as_str();
        let host = url.host()?.to_ascii_lowercase();
        let port = match authority.to_ascii_lowercase().strip_prefix(&host)?.strip_prefix(':') {
            None | Some("") => usual,
            Some(port) => port.parse().ok()?,
        };
        Some((scheme, host, port, url.path().to_owned()))
    }
    one == other || parts(one).is_some_and(|one| parts(other).is_some_and(|other| one == other))
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

#[cfg(test)]
mod test {
    use super::*;

    fn request(redirect_uri: &str, issuer: Option<&str>, announces_issuer: bool) -> Authorization {
        Authorization {
            endpoint: "https://login.example/authorize".into(),
            state: Secret::new("S"),
            verifier: Secret::new("V"),
            redirect_uri: redirect_uri.into(),
            issuer: issuer.map(Into::into),
            announces_issuer,
        }
    }

    #[test]
    fn a_redirect_arrives_where_it_was_asked_to_and_nowhere_else() {
        let arrives = |redirect_uri: &str, url: &str| {
            let joint = if url.contains('?') { '&' } else { '?' };
            request(redirect_uri, None, false).redirected(&format!("{url}{joint}state=S&code=C")).is_ok()
        };
        for (redirect_uri, url) in [
            ("https://app.example/cb", "https://app.example/cb"),
            ("https://app.example", "https://app.example/"),
            ("https://app.example/", "https://app.example"),
            ("https://App.Example:443/cb", "https://app.example/cb"),
            ("http://127.0.0.1:80/cb", "http://127.0.0.1/cb"),
            ("http://[::1]:99/cb", "http://[::1]:99/cb"),
            ("https://app.example/cb?as=1", "https://app.example/cb?as=1"),
            ("com.example.app:/cb", "com.example.app:/cb"),
            ("https://app.example/cb", ""),
        ] {
            assert!(arrives(redirect_uri, url), "{redirect_uri} {url}");
        }
        for (redirect_uri, url) in [
            ("https://app.example/cb", "https://app.example/cb/"),
            ("https://app.example/cb/", "https://app.example/cb"),
            ("https://app.example/cb", "https://app.example//cb"),
            ("https://app.example", "https://app.example//"),
            ("https://app.example/", "https://app.example/cb"),
            ("https://app.example/cb", "https://app.example/CB"),
            ("https://app.example/cb", "http://app.example/cb"),
            ("https://app.example/cb", "https://app.example:8443/cb"),
            ("https://app.example/cb", "https://me@app.example/cb"),
            ("https://app.example/cb", "https://app.example@evil.example/cb"),
            ("https://app.example/cb", "https://app.example.evil.example/cb"),
            ("https://app.example/cb?as=1", "https://app.example/cb?as=2"),
            ("https://app.example/cb?as=1", "https://app.example/cb"),
            ("com.example.app:/cb", "com.example.app:/"),
            ("com.example.app:/cb", "COM.example.app:/cb"),
        ] {
            assert!(!arrives(redirect_uri, url), "{redirect_uri} {url}");
        }
    }

    #[test]
    fn a_server_that_names_itself_must_do_so_every_time() {
        let (us, them) = ("https://login.example", "https://evil.example");
        let outcome = |issuer: Option<&str>, announces: bool, named: Option<&str>| {
            let named = named.map(|named| format!("&iss={named}")).unwrap_or_default();
            let request = request("https://app.example/cb", issuer, announces);
            request
                .redirected(&format!("?state=S&code=C{named}"))
                .map(drop)
                .map_err(|error| error.to_string())
        };
        assert_eq!(outcome(Some(us), true, Some(us)), Ok(()));
        assert_eq!(outcome(Some(us), false, Some(us)), Ok(()));
        assert_eq!(outcome(Some(us), false, None), Ok(()));
        assert_eq!(outcome(None, false, Some(them)), Ok(()), "there is nothing to compare it with");
        for announces in [true, false] {
            assert!(outcome(Some(us), announces, Some(them)).unwrap_err().contains("another issuer than"));
        }
        // By simple comparison (RFC 3986 section 6.2.1): no slash is overlooked.
        assert!(outcome(Some(us), true, Some(&format!("{us}/"))).is_err());
        assert!(outcome(Some(us), true, None).unwrap_err().contains("names no issuer"));
        let forged =
            request("https://app.example/cb", Some(us), true).redirected("?state=S&error=access_denied");
        assert_eq!(forged.err().unwrap().kind(), Kind::Protocol, "nor is its error believed");
    }

    #[test]
    fn a_request_comes_out_of_its_packing_as_it_went_in() {
        for issuer in [None, Some("https://login.example/a?b")] {
            let before = request("http://[::1]:9/c b?x=1&y=ü", issuer, issuer.is_some());
            let after = Authorization::unpack(before.pack().expose()).unwrap();
            assert_eq!(after.pack().expose(), before.pack().expose());
            assert_eq!(after.issuer.as_deref(), issuer);
        }
        assert!(Authorization::unpack("state=S").is_none());
    }
}
