//! One HTTP exchange. The only file that names `ureq`.
//!
//! Every timeout is finite, no redirect is followed, a status is data and not an error, answers are capped, and
//! the connections of one flight are dropped with it: nothing goes stale and nothing is there to be forked.

mod lookup;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use once_cell::unsync::OnceCell;
use ureq::config::Config;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::transport::{ConnectionDetails, Connector, DefaultConnector, Transport as Connection};
use ureq::{Agent, Proxy, ProxyProtocol};
use zeroize::Zeroizing;

use crate::clock::{self, Clock, Now};
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;
use crate::settings::{Settings, is_loopback, is_safe_url};
#[cfg(feature = "redis")]
pub(crate) use lookup::addresses;

/// More than any answer with a token or a server's metadata, as sent and decompressed; less than what could hurt.
const BODY_LIMIT: u64 = 256 * 1024;
/// Token exchanges are small; ureq's own buffers would be 128 KiB each.
const BUFFER: usize = 16 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Nobody is left alone for longer than this on his own word: an absurd header must not end a service.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// The way to the vendor, for the length of one flight.
pub(crate) struct Transport<'a> {
    settings: &'a Settings,
    clock: Clock,
    agent: OnceCell<Agent>,
    proxy: OnceCell<Secret>,
    connected: Connected,
    /// By clock, when the flight's budget is spent.
    deadline: i64,
}

/// What is sent, by POST.
pub(crate) struct Request {
    pub(crate) url: Secret,
    /// The URL as it may be shown: no secret in it.
    pub(crate) shown: Box<str>,
    pub(crate) headers: Vec<(Box<str>, Secret)>,
    pub(crate) content_type: &'static str,
    pub(crate) body: Secret,
}

impl Request {
    /// "POST https://host/path": without a query, which may hold what is nobody's business.
    pub(crate) fn describe(&self) -> String {
        describe("POST", &self.shown)
    }
}

