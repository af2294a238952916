//! Profiles: tables of settings in a `tokenkeep.toml`.

use std::path::{Path, PathBuf};

use super::{environment, list, nearest, trusted};
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;

/// The settings of one profile, as text.
pub(super) fn load(path: Option<&Path>, profile: &str) -> Result<Vec<(String, Secret)>> {
    let path = path.map(PathBuf::from).or_else(environment::profile_file).ok_or_else(|| {
        Error::new(Kind::Config, "no profile file: set TOKENKEEP_CONFIG, or HOME, or name the file")
    })?;
    let fail = |why: String| Error::new(Kind::Config, format!("profile file {}: {why}", path.display()));
    let (text, metadata) =
        trusted::read(&path).map_err(|why| fail(format!("{why} (TOKENKEEP_CONFIG may name another)")))?;
    let mut file: toml::Table =
        toml::from_str(&text).map_err(|error| fail(trusted::where_wrong(&text, &error)))?;
    let table = match file.remove(profile) {
        Some(toml::Value::Table(table)) => table,
        Some(_) => return Err(fail(format!("{profile} is no table: write [{profile}]"))),
        None => return Err(fail(no_profile(profile, &file))),
    };
    if has_literal_secret(&table) {
        trusted::check_readers(&metadata).map_err(fail)?;
    }
    table
        .into_iter()
        .map(|(name, value)| match plain(&name, &value) {
            Some(text) => Ok((name, Secret::from(text))),
            None => Err(fail(format!(
                "[{profile}] {name} is neither a text, a number, true, false nor a list of texts"
            ))),
        })
        .collect()
}

/// Which names are secret is not known for a provider's own settings, so anything not known to be plain counts.
fn has_literal_secret(table: &toml::Table) -> bool {
    table.keys().any(|name| {
        let declared = list::settings().iter().find(|setting| setting.name == name);
        let by_reference = super::SUFFIXES.iter().any(|suffix| name.ends_with(suffix));
        declared.map_or(!by_reference, list::Setting::is_secret)
    })
}

fn plain(name: &str, value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(on) => Some(if *on { "on" } else { "off" }.into()),
        toml::Value::Array(words) => {
            let words: Option<Vec<&str>> = words.iter().map(toml::Value::as_str).collect();
            words.map(|words| match name.ends_with("_command") {
                true => serde_json::json!(words).to_string(),
                false => words.join(" "),
            })
        }
        _ => None,
    }
}

fn no_profile(profile: &str, file: &toml::Table) -> String {
    match nearest(profile, file.keys().map(String::as_str)) {
        Some(near) => format!("there is no profile [{profile}]; did you mean [{near}]?"),
        None => format!("there is no profile [{profile}]"),
    }
}
