//! Every setting, declared once. This list gives parsing, the nearest-name hint, the fingerprint, the table in
//! docs/SETTINGS.md and the keywords of the Python stubs.

use Class::{Client, Identity, Keeper, Presentation, Secret as SecretClass};
use Form::{Count, List, OnOff, Pairs, Path, Pem, Secret, Span, Text, Url, UrlTemplate, Word};

/// What a setting decides, and so which clients may share a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Whose grant it is. Clients that differ here never share a token.
    Identity,
    /// What proves the identity. Clients that differ here never share a token.
    Secret,
    /// How the grant is kept. Clients of one grant must agree.
    Keeper,
    /// How one client calls. Never splits a grant.
    Client,
    /// How one client shows its token. Never splits a grant.
    Presentation,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Any text without control characters.
    Text,
    /// A text that must not be seen; also `X_env`, `X_file`, `X_command`.
    Secret,
    /// The same, in several lines: a private key.
    Pem,
    /// One of these words.
    Word(&'static [&'static str]),
    /// An absolute https URL, or http to loopback.
    Url,
    /// The same, with `{setting}` in places.
    UrlTemplate,
    /// A span of time: `30`, `2.5 s`, `500 ms`, `5 min`, `1 h`.
    Span,
    /// A whole number from one up.
    Count,
    /// `on` or `off`; `yes` and `no` will do.
    OnOff,
    /// A path of the file system.
    Path,
    /// Words parted by spaces.
    List,
    /// Form-encoded pairs: `a=1&b=2`.
    Pairs,
}

impl Form {
    /// Whether such a value must not be seen.
    pub(crate) fn is_secret(self) -> bool {
        matches!(self, Secret | Pem)
    }
}

/// One declared setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name: the same in C, C++, Python and a profile.
    pub name: &'static str,
    /// The group it is documented in.
    pub group: &'static str,
    /// What it does.
    pub doc: &'static str,
    pub(crate) class: Class,
    pub(crate) form: Form,
}

impl Setting {
    /// What it decides: "identity", "secret", "keeper", "client" or "presentation".
    pub fn class(&self) -> &'static str {
        match self.class {
            Identity => "identity",
            SecretClass => "secret",
            Keeper => "keeper",
            Client => "client",
            Presentation => "presentation",
        }
    }

    /// Whether its value is a secret, so that it may be given as `X_env`, `X_file` or `X_command` instead.
    pub fn is_secret(&self) -> bool {
        self.form.is_secret()
    }

    /// Whether it proves who the client is, so that stored grants are sealed with it: then there is a setting
    /// `X_previous`, a secret too, which opens what was sealed with the one before and is never sent.
    pub fn has_previous(&self) -> bool {
        is_proof(self.name, self.class, self.form)
    }

    /// How its value is written, in words.
    pub fn form(&self) -> String {
        match self.form {
            Text => "text".into(),
            Secret => "secret".into(),
            Pem => "secret (PEM)".into(),
            Word(words) => words.join(", "),
            Url => "URL".into(),
            UrlTemplate => "URL template".into(),
            Span => "time".into(),
            Count => "number".into(),
            OnOff => "on, off".into(),
            Path => "path".into(),
            List => "words".into(),
            Pairs => "form pairs".into(),
        }
    }
}

/// Every setting, in the order of the docs.
pub fn settings() -> &'static [Setting] {
    LIST
}

/// Whether a secret setting's value has several lines.
pub(super) fn has_lines(name: &str) -> bool {
    let name = name.strip_suffix(super::PREVIOUS).unwrap_or(name);
    LIST.iter().any(|setting| setting.name == name && setting.form == Pem)
}

/// Whether a setting proves who the client is. A token is a secret, but no proof: it changes.
pub(crate) fn is_proof(name: &str, class: Class, form: Form) -> bool {
    class == SecretClass && form.is_secret() && !matches!(name, "access_token" | "refresh_token")
}

/// Settings that every provider takes, whatever its scheme.
pub(super) const GENERAL: &[&str] = &["which", "how it is sent", "freshness", "network", "store"];

const fn setting(
    group: &'static str,
    name: &'static str,
    class: Class,
    form: Form,
    doc: &'static str,
) -> Setting {
    Setting { name, group, doc, class, form }
}

