//! Keyword arguments as the core's settings.

use std::path::Path;
use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use tokenkeep::{Config, HostStore};
use zeroize::Zeroizing;

use crate::error;
use crate::store::Store;

/// Settings as the core takes them, wiped when dropped: some are secrets.
pub(crate) struct Settings {
    texts: Vec<(String, Zeroizing<String>)>,
    store: Option<Arc<Store>>,
}

impl Settings {
    /// The text of each keyword argument that is not None.
    pub(crate) fn new(keywords: Option<&Bound<'_, PyDict>>) -> PyResult<Settings> {
        let mut settings = Settings { texts: Vec::new(), store: None };
        for (name, value) in keywords.into_iter().flatten() {
            let name: String = name.extract()?;
            if value.is_none() {
                continue;
            }
            match if name == "store" { Store::of(&value) } else { None } {
                Some(store) => settings.store = Some(Arc::new(store)),
                None => {
                    let value = text(&name, &value)?;
                    settings.texts.push((name, value));
                }
            }
        }
        Ok(settings)
    }

    pub(crate) fn add_to(&self, config: &mut Config) {
        for (name, value) in self.pairs() {
            config.set(name, value);
        }
        if let Some(store) = &self.store {
            config.store(Arc::clone(store) as Arc<dyn HostStore>);
        }
    }

    /// Whether a store of the program's own is among them.
    pub(crate) fn has_store(&self) -> bool {
        self.store.is_some()
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// A value in the form in which a profile file would hold it.
fn text(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Zeroizing<String>> {
    if let Ok(text) = value.cast::<PyString>() {
        return unicode(name, text);
    }
    if let Ok(on) = value.cast::<PyBool>() {
        return Ok(Zeroizing::new(if on.is_true() { "on" } else { "off" }.into()));
    }
    if value.is_instance_of::<PyInt>() {
        return Ok(Zeroizing::new(value.extract::<i64>()?.to_string()));
    }
    if value.is_instance_of::<PyFloat>() {
        return Ok(Zeroizing::new(value.extract::<f64>()?.to_string()));
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        return list(name, value);
    }
    path(name, value)?.ok_or_else(|| wrong_type(name, value))
}

/// The text of an object that stands for a path. None if it is none.
fn path(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<Zeroizing<String>>> {
    let Some(path) = value.getattr_opt("__fspath__")?.map(|path| path.call0()).transpose()? else {
        return Ok(None);
    };
    unicode(name, path.cast().map_err(|_| wrong_type(name, value))?).map(Some)
}

/// A provider's name, or the path of its file: an object that stands for a path is never taken for a name.
pub(crate) fn provider(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(name) = value.cast::<PyString>() {
        return unicode("provider", name).map(|name| name.to_string());
    }
    let path = path("provider", value)?.ok_or_else(|| {
        PyTypeError::new_err("provider must be a str or a path, the path of a provider file")
    })?;
    Ok(Path::new(".").join(path.as_str()).display().to_string())
}

/// A command stays a list, so that its words may hold spaces; the words of any other setting are parted by
/// spaces.
fn list(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Zeroizing<String>> {
    let mut words = Vec::new();
    for word in value.try_iter()? {
        let word = word?;
        let word = word.cast::<PyString>().map_err(|_| wrong_type(name, value))?;
        words.push(unicode(name, word)?);
    }
    let words: Vec<&str> = words.iter().map(|word| word.as_str()).collect();
    Ok(Zeroizing::new(if name.ends_with("_command") {
        serde_json::json!(words).to_string()
    } else {
        words.join(" ")
    }))
}

/// Python's own error for text that is no Unicode would carry the text, which may be a secret.
fn unicode(name: &str, text: &Bound<'_, PyString>) -> PyResult<Zeroizing<String>> {
    match text.to_cow() {
        Ok(text) => Ok(Zeroizing::new(text.into_owned())),
        Err(_) => {
            Err(error::invalid_argument(text.py(), &format!("{name} is no Unicode text: it has surrogates")))
        }
    }
}

fn wrong_type(name: &str, value: &Bound<'_, PyAny>) -> PyErr {
    let found = value.get_type().name().map_or_else(|_| "something else".into(), |name| name.to_string());
    PyTypeError::new_err(format!(
        "{name} must be a str, a number, a bool, a path or a list of str, not {found}"
    ))
}

/// Every setting there is, in the order of the docs: name, class, form and meaning.
#[pyfunction]
pub(crate) fn settings() -> Vec<(String, &'static str, String, String)> {
    let mut all = Vec::new();
    for setting in tokenkeep::settings() {
        all.push((setting.name.to_owned(), setting.class(), setting.form(), setting.doc.to_owned()));
        if setting.has_previous() {
            let doc = format!("the {} before this one: opens stored grants, is never sent", setting.name);
            all.push((format!("{}_previous", setting.name), "keeper", setting.form(), doc));
        }
    }
    all
}
