//! How a client proves itself at its server's endpoints (RFC 6749 section 2.3, RFC 7523, RFC 8705): in one way a
//! request.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::assertion::{Claims, Key, assertion};
use super::discovery::Endpoints;
use crate::error::{Error, Kind, Result};
use crate::scheme::{Exchange, form};
use crate::secret::Secret;
use crate::settings::{Settings, Source};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What one request proves the client with.
pub(super) struct Proof {
    /// Parameters of the body.
    pub(super) parameters: Vec<(&'static str, Secret)>,
    pub(super) headers: Vec<(Box<str>, Secret)>,
}

/// What is missing or contradictory.
pub(super) fn faults(settings: &Settings, grant: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let has = |name: &str| settings.value(name).is_some();
    let method = method(settings, None);
    let wanted = match method {
        "basic" | "post" | "client_secret_jwt" => Some("client_secret"),
        "private_key_jwt" => Some("assertion_key"),
        "tls" => Some("client_cert_file"),
        _ => None,
    };
    if let Some(name) = wanted.filter(|name| !has(name)) {
        faults.push(format!("client_auth = {method} needs {name}"));
    }
    for name in ["client_secret", "assertion_key"] {
        if has(name) && wanted != Some(name) {
            faults.push(format!("client_auth = {method} sends no {name}: drop one"));
        }
    }
    if method == "none" && grant == "client_credentials" {
        let why = "client_credentials are for clients with a secret (RFC 6749 section 4.4): set client_secret or assertion_key";
        faults.push(why.into());
    }
    for (name, methods) in [
        ("basic_encoding", &["basic"][..]),
        ("assertion_audience", &["private_key_jwt", "client_secret_jwt"]),
        ("assertion_key_id", &["private_key_jwt", "client_secret_jwt"]),
        ("assertion_algorithm", &["private_key_jwt"]),
    ] {
        if has(name) && !methods.contains(&method) {
            faults.push(format!("{name} is for client_auth = {}", methods.join(" and ")));
        }
    }
    if let Some(Source::Literal(pem) | Source::Env { value: pem, .. }) = settings.secret("assertion_key") {
        let wanted = settings.text("assertion_algorithm");
        faults.extend(Key::from_pem(pem).map_err(unusable).and_then(|key| key.algorithm(wanted, None)).err());
    }
    faults
}

fn unusable(why: String) -> String {
    format!("assertion_key cannot be used: {why}")
}

/// Proves the client to the endpoint at `url`. Each call makes another proof, for servers take some only once.
pub(super) fn prove(exchange: &Exchange<'_>, endpoints: &Endpoints, url: &str) -> Result<Proof> {
    let settings = exchange.settings;
    let client_id = settings.text("client_id").unwrap_or_default();
    let id = || ("client_id", Secret::new(client_id));
    let secret = || {
        let secret = exchange.credentials.secret("client_secret")?;
        Ok(secret.map_or_else(|| Secret::new(""), |secret| secret.duplicate()))
    };
    let assert = |key: Key| {
        let assertion = signed(exchange, endpoints, url, &key)?;
        exchange.credentials.guard("the client assertion", &assertion);
        let kind = ("client_assertion_type", Secret::new(ASSERTION_TYPE));
        Ok(vec![id(), kind, ("client_assertion", assertion)])
    };
    let mut headers = Vec::new();
    let parameters = match method(settings, Some(endpoints)) {
        "basic" => {
            let pair = basic(client_id, &secret()?, settings.text("basic_encoding") != Some("raw"));
            exchange.credentials.guard("the Basic credentials", &pair);
            headers.push(("Authorization".into(), Secret::join(&["Basic ", pair.expose()])));
            Vec::new()
        }
        "post" => vec![id(), ("client_secret", secret()?)],
        "client_secret_jwt" => assert(Key::from_secret(&secret()?))?,
        "private_key_jwt" => assert(private_key(exchange)?)?,
        _ => vec![id()],
    };
    Ok(Proof { parameters, headers })
}

/// What to look at where the server does not take the client for what it says.
pub(super) fn hint(settings: &Settings) -> &'static str {
    match method(settings, None) {
        "private_key_jwt" | "client_secret_jwt" => {
            "check client_id, the key, assertion_key_id and assertion_audience, this machine's clock, scope and audience"
        }
        "tls" => "check client_id, client_cert_file, scope and audience",
        "basic" => "check client_id, client_secret, client_auth, basic_encoding, scope and audience",
        _ => "check client_id, client_secret, client_auth, scope and audience",
    }
}

