//! RFC 6749: authorization code, refresh, client credentials; and revocation (RFC 7009).

pub(crate) mod authorization;
pub(crate) mod discovery;
mod pkce;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::{Exchange, Failure, Granted, answer, form};
use crate::error::{Error, Kind, Result};
use crate::provider::Provider;
use crate::secret::Secret;
use crate::settings::{Settings, is_safe_url};
use crate::transport::Request;
use authorization::Code;
pub(crate) use discovery::endpoints;

const FORM: &str = "application/x-www-form-urlencoded";

/// Parameters that are tokenkeep's own to set.
const OWN: [&str; 14] = [
    "grant_type",
    "response_type",
    "client_id",
    "client_secret",
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
        "authorization_code" => &["client_id", "authorize_url", "token_url", "redirect_uri"],
        "refresh_token" => &["client_id", "token_url", "refresh_token"],
        _ => &["client_id", "token_url"],
    };
    faults.extend(wanted.iter().filter(|name| !has(name)).map(|name| format!("{name} is missing")));
    faults.extend(authentication_faults(settings, grant));
    faults.extend(settings.text("redirect_uri").and_then(redirect_fault));
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

fn authentication_faults(settings: &Settings, grant: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let has = |name: &str| settings.value(name).is_some();
    match authentication(settings) {
        method @ ("basic" | "post") if !has("client_secret") => {
            faults.push(format!("client_auth = {method} needs client_secret"));
        }
        method @ ("none" | "tls") if has("client_secret") => {
            faults.push(format!("client_auth = {method} sends no client_secret: drop one"));
        }
        "tls" if !has("client_cert_file") => faults.push("client_auth = tls needs client_cert_file".into()),
        "none" if grant == "client_credentials" => {
            faults.push(
                "client_credentials are for clients with a secret (RFC 6749 section 4.4): set client_secret"
                    .into(),
            );
        }
        _ => {}
    }
    if has("basic_encoding") && authentication(settings) != "basic" {
        faults.push("basic_encoding is for client_auth = basic".into());
    }
    faults
}

/// How the client proves itself.
fn authentication(settings: &Settings) -> &str {
    let by_secret = if settings.value("client_secret").is_some() { "basic" } else { "none" };
    settings.text("client_auth").unwrap_or(by_secret)
}

/// Whether a person gave it.
pub(crate) fn is_of_person(provider: &Provider, settings: &Settings) -> bool {
    grant(provider, settings) == "authorization_code"
}

/// Whether renewing spends a refresh token that may be good only once.
pub(crate) fn is_risky(provider: &Provider, settings: &Settings, has_refresh_token: bool) -> bool {
    let refreshes = matches!(grant(provider, settings), "authorization_code" | "refresh_token");
    refreshes && has_refresh_token && settings.text("refresh_rotates") != Some("off")
}

