//! The token that a program holds.

use std::time::Duration;

use once_cell::race::OnceBox;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use tokenkeep::Lifetime;

/// A token: immutable, and usable from any thread.
///
/// Send `headers` (or, with `placement = query`, `query`): they hold everything that the vendor asks for. A
/// token does not turn into text by itself, so that it cannot slip into a log line: `str(token)` raises. Each
/// renewal makes another token; two tokens are equal only if they are the same object.
///
/// Example:
///     >>> token = client.token()
///     >>> sorted(token.headers)
///     ['Authorization']
#[pyclass(frozen, module = "tokenkeep")]
pub(crate) struct Token {
    token: tokenkeep::Token,
    /// Made at the first use, by whichever threads are first. None waits for another: a forked child would for ever.
    value: OnceBox<Py<PyString>>,
    /// What `headers` hands out copies of, made likewise.
    headers: OnceBox<Py<PyDict>>,
}

impl Token {
    pub(crate) fn new(token: tokenkeep::Token) -> Token {
        Token { token, value: OnceBox::new(), headers: OnceBox::new() }
    }

    fn all_headers<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyDict>> {
        let make = || -> PyResult<Box<Py<PyDict>>> {
            let headers = PyDict::new(py);
            for (name, value) in self.token.headers() {
                headers.set_item(name, value)?;
            }
            Ok(Box::new(headers.unbind()))
        };
        Ok(self.headers.get_or_try_init(make)?.bind(py))
    }
}

#[pymethods]
impl Token {
    /// The access token itself (str). Prefer `headers`, which holds everything that the vendor asks for.
    ///
    /// Example:
    ///     >>> line = "Bearer " + client.token().value
    #[getter]
    fn value(&self, py: Python<'_>) -> Py<PyString> {
        self.value.get_or_init(|| Box::new(PyString::new(py, self.token.value()).unbind())).clone_ref(py)
    }

    /// The `Authorization` header's value (str), or None where the token goes into the query.
    ///
    /// Example:
    ///     >>> client.token().authorization.startswith("Bearer ")
    ///     True
    #[getter]
    fn authorization<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.all_headers(py)?.get_item(intern!(py, "Authorization"))
    }

    /// Every header that the vendor wants on a request (dict[str, str]), the caller's own copy.
    ///
    /// Example:
    ///     >>> headers = {**client.token().headers, "Accept": "application/json"}
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.all_headers(py)?.copy()
    }

    /// The encoded query pair (str), "access_token=...", where the token goes into the query, else None.
    ///
    /// Send `Cache-Control: no-store` with such a request (RFC 6750 section 2.3).
    ///
    /// Example:
    ///     >>> client.token().query is None
    ///     True
    #[getter]
    fn query(&self) -> Option<&str> {
        self.token.query()
    }

    /// When it ends (datetime.datetime, UTC), or None unless `lifetime` is "known".
    ///
    /// Example:
    ///     >>> str(client.token().expires_at.tzinfo)
    ///     'UTC'
    #[getter]
    fn expires_at<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.token.lifetime() {
            Lifetime::Known { expires_at } => Ok(Some(expires_at.into_pyobject(py)?.into_any())),
            Lifetime::Never | Lifetime::Unknown => Ok(None),
        }
    }

    /// How many seconds it still lives (float, 0.0 once it is over), or None unless `lifetime` is "known".
    ///
    /// Example:
    ///     >>> client.token().expires_in > 60
    ///     True
    #[getter]
    fn expires_in(&self) -> Option<f64> {
        self.token.expires_in().as_ref().map(Duration::as_secs_f64)
    }

    /// What is known of its end (str): "known", "never" (the vendor declares it endless) or "unknown".
    ///
    /// Example:
    ///     >>> client.token().lifetime
    ///     'known'
    #[getter]
    fn lifetime(&self) -> &'static str {
        match self.token.lifetime() {
            Lifetime::Known { .. } => "known",
            Lifetime::Never => "never",
            Lifetime::Unknown => "unknown",
        }
    }

    /// What was granted (str, names parted by spaces), where the vendor or the settings say so, else None.
    ///
    /// Example:
    ///     >>> "refunds" in (client.token().scope or "").split()
    ///     False
    #[getter]
    fn scope(&self) -> Option<&str> {
        self.token.scope()
    }

    /// The ID token that came with it (str), or None if none came, as with most refreshes (OpenID Connect).
    ///
    /// It is not verified: nobody has looked at its signature, issuer, audience, nonce or times. Verify it before
    /// you believe it.
    ///
    /// Example:
    ///     >>> client.token().id_token is None
    ///     True
    #[getter]
    fn id_token(&self) -> Option<&str> {
        self.token.id_token()
    }

    /// The number of the grant behind it (int), for `Client.rejected`.
    ///
    /// Example:
    ///     >>> client.token().generation == client.token().generation
    ///     True
    #[getter]
    pub(crate) fn generation(&self) -> u64 {
        self.token.generation()
    }

    fn __repr__(&self) -> String {
        let expires_in = self.token.expires_in().map(|left| format!(" expires_in={}", left.as_secs()));
        let scope = self.scope().map(|scope| format!(" scope='{}'", scope.escape_debug()));
        format!(
            "<tokenkeep.Token generation={} lifetime={}{}{}>",
            self.generation(),
            self.lifetime(),
            expires_in.unwrap_or_default(),
            scope.unwrap_or_default(),
        )
    }

    fn __str__(&self) -> PyResult<&'static str> {
        Err(PyTypeError::new_err(NO_TEXT))
    }

    fn __format__(&self, format_spec: &Bound<'_, PyAny>) -> PyResult<&'static str> {
        let _ = format_spec;
        self.__str__()
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, memo: &Bound<'_, PyAny>) -> Py<Self> {
        let _ = memo;
        slf
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a Token is a secret and is not pickled: pickle the Client, and call its token() there",
        ))
    }
}

const NO_TEXT: &str = "a Token does not turn into text by itself: send token.headers, or take token.value \
                       where only the bare token will do";
