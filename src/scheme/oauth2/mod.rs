//! RFC 6749: authorization code, refresh, client credentials; the device grant (RFC 8628); and revocation (RFC 7009).

mod assertion;
mod authentication;
pub(crate) mod authorization;
pub(crate) mod device;
pub(crate) mod discovery;
mod metadata;
mod pkce;

use super::{Exchange, Failure, Granted, answer, form};
use crate::error::{Error, Kind};
use crate::provider::Provider;
use crate::secret::Secret;
use crate::settings::{Settings, is_safe_url};
use crate::transport::{Answer, Fault, Request};
use authorization::Code;
use discovery::Endpoint;
pub(crate) use discovery::endpoints;

const FORM: &str = "application/x-www-form-urlencoded";

/// Parameters that are tokenkeep's own to set.
const OWN: [&str; 18] = [
    "grant_type",
    "response_type",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "redirect_uri",
    "scope",
    "state",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "refresh_token",
    "audience",
    "resource",
    "login_hint",
    "device_code",
];

/// The grant that the settings ask for, or the provider's first.
pub(crate) fn grant<'a>(provider: &'a Provider, settings: &'a Settings) -> &'a str {
    settings.text("grant").or(provider.grants.first().map(String::as_str)).unwrap_or_default()
}

/// What is missing or contradictory.
pub(super) fn faults(provider: &Provider, settings: &Settings) -> Vec<String> {
    let mut faults = Vec::new();
    let has = |name: &str| settings.value(name).is_some();
    let grant = grant(provider, settings);
    if grant.is_empty() {
        // What was given is no grant at all, which is a fault of its own.
        return faults;
    }
    if !provider.grants.iter().any(|offered| offered == grant) {
        faults.push(format!(
            "grant = {grant} is not offered by {}: it is one of {}",
            provider.name,
            provider.grants.join(", ")
        ));
        return faults;
    }
    if grant == "access_token" {
        return faults;
    }
    if has("access_token") {
        faults.push(format!("access_token is given, so grant is access_token, not {grant}"));
    }
    let wanted: &[&str] = match grant {
        "authorization_code" => &["client_id", "redirect_uri"],
        "refresh_token" => &["client_id", "refresh_token"],
        _ => &["client_id"],
    };
    faults.extend(wanted.iter().filter(|name| !has(name)).map(|name| format!("{name} is missing")));
    let needed = endpoints_needed(grant).iter().map(|endpoint| endpoint.setting());
    let unknown = needed.filter(|name| !has(name) && !has("issuer"));
    faults.extend(unknown.map(|name| format!("{name} is missing (or issuer, whose metadata tells it)")));
    faults.extend(issuer_faults(settings));
    faults.extend(authentication::faults(settings, grant));
    faults.extend(settings.text("redirect_uri").and_then(redirect_fault));
    faults.extend(settings.text("authorize_url").and_then(|url| authorize_fault(settings, url)));
    let resources = settings.text("resource").unwrap_or_default().split_terminator(' ');
    faults.extend(
        resources.filter(|uri| !is_resource(uri)).map(|uri| {
            format!("resource = {uri} is no absolute URI without a fragment (RFC 8707 section 2)")
        }),
    );
    for name in ["authorize_extra", "token_extra"] {
        for (own, _) in form::decode(settings.text(name).unwrap_or_default()) {
            if OWN.contains(&own.as_str()) {
                faults.push(format!(
                    "{name} holds {own}, which has a setting of its own or is tokenkeep's to set"
                ));
            }
        }
    }
    faults
}

/// The endpoints which a grant cannot do without.
fn endpoints_needed(grant: &str) -> &'static [Endpoint] {
    match grant {
        "authorization_code" => &[Endpoint::Authorize, Endpoint::Token],
        "device_code" => &[Endpoint::Device, Endpoint::Token],
        _ => &[Endpoint::Token],
    }
}

fn issuer_faults(settings: &Settings) -> Vec<String> {
    let mut faults = Vec::new();
    if settings.text("issuer").is_some_and(|issuer| issuer.contains('?')) {
        faults.push("issuer must not have a query (RFC 8414 section 2)".into());
    }
    if settings.value("metadata_issuer").is_some() && settings.value("issuer").is_none() {
        faults.push("metadata_issuer says what issuer calls itself: set issuer, too".into());
    }
    faults
}

/// Whether a resource is named as RFC 8707 has it: `https://api.example/v1`, `urn:example:api`.
fn is_resource(uri: &str) -> bool {
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    let is_rest =
        |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    uri.split_once(':').is_some_and(|(scheme, rest)| is_scheme(scheme) && is_rest(rest))
}

/// What is wrong with a redirect URI. An app's own scheme is right (RFC 8252 section 7.1).
fn redirect_fault(uri: &str) -> Option<String> {
    let why = match uri.split_once(':') {
        None => "is no absolute URI (RFC 6749 section 3.1.2)",
        _ if uri.contains('#') => "must not have a fragment (RFC 6749 section 3.1.2)",
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") && !is_safe_url(uri) => {
            "must be https: over http anybody on the way can read the code; only loopback may be http"
        }
        Some(_) => return None,
    };
    Some(format!("redirect_uri {why}"))
}

