//! Text with settings in it: `{base_url}/v1/login`.

use std::fmt;

use serde::Deserialize;

use crate::error::Result;
use crate::secret::Secret;

/// A text with places for settings. `{name}` must be set, `{name?}` may be missing, and then the whole text is.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Template(Vec<Part>);

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Place { name, required: true } => write!(f, "{{{name}}}"),
            Part::Place { name, required: false } => write!(f, "{{{name}?}}"),
        })
    }
}

#[derive(Debug)]
enum Part {
    Text(String),
    Place { name: String, required: bool },
}

/// What stands in a place.
pub(crate) enum Filling {
    /// This text.
    Value(Secret),
    /// Nothing: the setting is missing.
    Missing,
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Template, String> {
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((place, tail)) = after.split_once('}') else {
                return Err(format!("{text}: a {{ has no }}"));
            };
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let name = place.strip_suffix('?').unwrap_or(place);
            if name.is_empty()
                || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            {
                return Err(format!("{text}: {{{place}}} is no setting's name"));
            }
            parts.push(Part::Place { name: name.to_owned(), required: !place.ends_with('?') });
            rest = tail;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Template(parts))
    }
}

impl Template {
    /// The settings it names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.places().map(|(name, _)| name)
    }

    /// The settings it names, and whether they must be set.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&str, bool)> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Place { name, required } => Some((name.as_str(), *required)),
        })
    }

    /// The text with every place filled; None if a place is empty. `fill` gets a name and how many bytes stand
    /// before it.
    pub(crate) fn fill(
        &self,
        mut fill: impl FnMut(&str, usize) -> Result<Filling>,
    ) -> Result<Option<Secret>> {
        let mut done = Secret::new("");
        for part in &self.0 {
            done = match part {
                Part::Text(text) => Secret::join(&[done.expose(), text]),
                Part::Place { name, .. } => match fill(name, done.expose().len())? {
                    Filling::Value(value) => Secret::join(&[done.expose(), value.expose()]),
                    Filling::Missing => return Ok(None),
                },
            };
        }
        Ok(Some(done))
    }
}

#[cfg(test)]
mod test {
    use super::*;

    fn filled(text: &str) -> Option<String> {
        let template = Template::try_from(text.to_owned()).unwrap();
        let fill = |name: &str, _| {
            Ok(if name == "none" {
                Filling::Missing
            } else {
                Filling::Value(Secret::new(&name.to_uppercase()))
            })
        };
        template.fill(fill).unwrap().map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn a_template_is_written_as_it_was_read() {
        for text in ["{a}/b/{c?}", "plain", ""] {
            assert_eq!(Template::try_from(text.to_owned()).unwrap().to_string(), text);
        }
    }

    #[test]
    fn places_are_filled() {
        assert_eq!(filled("{a}/b/{c}").as_deref(), Some("A/b/C"));
        assert_eq!(filled("plain").as_deref(), Some("plain"));
        assert_eq!(filled("x{none?}"), None);
    }

    #[test]
    fn a_broken_template_is_refused() {
        for text in ["{", "a{b", "{}", "{A}", "{a b}"] {
            assert!(Template::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
