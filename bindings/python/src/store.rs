//! A store that a Python program makes: an object whose methods keep sealed bytes.

use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokenkeep::HostStore;

use crate::interrupt;

const METHODS: [&str; 5] = ["load", "save", "remove", "lock", "unlock"];

/// The object.
pub(crate) struct Store(Py<PyAny>);

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

impl Store {
    /// None if it is no such object.
    pub(crate) fn of(object: &Bound<'_, PyAny>) -> Option<Store> {
        let has_all = METHODS.iter().all(|method| object.hasattr(*method).unwrap_or(false));
        has_all.then(|| Store(object.clone().unbind()))
    }

    /// Calls a method. A signal that came before does not break in on it: a save or an unlock that is due is done.
    fn call<T>(&self, work: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T>) -> Outcome<T> {
        Python::attach(|py| {
            interrupt::look(py);
            work(self.0.bind(py)).map_err(|error| {
                interrupt::keep_if_one(py, &error);
                // Its type and text; never a traceback.
                let name = error.get_type(py).name().map(|name| name.to_string());
                format!("{}: {}", name.as_deref().unwrap_or("an error"), error.value(py)).into()
            })
        })
    }
}

impl HostStore for Store {
    fn load(&self, name: &str) -> Outcome<Option<Vec<u8>>> {
        self.call(|store| store.call_method1("load", (name,))?.extract())
    }

    fn save(&self, name: &str, record: &[u8], expires: Option<SystemTime>) -> Outcome<()> {
        let expires = expires.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map(|at| at.as_secs_f64());
        self.call(|store| {
            let record = PyBytes::new(store.py(), record);
            store.call_method1("save", (name, record, expires)).map(drop)
        })
    }

    fn remove(&self, name: &str) -> Outcome<()> {
        self.call(|store| store.call_method1("remove", (name,)).map(drop))
    }

    fn lock(&self, name: &str, within: Duration) -> Outcome<bool> {
        let is_ours: bool =
            self.call(|store| store.call_method1("lock", (name, within.as_secs_f64()))?.extract())?;
        match !is_ours && interrupt::is_kept() {
            true => Err("the wait for the lock was interrupted".into()),
            false => Ok(is_ours),
        }
    }

    fn unlock(&self, name: &str) {
        // Nobody could be told; a lock that stays is told by whoever waits for it.
        self.call(|store| store.call_method1("unlock", (name,)).map(drop)).ok();
    }

    /// The same object is the same place.
    fn place(&self) -> usize {
        self.0.as_ptr().addr()
    }
}
