//! What the user says: flat `name = value` text, the same names in C, C++, Python and a profile.

mod environment;
mod host;
mod list;
mod nearest;
mod profile;
mod source;
mod trusted;
mod value;

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::log::Log;
use crate::secret::Secret;

use environment::EnvironmentProxy;
pub(crate) use environment::{config_directory, state_directory};
pub use host::HostStore;
pub(crate) use list::{Class, Form, is_proof};
pub use list::{Setting, settings};
pub(crate) use nearest::nearest;
pub(crate) use source::Source;
pub(crate) use trusted::{read as read_trusted, where_wrong};
pub(crate) use value::{check_url, is_loopback, is_safe_url};

/// The ways to give a secret by reference instead of giving it.
const SUFFIXES: [&str; 3] = ["_env", "_file", "_command"];

/// What the name of a secret's predecessor ends with.
const PREVIOUS: &str = "_previous";

/// Settings for a client, as they were said.
///
/// Nothing is checked until [`Client::new`](crate::Client::new), which reports every fault at once.
///
/// ```
/// let mut config = tokenkeep::Config::new("acquired");
/// config.set("environment", "qa").set("app_id", "12345678").set("app_key_env", "ACQUIRED_APP_KEY");
/// ```
#[derive(Clone, Default)]
pub struct Config {
    said: Vec<Said>,
    misuse: Vec<String>,
    travelled: bool,
    store: Option<Box<Arc<dyn HostStore>>>,
    /// What is said on a later layer replaces what was said on an earlier one, however it was said.
    layer: u32,
    log: Option<Log>,
}

#[derive(Clone)]
struct Said {
    name: Box<str>,
    value: Arc<Secret>,
    layer: u32,
}

impl Config {
    /// Settings for a provider: a name such as `"acquired"`, or the path of a provider file (with a `/` in it
    /// or ending in `.toml`).
    pub fn new(provider: &str) -> Config {
        let mut config = Config::default();
        config.set("provider", provider);
        config
    }

    /// The settings of one profile: a table of a `tokenkeep.toml`. What is set afterwards overrides it.
    ///
    /// Without a path the file is `$TOKENKEEP_CONFIG`, else `tokenkeep/tokenkeep.toml` in the user's
    /// configuration directory. A file that others can write is refused, and one that holds a literal secret
    /// and that others can read.
    pub fn load(path: Option<&Path>, profile: &str) -> Result<Config> {
        let mut config = Config::default();
        for (name, value) in profile::load(path, profile)? {
            config.said.push(Said { name: name.into(), value: Arc::new(value), layer: 0 });
        }
        Ok(config.overridable())
    }

    /// Sets one setting; a later value replaces an earlier one. A secret may be given in one way only: `X`,
    /// `X_env`, `X_file` or `X_command`.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Config {
        let base = without_suffix(name);
        let layer = self.layer;
        if name == "store" && layer > 0 {
            self.store = None;
        }
        let stays =
            |said: &Said| *said.name != *name && (said.layer == layer || without_suffix(&said.name) != base);
        self.said.retain(stays);
        self.said.push(Said { name: name.into(), value: Arc::new(Secret::new(value)), layer });
        self
    }

    /// Has the clients that are made of this, and those derived from them, tell a log what happens.
    pub fn log_to(&mut self, log: &Log) -> &mut Config {
        self.log = Some(log.clone());
        self
    }

    pub(crate) fn log(&self) -> Option<&Log> {
        self.log.as_ref()
    }

    /// Remembers a misuse that a language binding found, such as text that is not UTF-8.
    pub fn misuse(&mut self, what: String) {
        self.misuse.push(what);
    }

    /// Keeps grants in a store of the program's own; it needs the setting `store_key`. Renewals then run on the thread
    /// that calls, so that the store is called there too: a call's deadline holds only as far as the store's own calls
    /// and the network's do.
    pub fn store(&mut self, store: Arc<dyn HostStore>) -> &mut Config {
        // As with any setting, in place of what was said on an earlier layer.
        let layer = self.layer;
        self.said.retain(|said| &*said.name != "store" || said.layer == layer);
        self.store = Some(Box::new(store));
        self
    }

    /// Tells that these settings are [those](crate::Client::portable_settings) of a client in another process, which may
    /// live on. A refresh token among them that is good only once is then not used by both, unless a store lets them
    /// share it: the client says [`Store`](Kind::Store) instead.
    pub fn travelled(&mut self) -> &mut Config {
        self.travelled = true;
        self
    }

    /// The same settings, as what later ones override.
    pub(crate) fn overridable(mut self) -> Config {
        self.layer += 1;
        self
    }

    /// An error that keeps the settings from being checked, with the misuses that came before it.
    pub(crate) fn beside_misuse(&self, error: Error) -> Error {
        if self.misuse.is_empty() {
            return error;
        }
        Error::new(error.kind(), format!("{}; {error}", self.misuse.join("; ")))
    }

    pub(crate) fn provider(&self) -> Option<&str> {
        self.said.iter().find(|said| &*said.name == "provider").map(|said| said.value.expose())
    }

    /// What was said, checked against the settings that the provider takes; and every fault found.
    pub(crate) fn check(&self, offered: &Offered<'_>) -> (Settings, Vec<String>) {
        let mut faults = self.misuse.clone();
        let mut entries = Vec::with_capacity(self.said.len());
        for Said { name, value, .. } in &self.said {
            match offered.read(name, value.expose()) {
                Ok(entry) => entries.push(entry),
                Err(fault) => {
                    faults.push(fault);
                    // It was said, if wrongly: it is not missing too.
                    entries.extend(offered.wrongly(name));
                }
            }
        }
        entries.sort_by(|a: &Entry, b| a.name.cmp(&b.name));
        for pair in entries.windows(2) {
            if pair[0].name == pair[1].name {
                faults.push(format!("{} is given in more than one way", pair[0].name));
            }
        }
        let (proxy, store) = (EnvironmentProxy::read(), self.store.as_deref().map(Arc::clone));
        let any = proxy.is_some() || store.is_some() || self.travelled;
        let beside = any.then(|| Box::new(Beside { proxy, store, travelled: self.travelled }));
        (Settings { entries: entries.into(), beside }, faults)
    }
}

