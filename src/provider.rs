//! A vendor as data: which scheme, which URLs, which request fields, which rules for the answer.
//!
//! The five that are shipped lie in `src/providers`; a user's own is a file like those, named by its path.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use once_cell::race::OnceBox;
use serde::Deserialize;

use crate::error::{Error, Kind, Result};
use crate::secret::{Digest, digest_of};
use crate::settings::{Class, Form, Offered, nearest, read_trusted, where_wrong};
use crate::template::Template;

/// How a token is obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SchemeName {
    /// It is given.
    AccessToken,
    /// One request buys it.
    Login,
    /// A first token buys a second.
    Chain,
    /// RFC 6749.
    Oauth2,
}

/// A provider file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Provider {
    pub(crate) name: String,
    pub(crate) title: String,
    /// Where the vendor documents it; named when it refuses.
    #[serde(default)]
    pub(crate) docs: String,
    pub(crate) scheme: SchemeName,
    /// For oauth2: which values of `grant` it offers; the first is the default.
    #[serde(default)]
    pub(crate) grants: Vec<String>,
    #[serde(default)]
    pub(crate) environments: BTreeMap<String, Environment>,
    pub(crate) default_environment: Option<String>,
    /// Where tokens may be sent, whatever the environment.
    #[serde(default)]
    pub(crate) api_hosts: Vec<String>,
    /// The steps of `login` (one) and `chain` (two).
    #[serde(default)]
    pub(crate) step: Vec<Step>,
    #[serde(default)]
    pub(crate) answer: AnswerRules,
    #[serde(default)]
    pub(crate) errors: ErrorRules,
    /// Headers that go beside the token on every request.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Template>,
    #[serde(default)]
    pub(crate) placement: Vec<String>,
    pub(crate) query_parameter: Option<String>,
    /// What to do when a given token is refused.
    #[serde(default)]
    pub(crate) given_hint: String,
    /// Settings that this provider has beyond tokenkeep's own.
    #[serde(default)]
    pub(crate) settings: BTreeMap<String, OwnSetting>,
    /// The digest of the file: another text is another provider, even at the same path.
    #[serde(skip)]
    pub(crate) digest: Digest,
    /// Whose grants it brings: what stays the same when a file's comments, hints and rules for answers change, and for
    /// the shipped ones whatever changes.
    #[serde(skip)]
    pub(crate) identity: Digest,
}

/// What an environment of the vendor's differs in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Environment {
    pub(crate) base_url: String,
    #[serde(default)]
    pub(crate) api_hosts: Vec<String>,
}

/// One request that buys a token.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// The value of `acts_as` that ends the chain here.
    pub(crate) acts_as: Option<String>,
    pub(crate) url: Template,
    pub(crate) encoding: Encoding,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Template>,
    #[serde(default)]
    pub(crate) fields: BTreeMap<String, Template>,
    #[serde(default)]
    pub(crate) denied_hint: String,
}

/// How a request's fields are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Encoding {
    Json,
    Form,
}

/// Where the answer has what. A path is names parted by dots; a number counts in a list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AnswerRules {
    pub(crate) access_token: String,
    pub(crate) token_type: String,
    /// What an absent type means. Without it an answer must name one (RFC 6749 section 5.1).
    pub(crate) token_type_absent: Option<String>,
    pub(crate) expires_in: String,
    pub(crate) expires_in_unit: Unit,
    pub(crate) lifetime_absent: Absent,
    pub(crate) refresh_token: String,
    pub(crate) scope: String,
}

impl Default for AnswerRules {
    fn default() -> AnswerRules {
        AnswerRules {
            access_token: "access_token".into(),
            token_type: "token_type".into(),
            token_type_absent: None,
            expires_in: "expires_in".into(),
            expires_in_unit: Unit::Seconds,
            lifetime_absent: Absent::Unknown,
            refresh_token: "refresh_token".into(),
            scope: "scope".into(),
        }
    }
}

/// What `expires_in` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    Seconds,
    Milliseconds,
    Minutes,
}

/// What an absent lifetime means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Absent {
    /// The vendor declares that its tokens never end.
    Never,
    /// Nobody said.
    Unknown,
}