/// Asks for a grant, as the settings' grant says.
pub(super) fn acquire(exchange: &Exchange<'_>) -> std::result::Result<Granted, Failure> {
    match grant(exchange.provider, exchange.settings) {
        "client_credentials" => token(exchange, &[("grant_type", "client_credentials")], true),
        _ => match exchange.refresh_token {
            Some(refresh_token) => refresh(exchange, refresh_token),
            None => {
                let why = match exchange.settings.secret("refresh_token") {
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

/// RFC 6749 section 6. The scope is left out: the server keeps to what was granted.
fn refresh(exchange: &Exchange<'_>, refresh_token: &Secret) -> std::result::Result<Granted, Failure> {
    exchange.credentials.guard("the refresh token", refresh_token);
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose())];
    let mut granted = token(exchange, &pairs, false).map_err(|failure| {
        let refused = failure.error.kind() == Kind::ConsentRequired && failure.final_word;
        Failure { refresh_spent: refused, ..failure }
    })?;
    // One that is left out stays good (RFC 6749 section 6).
    granted.grant.refresh_token.get_or_insert_with(|| refresh_token.duplicate());
    Ok(granted)
}

/// RFC 6749 section 4.1.3: a code, once.
pub(crate) fn redeem(exchange: &Exchange<'_>, code: &Code) -> std::result::Result<Granted, Failure> {
    exchange.credentials.guard("the code", &code.code);
    exchange.credentials.guard("the verifier", &code.verifier);
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code.code.expose()),
        ("redirect_uri", &code.redirect_uri),
        ("code_verifier", code.verifier.expose()),
    ];
    let mut granted = token(exchange, &pairs, false)?;
    granted.grant.companions = exchange.credentials.companions(exchange.provider)?;
    Ok(granted)
}

/// RFC 7009: tells the server to forget a token.
pub(crate) fn revoke(
    exchange: &Exchange<'_>,
    token: &Secret,
    hint: &str,
) -> std::result::Result<(), Failure> {
    let endpoints = endpoints(exchange)?;
    let Some(url) = endpoints.revoke.as_deref() else { return Ok(()) };
    exchange.credentials.guard("the token", token);
    let request = request(exchange, url, &[("token", token.expose()), ("token_type_hint", hint)], false)?;
    let answer = exchange.transport.send(&request)?;
    match answer.status {
        200..300 => Ok(()),
        _ => Err(answer::refused(exchange, &request, &answer, "the token may still live at the vendor")),
    }
}

/// One token request. A lost answer may have spent a code or a refresh token, so only what never left this
/// machine may be sent again.
fn token(
    exchange: &Exchange<'_>,
    pairs: &[(&str, &str)],
    repeatable: bool,
) -> std::result::Result<Granted, Failure> {
    let endpoints = endpoints(exchange)?;
    let request = request(exchange, endpoints.need("token_url")?, pairs, true)?;
    let answer = exchange.transport.send(&request).map_err(|fault| {
        let sent = fault.sent;
        let failure = Failure::from(fault);
        Failure { repeatable: failure.repeatable && (repeatable || !sent), ..failure }
    })?;
    if (200..300).contains(&answer.status) {
        return answer::granted(exchange, &request, &answer, exchange.settings.text("scope"));
    }
    let failure = answer::refused(exchange, &request, &answer, hint(pairs));
    // A 429 or 503 is an answer: the request was turned away. Any other 5xx may have come after the deed.
    let turned_away = matches!(answer.status, 429 | 503);
    Err(Failure { repeatable: failure.repeatable && (repeatable || turned_away), ..failure })
}

fn hint(pairs: &[(&str, &str)]) -> &'static str {
    match pairs.first() {
        Some((_, "client_credentials")) => "check client_id, client_secret, client_auth, scope and audience",
        Some((_, "refresh_token")) => "the refresh token is spent, revoked or expired: begin a new consent",
        _ => "the code is spent or expired, or redirect_uri is not the registered one: begin a new consent",
    }
}

/// A form request with the client's authentication and, for a token, what the settings add.
fn request(exchange: &Exchange<'_>, url: &str, pairs: &[(&str, &str)], for_token: bool) -> Result<Request> {
    let settings = exchange.settings;
    let text = |name: &str| settings.text(name).unwrap_or_default();
    let secret = exchange.credentials.secret("client_secret")?;
    let secret = secret.as_ref().map_or("", |secret| secret.expose());
    let mut pairs = pairs.to_vec();
    let mut headers = Vec::new();
    match authentication(settings) {
        "basic" => {
            let pair = basic(text("client_id"), secret, text("basic_encoding") != "raw");
            exchange.credentials.guard("the Basic credentials", &pair);
            headers.push(("Authorization".into(), Secret::join(&["Basic ", pair.expose()])));
        }
        "post" => pairs.extend([("client_id", text("client_id")), ("client_secret", secret)]),
        _ => pairs.push(("client_id", text("client_id"))),
    }
    let extra: Vec<_> = form::decode(text("token_extra")).collect();
    if for_token {
        let asks = pairs[0].1 == "client_credentials";
        pairs.push(("scope", if asks { text("scope") } else { "" }));
        pairs.push(("audience", text("audience")));
        pairs.extend(text("resource").split(' ').map(|resource| ("resource", resource)));
        pairs.extend(extra.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    }
    Ok(Request {
        url: Secret::new(url),
        shown: url.into(),
        headers,
        content_type: FORM,
        body: form::body(pairs),
    })
}

/// RFC 6749 section 2.3.1: each part form-encoded, then joined, then base64. What stands behind "Basic ".
fn basic(id: &str, secret: &str, encode: bool) -> Secret {
    let part = |text: &str| Secret::from(if encode { form::encode(text) } else { text.to_owned() });
    let pair = Secret::join(&[part(id).expose(), ":", part(secret).expose()]);
    Secret::from(BASE64_STANDARD.encode(pair.expose()))
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn basic_is_that_of_rfc_6749_section_2_3_1() {
        let line = basic("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw", true);
        assert_eq!(line.expose(), "czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3");
        let line = basic("s6BhdRkqt3", "gX1fBat3bV", true);
        assert_eq!(line.expose(), "czZCaGRSa3F0MzpnWDFmQmF0M2JW");
    }

    #[test]
    fn basic_encodes_each_part_before_it_joins_them() {
        let decoded = |line: Secret| {
            let bytes = BASE64_STANDARD.decode(line.expose()).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(decoded(basic("weird:id +%", "s/é", true)), "weird%3Aid+%2B%25:s%2F%C3%A9");
        assert_eq!(decoded(basic("weird:id +%", "s", false)), "weird:id +%:s");
    }
}
