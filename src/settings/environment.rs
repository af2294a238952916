//! The only place that reads the environment, but for SSL_CERT_FILE and SSL_CERT_DIR, which the platform's
//! certificate authorities are read from by rustls.

use std::path::PathBuf;

use super::value::is_loopback;
use crate::secret::Secret;

#[allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub(super) fn read(variable: &str) -> Option<Secret> {
    std::env::var(variable).ok().map(Secret::from)
}

#[allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn directory(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The profile file that holds where none is named.
pub(super) fn profile_file() -> Option<PathBuf> {
    if let Some(named) = read("TOKENKEEP_CONFIG") {
        return Some(named.expose().into());
    }
    config_directory().map(|config| config.join("tokenkeep.toml"))
}

/// tokenkeep's own directory among the user's settings.
pub(crate) fn config_directory() -> Option<PathBuf> {
    let config = if cfg!(windows) {
        directory("APPDATA")
    } else {
        directory("XDG_CONFIG_HOME").or_else(|| home(LIBRARY.unwrap_or(".config")))
    };
    config.map(|config| config.join("tokenkeep"))
}

/// tokenkeep's own directory for what outlives a process.
pub(crate) fn state_directory() -> Option<PathBuf> {
    if cfg!(windows) {
        return directory("LOCALAPPDATA").map(|local| local.join("tokenkeep").join("grants"));
    }
    let state = directory("XDG_STATE_HOME").map(|state| state.join("tokenkeep"));
    state.or_else(|| match LIBRARY {
        // Where settings and state share a directory.
        Some(library) => home(library).map(|library| library.join("tokenkeep").join("grants")),
        None => home(".local/state").map(|state| state.join("tokenkeep")),
    })
}

const LIBRARY: Option<&str> =
    if cfg!(target_os = "macos") { Some("Library/Application Support") } else { None };

fn home(below: &str) -> Option<PathBuf> {
    directory("HOME").map(|home| home.join(below))
}

/// The proxy that the environment named when the client was made: a host that changes its environment later does not
/// race with a renewal. Plain http only ever goes to loopback, and loopback is reached directly, so HTTP_PROXY never
/// counts (nor can a CGI request forge it).
#[derive(Debug)]
pub(super) struct EnvironmentProxy {
    address: Secret,
    /// What NO_PROXY says.
    spared: Box<str>,
}

impl EnvironmentProxy {
    pub(super) fn read() -> Option<EnvironmentProxy> {
        let set = |lower: &str, upper: &str| {
            read(lower).or_else(|| read(upper)).filter(|value| !value.expose().is_empty())
        };
        let address = set("https_proxy", "HTTPS_PROXY").or_else(|| set("all_proxy", "ALL_PROXY"))?;
        let spared = set("no_proxy", "NO_PROXY").map(|list| list.expose().into()).unwrap_or_default();
        Some(EnvironmentProxy { address, spared })
    }

    /// The proxy for an https request to this host.
    pub(super) fn for_host(&self, host: &str) -> Option<Secret> {
        let direct = is_loopback(host) || spares(&self.spared, host);
        (!direct).then(|| self.address.duplicate())
    }
}

/// Whether a NO_PROXY list names the host: itself, a parent domain with or without a leading dot, or `*`.
fn spares(list: &str, host: &str) -> bool {
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).any(|name| {
        let name = name.trim_start_matches("*.").trim_start_matches('.');
        let parent = host.len().checked_sub(name.len()).map(|at| host.split_at_checked(at));
        name == "*"
            || host.eq_ignore_ascii_case(name)
            || parent
                .flatten()
                .is_some_and(|(sub, tail)| sub.ends_with('.') && tail.eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn no_proxy_names_hosts_and_domains() {
        for list in ["api.example", ".api.example", "x, *.example", "example", "*"] {
            assert!(spares(list, "api.example"), "{list}");
        }
        for list in ["", "pi.example", "api.example.org", "other"] {
            assert!(!spares(list, "api.example"), "{list}");
        }
    }
}