/// Where an error body has what; the first path that leads to a text counts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ErrorRules {
    pub(crate) code: Vec<String>,
    pub(crate) message: Vec<String>,
    /// A list of faults, or one.
    pub(crate) details: String,
    pub(crate) detail_name: Vec<String>,
    pub(crate) detail_reason: Vec<String>,
}

impl Default for ErrorRules {
    /// RFC 6749 section 5.2, and what most others use.
    fn default() -> ErrorRules {
        let paths = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
        ErrorRules {
            code: paths(&["error", "error.code", "error.type", "code"]),
            message: paths(&["error_description", "error.message", "message", "detail", "title"]),
            details: String::new(),
            detail_name: Vec::new(),
            detail_reason: Vec::new(),
        }
    }
}

/// A setting of a provider's own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnSetting {
    #[serde(default)]
    pub(crate) secret: bool,
    /// It changes only what is sent beside the token.
    #[serde(default)]
    pub(crate) presentation: bool,
}

const SHIPPED: [(&str, &str); 5] = [
    ("acquire", include_str!("providers/acquire.toml")),
    ("acquired", include_str!("providers/acquired.toml")),
    ("frederick", include_str!("providers/frederick.toml")),
    ("pink", include_str!("providers/pink.toml")),
    ("oauth2", include_str!("providers/oauth2.toml")),
];

impl Provider {
    /// The shipped provider of that name, or the one in the file at that path.
    pub(crate) fn find(name: &str) -> Result<Arc<Provider>> {
        if name.contains('/') || name.contains('\\') || name.ends_with(".toml") {
            return Provider::read(Path::new(name));
        }
        // Nobody waits for another's reading: a forked child might do so for ever.
        static PARSED: [OnceBox<Arc<Provider>>; SHIPPED.len()] = [const { OnceBox::new() }; SHIPPED.len()];
        let Some(index) = SHIPPED.iter().position(|(shipped, _)| *shipped == name) else {
            return Err(Error::new(Kind::Config, unknown(name)));
        };
        let parse = || {
            let mut provider = Provider::parse(SHIPPED[index].1, name)?;
            provider.identity = digest_of(name.as_bytes());
            Ok(Box::new(Arc::new(provider)))
        };
        PARSED[index].get_or_try_init(parse).cloned()
    }

    fn read(path: &Path) -> Result<Arc<Provider>> {
        let shown = path.display().to_string();
        let (text, _) = read_trusted(path).map_err(|why| {
            Error::new(Kind::Config, format!("provider file {shown} cannot be used: {why}"))
        })?;
        Provider::parse(&text, &shown).map(Arc::new)
    }

    fn parse(text: &str, shown: &str) -> Result<Provider> {
        let mut provider: Provider = toml::from_str(text).map_err(|error| {
            Error::new(Kind::Config, format!("provider {shown}: {}", where_wrong(text, &error)))
        })?;
        provider.digest = digest_of(text.as_bytes());
        provider.identity = provider.own_identity();
        let faults = provider.faults();
        match faults.is_empty() {
            true => Ok(provider),
            false => Err(Error::new(Kind::Config, format!("provider {shown}: {}", faults.join("; ")))),
        }
    }

