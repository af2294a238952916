//! The handle that a program holds.

mod call;
mod consent;
mod family;
mod patience;
mod seat;
#[cfg(test)]
mod test;
mod waiting;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;

use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::keeper::{self, Asked as KeeperAsked, Keeper, Live, Tenant};
use crate::log::{Event, Log};
use crate::provider::Provider;
use crate::scheme::{self, challenge, shorten};
use crate::settings::{Config, Settings, faulty, is_safe_url};
use crate::token::{self, Presentation, Token, Verdict};

pub use call::{Call, Stats};
pub use consent::Consent;
use family::Family;
use patience::Patience;
use seat::Seats;
pub use waiting::{Asked, Waiting};

const TIMEOUT: Duration = Duration::from_secs(30);

/// A handle on one credential's tokens.
///
/// It can be used from any thread at the same time. A clone is the same handle: closing one closes both.
/// However many handles of one credential are made, they share one token and one renewal.
#[derive(Clone)]
pub struct Client(Arc<Handle>);

struct Handle {
    config: Config,
    provider: Arc<Provider>,
    settings: Arc<Settings>,
    keeper: Tenant,
    family: Family,
    /// The token as this client shows it, for threads that have not taken it yet.
    view: ArcSwapOption<token::Inner>,
    /// The hot path.
    seats: Seats,
    closed: AtomicBool,
}

impl Client {
    /// A client for these settings. Nothing is sent and no thread is started; every fault of the settings is
    /// reported in one error of kind [`Config`](Kind::Config).
    pub fn new(config: &Config) -> Result<Client> {
        Client::open(config, &Clock::System, Family::new())
    }

    pub(crate) fn open(config: &Config, clock: &Clock, family: Family) -> Result<Client> {
        let Some(name) = config.provider() else {
            return Err(config.beside_misuse(faulty("no provider", &["provider is missing".to_owned()])));
        };
        let provider = Provider::find(name).map_err(|error| config.beside_misuse(error))?;
        let (settings, mut faults) = config.check(&provider.offered());
        faults.extend(scheme::faults(&provider, &settings));
        faults.extend(keeper::faults(&settings));
        if !faults.is_empty() {
            return Err(faulty(name, &faults));
        }
        let settings = Arc::new(settings);
        let budget = settings.span("timeout").unwrap_or(TIMEOUT).max(TIMEOUT);
        let keeper = Keeper::open(&provider, &settings, clock, budget)?;
        family.keep(&keeper);
        if let Some(log) = config.log() {
            keeper.log_to(log);
        }
        Ok(Client(Arc::new(Handle {
            config: config.clone(),
            provider,
            settings,
            keeper,
            family,
            view: ArcSwapOption::empty(),
            seats: Seats::default(),
            closed: AtomicBool::new(false),
        })))
    }