/// A setting's name, whichever way it is given.
fn without_suffix(name: &str) -> &str {
    let base = SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix));
    let secret = |base: &&str| {
        let declared = list::settings().iter().find(|setting| setting.name == name);
        declared.is_none() && !base.is_empty()
    };
    base.filter(secret).unwrap_or(name)
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.said.iter().map(|said| &said.name)).finish()
    }
}

/// All faults of a client's settings, in one error.
pub(crate) fn faulty(provider: &str, faults: &[String]) -> Error {
    let list = faults.join("; ");
    Error::new(Kind::Config, format!("the settings for {provider} cannot be used: {list}"))
}

/// The settings that one provider takes.
pub(crate) struct Offered<'a> {
    /// The provider's name, for errors.
    pub(crate) provider: &'a str,
    /// Names of declared settings beyond the general ones.
    pub(crate) names: Vec<&'a str>,
    /// Settings that a provider file declares itself.
    pub(crate) own: Vec<(&'a str, Class, Form)>,
}

impl Offered<'_> {
    fn read(&self, name: &str, value: &str) -> std::result::Result<Entry, String> {
        if let Some(found) = self.find(name) {
            let value = value::parse(name, found.form, value)?;
            return Ok(Entry { name: found.name, class: found.class, value });
        }
        let reference = SUFFIXES.iter().find_map(|suffix| Some((name.strip_suffix(suffix)?, *suffix)));
        if let Some((base, suffix)) = reference
            && let Some(found) = self.find(base)
        {
            if !found.form.is_secret() {
                return Err(format!("{name}: only secrets can be given by reference; set {base}"));
            }
            let value = value::parse_reference(name, suffix, value)?;
            return Ok(Entry { name: found.name, class: found.class, value });
        }
        Err(self.unknown(name))
    }

    /// A place holder for a setting whose value cannot be read.
    fn wrongly(&self, name: &str) -> Option<Entry> {
        let found = self.find(name).or_else(|| self.find(without_suffix(name)))?;
        Some(Entry { name: found.name, class: found.class, value: Value::Plain("".into()) })
    }

    fn find(&self, name: &str) -> Option<Found> {
        self.declared(name).or_else(|| {
            let base = self.declared(name.strip_suffix(PREVIOUS)?)?;
            let is_proof = is_proof(&base.name, base.class, base.form);
            is_proof.then(|| Found { name: name.to_owned().into(), class: Class::Keeper, form: base.form })
        })
    }

    fn declared(&self, name: &str) -> Option<Found> {
        if let Some((own, class, form)) = self.own.iter().find(|(own, ..)| *own == name) {
            return Some(Found { name: Cow::Owned((*own).to_owned()), class: *class, form: *form });
        }
        list::settings()
            .iter()
            .find(|setting| setting.name == name)
            .filter(|setting| self.takes(setting))
            .map(|setting| Found { name: setting.name.into(), class: setting.class, form: setting.form })
    }

    fn takes(&self, setting: &Setting) -> bool {
        list::GENERAL.contains(&setting.group) || self.names.contains(&setting.name)
    }

    fn unknown(&self, name: &str) -> String {
        let base = without_suffix(name);
        if list::settings().iter().any(|setting| setting.name == base) {
            return format!("{name} is not a setting of {}", self.provider);
        }
        let names = || {
            let declared = list::settings().iter().filter(|setting| self.takes(setting));
            declared.map(|setting| setting.name).chain(self.own.iter().map(|(own, ..)| *own))
        };
        let suffix = &name[base.len()..];
        let near = nearest(name, names()).map(|near| (near, ""));
        match near.or_else(|| nearest(base, names()).map(|near| (near, suffix))) {
            Some((near, suffix)) => format!("there is no setting {name}; did you mean {near}{suffix}?"),
            None => format!("there is no setting {name}"),
        }
    }
}

