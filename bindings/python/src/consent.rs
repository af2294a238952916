//! A person's yes in progress.

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;

use crate::call::{self, Limits};
use crate::client::Client;
use crate::token::Token;

/// A person's consent in progress, from `Client.consent()`.
///
/// Send the person to `url`. The vendor sends them back to the `redirect_uri`; hand the URL they came back on
/// to `finish`. As a context manager it cancels whatever was not finished.
///
/// Example:
///     >>> with pink.consent() as consent:
///     ...     token = consent.finish(visit(consent.url))
///     >>> token is pink.token()
///     True
#[pyclass(frozen, module = "tokenkeep")]
pub(crate) struct Consent {
    core: tokenkeep::Consent,
    client: Py<Client>,
}

impl Consent {
    pub(crate) fn new(core: tokenkeep::Consent, client: Py<Client>) -> Consent {
        Consent { core, client }
    }
}

#[pymethods]
impl Consent {
    /// Where to send the person (str).
    ///
    /// Example:
    ///     >>> pink.consent().url.startswith("http")
    ///     True
    #[getter]
    fn url(&self) -> &str {
        self.core.url()
    }

    /// Takes the URL that the person came back on, and gets the token.
    ///
    /// It succeeds once. The URL of somebody else's answer, or of an older one, is refused.
    ///
    /// Args:
    ///     redirected_url (str): the whole URL, with its query.
    ///     timeout (float | None): seconds to wait at most; by default the setting `timeout`.
    ///
    /// Returns:
    ///     Token: from now on the client's own.
    ///
    /// Example:
    ///     >>> consent = pink.consent()
    ///     >>> consent.finish(visit(consent.url)).lifetime
    ///     'known'
    #[pyo3(signature = (redirected_url, timeout=None))]
    fn finish(
        &self,
        py: Python<'_>,
        redirected_url: PyBackedStr,
        timeout: Option<f64>,
    ) -> PyResult<Py<Token>> {
        let client = self.client.get();
        let limits = Limits::new(py, timeout, None)?;
        let token = call::run(py, client.core(), limits, |call| self.core.finish(&redirected_url, call))?;
        client.object(py, token)
    }

    /// Ends it. Whatever the person answers comes too late.
    ///
    /// Example:
    ///     >>> pink.consent().cancel()
    fn cancel(&self, py: Python<'_>) {
        py.detach(|| self.core.cancel());
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) {
        self.cancel(py);
    }

    /// The URL is left out: it holds the state that proves whose answer comes back.
    fn __repr__(&self) -> String {
        format!("<tokenkeep.Consent provider='{}'>", self.client.get().core().provider())
    }
}