fn describe(method: &str, url: &str) -> String {
    format!("{method} {}", url.split('?').next().unwrap_or_default())
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// When it was made, by the server's clock where that is told, else by this machine's.
    pub(crate) made: SystemTime,
    pub(crate) content_type: String,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

/// Why nothing came back.
pub(crate) struct Fault {
    pub(crate) error: Error,
    /// Whether the request may have reached the vendor.
    pub(crate) sent: bool,
}

impl Fault {
    fn unsent(kind: Kind, message: String) -> Fault {
        Fault { error: Error::new(kind, message), sent: false }
    }
}

impl<'a> Transport<'a> {
    pub(crate) fn new(settings: &'a Settings, clock: Clock, budget: Duration) -> Transport<'a> {
        let deadline = clock.now().running.saturating_add(clock::nanos(budget));
        let (agent, proxy) = (OnceCell::new(), OnceCell::new());
        Transport { settings, clock, agent, proxy, connected: Connected::default(), deadline }
    }

    pub(crate) fn now(&self) -> Now {
        self.clock.now()
    }

    /// What is left of the flight's budget.
    pub(crate) fn time_left(&self) -> Duration {
        clock::span(self.deadline.saturating_sub(self.clock.now().running))
    }

    pub(crate) fn send(&self, request: &Request) -> std::result::Result<Answer, Fault> {
        let (url, asked) = (request.url.expose(), request.describe());
        let left = self.admit(url, &asked)?;
        let (agent, proxy) = self.way(url)?;
        let mut post = agent.post(url).content_type(request.content_type);
        for (name, value) in &request.headers {
            post = post.header(&**name, value.expose());
        }
        let post = post.config().timeout_global(Some(left)).proxy(proxy).build();
        let sent = post.send(request.body.expose()).map_err(|error| self.fault(&asked, error))?;
        self.receive(&asked, sent)
    }

    /// Reads what lies at a URL that holds no secret.
    pub(crate) fn get(&self, url: &str, at_most: Duration) -> std::result::Result<Answer, Fault> {
        let asked = describe("GET", url);
        let left = self.admit(url, &asked)?.min(at_most);
        let (agent, proxy) = self.way(url)?;
        let get = agent.get(url).config().timeout_global(Some(left)).proxy(proxy).build();
        let sent = get.call().map_err(|error| self.fault(&asked, error))?;
        self.receive(&asked, sent)
    }

    /// How much time a request has, if it may be sent there and then.
    fn admit(&self, url: &str, asked: &str) -> std::result::Result<Duration, Fault> {
        if !is_safe_url(url) {
            let why = "it must be https (only loopback may be http)";
            return Err(Fault::unsent(Kind::Config, format!("{asked}: {why}")));
        }
        let left = self.time_left();
        if left.is_zero() {
            let why = "no time was left to send it";
            return Err(Fault::unsent(Kind::Timeout, format!("{asked}: {why}")));
        }
        Ok(left)
    }

    /// The HTTP client, and the proxy to that URL's host.
    fn way(&self, url: &str) -> std::result::Result<(&Agent, Option<Proxy>), Fault> {
        let unsent = |error| Fault { error, sent: false };
        self.connected.0.store(false, Ordering::Relaxed);
        let agent = self.agent.get_or_try_init(|| self.open()).map_err(unsent)?;
        Ok((agent, self.proxy(url).map_err(unsent)?))
    }

    fn receive(
        &self,
        asked: &str,
        mut response: ureq::http::Response<ureq::Body>,
    ) -> std::result::Result<Answer, Fault> {
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let content_type = header("content-type");
        let made = httpdate::parse_http_date(&header("date"));
        let made = made.unwrap_or_else(|_| clock::wall_time(self.clock.now().wall));
        let retry_after = retry_after(&header("retry-after"), made);
        let status = response.status().as_u16();
        let mut body = Zeroizing::new(Vec::with_capacity(BUFFER));
        // The first limit is on what is sent, the second on what it decompresses to.
        let sent = response.body_mut().with_config().limit(BODY_LIMIT).reader();
        sent.take(BODY_LIMIT + 1).read_to_end(&mut body).map_err(|error| self.fault(asked, error.into()))?;
        if body.len() as u64 > BODY_LIMIT {
            return Err(self.fault(asked, ureq::Error::BodyExceedsLimit(BODY_LIMIT)));
        }
        Ok(Answer { status, made, content_type, retry_after, body })
    }

    fn open(&self) -> Result<Agent> {
        let settings = self.settings;
        let user_agent =
            settings.text("user_agent").unwrap_or(concat!("tokenkeep/", env!("CARGO_PKG_VERSION")));
        let config = Config::builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(settings.span("connect_timeout").unwrap_or(CONNECT_TIMEOUT)))
            .input_buffer_size(BUFFER)
            .output_buffer_size(BUFFER)
            .max_idle_connections(0)
            .user_agent(user_agent)
            .accept("application/json")
            // Nothing is asked to be compressed; what is, is read.
            .accept_encoding("")
            .proxy(None)
            .tls_config(tls(settings)?)
            .build();
        Ok(Agent::with_parts(
            config,
            DefaultConnector::default().chain(self.connected.clone()),
            lookup::Names,
        ))
    }

    fn proxy(&self, url: &str) -> Result<Option<Proxy>> {
        let named = self.proxy.get_or_try_init(|| match self.settings.secret("proxy") {
            Some(source) => source.read("proxy", CONNECT_TIMEOUT),
            None => Ok(Secret::new("env")),
        })?;
        let host =
            url.parse::<http::Uri>().ok().and_then(|url| url.host().map(str::to_owned)).unwrap_or_default();
        let address = match named.expose() {
            "none" => None,
            "env" => self.settings.environment_proxy(&host),
            _ => Some(named.duplicate()),
        };
        let unusable = || {
            Error::new(Kind::Config, "proxy is no proxy URL: write http://host:port, https:// or socks5://")
        };
        let proxy =
            address.map(|address| Proxy::new(address.expose()).map_err(|_| unusable())).transpose()?;
        if let Some(proxy) = proxy.as_ref().filter(|proxy| !is_private(url, proxy)) {
            return Err(Error::new(
                Kind::Config,
                format!(
                    "the proxy at {} would read what is sent over plain http: only an https or a loopback proxy may, \
                     so set proxy = none, or an https URL of the vendor's",
                    proxy.host()
                ),
            ));
        }
        Ok(proxy)
    }

    fn fault(&self, asked: &str, error: ureq::Error) -> Fault {
        let (kind, why) = classify(error);
        let advice = match kind {
            Kind::Tls if why.contains("CertificateRequired") => {
                " (the server demands a certificate: set client_cert_file and client_key_file)".into()
            }
            Kind::Tls if why.contains("InvalidContentType") => {
                " (what answers there speaks no TLS: is the port right, and https?)".into()
            }
            Kind::Tls if why.contains("fatal alert") && self.settings.text("client_cert_file").is_some() => {
                " (the server ended it: does it take the certificate of client_cert_file?)".into()
            }
            Kind::Tls => match self.settings.text("ca_file") {
                Some(file) => format!(" (trusting ca_file = {file} alone)"),
                None => " (trusting the platform's authorities; name your own with ca_file)".into(),
            },
            _ => String::new(),
        };
        let sent = self.connected.0.load(Ordering::Relaxed);
        Fault { error: Error::new(kind, format!("{asked}: {why}{advice}")), sent }
    }
}

/// Whether the connection was made, encryption included: only then can a request have reached anybody. What an error
/// says of itself does not tell, for a route may be lost at any time.
#[derive(Clone, Debug, Default)]
struct Connected(Arc<AtomicBool>);

impl<C: Connection> Connector<C> for Connected {
    type Out = C;

    fn connect(
        &self,
        _details: &ConnectionDetails<'_>,
        made: Option<C>,
    ) -> std::result::Result<Option<C>, ureq::Error> {
        self.0.store(made.is_some(), Ordering::Relaxed);
        Ok(made)
    }
}

/// What a transport error means, and why, in words.
fn classify(error: ureq::Error) -> (Kind, String) {
    use std::io::ErrorKind as Io;
    match error {
        ureq::Error::Timeout(phase) => (Kind::Timeout, format!("no answer in time ({phase})")),
        ureq::Error::HostNotFound => (Kind::Network, "there is no such host".into()),
        ureq::Error::ConnectionFailed => (Kind::Network, "no connection could be made".into()),
        ureq::Error::ConnectProxyFailed(why) => (
            Kind::Network,
            format!("the proxy made no connection (is `proxy` right, and its password?): {why}"),
        ),
        ureq::Error::InvalidProxyUrl => (Kind::Config, "the proxy is no proxy URL".into()),
        ureq::Error::Tls(why) => (Kind::Tls, format!("TLS: {why}")),
        ureq::Error::Rustls(why) => (Kind::Tls, format!("TLS: {why}")),
        ureq::Error::Pem(why) => (Kind::Config, format!("PEM: {why}")),
        ureq::Error::Io(why) => match why.kind() {
            Io::ConnectionRefused | Io::HostUnreachable | Io::NetworkUnreachable | Io::AddrNotAvailable => {
                (Kind::Network, format!("no connection: {why}"))
            }
            Io::InvalidData => (Kind::Tls, format!("TLS: {why}")),
            Io::TimedOut | Io::WouldBlock => (Kind::Timeout, format!("no answer in time: {why}")),
            // The standard library has no kind of its own for a name that is not resolved.
            _ if why.to_string().starts_with("failed to lookup address") => {
                (Kind::Network, format!("no connection: {why}"))
            }
            _ => (Kind::Network, format!("the connection broke: {why}")),
        },
        ureq::Error::BodyExceedsLimit(limit) => {
            (Kind::Protocol, format!("the answer is longer than {limit} bytes"))
        }
        ureq::Error::LargeResponseHeader(_, limit) => {
            (Kind::Protocol, format!("the answer's headers are longer than {limit} bytes"))
        }
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
            (Kind::Config, "the URL or a header value cannot be sent as it stands".into())
        }
        other => (Kind::Protocol, format!("the answer is no proper HTTP: {other}")),
    }
}