/// What is wrong with an authorization endpoint: it may have a query of its own, but no parameter may be there twice
/// (RFC 6749 section 3.1).
fn authorize_fault(settings: &Settings, url: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let extra: Vec<_> = form::decode(settings.text("authorize_extra").unwrap_or_default()).collect();
    let is_sent = |name: &str| OWN.contains(&name) || extra.iter().any(|(known, _)| known == name);
    let (name, _) = form::decode(query).find(|(name, _)| is_sent(name))?;
    Some(format!(
        "authorize_url holds {name} in its query, which would be sent twice: leave it to its setting"
    ))
}

/// Whether a person gave it.
pub(crate) fn is_of_person(provider: &Provider, settings: &Settings) -> bool {
    matches!(grant(provider, settings), "authorization_code" | "device_code")
}

/// Whether renewing spends a refresh token that may be good only once.
pub(crate) fn is_risky(provider: &Provider, settings: &Settings, has_refresh_token: bool) -> bool {
    let refreshes = is_of_person(provider, settings) || grant(provider, settings) == "refresh_token";
    refreshes && has_refresh_token && settings.text("refresh_rotates") != Some("off")
}

/// Asks for a grant, as the settings' grant says.
pub(super) fn acquire(exchange: &Exchange<'_>) -> Result<Granted, Failure> {
    match grant(exchange.provider, exchange.settings) {
        "client_credentials" => client_credentials(exchange),
        _ => match exchange.refresh_token {
            Some(refresh_token) => refresh(exchange, refresh_token),
            None => {
                let why = match exchange.settings.secret("refresh_token") {
                    None if grant(exchange.provider, exchange.settings) == "device_code" => {
                        "a person must say yes first: begin a consent, show them its URL and user code, and wait for it"
                    }
                    None => "a person must say yes first: begin a consent and send them to its URL",
                    Some(_) => {
                        "the refresh_token of the settings was used and replaced by this process, and its successor is gone \
                         with the last client: keep one client alive, or begin a consent"
                    }
                };
                let message = format!("{}: {why}", exchange.provider.title);
                Err(Error::new(Kind::ConsentRequired, message).into())
            }
        },
    }
}

/// RFC 6749 section 4.4. A refresh token that comes along, though none should, is of no use: the credentials are at hand.
fn client_credentials(exchange: &Exchange<'_>) -> Result<Granted, Failure> {
    let granted = token(exchange, &TokenRequest::ClientCredentials);
    let mut granted = granted.map_err(|failure| Failure { rotated: None, ..failure })?;
    granted.grant.refresh_token = None;
    Ok(granted)
}

/// RFC 6749 section 6. The scope is left out: the server keeps to what was granted.
fn refresh(exchange: &Exchange<'_>, refresh_token: &Secret) -> Result<Granted, Failure> {
    exchange.credentials.guard("the refresh token", refresh_token);
    let mut granted = token(exchange, &TokenRequest::RefreshToken(refresh_token)).map_err(|failure| {
        let error = failure.error.clone();
        let refused = error.kind() == Kind::ConsentRequired && failure.final_word;
        // What a server refuses with 400 and no word can only be the token: the rest is as it always was.
        if (error.kind(), error.http_status()) == (Kind::Denied, Some(400)) && !failure.final_word {
            let error = Error::new(Kind::ConsentRequired, error.message()).with_http_status(400);
            return Failure { error, ..failure };
        }
        Failure { refresh_spent: refused, ..failure }
    })?;
    // One that is left out stays good (RFC 6749 section 6).
    granted.grant.refresh_token.get_or_insert_with(|| refresh_token.duplicate());
    Ok(granted)
}

/// RFC 6749 section 4.1.3: a code, once.
pub(crate) fn redeem(exchange: &Exchange<'_>, code: &Code) -> Result<Granted, Failure> {
    exchange.credentials.guard("the code", &code.code);
    exchange.credentials.guard("the verifier", &code.verifier);
    let mut granted = token(exchange, &TokenRequest::AuthorizationCode(code))?;
    granted.grant.companions = exchange.credentials.companions(exchange.provider)?;
    Ok(granted)
}

/// RFC 7009: tells the server to forget a token.
pub(crate) fn revoke(exchange: &Exchange<'_>, token: &Secret, hint: &str) -> Result<(), Failure> {
    if !discovery::offers_revocation(exchange)? {
        return Ok(());
    }
    exchange.credentials.guard("the token", token);
    let pairs = [("token", token.expose()), ("token_type_hint", hint)];
    let (request, answer) = send(exchange, Endpoint::Revoke, &pairs, true)?;
    if (200..300).contains(&answer.status) {
        return Ok(());
    }
    let failure = answer::refused(exchange, &request, &answer, "the token may still live at the vendor");
    match failure.error.code() {
        Some(code @ "unsupported_token_type") => {
            let error = Error::new(Kind::Unsupported, failure.error.message());
            Err(error.with_http_status(answer.status).with_code(Some(code.to_owned())).into())
        }
        _ => Err(failure),
    }
}

