//! What templates are filled with: the settings, and secrets that are read once an exchange and dropped with it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use super::form;
use crate::error::{Error, Kind, Result};
use crate::provider::{Provider, Step};
use crate::secret::{Digest, Secret, digest_of};
use crate::settings::{Class, Settings, Source, Value};
use crate::template::{Filling, Template};

/// The credentials of one exchange.
pub(crate) struct Credentials<'a> {
    provider: &'a Provider,
    settings: &'a Settings,
    at_most: Duration,
    read: RefCell<BTreeMap<Box<str>, Rc<Secret>>>,
}

impl<'a> Credentials<'a> {
    pub(crate) fn new(provider: &'a Provider, settings: &'a Settings, at_most: Duration) -> Credentials<'a> {
        Credentials { provider, settings, at_most, read: RefCell::default() }
    }

    /// A secret setting's value; None if it is not set.
    pub(crate) fn secret(&self, name: &str) -> Result<Option<Rc<Secret>>> {
        if let Some(known) = self.read.borrow().get(name) {
            return Ok(Some(Rc::clone(known)));
        }
        let Some(source) = self.settings.secret(name) else { return Ok(None) };
        let secret = Rc::new(source.read(name, self.at_most)?);
        self.read.borrow_mut().insert(name.into(), Rc::clone(&secret));
        Ok(Some(secret))
    }

    /// Remembers a secret of the exchange that is no setting, so that no error repeats it.
    pub(crate) fn guard(&self, name: &str, secret: &Secret) {
        self.read.borrow_mut().insert(name.into(), Rc::new(secret.duplicate()));
    }

    /// The template with every setting as it is; None if an optional one is missing.
    pub(crate) fn fill(&self, template: &Template) -> Result<Option<Secret>> {
        template.fill(|name, _| self.filling(name))
    }

    /// The template as a URL: what is not its beginning is encoded.
    pub(crate) fn url(&self, template: &Template) -> Result<Secret> {
        let filled = template.fill(|name, before| match self.filling(name)? {
            Filling::Value(value) if before == 0 => self.nested(name, value).map(Filling::Value),
            Filling::Value(value) => Ok(Filling::Value(Secret::from(form::encode_segment(value.expose())))),
            Filling::Missing => Ok(Filling::Missing),
        })?;
        filled.ok_or_else(|| Error::new(Kind::Internal, "a URL template has an empty place"))
    }

    /// A URL that came from a setting may be a template itself.
    fn nested(&self, name: &str, value: Secret) -> Result<Secret> {
        match nested_template(name, value.expose()) {
            Some(template) => self.url(&template),
            None => Ok(value),
        }
    }

    fn filling(&self, name: &str) -> Result<Filling> {
        Ok(match self.settings.value(name) {
            // First, for it is taken without the slash at its end.
            _ if name == "base_url" => match base_url(self.provider, self.settings) {
                Some(url) => Filling::Value(Secret::new(url)),
                None => Filling::Missing,
            },
            Some(Value::Plain(text)) => Filling::Value(Secret::new(text)),
            Some(Value::Secret(_)) => match self.secret(name)? {
                Some(secret) => Filling::Value(secret.duplicate()),
                None => Filling::Missing,
            },
            None => Filling::Missing,
        })
    }

    /// The companion headers whose values are secrets; the others are the client's own affair.
    pub(crate) fn companions(&self, provider: &Provider) -> Result<Vec<(Box<str>, Secret)>> {
        let mut companions = Vec::new();
        for (name, template) in &provider.headers {
            if holds_secret(template, self.settings)
                && let Some(value) = self.fill(template)?
            {
                companions.push((name.as_str().into(), value));
            }
        }
        Ok(companions)
    }

    /// What tells these secrets from others: those of the settings, not what the exchange made of them.
    pub(crate) fn digest(&self) -> Digest {
        let read = self.read.borrow();
        let said = read.iter().filter(|(name, _)| self.settings.secret(name).is_some());
        let parts = said.flat_map(|(name, secret)| [digest_of(name.as_bytes()), secret.digest()]);
        digest_of(&parts.flatten().collect::<Vec<u8>>())
    }

    /// The text with every secret of the exchange taken out, plain or encoded.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let read = self.read.borrow();
        let mut secrets: Vec<&str> =
            read.values().map(|secret| secret.expose()).filter(|text| text.len() >= 4).collect();
        // One may be the beginning of another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        for secret in secrets {
            text = text.replace(secret, "[redacted]");
            for written in [form::encode(secret), form::encode_segment(secret), form::escape(secret)] {
                text = text.replace(Secret::from(written).expose(), "[redacted]");
            }
        }
        text
    }
}