    /// A client that differs in some settings: another account, scope, mid, ... It is a handle of its own, not
    /// closed with this one. Its token is kept as long as this client lives.
    pub fn with<'a>(&self, settings: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Client> {
        let mut config = self.0.config.clone().overridable();
        for (name, value) in settings {
            config.set(name, value);
        }
        Client::open(&config, self.0.keeper.clock(), self.0.family.of_derived())
    }

    /// Has those who wait on this handle or a clone leave with [`Cancelled`](Kind::Cancelled), now and from now
    /// on. Renewals under way go on for others; cached tokens are still handed out.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        self.0.keeper.nudge();
    }

    /// A token that works, from the cache or, if need be, from the vendor.
    pub fn token(&self, call: &Call<'_>) -> Result<Token> {
        self.read(call, Token::clone)
    }

    /// Like [`token`](Client::token), but lends the token. A hit takes no lock, makes no system call, allocates
    /// nothing and touches no reference count (but on a thread beyond the first 64 that live at once).
    #[inline]
    pub fn read<R>(&self, call: &Call<'_>, use_it: impl FnOnce(&Token) -> R) -> Result<R> {
        self.hit(call.min_valid, use_it).or_else(|use_it| self.token_slowly(call).map(|token| use_it(&token)))
    }

    /// Lends the cached token if it can be handed out without looking closer: no wait, no renewal.
    #[inline]
    pub fn read_cached<R>(&self, min_valid: Duration, use_it: impl FnOnce(&Token) -> R) -> Option<R> {
        self.hit(min_valid, use_it).ok()
    }

    /// Uses this thread's token, or gives back what was to be done with it.
    #[inline]
    fn hit<R, F: FnOnce(&Token) -> R>(&self, min_valid: Duration, use_it: F) -> std::result::Result<R, F> {
        self.0.seats.read(|token| self.is_good(token, min_valid), use_it).or_else(|use_it| {
            match self.first_hit(min_valid) {
                Some(token) => Ok(use_it(&token)),
                None => Err(use_it),
            }
        })
    }

    /// The token that this thread has not taken yet.
    #[cold]
    fn first_hit(&self, min_valid: Duration) -> Option<Token> {
        let token = Token(self.0.view.load_full()?);
        if !self.is_good(&token, min_valid) {
            return None;
        }
        self.0.seats.take(&token);
        self.0.seats.count_standing();
        Some(token)
    }

    #[inline]
    fn is_good(&self, token: &Token, min_valid: Duration) -> bool {
        let now = self.0.keeper.clock().now();
        let wanted = if min_valid.is_zero() { 0 } else { crate::clock::nanos(min_valid) };
        let lives = matches!(token.end().verdict(now), Verdict::Lives(left) if left > wanted);
        lives && self.0.keeper.admits(token.generation(), now)
    }

    #[cold]
    fn token_slowly(&self, call: &Call<'_>) -> Result<Token> {
        match self.ask(call)? {
            Asked::Ready(token) => Ok(token),
            Asked::Waiting(waiting) => waiting.finish(call.interrupt),
        }
    }

    /// Like [`token`](Client::token), but never waits: a token, or a [`Waiting`] for the renewal under way. For
    /// event loops.
    pub fn ask(&self, call: &Call<'_>) -> Result<Asked> {
        if let Some(token) = self.read_cached(call.min_valid, Token::clone) {
            return Ok(Asked::Ready(token));
        }
        if self.is_closed() {
            // What is cached is still handed out; nothing is begun any more.
            return self.lasting(call.min_valid).map(Asked::Ready).ok_or_else(|| self.closed());
        }
        match self.0.keeper.ask(call.min_valid)? {
            KeeperAsked::Live(live) => Ok(Asked::Ready(self.present(&live))),
            KeeperAsked::Flight(flight) => Ok(Asked::Waiting(Waiting::new(self, flight, call))),
        }
    }

    /// The token in use, if it lives for that much longer.
    fn lasting(&self, min_valid: Duration) -> Option<Token> {
        let keeper = &self.0.keeper;
        let live = keeper.peek().filter(|live| live.end.outlives(keeper.clock().now(), min_valid));
        live.map(|live| self.present(&live))
    }

    /// The cached token, if it lives. Never waits, never asks the vendor, starts nothing.
    pub fn peek(&self) -> Option<Token> {
        self.read_cached(Duration::ZERO, Token::clone).or_else(|| self.lasting(Duration::ZERO))
    }

    /// Starts a renewal if one is due, and returns at once; with `background = off`, or a store of the program's own, it
    /// does the renewal first, on this thread.
    pub fn prefetch(&self) -> Result<()> {
        self.ask(&Call::default()).map(drop)
    }

    /// Tells that a resource refused the token of this generation, with its status and `WWW-Authenticate`
    /// header if there was one. After a 401 that says the token is bad, that very token is not handed out again, and no
    /// newer one is harmed; after any other status it is kept. Nothing is sent.
    ///
    /// `Ok`: asking for a token again, once, is worth it. An error of kind [`Rejected`](Kind::Rejected): it is
    /// not, and says why (RFC 6750 section 3.1).
    pub fn rejected(&self, generation: u64, http_status: u16, www_authenticate: Option<&str>) -> Result<()> {
        if !(100..600).contains(&http_status) {
            return Err(Error::new(Kind::InvalidArgument, format!("{http_status} is no HTTP status")));
        }
        let rejected = |why: String| Err(Error::new(Kind::Rejected, why).with_http_status(http_status));
        let challenge = www_authenticate.and_then(challenge::bearer);
        let code = challenge.as_ref().and_then(|challenge| challenge.parameter("error"));
        if code == Some("insufficient_scope") {
            let scope = challenge.as_ref().and_then(|challenge| challenge.parameter("scope"));
            let wanted = scope.map(|scope| format!(" (it wants {})", shorten(scope))).unwrap_or_default();
            return rejected(format!(
                "the token is good but its scope is too small{wanted}: ask for more with scope"
            ));
        }
        match (http_status, code) {
            (401, None | Some("invalid_token")) => {
                self.0.keeper.rejected(generation).map_err(|error| error.with_http_status(http_status))
            }
            (401, Some(code)) => {
                rejected(format!("the resource says {}, which a new token does not cure", shorten(code)))
            }
            (403, _) => {
                rejected("403: the token is good but may not do this; a new one may not either".into())
            }
            (status, _) => {
                rejected(format!("status {status} does not say that the token is bad; it is kept"))
            }
        }
    }

    /// Tells the vendor to forget the grant, where there is a `revoke_url` (RFC 7009), and forgets it here in any
    /// case, even if the call fails.
    pub fn revoke(&self, call: &Call<'_>) -> Result<()> {
        let flight = self.0.keeper.revoke();
        let patience = Patience::new(self, call, "the revocation goes on");
        patience.attend(&flight, "the vendor has not confirmed the revocation in time")
    }

    /// Begins a person's consent, where the grant is `authorization_code` or `device_code`. Waits for the vendor, as the
    /// call says, where it must be asked for a code or for its addresses. Where `redirect_uri` is a loopback address
    /// without a port, a port is opened, which is closed with the consent.
    pub fn consent(&self, call: &Call<'_>) -> Result<Consent> {
        Consent::begin(self, call)
    }

    /// Goes on with a consent that [`Consent::seal`] gave in this process or another, for ten minutes. Every setting of the
    /// class "identity" must be the same, and so must `store_key` (or `store_key_previous`).
    ///
    /// An error of kind [`ConsentRequired`](Kind::ConsentRequired): the ten minutes are over.
    /// [`InvalidArgument`](Kind::InvalidArgument): it is none of this client's.
    pub fn resume(&self, sealed: &str) -> Result<Consent> {
        Consent::resume(self, sealed)
    }

    /// Numbers of this client and its credential.
    pub fn stats(&self) -> Stats {
        let counted = self.0.keeper.counted();
        Stats {
            hits: self.0.seats.hits(),
            renewals: counted.renewals,
            failures: counted.failures,
            shared_waits: counted.shared_waits,
            next_renewal: counted.renew_at,
        }
    }

    /// Why the last renewal failed, until one succeeds.
    pub fn last_error(&self) -> Option<Error> {
        self.0.keeper.last_error()
    }

    /// Whether events wait in the log that the settings name by [`log_to`](Config::log_to). Cheap enough for every call.
    pub fn has_events(&self) -> bool {
        self.0.config.log().is_some_and(Log::has_events)
    }

    /// Takes the events that wait in that log, oldest first. Other clients may write to it, too.
    pub fn take_events(&self) -> Vec<Event> {
        self.0.config.log().map(Log::take_events).unwrap_or_default()
    }

    /// Whether a token may go with a request to this URL: over https (or to loopback) and to a host of
    /// `api_hosts`.
    pub fn may_send_to(&self, url: &str) -> bool {
        let host = url.parse::<http::Uri>().ok().and_then(|url| url.host().map(str::to_ascii_lowercase));
        is_safe_url(url)
            && host.is_some_and(|host| self.api_hosts().iter().any(|pattern| matches(pattern, &host)))
    }

    /// Whether any host is known that a token may be sent to.
    pub fn has_api_hosts(&self) -> bool {
        !self.api_hosts().is_empty()
    }

    fn api_hosts(&self) -> Vec<String> {
        let (provider, settings) = (&self.0.provider, &self.0.settings);
        if let Some(hosts) = settings.text("api_hosts") {
            return hosts.split(' ').map(str::to_ascii_lowercase).collect();
        }
        if let Some(base) = settings.text("base_url").and_then(|url| url.parse::<http::Uri>().ok()) {
            return base.host().map(str::to_ascii_lowercase).into_iter().collect();
        }
        let name = settings.text("environment").or(provider.default_environment.as_deref());
        let environment = name.and_then(|name| provider.environments.get(name));
        let own = environment.map(|environment| environment.api_hosts.as_slice()).unwrap_or_default();
        own.iter().chain(&provider.api_hosts).cloned().collect()
    }

    /// The settings that make the same client in another process, as name and value. An error of kind
    /// [`Config`](Kind::Config) names the secrets that were given literally: those do not travel.
    pub fn portable_settings(&self) -> Result<Vec<(String, String)>> {
        if self.0.settings.store().is_some() {
            return Err(Error::new(
                Kind::Config,
                "a store of the program's own does not travel to another process",
            ));
        }
        self.0.settings.portable().map_err(|literal| {
            let names = literal.join(", ");
            let first = literal.first().copied().unwrap_or_default();
            Error::new(
                Kind::Config,
                format!("{names} was given literally and does not travel: give it as {first}_env, {first}_file or {first}_command"),
            )
        })
    }

    /// The provider's name.
    pub fn provider(&self) -> &str {
        &self.0.provider.name
    }

    /// Whether [`close`](Client::close) was called.
    pub fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }

    fn closed(&self) -> Error {
        Error::new(Kind::Cancelled, format!("{}: the client was closed", self.provider()))
    }

    fn keeper(&self) -> &Arc<Keeper> {
        &self.0.keeper
    }

    /// How long a call may take that does not say: the setting `timeout`.
    pub fn timeout(&self) -> Duration {
        self.0.settings.span("timeout").unwrap_or(TIMEOUT)
    }

    /// The running clock.
    fn now(&self) -> i64 {
        self.0.keeper.clock().now().running
    }

    /// The grant as this client shows it, kept for the next call.
    fn present(&self, live: &Arc<Live>) -> Token {
        let shown = self.0.view.load_full().map(Token);
        let token =
            match shown.filter(|token| token.generation() == live.generation && *token.end() == live.end) {
                Some(token) => token,
                None => {
                    let token = Token::new(&live.grant, live.generation, live.end, &self.presentation());
                    self.0.view.store(Some(Arc::clone(&token.0)));
                    token
                }
            };
        self.0.seats.take(&token);
        token
    }

    fn presentation(&self) -> Presentation {
        let (provider, settings) = (&self.0.provider, &self.0.settings);
        let in_query = settings.text("placement") == Some("query");
        let parameter = settings.text("query_parameter").or(provider.query_parameter.as_deref());
        Presentation {
            query_parameter: in_query.then(|| parameter.unwrap_or("access_token").into()),
            // What cannot be filled was refused when the client was made.
            companions: scheme::presented(provider, settings).unwrap_or_default(),
        }
    }
}

/// Whether a host is the pattern, or below it where the pattern begins with `*.`.
fn matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(parent) => host.strip_suffix(parent).is_some_and(|sub| sub.ends_with('.') && sub.len() > 1),
        None => pattern == host,
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("provider", &self.provider())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
