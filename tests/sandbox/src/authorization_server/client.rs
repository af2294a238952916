//! Registered clients, how they prove who they are, and where they may be redirected to.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::failure::Failure;
use super::parameters::Parameters;
use crate::behaviour::BasicEncoding;
use crate::call::Call;
use crate::fixtures::WEB_REDIRECT_URI;

/// On loopback every port is registered (RFC 8252 section 7.3).
const LOOPBACK_HOSTS: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];
const LOOPBACK_PATH: &str = "callback";

/// A registered client.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Client {
    pub(super) id: &'static str,
    /// Public clients have none.
    pub(super) secret: Option<&'static str>,
    /// The keys that its assertions may be signed with, by their ids.
    pub(super) keys: &'static [(&'static str, &'static str)],
}

impl Client {
    pub(super) const fn confidential(id: &'static str, secret: &'static str) -> Self {
        Self { id, secret: Some(secret), keys: &[] }
    }

    pub(super) const fn public(id: &'static str) -> Self {
        Self { id, secret: None, keys: &[] }
    }

    pub(super) const fn signing(id: &'static str, keys: &'static [(&'static str, &'static str)]) -> Self {
        Self { id, secret: None, keys }
    }

    /// Whether the redirect URI is one of the registered ones.
    pub(super) fn may_redirect_to(uri: &str) -> bool {
        uri == WEB_REDIRECT_URI || is_registered_loopback(uri)
    }
}

/// `http://<loopback host>[:<any port>]/callback`, perhaps with a query.
fn is_registered_loopback(uri: &str) -> bool {
    let Some((authority, rest)) = uri.strip_prefix("http://").and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        _ => authority,
    };
    let path = rest.split('?').next().unwrap_or_default();
    LOOPBACK_HOSTS.contains(&host) && path == LOOPBACK_PATH && !uri.contains('#')
}

/// Finds out which client is calling.
pub(super) fn authenticate<'clients>(
    call: &Call,
    form: &Parameters,
    clients: &'clients [Client],
    encoding: BasicEncoding,
) -> Result<&'clients Client, Failure> {
    let (id, secret) = match (call.credentials("Basic"), form.get("client_secret")) {
        (Some(_), Some(_)) => {
            return Err(Failure::request("the client authenticates in two ways at once"));
        }
        (Some(credentials), None) => basic(credentials, form, encoding)?,
        (None, secret) => {
            let id = form.get("client_id").ok_or(Failure::client("no client is named"))?;
            (id.to_owned(), secret.map(str::to_owned))
        }
    };
    let client = clients.iter().find(|client| client.id == id);
    let client = client.ok_or(Failure::client("the client is not known"))?;
    if client.secret == secret.as_deref() && client.keys.is_empty() {
        Ok(client)
    } else {
        Err(Failure::client("the client's secret is wrong"))
    }
}

/// Reads Basic credentials; a public client may come with an empty secret.
fn basic(
    credentials: &str,
    form: &Parameters,
    encoding: BasicEncoding,
) -> Result<(String, Option<String>), Failure> {
    let unreadable = Failure::client("the Basic credentials cannot be read");
    let bytes = STANDARD.decode(credentials.trim()).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or(unreadable.clone())?;
    let (id, secret) = text.split_once(':').ok_or(unreadable.clone())?;
    let decode = |part: &str| match encoding {
        BasicEncoding::Raw => Some(part.to_owned()),
        BasicEncoding::Form => form_decode(part),
    };
    let id = decode(id).ok_or(unreadable.clone())?;
    let secret = decode(secret).ok_or(unreadable)?;
    if form.get("client_id").is_some_and(|named| named != id) {
        return Err(Failure::request("client_id names another client than Basic does"));
    }
    Ok((id, Some(secret).filter(|secret| !secret.is_empty())))
}

/// Decodes one form-encoded part, and refuses what no encoder writes: a client that sends raw
/// credentials should hear of it even where they happen to decode.
fn form_decode(part: &str) -> Option<String> {
    let is_written = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~*+%".contains(&byte);
    let decoded = form_urlencoded::parse(part.as_bytes()).next();
    let decoded = decoded.map_or_else(String::new, |(name, _)| name.into_owned());
    let is_encoded = part.bytes().all(is_written) && !has_stray_percent(part);
    is_encoded.then_some(decoded)
}

fn has_stray_percent(part: &str) -> bool {
    part.split('%').skip(1).any(|after| {
        let digits = after.as_bytes().get(..2);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}