    /// Where it sends what: a grant of one vendor is never taken for another's.
    fn own_identity(&self) -> Digest {
        let mut text = format!("{}\n{:?}", self.name, self.scheme);
        for step in &self.step {
            text += &format!("\n{:?}\n{}", step.encoding, step.url);
            for (name, value) in step.headers.iter().chain(&step.fields) {
                text += &format!("\n{name}: {value}");
            }
        }
        digest_of(text.as_bytes())
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let wanted = match self.scheme {
            SchemeName::Login => Some(1),
            SchemeName::Chain => Some(2),
            SchemeName::AccessToken | SchemeName::Oauth2 => Some(0),
        };
        if wanted.is_some_and(|wanted| self.step.len() != wanted) {
            faults.push(format!(
                "it has {} [[step]]; a login has one, a chain two, others none",
                self.step.len()
            ));
        }
        if self.scheme == SchemeName::Chain && self.step.iter().any(|step| step.acts_as.is_none()) {
            faults.push("each [[step]] of a chain names its acts_as".into());
        }
        if self.scheme == SchemeName::Oauth2 && self.grants.is_empty() {
            faults.push("grants is empty".into());
        }
        if let Some(name) = &self.default_environment
            && !self.environments.contains_key(name)
        {
            faults.push(format!("default_environment = {name} is not among its environments"));
        }
        let mut undeclared: Vec<&str> = self.templates().flat_map(Template::names).collect();
        undeclared.retain(|name| !self.settings.contains_key(*name) && !is_common(name));
        undeclared.sort_unstable();
        undeclared.dedup();
        for name in undeclared {
            faults.push(format!("it uses {{{name}}}, but has no [settings.{name}]"));
        }
        for name in self.settings.keys() {
            if is_common(name) {
                faults.push(format!(
                    "[settings.{name}]: tokenkeep has a setting of that name; use it, or another name"
                ));
            }
        }
        faults
    }

    /// Every text of it that has places for settings.
    fn templates(&self) -> impl Iterator<Item = &Template> {
        let steps = self.step.iter();
        steps
            .flat_map(|step| step.headers.values().chain(step.fields.values()).chain([&step.url]))
            .chain(self.headers.values())
    }

    /// The settings that it takes.
    pub(crate) fn offered(&self) -> Offered<'_> {
        let mut names: Vec<&str> = Vec::new();
        match self.scheme {
            SchemeName::AccessToken => names.push("access_token"),
            SchemeName::Login | SchemeName::Chain => {}
            SchemeName::Oauth2 => {
                let oauth = crate::settings::settings().iter().filter(|setting| setting.group == "OAuth 2");
                names.extend(oauth.map(|setting| setting.name));
                if self.grants.iter().any(|grant| grant == "access_token") {
                    names.push("access_token");
                }
            }
        }
        if self.scheme == SchemeName::Chain {
            names.push("acts_as");
        }
        names.extend(self.templates().flat_map(Template::names));
        // A URL template given as a setting may name these.
        if names.iter().any(|name| name.ends_with("_token_url")) {
            names.push("location_id");
        }
        let own = self.settings.iter().map(|(name, own)| {
            let form = if own.secret { Form::Secret } else { Form::Text };
            let class = match (own.secret, own.presentation) {
                (true, _) => Class::Secret,
                (false, true) => Class::Presentation,
                (false, false) => Class::Identity,
            };
            (name.as_str(), class, form)
        });
        Offered { provider: &self.name, names, own: own.collect() }
    }
}

/// Whether tokenkeep itself has a setting of that name.
fn is_common(name: &str) -> bool {
    crate::settings::settings().iter().any(|setting| setting.name == name)
}

/// Names them all beside the nearest, for acquire and acquired are too alike to guess between.
fn unknown(name: &str) -> String {
    let known = SHIPPED.map(|(shipped, _)| shipped);
    let near =
        nearest(name, known).map(|near| format!("; did you mean {near}?")).unwrap_or_else(|| ".".into());
    format!(
        "there is no provider {name}{near} It is one of {}, or the path of a provider file (with a / or .toml in it)",
        known.join(", ")
    )
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn every_shipped_provider_can_be_read() {
        for (name, _) in SHIPPED {
            assert_eq!(Provider::find(name).unwrap().name, name);
        }
    }

    #[test]
    fn an_unknown_provider_is_named_with_its_nearest_and_the_others() {
        assert!(Provider::find("aquired").unwrap_err().message().contains("did you mean acquired?"));
        assert!(Provider::find("acquird").unwrap_err().message().contains("acquire, acquired, frederick"));
        assert!(Provider::find("zzz").unwrap_err().message().contains("path of a provider file"));
    }

    #[test]
    fn a_provider_with_a_wrong_word_is_refused() {
        let error =
            Provider::parse("name = 'x'\ntitle = 'X'\nscheme = 'login'\ncolour = 1", "x").unwrap_err();
        assert!(error.message().contains("colour"), "{error}");
    }
}
