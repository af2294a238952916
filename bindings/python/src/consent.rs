//! A person's yes in progress.

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyString;

use crate::call::{self, Limits};
use crate::client::Client;
use crate::token::Token;

/// A person's consent in progress, from `Client.consent()`.
///
/// Send the person to `url`. Where the vendor sends them back to a web server, hand the URL they came back on
/// to `finish`. Where they come back to a loopback address (`redirect_uri = "http://127.0.0.1/callback"`) or to
/// none at all (`grant = "device_code"`, which also has a `user_code` to show), `wait` for them. As a context
/// manager it cancels whatever was not finished.
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

/// Looks whether the person has come, without waiting (Token | None): what `wait_async` is built of.
#[pyfunction]
pub(crate) fn look(consent: &Bound<'_, Consent>) -> PyResult<Option<Py<Token>>> {
    let (py, this) = (consent.py(), consent.get());
    let client = this.client.get();
    let outcome = py.detach(|| this.core.look()).transpose();
    let token = call::settle(py, client.core(), outcome)?;
    token.map(|token| client.object(py, token)).transpose()
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

    /// The code to show the person beside the URL (str), also where the URL holds it: they compare the two. None
    /// unless `grant = "device_code"`.
    ///
    /// Example:
    ///     >>> len(tv.consent().user_code)
    ///     9
    #[getter]
    fn user_code(&self) -> Option<&str> {
        self.core.user_code()
    }

    /// Waits for the person, and gets the token when they have said yes.
    ///
    /// With a loopback `redirect_uri` it serves the person's browser; with `grant = "device_code"` it asks the
    /// vendor, at the pace that the vendor sets. Ctrl-C raises KeyboardInterrupt at once. Threads that wait at
    /// once all get the token.
    ///
    /// Args:
    ///     timeout (float | None): seconds to wait at most; by default the setting `timeout`, which is short for
    ///         people. 0 just looks.
    ///
    /// Returns:
    ///     Token: from now on the client's own.
    ///
    /// Raises:
    ///     TokenTimeout: nobody came yet. The consent is as good as before: wait again.
    ///     ConsentRequired: the person or the vendor said no, or the user code ended.
    ///     Cancelled: `cancel` or `Client.close` was called.
    ///     Unsupported: `redirect_uri` leads elsewhere; use `finish`.
    ///
    /// Example:
    ///     >>> with desktop.consent() as consent:
    ///     ...     browse(consent.url)
    ///     ...     token = consent.wait(timeout=300)
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Py<Token>> {
        let client = self.client.get();
        let limits = Limits::new(py, timeout, None)?;
        let token = call::run(py, client.core(), limits, |call| self.core.wait(call))?;
        client.object(py, token)
    }

    /// `wait` for asyncio: `await consent.wait_async()`. The event loop goes on meanwhile, and cancelling the task
    /// leaves the consent as it is.
    ///
    /// Args:
    ///     timeout (float | None): as for `wait`.
    ///
    /// Example:
    ///     >>> consent = desktop.consent()
    ///     >>> browse(consent.url)
    ///     >>> token = asyncio.run(consent.wait_async(timeout=300))
    #[pyo3(signature = (timeout=None))]
    fn wait_async<'py>(slf: &Bound<'py, Self>, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        let timeout = match Limits::new(slf.py(), timeout, None)?.call().timeout {
            Some(timeout) => timeout,
            None => slf.get().client.get().core().timeout(),
        };
        slf.py().import("tokenkeep._asyncio")?.call_method1("wait", (slf, timeout.as_secs_f64()))
    }

    /// The consent as text, for the person's own session cookie: `Client.resume` goes on with it, also in another
    /// process, for ten minutes.
    ///
    /// It is sealed with the setting `store_key`, and opened only by a client with the same identity settings (those that
    /// docs/SETTINGS.md calls so). A process takes the answer to a consent once; that two processes do not, is in the
    /// vendor's hands, where a code is good only once.
    ///
    /// Returns:
    ///     str: base64url, some 1,000 characters.
    ///
    /// Raises:
    ///     ConfigError: there is no `store_key`.
    ///     Unsupported: the consent holds a loopback port of this process's.
    ///
    /// Example:
    ///     >>> session = {"consent": pink.consent().seal()}
    fn seal(&self, py: Python<'_>) -> PyResult<String> {
        let outcome = py.detach(|| self.core.seal());
        call::settle(py, self.client.get().core(), outcome)
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

    /// `finish` for asyncio: `await consent.finish_async(url)`. It runs on a thread of asyncio's, and goes on there if the
    /// task is cancelled.
    ///
    /// Args:
    ///     redirected_url (str): as for `finish`.
    ///     timeout (float | None): as for `finish`.
    ///
    /// Example:
    ///     >>> consent = pink.consent()
    ///     >>> token = asyncio.run(consent.finish_async(visit(consent.url)))
    #[pyo3(signature = (redirected_url, timeout=None))]
    fn finish_async<'py>(
        slf: &Bound<'py, Self>,
        redirected_url: &Bound<'py, PyString>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        slf.py()
            .import("asyncio")?
            .call_method1("to_thread", (slf.getattr("finish")?, redirected_url, timeout))
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
