//! The Python object of the token that a client hands out.

use pyo3::prelude::*;

use crate::token::Token;
use cell::Cell;

/// One Python object a generation, so that a hit costs a reference instead of an object.
#[derive(Default)]
pub(crate) struct Current(Cell);

impl Current {
    /// The object of this generation, if it is the one at hand.
    #[inline]
    pub(crate) fn of_generation(&self, py: Python<'_>, generation: u64) -> Option<Py<Token>> {
        self.0.look(py, |current| find(py, current, generation))
    }

    /// The object for this token: the one at hand, or a new one that takes its place.
    pub(crate) fn object(&self, py: Python<'_>, token: tokenkeep::Token) -> PyResult<Py<Token>> {
        let generation = token.generation();
        if let Some(known) = self.of_generation(py, generation) {
            return Ok(known);
        }
        let fresh = Py::new(py, Token::new(token))?;
        let mut current = Some(fresh.clone_ref(py));
        // Making the object may have let another thread in.
        let quicker = self.0.look(py, |known| {
            let quicker = find(py, known, generation);
            if quicker.is_none() {
                std::mem::swap(known, &mut current);
            }
            quicker
        });
        Ok(quicker.unwrap_or(fresh))
    }
}

fn find(py: Python<'_>, current: &Option<Py<Token>>, generation: u64) -> Option<Py<Token>> {
    current.as_ref().filter(|token| token.get().generation() == generation).map(|token| token.clone_ref(py))
}

/// What the interpreter's own lock guards. A lock of ours beside it would cost a fifth of a hit.
#[cfg(not(Py_GIL_DISABLED))]
mod cell {
    use std::cell::UnsafeCell;

    use super::{Py, Python, Token};

    #[derive(Default)]
    pub(super) struct Cell(UnsafeCell<Option<Py<Token>>>);

    // SAFETY: `look` is the only way in, and only one thread at a time is attached to the interpreter.
    unsafe impl Sync for Cell {}

    impl Cell {
        /// `look` runs no Python code and does not detach: nobody else is let in, and it does not come back here.
        #[inline]
        pub(super) fn look<R>(&self, _py: Python<'_>, look: impl FnOnce(&mut Option<Py<Token>>) -> R) -> R {
            // SAFETY: this thread is attached, which `_py` shows, and stays so, as said above.
            look(unsafe { &mut *self.0.get() })
        }
    }
}

/// On an interpreter without that lock, one of ours, held for a few instructions.
#[cfg(Py_GIL_DISABLED)]
mod cell {
    use std::sync::{Mutex, PoisonError};

    use super::{Py, Python, Token};

    #[derive(Default)]
    pub(super) struct Cell(Mutex<Option<Py<Token>>>);

    impl Cell {
        pub(super) fn look<R>(&self, _py: Python<'_>, look: impl FnOnce(&mut Option<Py<Token>>) -> R) -> R {
            look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
        }
    }
}