#[rustfmt::skip]
const LIST: &[Setting] = &[
    setting("which", "provider", Identity, Text,
        "the vendor: acquire, acquired, frederick, pink, oauth2, or the path of a provider file"),
    setting("which", "environment", Identity, Text,
        "which of the vendor's environments: acquired has production and qa, frederick production and staging"),
    setting("which", "base_url", Identity, Url,
        "where the provider's paths begin, in place of the environment's own; to point it at a sandbox or a gateway"),
    setting("which", "account", Identity, Text,
        "whose token it is, in the program's own words; keeps end users apart"),
    setting("which", "api_hosts", Presentation, List,
        "hosts that a token may be sent to, by the Python hooks and by what may_send_to says (a leading *. stands for any subdomain); default from the provider, or the host of base_url"),

    setting("a given token", "access_token", SecretClass, Secret,
        "the token itself, as the vendor's dashboard shows it: acquire's API token, a PINK personal access token"),

    setting("Acquired.com", "app_id", Identity, Text,
        "the application's id"),
    setting("Acquired.com", "app_key", SecretClass, Secret,
        "the application's key; it belongs to one environment"),
    setting("Acquired.com", "company_id", Presentation, Text,
        "sent as Company-Id: which company, where an account has several"),
    setting("Acquired.com", "mid", Presentation, Text,
        "sent as Mid: which merchant account, where a company has several"),

    setting("Frederick", "api_key", SecretClass, Secret,
        "sent as x-api-key on every request"),
    setting("Frederick", "email", Identity, Text,
        "the location owner's e-mail address"),
    setting("Frederick", "password", SecretClass, Secret,
        "the location owner's password; used for the user token alone"),
    setting("Frederick", "location_id", Identity, Text,
        "the location to act for"),
    setting("Frederick", "acts_as", Identity, Word(&["location", "user"]),
        "whose token: the location's (default), or the user's that it is bought with"),
    setting("Frederick", "user_token_url", Identity, UrlTemplate,
        "where a user token is bought; the vendor tells partners, it publishes no URL"),
    setting("Frederick", "location_token_url", Identity, UrlTemplate,
        "where a location token is bought, with {location_id} where the id belongs; the vendor publishes no URL"),

    setting("OAuth 2", "grant", Identity,
        Word(&["access_token", "authorization_code", "client_credentials", "device_code", "refresh_token"]),
        "how the token is had (RFC 6749, and RFC 8628 for device_code); access_token means it is given"),
    setting("OAuth 2", "client_id", Identity, Text,
        "the client identifier"),
    setting("OAuth 2", "client_secret", SecretClass, Secret,
        "the client secret"),
    setting("OAuth 2", "client_auth", Identity,
        Word(&["basic", "post", "none", "private_key_jwt", "client_secret_jwt", "tls"]),
        "how the client proves itself: basic or post (default with client_secret: basic, unless the server's metadata name post alone), private_key_jwt (default with assertion_key) and client_secret_jwt (RFC 7523), tls (RFC 8705, with client_cert_file), none (default without any)"),
    setting("OAuth 2", "basic_encoding", Identity, Word(&["form", "raw"]),
        "how id and secret are encoded before Basic: form (default, RFC 6749 section 2.3.1), or raw for servers that skip it"),
    setting("OAuth 2", "assertion_key", SecretClass, Pem,
        "the private key that private_key_jwt signs with, unencrypted: RSA of 2048 bits or more, P-256 or Ed25519, as PKCS#8, PKCS#1 or SEC1"),
    setting("OAuth 2", "assertion_key_id", Identity, Text,
        "the key's id at the server (kid), where it wants one"),
    setting("OAuth 2", "assertion_algorithm", Identity, Word(&["RS256", "PS256", "ES256", "EdDSA"]),
        "what private_key_jwt signs with; default by the key and the server's metadata: RS256 for RSA unless they name PS256 alone, ES256, EdDSA"),
    setting("OAuth 2", "assertion_audience", Identity, Text,
        "the audience of private_key_jwt and client_secret_jwt, where the server wants another than issuer (default; without it token_url): a text, or `endpoint` for the URL that is asked"),
    setting("OAuth 2", "issuer", Identity, Url,
        "the authorization server's issuer identifier: its metadata (RFC 8414, OpenID Connect Discovery) name the endpoints that are not set here; a redirect that names another issuer is refused (RFC 9207)"),
    setting("OAuth 2", "metadata_issuer", Identity, Text,
        "what the server calls itself where that is known to differ from issuer, to the letter: in its metadata and in redirects. Whoever answers at issuer may then speak for that name, so set it only for a server that you know"),
    setting("OAuth 2", "authorize_url", Identity, Url,
        "the authorization endpoint"),
    setting("OAuth 2", "token_url", Identity, Url,
        "the token endpoint"),
    setting("OAuth 2", "device_url", Identity, Url,
        "the device authorization endpoint (RFC 8628)"),
    setting("OAuth 2", "revoke_url", Identity, Url,
        "the revocation endpoint (RFC 7009)"),
    setting("OAuth 2", "redirect_uri", Identity, Text,
        "where the vendor sends the person back to, as registered; a loopback address without a port (http://127.0.0.1/callback) gets a free one"),
    setting("OAuth 2", "scope", Identity, List,
        "what to ask for: names parted by spaces"),
    setting("OAuth 2", "audience", Identity, Text,
        "which API the token is for, where the server wants `audience`"),
    setting("OAuth 2", "resource", Identity, List,
        "which resources the token is for (RFC 8707): URIs parted by spaces"),
    setting("OAuth 2", "refresh_token", SecretClass, Secret,
        "a refresh token to begin with"),
    setting("OAuth 2", "refresh_rotates", Identity, OnOff,
        "whether a refresh token is good only once: on (default, the safe guess) or off; yes and no will do"),
    setting("OAuth 2", "authorize_extra", Identity, Pairs,
        "further parameters of the authorization request"),
    setting("OAuth 2", "token_extra", Identity, Pairs,
        "further parameters of the token request"),
    setting("OAuth 2", "login_hint", Identity, Text,
        "who is expected to say yes, as the server knows them"),

    setting("how it is sent", "placement", Presentation, Word(&["header", "query"]),
        "where the token goes: header (default), or query where the provider allows it"),
    setting("how it is sent", "query_parameter", Presentation, Text,
        "the query parameter's name with placement = query; default from the provider"),

    setting("freshness", "refresh_early", Keeper, Span,
        "how long before its end a token is renewed; default a fifth of its life, at most 300 s; never more than half of it"),
    setting("freshness", "default_lifetime", Keeper, Span,
        "how long a token lives where the vendor does not say; default unknown, that is until it is refused"),
    setting("freshness", "background", Keeper, OnOff,
        "on (default): renewals run on a short-lived thread; off: on the caller's own; the call may last past its own deadline, until the network's timeouts end it"),

    setting("network", "timeout", Client, Span,
        "how long a call may take altogether; default 30 s"),
    setting("network", "connect_timeout", Keeper, Span,
        "how long a connection may take to be made, TLS included; default 10 s"),
    setting("network", "proxy", Keeper, Secret,
        "an http, https or socks5 URL; `none`; or `env` (default): HTTPS_PROXY and ALL_PROXY, unless NO_PROXY names the host, as they are when the client is made; never for loopback"),
    setting("network", "ca_file", Keeper, Path,
        "PEM certificates of the authorities to trust, in place of the platform's"),
    setting("network", "ca_roots", Keeper, Word(&["platform", "file"]),
        "platform (default): the operating system's authorities, or SSL_CERT_FILE and SSL_CERT_DIR; file (default with ca_file): ca_file alone"),
    setting("network", "client_cert_file", Keeper, Path,
        "PEM certificate chain to show to servers that ask for one"),
    setting("network", "client_key_file", Keeper, Path,
        "PEM private key of client_cert_file"),
    setting("network", "user_agent", Keeper, Text,
        "the User-Agent header; default tokenkeep/VERSION"),
    setting("network", "max_attempts", Keeper, Count,
        "how often one renewal tries where trying again can lose nothing; default 3"),

    setting("store", "store", Keeper, Word(&["memory", "file", "redis"]),
        "where tokens outlive the process: memory (default) means nowhere; file: sealed records on this machine, shared by every process of this user; redis: sealed records in a Redis, shared by a fleet of machines"),
    setting("store", "store_path", Keeper, Path,
        "with store = file, the directory of the records; default tokenkeep in the user's state directory ($XDG_STATE_HOME or ~/.local/state)"),
    setting("store", "store_url", Keeper, Secret,
        "with store = redis, where it is and as whom: redis://user:password@host:6379/0, rediss:// for TLS, or unix:///path?db=0&user=user&pass=password"),
    setting("store", "store_ca_file", Keeper, Path,
        "with rediss://, PEM certificates of the authorities to trust, in place of the platform's"),
    setting("store", "store_client_cert_file", Keeper, Path,
        "with rediss://, PEM certificate chain to show to a Redis that asks for one"),
    setting("store", "store_client_key_file", Keeper, Path,
        "PEM private key of store_client_cert_file"),
    setting("store", "store_key", Keeper, Secret,
        "32 random bytes as 64 hexadecimal digits or base64: seals what leaves the process, stored grants and begun consents; with store = redis it must be given"),
    setting("store", "store_key_previous", Keeper, Secret,
        "the store_key before this one: opens what it sealed, seals nothing"),
];

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn every_setting_is_declared_once() {
        let mut names: Vec<_> = LIST.iter().map(|setting| setting.name).collect();
        names.sort_unstable();
        let before = names.len();
        names.dedup();
        assert_eq!(names.len(), before);
    }

    #[test]
    fn no_name_can_be_mistaken_for_a_reference_to_a_secret() {
        for setting in LIST {
            let is_file = setting.name.ends_with("_file");
            let shadowed = super::super::SUFFIXES.iter().any(|suffix| {
                setting
                    .name
                    .strip_suffix(suffix)
                    .is_some_and(|base| LIST.iter().any(|s| s.name == base && s.is_secret()))
            });
            assert!(!shadowed, "{} (a file: {is_file})", setting.name);
        }
    }
}
