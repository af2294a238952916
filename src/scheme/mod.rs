//! How a token is obtained from a vendor: one exchange, with no memory of its own.

mod access_token;
mod answer;
mod chain;
pub(crate) mod challenge;
mod credentials;
#[cfg(all(test, shuttle))]
pub(crate) mod double;
mod form;
mod login;
pub(crate) mod oauth2;

use std::collections::BTreeSet;

use crate::error::{Error, Kind};
use crate::provider::{Provider, SchemeName, Step};
use crate::secret::Secret;
use crate::settings::{Class, Settings, Source};
use crate::token::Grant;
use crate::transport::{Fault, Transport};

pub(crate) use answer::shorten;
pub(crate) use credentials::{Credentials, are_commanded, base_url, may_change, presented};

/// What one exchange may use.
pub(crate) struct Exchange<'a> {
    pub(crate) provider: &'a Provider,
    pub(crate) settings: &'a Settings,
    /// Which step of a chain; 0 where there is none.
    pub(crate) level: usize,
    pub(crate) transport: &'a Transport<'a>,
    pub(crate) credentials: &'a Credentials<'a>,
    /// The refresh token that the last exchange left.
    pub(crate) refresh_token: Option<&'a Secret>,
    /// In a chain, the grant that the next one is bought with.
    pub(crate) base: Option<&'a Grant>,
    /// What was granted before.
    pub(crate) granted_scope: Option<&'a str>,
    /// What the server said of itself.
    pub(crate) metadata: &'a oauth2::discovery::Cache,
}

/// A grant, and what was odd about the answer.
pub(crate) struct Granted {
    pub(crate) grant: Grant,
    /// The token itself says how long it lives, and nobody else does.
    pub(crate) life_is_its_own: bool,
    pub(crate) warnings: Vec<String>,
}

/// Why there is no grant, and what may be done about it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// The vendor itself refused these very credentials; the same ones need not be tried again soon.
    pub(crate) final_word: bool,
    /// Trying again at once can lose nothing.
    pub(crate) repeatable: bool,
    /// The token it was to be bought with was refused.
    pub(crate) base_refused: bool,
    /// The token it was to be bought with could not be had; its keeper remembers why.
    pub(crate) base_missing: bool,
    /// The refresh token was spent or refused: it must not be sent again.
    pub(crate) refresh_spent: bool,
    /// A new refresh token that came with an answer of no other use.
    pub(crate) rotated: Option<Secret>,
}

impl Failure {
    pub(crate) fn new(error: Error) -> Failure {
        Failure {
            error,
            final_word: false,
            repeatable: false,
            base_refused: false,
            base_missing: false,
            refresh_spent: false,
            rotated: None,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::new(error)
    }
}

impl From<Fault> for Failure {
    /// For requests that can be sent twice. Those that cannot look at `sent` themselves.
    fn from(fault: Fault) -> Failure {
        let repeatable = fault.error.is_retryable();
        Failure { repeatable, ..Failure::new(fault.error) }
    }
}

/// The level of a chain that a client's settings ask for; 0 where there is no chain.
pub(crate) fn level(provider: &Provider, settings: &Settings) -> usize {
    let wanted = settings.text("acts_as");
    let named = provider.step.iter().position(|step| step.acts_as.as_deref() == wanted && wanted.is_some());
    named.unwrap_or(provider.step.len().saturating_sub(1))
}

/// Whether the token is simply given, so that no exchange is needed.
pub(crate) fn is_given(provider: &Provider, settings: &Settings) -> bool {
    match provider.scheme {
        SchemeName::AccessToken => true,
        SchemeName::Oauth2 => oauth2::grant(provider, settings) == "access_token",
        SchemeName::Login | SchemeName::Chain => false,
    }
}

/// Whether a chain's token at that level is there to buy the next one. It can do more than that one, and stays in memory.
pub(crate) fn is_stepping_stone(provider: &Provider, level: usize) -> bool {
    level + 1 < provider.step.len()
}

/// Every fault of the settings that only the provider and its scheme can see.
pub(crate) fn faults(provider: &Provider, settings: &Settings) -> Vec<String> {
    let mut faults = credentials::missing(provider, settings, needed(provider, settings));
    if is_given(provider, settings) {
        faults.extend(access_token::faults(provider, settings));
    }
    if provider.scheme == SchemeName::Oauth2 {
        faults.extend(oauth2::faults(provider, settings));
    }
    faults.extend(conflicts(provider, settings));
    faults
}

/// The steps that the settings lead through.
fn needed<'p>(provider: &'p Provider, settings: &Settings) -> &'p [Step] {
    provider.step.get(..=level(provider, settings)).unwrap_or(&provider.step)
}

