//! The Python module `tokenkeep._tokenkeep`: a thin skin over the core.
//!
//! Two rules hold in every file. A call that finds a cached token stays attached to the interpreter and takes
//! no lock of the core; any other call into the core detaches first, so that no thread ever waits for one of
//! our locks while it holds the interpreter. And nothing of Python's library is imported before it is needed.

mod call;
mod client;
mod consent;
mod current;
mod error;
mod interrupt;
mod log;
mod ready;
mod settings;
mod stats;
mod store;
mod token;
mod waiting;

/// The compiled half of the package `tokenkeep`; import that instead.
#[pyo3::pymodule(gil_used = false)]
mod _tokenkeep {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::client::{Client, restore};
    #[pymodule_export]
    use crate::consent::{Consent, look};
    #[pymodule_export]
    use crate::ready::Ready;
    #[pymodule_export]
    use crate::settings::settings;
    #[pymodule_export]
    use crate::stats::Stats;
    #[pymodule_export]
    use crate::token::Token;
    #[pymodule_export]
    use crate::waiting::{Bell, Waiting, ask};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
