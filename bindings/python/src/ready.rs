//! An awaitable that is done before it is awaited.

use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;

use crate::token::Token;

/// A cached token, to be awaited: no task, no switch, no thread.
///
/// It has all that a coroutine has, so that `asyncio.run`, `gather`, `wait_for` and `create_task` take it
/// too.
#[pyclass(frozen, module = "tokenkeep._tokenkeep")]
pub(crate) struct Ready(Py<Token>);

impl Ready {
    pub(crate) fn new(token: Py<Token>) -> Ready {
        Ready(token)
    }
}

#[pymethods]
impl Ready {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<()> {
        Err(PyStopIteration::new_err((self.0.clone_ref(py),)))
    }

    #[pyo3(signature = (value, /))]
    fn send(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let _ = value;
        self.__next__(py)
    }

    #[pyo3(signature = (exception, /, *_rest))]
    fn throw(&self, exception: Bound<'_, PyAny>, _rest: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyErr::from_value(exception))
    }

    fn close(&self) {}
}