/// Whether any place of the template is a secret.
pub(crate) fn holds_secret(template: &Template, settings: &Settings) -> bool {
    template.names().any(|name| settings.secret(name).is_some())
}

/// The template that a setting's own value is, if it is one.
pub(super) fn nested(settings: &Settings, name: &str) -> Option<Template> {
    settings.text(name).and_then(|value| nested_template(name, value))
}

fn nested_template(name: &str, value: &str) -> Option<Template> {
    (name.ends_with("_url") && value.contains('{'))
        .then(|| Template::try_from(value.to_owned()).ok())
        .flatten()
}

/// The base URL: set, or the environment's.
pub(crate) fn base_url<'a>(provider: &'a Provider, settings: &'a Settings) -> Option<&'a str> {
    settings.text("base_url").map(|url| url.trim_end_matches('/')).or_else(|| {
        let name = settings.text("environment").or(provider.default_environment.as_deref())?;
        provider.environments.get(name).map(|environment| environment.base_url.as_str())
    })
}

/// What must be set for these steps and is not; and an environment that does not exist.
pub(super) fn missing(provider: &Provider, settings: &Settings, steps: &[Step]) -> Vec<String> {
    let mut faults: Vec<String> = environment_fault(provider, settings).into_iter().collect();
    let mut missing: Vec<String> = Vec::new();
    let mut want = |name: &str, required: bool| {
        // An environment that does not exist is a fault of its own.
        let based =
            || base_url(provider, settings).is_some() || environment_fault(provider, settings).is_some();
        let set = settings.value(name).is_some() || (name == "base_url" && based());
        if required && !set && !missing.iter().any(|known| known == name) {
            missing.push(name.to_owned());
        }
    };
    let templates = steps
        .iter()
        .flat_map(|step| std::iter::once(&step.url).chain(step.fields.values()).chain(step.headers.values()));
    for (name, required) in templates.chain(provider.headers.values()).flat_map(Template::places) {
        want(name, required);
        if let Some(nested) = nested(settings, name) {
            nested.names().for_each(|name| want(name, true));
        }
    }
    for name in missing {
        let secret =
            crate::settings::settings().iter().any(|setting| setting.name == name && setting.is_secret());
        let own_secret = provider.settings.get(&name).is_some_and(|own| own.secret);
        faults.push(match secret || own_secret {
            true => format!("{name} is missing (or {name}_env, {name}_file, {name}_command)"),
            false => format!("{name} is missing"),
        });
    }
    faults
}

fn environment_fault(provider: &Provider, settings: &Settings) -> Option<String> {
    let name = settings.text("environment")?;
    if provider.environments.contains_key(name) {
        return None;
    }
    let known: Vec<&str> = provider.environments.keys().map(String::as_str).collect();
    Some(match (known.is_empty(), crate::settings::nearest(name, known.iter().copied())) {
        (true, _) => format!("environment: {} has none; set its URLs", provider.name),
        (false, Some(near)) => format!("there is no environment {name}; did you mean {near}?"),
        (false, None) => format!("there is no environment {name}: it is one of {}", known.join(", ")),
    })
}

/// The companion headers that the client's own settings make.
pub(crate) fn presented(provider: &Provider, settings: &Settings) -> Result<Vec<(Box<str>, Box<str>)>> {
    let credentials = Credentials::new(provider, settings, Duration::ZERO);
    let mut companions = Vec::new();
    for (name, template) in &provider.headers {
        if !holds_secret(template, settings)
            && let Some(value) = credentials.fill(template)?
        {
            companions.push((name.as_str().into(), value.expose().into()));
        }
    }
    Ok(companions)
}

/// Whether reading the secrets runs a program.
pub(crate) fn are_commanded(settings: &Settings) -> bool {
    settings.secrets(Class::Secret).any(|(_, source)| matches!(source, Source::Command(_)))
}

/// Whether reading some secret again may give another one.
pub(crate) fn may_change(settings: &Settings) -> bool {
    settings.secrets(Class::Secret).any(|(_, source)| source.may_change())
}
