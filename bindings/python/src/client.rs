//! The handle that a program holds.

use std::path::PathBuf;
use std::time::Duration;

use once_cell::race::OnceBox;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyDict;
use tokenkeep::Config;

use crate::call::{self, Limits};
use crate::consent::Consent;
use crate::current::Current;
use crate::ready::Ready;
use crate::settings::{self, Settings};
use crate::stats::Stats;
use crate::token::Token;
use crate::{error, log};

/// Gets the tokens of one credential and keeps them fresh.
///
/// Make one, keep it, and call `token()` for every request: a cached token costs well under a microsecond.
/// Any thread and any task may use it. Making one reads no network; clients with the same credential share
/// one token.
///
/// Args:
///     provider (str): "acquire", "acquired", "frederick", "pink", "oauth2", or the path of a provider file.
///     **settings: the settings that the provider takes, by name. A secret X may be given as X_env, X_file or
///         X_command instead, which also lets the client be pickled. None means not given; True and False
///         mean on and off; times are in seconds; a list of words may be a list of str.
///
/// Raises:
///     ConfigError: naming every fault of the settings at once.
///
/// Example:
///     >>> client = tokenkeep.Client("acquired", app_id="12345678", app_key_env="ACQUIRED_APP_KEY")
///     >>> client.provider
///     'acquired'
#[pyclass(frozen, weakref, module = "tokenkeep")]
pub(crate) struct Client {
    core: tokenkeep::Client,
    current: Current,
}

impl Client {
    fn made(
        py: Python<'_>,
        make: impl FnOnce() -> tokenkeep::Result<tokenkeep::Client> + Send,
    ) -> PyResult<Client> {
        let core = py.detach(make).map_err(|failure| error::exception(py, &failure))?;
        log::deliver(py, &core)?;
        Ok(Client { core, current: Current::default() })
    }

    /// A hook that knows no host would attach no token to anything, and say nothing.
    fn want_api_hosts(&self, py: Python<'_>) -> PyResult<()> {
        if self.core.has_api_hosts() {
            return Ok(());
        }
        let provider = self.core.provider();
        Err(error::config(
            py,
            &format!(
                "{provider}: no host is known that a token may be sent to: set api_hosts to those of the API, \
                 such as api.example.com (names parted by spaces; *.example.com for any subdomain)"
            ),
        ))
    }

    pub(crate) fn core(&self) -> &tokenkeep::Client {
        &self.core
    }

    /// The Python object for a token of this client.
    pub(crate) fn object(&self, py: Python<'_>, token: tokenkeep::Token) -> PyResult<Py<Token>> {
        self.current.object(py, token)
    }