/// A token request, by what it offers for the token.
enum TokenRequest<'a> {
    ClientCredentials,
    RefreshToken(&'a Secret),
    AuthorizationCode(&'a Code),
    DeviceCode(&'a Secret),
}

impl TokenRequest<'_> {
    fn pairs(&self) -> Vec<(&str, &str)> {
        match self {
            TokenRequest::ClientCredentials => vec![("grant_type", "client_credentials")],
            TokenRequest::RefreshToken(token) => {
                vec![("grant_type", "refresh_token"), ("refresh_token", token.expose())]
            }
            TokenRequest::AuthorizationCode(code) => vec![
                ("grant_type", "authorization_code"),
                ("code", code.code.expose()),
                ("redirect_uri", &code.redirect_uri),
                ("code_verifier", code.verifier.expose()),
            ],
            TokenRequest::DeviceCode(code) => {
                vec![("grant_type", device::GRANT_TYPE), ("device_code", code.expose())]
            }
        }
    }

    /// Whether it can be sent again after a lost answer, which may have spent a code or a refresh token.
    fn is_repeatable(&self) -> bool {
        matches!(self, TokenRequest::ClientCredentials)
    }

    /// What to do where the server refuses it with that status.
    fn hint(&self, status: u16, settings: &Settings) -> &'static str {
        match self {
            _ if status == 401 => authentication::hint(settings),
            TokenRequest::ClientCredentials => authentication::hint(settings),
            TokenRequest::RefreshToken(_) => {
                "the refresh token is spent, revoked or expired: begin a new consent"
            }
            TokenRequest::DeviceCode(_) => "begin a new consent",
            TokenRequest::AuthorizationCode(_) => {
                "the code is spent or expired, or redirect_uri is not the registered one: begin a new consent"
            }
        }
    }
}

/// Sends a token request with what the settings add to it.
fn token(exchange: &Exchange<'_>, asked: &TokenRequest<'_>) -> Result<Granted, Failure> {
    let settings = exchange.settings;
    let text = |name: &str| settings.text(name).unwrap_or_default();
    let extra: Vec<_> = form::decode(text("token_extra")).collect();
    let mut pairs = asked.pairs();
    if let TokenRequest::ClientCredentials = asked {
        pairs.push(("scope", text("scope")));
    }
    pairs.push(("audience", text("audience")));
    pairs.extend(text("resource").split(' ').map(|resource| ("resource", resource)));
    pairs.extend(extra.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let (request, answer) = send(exchange, Endpoint::Token, &pairs, asked.is_repeatable())?;
    if (200..300).contains(&answer.status) {
        // A refresh that names no scope keeps what was granted, which may be less than what is set.
        let kept = exchange.granted_scope.filter(|_| matches!(asked, TokenRequest::RefreshToken(_)));
        return answer::granted(exchange, &request, &answer, kept.or(settings.text("scope")));
    }
    let failure = answer::refused(exchange, &request, &answer, asked.hint(answer.status, settings));
    // Whoever is sent too much, or says of himself that he is unavailable, has done nothing. A gateway's 503 may have come
    // after it passed the request on, and any other 5xx after the deed.
    let turned_away = answer.status == 429
        || (answer.status == 503 && failure.error.code() == Some("temporarily_unavailable"));
    Err(Failure { repeatable: failure.repeatable && (asked.is_repeatable() || turned_away), ..failure })
}

/// Sends a request to an endpoint; once more where the server has moved that endpoint. What is not `repeatable` may be
/// sent again only if it never left this machine.
fn send(
    exchange: &Exchange<'_>,
    endpoint: Endpoint,
    pairs: &[(&str, &str)],
    repeatable: bool,
) -> Result<(Request, Answer), Failure> {
    let unanswered = |fault: Fault| {
        let sent = fault.sent;
        let failure = Failure::from(fault);
        Failure { repeatable: failure.repeatable && (repeatable || !sent), ..failure }
    };
    let endpoints = endpoints(exchange, endpoint)?;
    let url = endpoints.need(endpoint)?;
    let request = request(exchange, &endpoints, url, pairs)?;
    let answer = exchange.transport.send(&request).map_err(unanswered)?;
    // Whoever is not there has done nothing.
    if matches!(answer.status, 404 | 410)
        && let Some(moved) = discovery::moved(exchange, endpoint, url)
    {
        let request = self::request(exchange, &endpoints, &moved, pairs)?;
        let answer = exchange.transport.send(&request).map_err(unanswered)?;
        return Ok((request, answer));
    }
    Ok((request, answer))
}

/// A form request with the client's authentication.
fn request(
    exchange: &Exchange<'_>,
    endpoints: &discovery::Endpoints,
    url: &str,
    pairs: &[(&str, &str)],
) -> Result<Request, Failure> {
    let proof = authentication::prove(exchange, endpoints, url)?;
    let proof_pairs = proof.parameters.iter().map(|(name, value)| (*name, value.expose()));
    Ok(Request {
        url: Secret::new(url),
        shown: url.into(),
        headers: proof.headers,
        content_type: FORM,
        body: form::body(pairs.iter().copied().chain(proof_pairs)),
    })
}