/// The way that the settings name, or that goes with what they hold and what the server takes.
fn method<'a>(settings: &'a Settings, endpoints: Option<&Endpoints>) -> &'a str {
    let takes = |method: &str| endpoints.is_none_or(|endpoints| endpoints.takes(method));
    let has = |name: &str| settings.value(name).is_some();
    settings.text("client_auth").unwrap_or(match () {
        () if has("assertion_key") => "private_key_jwt",
        () if !has("client_secret") => "none",
        () if !takes("client_secret_basic") && takes("client_secret_post") => "post",
        () => "basic",
    })
}

fn private_key(exchange: &Exchange<'_>) -> Result<Key> {
    let pem = exchange.credentials.secret("assertion_key")?;
    let key = pem.map(|pem| Key::from_pem(&pem)).unwrap_or_else(|| Err("it is missing".into()));
    key.map_err(|why| Error::new(Kind::Config, unusable(why)))
}

fn signed(exchange: &Exchange<'_>, endpoints: &Endpoints, url: &str, key: &Key) -> Result<Secret> {
    let settings = exchange.settings;
    let algorithm = key
        .algorithm(settings.text("assertion_algorithm"), endpoints.assertion_algorithms())
        .map_err(|why| Error::new(Kind::Config, why))?;
    let audience = match settings.text("assertion_audience") {
        Some("endpoint") => url,
        Some(audience) => audience,
        // A server's own name cannot be mistaken for another's, as an endpoint's URL can.
        None => endpoints.issuer.as_deref().or(endpoints.token.as_deref()).unwrap_or(url),
    };
    let client_id = settings.text("client_id").unwrap_or_default();
    let now = exchange.transport.now().wall / 1_000_000_000;
    assertion(&Claims { client_id, audience, now }, key, algorithm, settings.text("assertion_key_id"))
}

/// RFC 6749 section 2.3.1: each part form-encoded, then joined, then base64. What stands behind "Basic ".
fn basic(id: &str, secret: &Secret, encode: bool) -> Secret {
    let part = |text: &str| Secret::from(if encode { form::encode(text) } else { text.to_owned() });
    let pair = Secret::join(&[part(id).expose(), ":", part(secret.expose()).expose()]);
    Secret::from(BASE64_STANDARD.encode(pair.expose()))
}

#[cfg(test)]
mod test {
    use super::*;

    fn line(id: &str, secret: &str, encode: bool) -> Secret {
        basic(id, &Secret::new(secret), encode)
    }

    #[test]
    fn basic_is_that_of_rfc_6749_section_2_3_1() {
        for (secret, wanted) in [
            ("7Fjfp0ZBr1KtDRbnfVdmIw", "czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"),
            ("gX1fBat3bV", "czZCaGRSa3F0MzpnWDFmQmF0M2JW"),
        ] {
            assert_eq!(line("s6BhdRkqt3", secret, true).expose(), wanted);
        }
    }

    #[test]
    fn basic_encodes_each_part_before_it_joins_them() {
        let decoded = |line: Secret| {
            let bytes = BASE64_STANDARD.decode(line.expose()).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(decoded(line("weird:id +%", "s/é", true)), "weird%3Aid+%2B%25:s%2F%C3%A9");
        assert_eq!(decoded(line("weird:id +%", "s", false)), "weird:id +%:s");
    }
}
