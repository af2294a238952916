//! The Python object of the token that a client hands out.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;

use crate::token::Token;

/// One Python object a generation, so that a hit costs a reference instead of an object.
///
/// Its lock is held for a few instructions, in which no Python code runs.
#[derive(Default)]
pub(crate) struct Current(Mutex<Option<Py<Token>>>);

impl Current {
    /// The object of this generation, if it is the one at hand.
    pub(crate) fn of_generation(&self, py: Python<'_>, generation: u64) -> Option<Py<Token>> {
        find(py, &self.lock(), generation)
    }

    /// The object for this token: the one at hand, or a new one that takes its place.
    pub(crate) fn object(&self, py: Python<'_>, token: tokenkeep::Token) -> PyResult<Py<Token>> {
        if let Some(known) = self.of_generation(py, token.generation()) {
            return Ok(known);
        }
        let generation = token.generation();
        let fresh = Py::new(py, Token::new(token))?;
        let mut current = self.lock();
        if let Some(quicker) = find(py, &current, generation) {
            return Ok(quicker);
        }
        let old = current.replace(fresh.clone_ref(py));
        drop(current);
        drop(old);
        Ok(fresh)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Py<Token>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find(py: Python<'_>, current: &Option<Py<Token>>, generation: u64) -> Option<Py<Token>> {
    current.as_ref().filter(|token| token.get().generation() == generation).map(|token| token.clone_ref(py))
}
