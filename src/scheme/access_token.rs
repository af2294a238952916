//! A token that is given: copied from a dashboard, or a personal access token. Nobody is asked for it.

use super::{Exchange, Failure, Granted};
use crate::error::{Error, Kind};
use crate::provider::Provider;
use crate::settings::{Settings, Source};
use crate::token::{Grant, Life};

pub(super) fn faults(provider: &Provider, settings: &Settings) -> Vec<String> {
    match settings.secret("access_token") {
        None => {
            vec![format!(
                "access_token is missing (or access_token_env, access_token_file, access_token_command): {}",
                provider.given_hint
            )]
        }
        Some(Source::Literal(token) | Source::Env { value: token, .. }) if !is_sendable(token.expose()) => {
            vec![
                "access_token holds characters that cannot be sent in a header (a space or a line break?)"
                    .into(),
            ]
        }
        Some(_) => Vec::new(),
    }
}

pub(super) fn acquire(exchange: &Exchange<'_>) -> Result<Granted, Failure> {
    let Some(token) = exchange.credentials.secret("access_token")? else {
        return Err(Error::new(Kind::Config, "access_token is missing").into());
    };
    if !is_sendable(token.expose()) {
        let why = "access_token holds characters that cannot be sent in a header (a space or a line break?)";
        return Err(Error::new(Kind::Config, why).into());
    }
    let grant = Grant {
        access_token: token.duplicate(),
        token_type: "Bearer".into(),
        life: exchange.settings.span("default_lifetime").map_or(Life::Unknown, Life::For),
        refresh_token: None,
        id_token: None,
        scope: None,
        companions: exchange.credentials.companions(exchange.provider)?,
    };
    Ok(Granted { grant, life_is_its_own: false, warnings: Vec::new() })
}

/// Whether a token can stand in a header: visible ASCII, which covers RFC 6750's b64token and what vendors
/// really issue.
pub(crate) fn is_sendable(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}