struct Found {
    name: Cow<'static, str>,
    class: Class,
    form: Form,
}

#[derive(Debug)]
struct Entry {
    name: Cow<'static, str>,
    class: Class,
    value: Value,
}

/// A checked value.
#[derive(Debug)]
pub(crate) enum Value {
    Plain(Box<str>),
    Secret(Source),
}

/// Checked settings. Only those that were said are here, so that many clients stay small.
pub(crate) struct Settings {
    entries: Box<[Entry]>,
    beside: Option<Box<Beside>>,
}

/// What most clients do without.
struct Beside {
    proxy: Option<EnvironmentProxy>,
    store: Option<Arc<dyn HostStore>>,
    travelled: bool,
}

impl Settings {
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.entries.iter().find(|entry| entry.name == name).map(|entry| &entry.value)
    }

    /// The value of a setting that is no secret.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.value(name) {
            Some(Value::Plain(text)) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn secret(&self, name: &str) -> Option<&Source> {
        match self.value(name) {
            Some(Value::Secret(source)) => Some(source),
            _ => None,
        }
    }

    pub(crate) fn span(&self, name: &str) -> Option<Duration> {
        self.text(name).and_then(value::span)
    }

    pub(crate) fn count(&self, name: &str) -> Option<u32> {
        self.text(name).and_then(|text| text.parse().ok())
    }

    /// The proxy that the environment names for an https request to this host.
    pub(crate) fn environment_proxy(&self, host: &str) -> Option<Secret> {
        self.beside.as_ref()?.proxy.as_ref()?.for_host(host)
    }

    /// The program's own store.
    pub(crate) fn store(&self) -> Option<&Arc<dyn HostStore>> {
        self.beside.as_ref()?.store.as_ref()
    }

    /// Whether they are those of a client in another process.
    pub(crate) fn has_travelled(&self) -> bool {
        self.beside.as_ref().is_some_and(|beside| beside.travelled)
    }

    /// The non-secret values of one class, by name.
    pub(crate) fn plain(&self, class: Class) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().filter(move |entry| entry.class == class).filter_map(|entry| match &entry.value {
            Value::Plain(text) => Some((&*entry.name, &**text)),
            Value::Secret(_) => None,
        })
    }

    /// The secret values of one class, by name.
    pub(crate) fn secrets(&self, class: Class) -> impl Iterator<Item = (&str, &Source)> {
        self.entries.iter().filter(move |entry| entry.class == class).filter_map(|entry| match &entry.value {
            Value::Secret(source) => Some((&*entry.name, source)),
            Value::Plain(_) => None,
        })
    }

    /// The settings that make the same client in another process; or the names of those secrets that were
    /// given literally.
    pub(crate) fn portable(&self) -> std::result::Result<Vec<(String, String)>, Vec<&str>> {
        let mut pairs = Vec::new();
        let mut literal = Vec::new();
        for entry in &self.entries {
            match &entry.value {
                Value::Plain(text) => pairs.push((entry.name.to_string(), text.to_string())),
                Value::Secret(source) => match source.reference(&entry.name) {
                    Some(pair) => pairs.push(pair),
                    None => literal.push(&*entry.name),
                },
            }
        }
        if literal.is_empty() { Ok(pairs) } else { Err(literal) }
    }
}