fn conflicts(provider: &Provider, settings: &Settings) -> Vec<String> {
    let mut faults = Vec::new();
    let has = |name: &str| settings.value(name).is_some();
    if let Some(acts_as) = settings.text("acts_as")
        && !provider.step.iter().any(|step| step.acts_as.as_deref() == Some(acts_as))
    {
        faults.push(format!("acts_as = {acts_as} is not offered by {}", provider.name));
    }
    if settings.text("placement") == Some("query") && !provider.placement.iter().any(|place| place == "query")
    {
        faults.push(format!(
            "placement = query is not offered by {}: tokens in URLs end up in logs",
            provider.name
        ));
    }
    if has("query_parameter") && settings.text("placement") != Some("query") {
        faults.push("query_parameter is for placement = query".into());
    }
    if let Some(Source::Literal(proxy) | Source::Env { value: proxy, .. }) = settings.secret("proxy")
        && !is_proxy(proxy.expose())
    {
        faults.push(
            "proxy is neither none nor env nor host:port nor an http://, https:// or socks5:// URL".into(),
        );
    }
    if has("client_cert_file") != has("client_key_file") {
        faults.push("client_cert_file and client_key_file belong together".into());
    }
    match (settings.text("ca_roots"), has("ca_file")) {
        (Some("platform"), true) => {
            faults.push("ca_file takes the place of ca_roots = platform: drop one".into())
        }
        (Some("file"), false) => faults.push("ca_roots = file needs ca_file".into()),
        _ => {}
    }
    faults
}

/// Whether a proxy is written as one.
fn is_proxy(text: &str) -> bool {
    let named = matches!(text, "none" | "env");
    match text.split_once("://") {
        Some((way, _)) => way == "http" || way == "https" || way.starts_with("socks"),
        None => named || text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()),
    }
}

/// Asks the vendor for a grant.
pub(crate) fn acquire(exchange: &Exchange<'_>) -> Result<Granted, Failure> {
    let (provider, settings) = (exchange.provider, exchange.settings);
    if is_given(provider, settings) {
        return access_token::acquire(exchange);
    }
    let mut granted = match provider.scheme {
        SchemeName::Oauth2 => oauth2::acquire(exchange),
        SchemeName::AccessToken | SchemeName::Login | SchemeName::Chain => {
            match (exchange.base, provider.step.get(exchange.level)) {
                (Some(base), Some(step)) => chain::acquire(exchange, step, base),
                (None, Some(step)) => login::acquire(exchange, step, Vec::new()),
                (_, None) => {
                    return Err(Error::new(Kind::Internal, "the provider has no such step").into());
                }
            }
        }
    }?;
    granted.grant.companions = exchange.credentials.companions(provider)?;
    Ok(granted)
}

/// The secret settings that one level's exchange uses.
pub(crate) fn secrets_used<'a>(
    provider: &'a Provider,
    settings: &'a Settings,
    level: usize,
) -> impl Iterator<Item = &'a str> {
    let named: Vec<&str> = provider.step.get(level).into_iter().flat_map(step_names).collect();
    let beside: Vec<&str> = provider.headers.values().flat_map(crate::template::Template::names).collect();
    let any = provider.step.is_empty();
    let secrets = settings.secrets(Class::Secret).map(|(name, _)| name);
    secrets.filter(move |name| any || named.contains(name) || beside.contains(name))
}

/// The settings that the steps up to this one send, and those that stand in one header with a secret: what they
/// are is part of the grant.
pub(crate) fn names_sent(provider: &Provider, settings: &Settings, level: usize) -> BTreeSet<String> {
    let steps = provider.step.iter().take(level + 1);
    let headers = provider.headers.values().filter(|template| credentials::holds_secret(template, settings));
    let mut names: BTreeSet<String> = steps
        .flat_map(step_names)
        .chain(headers.flat_map(crate::template::Template::names))
        .map(str::to_owned)
        .collect();
    let nested: Vec<_> = names.iter().filter_map(|name| credentials::nested(settings, name)).collect();
    names.extend(nested.iter().flat_map(crate::template::Template::names).map(str::to_owned));
    names
}

/// The settings that a step's templates name.
pub(crate) fn step_names(step: &Step) -> impl Iterator<Item = &str> {
    let templates = std::iter::once(&step.url).chain(step.fields.values()).chain(step.headers.values());
    templates.flat_map(crate::template::Template::names)
}