/// Whether nobody on the way to a proxy and beyond can read what is sent.
fn is_private(url: &str, proxy: &Proxy) -> bool {
    url.starts_with("https:") || proxy.protocol() == ProxyProtocol::Https || is_loopback(proxy.host())
}

fn tls(settings: &Settings) -> Result<TlsConfig> {
    let roots = match settings.text("ca_file") {
        Some(file) => RootCerts::new_with_certs(&certificates("ca_file", file)?),
        None => RootCerts::PlatformVerifier,
    };
    let client = match (settings.text("client_cert_file"), settings.text("client_key_file")) {
        (Some(chain), Some(key)) => {
            Some(ClientCert::new_with_certs(&certificates("client_cert_file", chain)?, private_key(key)?))
        }
        _ => None,
    };
    Ok(TlsConfig::builder().root_certs(roots).client_cert(client).build())
}

fn certificates(name: &str, file: &str) -> Result<Vec<Certificate<'static>>> {
    let pem = read_pem(name, file)?;
    let found: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    match found.is_empty() {
        true => Err(Error::new(Kind::Config, format!("{name} ({file}) holds no PEM certificate"))),
        false => Ok(found),
    }
}

fn private_key(file: &str) -> Result<PrivateKey<'static>> {
    let pem = read_pem("client_key_file", file)?;
    PrivateKey::from_pem(&pem).map_err(|_| {
        Error::new(Kind::Config, format!("client_key_file ({file}) holds no unencrypted PEM private key"))
    })
}

fn read_pem(name: &str, file: &str) -> Result<Zeroizing<Vec<u8>>> {
    std::fs::read(Path::new(file))
        .map(Zeroizing::new)
        .map_err(|error| Error::new(Kind::Config, format!("{name} ({file}) cannot be read: {error}")))
}

/// Retry-After in both its forms (RFC 9110 section 10.2.3). A date is measured against that of the answer.
fn retry_after(value: &str, made: SystemTime) -> Option<Duration> {
    let wait = match value.trim().parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(value).ok()?.duration_since(made).unwrap_or_default(),
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_by_the_servers_clock() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let later = "Sun, 06 Nov 1994 08:50:07 GMT";
        let at = |date| httpdate::parse_http_date(date).unwrap();
        assert_eq!(retry_after("120", at(date)), Some(Duration::from_secs(120)));
        assert_eq!(retry_after(later, at(date)), Some(Duration::from_secs(30)));
        assert_eq!(retry_after(date, at(later)), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", at(date)), None);
    }

    #[test]
    fn a_description_holds_no_query() {
        let request = Request {
            url: Secret::new("https://api.example/token?key=hush"),
            shown: "https://api.example/token?key=hush".into(),
            headers: Vec::new(),
            content_type: "application/json",
            body: Secret::new("{}"),
        };
        assert_eq!(request.describe(), "POST https://api.example/token");
    }
}