    /// The cached token, if it is good and nothing is to be done. Attached all along: it takes no lock of the
    /// core.
    fn hit(&self, py: Python<'_>, min_valid: Duration) -> PyResult<Option<Py<Token>>> {
        let cached = self.core.read_cached(min_valid, |token| {
            self.current.of_generation(py, token.generation()).ok_or_else(|| token.clone())
        });
        let hit = match cached {
            None => return Ok(None),
            Some(Ok(object)) => object,
            Some(Err(unseen)) => self.object(py, unseen)?,
        };
        log::deliver(py, &self.core)?;
        Ok(Some(hit))
    }
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (provider, **settings))]
    fn new(
        py: Python<'_>,
        provider: &Bound<'_, PyAny>,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Client> {
        let provider = settings::provider(provider)?;
        let settings = Settings::new(settings)?;
        Client::made(py, || {
            let mut config = Config::new(&provider);
            config.log_to(log::shared());
            settings.add_to(&mut config);
            tokenkeep::Client::new(&config)
        })
    }

    /// Makes a client from a profile: a table of a `tokenkeep.toml`.
    ///
    /// Args:
    ///     name (str): the profile's.
    ///     path (str | os.PathLike[str] | None): the file; by default `$TOKENKEEP_CONFIG`, else
    ///         `tokenkeep/tokenkeep.toml` in the user's configuration directory.
    ///     **overrides: settings that replace the profile's.
    ///
    /// Example:
    ///     >>> client = tokenkeep.Client.from_profile("billing", profiles, timeout=5)
    #[staticmethod]
    #[pyo3(signature = (name, path=None, **overrides))]
    fn from_profile(
        py: Python<'_>,
        name: PyBackedStr,
        path: Option<PathBuf>,
        overrides: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Client> {
        let overrides = Settings::new(overrides)?;
        Client::made(py, || {
            let mut config = Config::load(path.as_deref(), &name)?;
            config.log_to(log::shared());
            overrides.add_to(&mut config);
            tokenkeep::Client::new(&config)
        })
    }

    /// Another client of the same credential with some settings changed, such as `account`, `scope` or `mid`.
    ///
    /// Args:
    ///     **settings: as for `Client`.
    ///
    /// Returns:
    ///     Client: a handle of its own. Closing either leaves the other open.
    ///
    /// Example:
    ///     >>> alice = client.with_(account="alice")
    #[pyo3(signature = (**settings))]
    fn with_(&self, py: Python<'_>, settings: Option<&Bound<'_, PyDict>>) -> PyResult<Client> {
        let settings = Settings::new(settings)?;
        if settings.has_store() {
            let why = "a store of the program's own is given when the first client is made, not to with_";
            return Err(PyTypeError::new_err(why));
        }
        Client::made(py, || self.core.with(settings.pairs()))
    }

    /// A token that works: the cached one, or else one from the vendor.
    ///
    /// However many threads ask at once, the vendor is asked once, and each caller gets that answer, or that
    /// error. While it waits, other Python threads run, and Ctrl-C raises KeyboardInterrupt at once.
    ///
    /// Args:
    ///     timeout (float | None): seconds to wait at most; by default the setting `timeout`.
    ///     min_valid (float | None): seconds that the token must live at least; else it is renewed first. More than the
    ///         vendor's tokens ever live counts as 0.
    ///
    /// Raises:
    ///     Denied: the vendor refuses the credentials.
    ///     ConsentRequired: a person must say yes first; see `consent`.
    ///     TokenTimeout: time is up. The renewal goes on for a later call.
    ///     Error: any other reason; `is_retryable` says whether the same call may succeed later.
    ///
    /// Example:
    ///     >>> token = client.token(timeout=5)
    #[pyo3(signature = (timeout=None, min_valid=None))]
    fn token(&self, py: Python<'_>, timeout: Option<f64>, min_valid: Option<f64>) -> PyResult<Py<Token>> {
        let limits = Limits::new(py, timeout, min_valid)?;
        if let Some(token) = self.hit(py, limits.min_valid())? {
            return Ok(token);
        }
        let token = call::run(py, &self.core, limits, |call| self.core.token(call))?;
        self.object(py, token)
    }

    /// `token` for asyncio: `await client.token_async()`.
    ///
    /// A cached token is returned without a task switch. Otherwise the task waits and the event loop goes on;
    /// cancelling one task leaves all others alone. (With `background = off` the renewal runs in the event
    /// loop's own thread, and holds it up.)
    ///
    /// Args:
    ///     timeout (float | None): as for `token`, counted from the await.
    ///     min_valid (float | None): as for `token`.
    ///
    /// Example:
    ///     >>> token = asyncio.run(client.token_async())
    #[pyo3(signature = (timeout=None, min_valid=None))]
    fn token_async<'py>(
        slf: &Bound<'py, Self>,
        timeout: Option<f64>,
        min_valid: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let limits = Limits::new(py, timeout, min_valid)?;
        match slf.get().hit(py, limits.min_valid())? {
            Some(token) => Ok(Bound::new(py, Ready::new(token))?.into_any()),
            None => waiting(py)?.call1((slf, timeout, min_valid)),
        }
    }

    /// The cached token (Token | None). It never waits, and never asks the vendor.
    ///
    /// Example:
    ///     >>> client.with_(account="nobody yet").peek() is None
    ///     True
    fn peek(&self, py: Python<'_>) -> PyResult<Option<Py<Token>>> {
        if let Some(token) = self.hit(py, Duration::ZERO)? {
            return Ok(Some(token));
        }
        py.detach(|| self.core.peek()).map(|token| self.object(py, token)).transpose()
    }

    /// Starts a renewal if one is due, and returns at once.
    ///
    /// Example:
    ///     >>> client.prefetch()
    fn prefetch(&self, py: Python<'_>) -> PyResult<()> {
        let outcome = py.detach(|| self.core.prefetch());
        call::settle(py, &self.core, outcome)
    }

    /// Reports that an API refused a token. Returning means: take a new `token()` and try again, once.
    ///
    /// It asks nobody, and judges whether another token can help. After a 401 that says the token is bad, that very
    /// token is not handed out again, and no newer one is harmed. After any other status it is kept.
    ///
    /// Args:
    ///     token (Token | int): the refused token, or its generation.
    ///     http_status (int): the answer's HTTP status.
    ///     www_authenticate (str | None): the answer's WWW-Authenticate header.
    ///
    /// Returns:
    ///     None: asking again is worth it.
    ///
    /// Raises:
    ///     Rejected: asking again will not help; the message says why.
    ///     InvalidArgumentError: that is no HTTP status, or no token of that generation was handed out.
    ///
    /// Example:
    ///     >>> client.rejected(client.token(), 401, 'Bearer error="invalid_token"')
    ///     >>> fresh = client.token()
    #[pyo3(signature = (token, http_status=401, www_authenticate=None))]
    fn rejected(
        &self,
        py: Python<'_>,
        token: &Bound<'_, PyAny>,
        http_status: u16,
        www_authenticate: Option<PyBackedStr>,
    ) -> PyResult<()> {
        let generation = generation(token)?;
        let outcome = py.detach(|| self.core.rejected(generation, http_status, www_authenticate.as_deref()));
        call::settle(py, &self.core, outcome)
    }

    /// Revokes the grant where the vendor offers that (RFC 7009), and forgets it in any case.
    ///
    /// Args:
    ///     timeout (float | None): seconds to wait at most; by default the setting `timeout`.
    ///
    /// Example:
    ///     >>> client.revoke()
    #[pyo3(signature = (timeout=None))]
    fn revoke(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        call::run(py, &self.core, Limits::new(py, timeout, None)?, |call| self.core.revoke(call))
    }

    /// `revoke` for asyncio: `await client.revoke_async()`. It runs on a thread of asyncio's, and goes on there if the task
    /// is cancelled.
    ///
    /// Args:
    ///     timeout (float | None): as for `revoke`.
    ///
    /// Example:
    ///     >>> asyncio.run(client.revoke_async())
    #[pyo3(signature = (timeout=None))]
    fn revoke_async<'py>(slf: &Bound<'py, Self>, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("asyncio")?.call_method1("to_thread", (slf.getattr("revoke")?, timeout))
    }

    /// Begins a person's consent, with `grant = "authorization_code"` or `"device_code"`.
    ///
    /// The vendor may have to be asked for its addresses, or for a code. Where `redirect_uri` is a loopback
    /// address without a port, a port is opened, which is closed with the consent.
    ///
    /// Args:
    ///     timeout (float | None): seconds to wait at most; by default the setting `timeout`.
    ///
    /// Returns:
    ///     Consent: its `url` is where to send the person.
    ///
    /// Example:
    ///     >>> consent = pink.consent()
    #[pyo3(signature = (timeout=None))]
    fn consent(slf: &Bound<'_, Self>, timeout: Option<f64>) -> PyResult<Consent> {
        let (py, this) = (slf.py(), slf.get());
        let limits = Limits::new(py, timeout, None)?;
        let consent = call::run(py, &this.core, limits, |call| this.core.consent(call))?;
        Ok(Consent::new(consent, slf.clone().unbind()))
    }

    /// `consent` for asyncio: `await client.consent_async()`. It runs on a thread of asyncio's.
    ///
    /// Args:
    ///     timeout (float | None): as for `consent`.
    ///
    /// Example:
    ///     >>> consent = asyncio.run(pink.consent_async())
    #[pyo3(signature = (timeout=None))]
    fn consent_async<'py>(slf: &Bound<'py, Self>, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("asyncio")?.call_method1("to_thread", (slf.getattr("consent")?, timeout))
    }

    /// Goes on with a consent that `Consent.seal` gave, in this process or another.
    ///
    /// Every setting that docs/SETTINGS.md calls identity must be that of the client that began it, and so must store_key
    /// (or store_key_previous).
    ///
    /// Args:
    ///     sealed (str): the text.
    ///
    /// Raises:
    ///     ConsentRequired: it was sealed more than ten minutes ago; begin another.
    ///     InvalidArgumentError: it was changed, or sealed for another client or with another key.
    ///     ConfigError: there is no `store_key`.
    ///
    /// Example:
    ///     >>> consent = pink.resume(pink.consent().seal())
    fn resume(slf: &Bound<'_, Self>, sealed: PyBackedStr) -> PyResult<Consent> {
        let (py, this) = (slf.py(), slf.get());
        let outcome = py.detach(|| this.core.resume(&sealed));
        Ok(Consent::new(call::settle(py, &this.core, outcome)?, slf.clone().unbind()))
    }

    /// Logs a person in at this machine, and gets the token: begins a consent, opens the system's browser (or, where
    /// there is none or `grant = "device_code"`, tells where to go and with which code), and waits. For programs on a
    /// desktop and at a command line.
    ///
    /// Args:
    ///     open_browser (bool): whether to open a browser where there is one.
    ///     show (Callable[[str], object] | None): tells the person something; by default `print`.
    ///     timeout (float | None): seconds that the person may take; by default 300.
    ///
    /// Raises:
    ///     TokenTimeout: nobody came.
    ///     ConsentRequired: the person or the vendor said no.
    ///     Unsupported: `redirect_uri` leads to a web server; use `consent` and `finish`.
    ///
    /// Example:
    ///     >>> token = desktop.login(show=tell)
    #[pyo3(signature = (open_browser=true, show=None, timeout=None))]
    fn login<'py>(
        slf: &Bound<'py, Self>,
        open_browser: bool,
        show: Option<Bound<'py, PyAny>>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let login = slf.py().import("tokenkeep._login")?;
        login.call_method1("login", (slf, open_browser, show, timeout))
    }

    /// `login` for asyncio: `await client.login_async()`.
    ///
    /// Args:
    ///     open_browser (bool): as for `login`.
    ///     show (Callable[[str], object] | None): as for `login`.
    ///     timeout (float | None): as for `login`.
    ///
    /// Example:
    ///     >>> token = asyncio.run(tv.login_async(show=tell))
    #[pyo3(signature = (open_browser=true, show=None, timeout=None))]
    fn login_async<'py>(
        slf: &Bound<'py, Self>,
        open_browser: bool,
        show: Option<Bound<'py, PyAny>>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let login = slf.py().import("tokenkeep._login")?;
        login.call_method1("login_async", (slf, open_browser, show, timeout))
    }

    /// What this credential cost so far (Stats).
    ///
    /// Example:
    ///     >>> client.stats().renewals
    ///     0
    fn stats(&self, py: Python<'_>) -> Stats {
        py.detach(|| self.core.stats()).into()
    }

    /// Why the last renewal failed (Error | None), until one succeeds. A renewal may fail unseen while the
    /// token before it is still good.
    ///
    /// Example:
    ///     >>> client.last_error is None
    ///     True
    #[getter]
    fn last_error(&self, py: Python<'_>) -> Option<PyErr> {
        py.detach(|| self.core.last_error()).map(|failure| error::exception(py, &failure))
    }

    /// The provider's name (str).
    ///
    /// Example:
    ///     >>> client.provider
    ///     'acquired'
    #[getter]
    fn provider(&self) -> &str {
        self.core.provider()
    }

    /// Whether a token may be attached to a request to this URL (bool): over https (or to this very machine),
    /// to a host of the setting `api_hosts`.
    ///
    /// Args:
    ///     url (str): the request's.
    ///
    /// Example:
    ///     >>> client.may_send_to("https://elsewhere.example/")
    ///     False
    fn may_send_to(&self, url: PyBackedStr) -> bool {
        self.core.may_send_to(&url)
    }

    /// An `auth=` for requests: attaches the token, and on a 401 gets a new one and sends the request again,
    /// once.
    ///
    /// Unlike a header set by hand it is not replaced by what `~/.netrc` says. It attaches nothing to a
    /// request to a host that `may_send_to` refuses, on the first request as after a redirect. Getting a token takes
    /// as long as the setting `timeout` allows, whatever the request's own timeout, and raises tokenkeep.Error.
    ///
    /// Returns:
    ///     RequestsAuth: for one request, or for a session's `auth`.
    ///
    /// Example:
    ///     >>> requests.get(url, auth=client.requests_auth()).status_code
    ///     200
    fn requests_auth<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.get().want_api_hosts(slf.py())?;
        slf.py().import("tokenkeep._requests")?.call_method1("RequestsAuth", (slf,))
    }

    /// An `auth=` for httpx: as `requests_auth`, for `httpx.Client` and, on asyncio, `httpx.AsyncClient`.
    ///
    /// Headers that go beside the token, such as x-api-key, are kept from other hosts after a redirect by httpx's own
    /// transports. With any other (one that does not report to the extension `trace`) let httpx follow no redirects.
    ///
    /// Returns:
    ///     HttpxAuth: an httpx.Auth.
    ///
    /// Example:
    ///     >>> httpx.get(url, auth=client.httpx_auth()).status_code
    ///     200
    fn httpx_auth<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.get().want_api_hosts(slf.py())?;
        slf.py().import("tokenkeep._httpx")?.call_method1("HttpxAuth", (slf,))
    }

    /// Closes this handle for good: whoever waits on it leaves with Cancelled. A cached token is still handed
    /// out, and other clients are not concerned.
    ///
    /// Example:
    ///     >>> client.close()
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.core.close());
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) {
        self.close(py);
    }

    fn __repr__(&self) -> String {
        format!("<tokenkeep.Client provider='{}'>", self.core.provider())
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, memo: &Bound<'_, PyAny>) -> Py<Self> {
        let _ = memo;
        slf
    }

    /// Pickled by its settings, so only when every secret among them was given by reference.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Pairs,))> {
        let settings = self.core.portable_settings().map_err(|failure| error::exception(py, &failure))?;
        Ok((py.import("tokenkeep._tokenkeep")?.getattr("restore")?, (settings,)))
    }
}

type Pairs = Vec<(String, String)>;

/// `tokenkeep._asyncio.token`, which is imported when it is first needed.
fn waiting(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static WAITING: OnceBox<Py<PyAny>> = OnceBox::new();
    let found = WAITING.get_or_try_init(|| {
        let token = py.import("tokenkeep._asyncio")?.getattr("token")?;
        PyResult::Ok(Box::new(token.unbind()))
    })?;
    Ok(found.bind(py))
}

/// The generation of a token, given as itself or as that number.
fn generation(token: &Bound<'_, PyAny>) -> PyResult<u64> {
    match token.cast::<Token>() {
        Ok(token) => Ok(token.get().generation()),
        Err(_) => token.extract(),
    }
}

/// Makes a pickled client again (Client).
#[pyfunction]
pub(crate) fn restore(py: Python<'_>, settings: Pairs) -> PyResult<Client> {
    let provider = settings.iter().find(|(name, _)| name == "provider").map_or("", |(_, value)| value);
    let mut config = Config::new(provider);
    config.log_to(log::shared());
    for (name, value) in &settings {
        config.set(name, value);
    }
    config.travelled();
    Client::made(py, || tokenkeep::Client::new(&config))
}
