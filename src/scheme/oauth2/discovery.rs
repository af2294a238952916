//! Where an authorization server's endpoints are: as the settings say, else as the server's own metadata does
//! (RFC 8414, OpenID Connect Discovery).

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;

use super::metadata::Metadata;
use crate::clock;
use crate::error::{Error, Kind};
use crate::provider::Provider;
use crate::scheme::answer::Body;
use crate::scheme::{Exchange, Failure};
use crate::settings::Settings;
use crate::transport::Answer;

const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

/// How long metadata is good for: many token lifetimes, so that renewals do not pay for it. An endpoint that is
/// gone is looked up anew at once.
const FRESH: Duration = Duration::from_secs(24 * 3600);
/// When to try again where it could not be read anew: the old one serves meanwhile.
const STALE: Duration = Duration::from_secs(300);
/// Metadata read a moment ago is not to blame for an endpoint that is gone.
const NEW: Duration = Duration::from_secs(1);

/// An endpoint of an authorization server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Authorize,
    Token,
    Device,
    Revoke,
}

impl Endpoint {
    /// The setting that names it.
    pub(super) fn setting(self) -> &'static str {
        match self {
            Endpoint::Authorize => "authorize_url",
            Endpoint::Token => "token_url",
            Endpoint::Device => "device_url",
            Endpoint::Revoke => "revoke_url",
        }
    }
}

/// Where a client's requests go, and what its server says of itself.
pub(crate) struct Endpoints {
    pub(crate) authorize: Option<Box<str>>,
    pub(crate) token: Option<Box<str>>,
    pub(crate) device: Option<Box<str>>,
    pub(crate) revoke: Option<Box<str>>,
    /// What the server calls itself, which the parameter `iss` of a redirect must be (RFC 9207).
    pub(crate) issuer: Option<Box<str>>,
    /// The server puts `iss` into every redirect, so that one without it is not the server's.
    pub(crate) iss_supported: bool,
    /// What is odd about the server, for the log of whoever begins a consent.
    pub(crate) warnings: Vec<String>,
    metadata: Option<Arc<Metadata>>,
}

/// The endpoints of the exchange's server, this one above all.
pub(crate) fn endpoints(exchange: &Exchange<'_>, wanted: Endpoint) -> Result<Endpoints, Failure> {
    let metadata = match issuer(exchange.provider, exchange.settings, wanted) {
        Some(issuer) => Some(exchange.metadata.current(exchange, issuer)?),
        None => None,
    };
    Ok(Endpoints::new(exchange.settings, metadata))
}

/// Whether the exchange's server has an endpoint where tokens are revoked.
pub(super) fn offers_revocation(exchange: &Exchange<'_>) -> Result<bool, Failure> {
    match endpoints(exchange, Endpoint::Revoke) {
        Ok(endpoints) => Ok(endpoints.revoke.is_some()),
        // The settings name all that the grant needs, and the server has no metadata to name more.
        Err(failure)
            if failure.error.kind() == Kind::Config
                && issuer(exchange.provider, exchange.settings, Endpoint::Token).is_none() =>
        {
            Ok(false)
        }
        Err(failure) => Err(failure),
    }
}

/// Where the exchange's server has moved an endpoint, if its metadata says another place now than `url`.
pub(super) fn moved(exchange: &Exchange<'_>, endpoint: Endpoint, url: &str) -> Option<Box<str>> {
    let issuer = issuer(exchange.provider, exchange.settings, endpoint)?;
    let metadata = exchange.metadata.renewed(exchange, issuer)?;
    let endpoints = Endpoints::new(exchange.settings, Some(metadata));
    endpoints.need(endpoint).ok().filter(|new| *new != url).map(Into::into)
}

/// Whose metadata is to be read: nobody's where the settings name the wanted endpoint and every one that the grant needs.
fn issuer<'a>(provider: &Provider, settings: &'a Settings, wanted: Endpoint) -> Option<&'a str> {
    let needed = super::endpoints_needed(super::grant(provider, settings)).iter().chain([&wanted]);
    let is_unset = |endpoint: &Endpoint| settings.text(endpoint.setting()).is_none();
    settings.text("issuer").filter(|_| needed.copied().any(|endpoint| is_unset(&endpoint)))
}

/// What a server calls itself.
fn own_name(settings: &Settings) -> Option<&str> {
    settings.text("metadata_issuer").or(settings.text("issuer"))
}

impl Endpoints {
    fn new(settings: &Settings, metadata: Option<Arc<Metadata>>) -> Endpoints {
        let nothing = Metadata::default();
        let said = metadata.as_deref().unwrap_or(&nothing);
        let certified = settings.text("client_cert_file").is_some();
        let choose = |endpoint: Endpoint, alias: &Option<Box<str>>, plain: &Option<Box<str>>| {
            let alias = alias.as_ref().filter(|_| certified);
            settings.text(endpoint.setting()).map(Into::into).or_else(|| alias.or(plain.as_ref()).cloned())
        };
        let lacks_s256 = |methods: &Vec<String>| !methods.iter().any(|method| method == "S256");
        let warning = "the server's metadata does not name S256 among its code_challenge_methods_supported: it may \
                       ignore PKCE, which is sent all the same";
        Endpoints {
            authorize: choose(Endpoint::Authorize, &None, &said.authorize),
            token: choose(Endpoint::Token, &said.mtls.token, &said.token),
            device: choose(Endpoint::Device, &said.mtls.device, &said.device),
            revoke: choose(Endpoint::Revoke, &said.mtls.revoke, &said.revoke),
            issuer: own_name(settings).map(Into::into),
            iss_supported: said.iss_supported,
            warnings: said
                .challenge_methods
                .iter()
                .filter(|methods| lacks_s256(methods))
                .map(|_| warning.into())
                .collect(),
            metadata,
        }
    }

    /// Whether the server takes this way of a client to prove itself: basic, where it does not say (RFC 8414
    /// section 2).
    pub(super) fn takes(&self, method: &str) -> bool {
        let listed = self.metadata.as_ref().and_then(|metadata| metadata.auth_methods.as_ref());
        listed.map_or(method == "client_secret_basic", |listed| listed.iter().any(|known| known == method))
    }

    /// What the server says it takes assertions signed with.
    pub(super) fn assertion_algorithms(&self) -> Option<&[String]> {
        self.metadata.as_ref()?.auth_algorithms.as_deref()
    }

    /// Where that endpoint is, or what to do without it.
    pub(crate) fn need(&self, endpoint: Endpoint) -> Result<&str, Error> {
        let url = match endpoint {
            Endpoint::Authorize => &self.authorize,
            Endpoint::Token => &self.token,
            Endpoint::Device => &self.device,
            Endpoint::Revoke => &self.revoke,
        };
        url.as_deref().ok_or_else(|| {
            let (issuer, setting) = (self.issuer.as_deref().unwrap_or_default(), endpoint.setting());
            Error::new(
                Kind::Config,
                format!("the metadata of {issuer} names no such endpoint: set {setting}"),
            )
        })
    }
}

/// The metadata of one server as it was last read, for all who ask that server. It has no lock, so a forked child
/// can take it over; two who find it old at the same moment both read it.
#[derive(Default)]
pub(crate) struct Cache(ArcSwapOption<Entry>);

struct Entry {
    metadata: Arc<Metadata>,
    /// By the running clock.
    read_at: i64,
    read_again_at: i64,
}

impl Cache {
    fn current(&self, exchange: &Exchange<'_>, issuer: &str) -> Result<Arc<Metadata>, Failure> {
        let known = self.0.load_full();
        match known {
            Some(known) if exchange.transport.now().running < known.read_again_at => {
                Ok(Arc::clone(&known.metadata))
            }
            Some(known) => Ok(self.read(exchange, issuer).unwrap_or_else(|_| {
                let metadata = Arc::clone(&known.metadata);
                let read_again_at = exchange.transport.now().running.saturating_add(clock::nanos(STALE));
                self.0.store(Some(Arc::new(Entry { metadata, read_at: known.read_at, read_again_at })));
                Arc::clone(&known.metadata)
            })),
            None => self.read(exchange, issuer),
        }
    }

    /// What the server says now, if it may differ from what it said before.
    fn renewed(&self, exchange: &Exchange<'_>, issuer: &str) -> Option<Arc<Metadata>> {
        let known = self.0.load_full()?;
        let age = exchange.transport.now().running.saturating_sub(known.read_at);
        if age < clock::nanos(NEW) {
            return None;
        }
        self.read(exchange, issuer).ok()
    }

    fn read(&self, exchange: &Exchange<'_>, issuer: &str) -> Result<Arc<Metadata>, Failure> {
        let metadata = Arc::new(read(exchange, issuer)?);
        let read_at = exchange.transport.now().running;
        let read_again_at = read_at.saturating_add(clock::nanos(FRESH));
        self.0.store(Some(Arc::new(Entry { metadata: Arc::clone(&metadata), read_at, read_again_at })));
        Ok(metadata)
    }
}

/// Reads the metadata from the first of its places that has them.
fn read(exchange: &Exchange<'_>, issuer: &str) -> Result<Metadata, Failure> {
    let name = own_name(exchange.settings).unwrap_or(issuer);
    let (mut complaints, mut found) = (Vec::new(), false);
    for place in places(issuer) {
        // Half the time, so that what it is read for can still be done with an older one.
        let answer = exchange.transport.get(&place, exchange.transport.time_left() / 2)?;
        if let Some(kind) = passing(answer.status) {
            let message = format!("{}: GET {place} answered {}", exchange.provider.title, answer.status);
            let error = Error::new(kind, message).with_http_status(answer.status);
            let error = error.with_retry_after(answer.retry_after);
            return Err(Failure { repeatable: true, ..Failure::new(error) });
        }
        match understood(&answer, name, place.starts_with("https:")) {
            Ok(metadata) => return Ok(metadata),
            Err(why) => {
                found |= answer.status == 200;
                complaints.push(format!("GET {place} answered {} {why}", answer.status));
            }
        }
    }
    let kind = if found { Kind::Protocol } else { Kind::Config };
    let message = format!(
        "{}: issuer = {issuer} has no metadata that can be used: {}. Check issuer, to the letter; if the server is known to \
         call itself otherwise, set metadata_issuer; or set the URLs themselves",
        exchange.provider.title,
        complaints.join("; ")
    );
    Err(Error::new(kind, message).into())
}

fn understood(answer: &Answer, name: &str, encrypted: bool) -> Result<Metadata, String> {
    match answer.status {
        200 => {}
        300..400 => return Err("(redirects are not followed)".into()),
        _ => return Err("(no metadata)".into()),
    }
    let body = Body::read(answer).map_err(|why| format!("with {why}"))?;
    Metadata::read(&body, name, encrypted).map_err(|why| format!("with {why}"))
}

/// What a status means that says nothing of what lies there.
fn passing(status: u16) -> Option<Kind> {
    match status {
        429 => Some(Kind::RateLimited),
        408 | 425 | 500.. => Some(Kind::Server),
        _ => None,
    }
}

/// Where an issuer's metadata may lie, the likeliest place first: between host and path as RFC 8414 has it, and
/// behind the path as OpenID Connect does (RFC 8414 section 5).
fn places(issuer: &str) -> Vec<String> {
    let issuer = issuer.trim_end_matches('/');
    let host_at = issuer.find("://").map_or(0, |at| at + 3);
    let path_at = issuer[host_at..].find('/').map_or(issuer.len(), |at| host_at + at);
    let (origin, path) = issuer.split_at(path_at);
    let mut places = vec![format!("{origin}{OAUTH}{path}"), format!("{origin}{OPENID}{path}")];
    if !path.is_empty() {
        places.push(format!("{issuer}{OPENID}"));
    }
    places
}

#[cfg(test)]
mod test {
    use std::sync::Mutex;

    use serde_json::json;
    use tokenkeep_sandbox::{Fault, Sandbox};

    use super::*;
    use crate::clock::{Clock, Manual};
    use crate::scheme::Credentials;
    use crate::settings::Config;
    use crate::transport::Transport;

    const HOUR: Duration = Duration::from_secs(3600);

    /// A server, a clock to move, and what is known of the server by it.
    struct Bench {
        sandbox: Sandbox,
        hands: Arc<Mutex<Manual>>,
        provider: Arc<Provider>,
        settings: Settings,
        cache: Cache,
    }

    impl Bench {
        fn new() -> Bench {
            let sandbox = Sandbox::start().unwrap();
            let provider = Provider::find("oauth2").unwrap();
            let mut config = Config::new("oauth2");
            config.set("issuer", &sandbox.base("oauth2")).set("client_id", "id").set("client_secret", "x");
            let (settings, faults) = config.check(&provider.offered());
            assert!(faults.is_empty(), "{faults:?}");
            Bench { sandbox, hands: Manual::new(), provider, settings, cache: Cache::default() }
        }

        fn exchange<T>(&self, work: impl FnOnce(&Exchange<'_>) -> T) -> T {
            let clock = Clock::Manual(Arc::clone(&self.hands));
            work(&Exchange {
                provider: &self.provider,
                settings: &self.settings,
                level: 0,
                transport: &Transport::new(&self.settings, clock, HOUR),
                credentials: &Credentials::new(&self.provider, &self.settings, HOUR),
                refresh_token: None,
                base: None,
                granted_scope: None,
                metadata: &self.cache,
            })
        }

        /// The token endpoint, after so much time.
        fn after(&self, span: Duration) -> Result<String, Failure> {
            self.hands.lock().unwrap().pass(span);
            self.exchange(|exchange| {
                Ok(endpoints(exchange, Endpoint::Token)?.need(Endpoint::Token)?.to_owned())
            })
        }

        fn asked(&self) -> u64 {
            self.sandbox.count("oauth2/metadata")
        }

        fn move_endpoint(&self, url: &str) {
            self.sandbox.configure("oauth2", json!({"metadata": {"token_endpoint": url}}));
        }
    }

    #[test]
    fn metadata_are_good_for_a_day() {
        let bench = Bench::new();
        let first = bench.after(Duration::ZERO).unwrap();
        bench.move_endpoint("https://moved.example/token");
        assert_eq!(bench.after(HOUR * 23).unwrap(), first);
        assert_eq!(bench.asked(), 1);
        assert_eq!(bench.after(HOUR * 2).unwrap(), "https://moved.example/token");
        assert_eq!(bench.asked(), 2);
    }

    #[test]
    fn metadata_that_cannot_be_read_anew_serve_on_and_are_tried_again_in_five_minutes() {
        let bench = Bench::new();
        let first = bench.after(Duration::ZERO).unwrap();
        bench.sandbox.fault(Fault { status: Some(503), times: 0, ..Fault::on("oauth2/metadata") });
        for (pause, asked) in [(HOUR * 25, 2), (HOUR / 15, 2), (HOUR / 10, 3)] {
            assert_eq!(bench.after(pause).unwrap(), first);
            assert_eq!(bench.asked(), asked);
        }
        bench.sandbox.clear_faults();
        bench.move_endpoint("https://moved.example/token");
        assert_eq!(bench.after(HOUR / 10).unwrap(), "https://moved.example/token");
    }

    #[test]
    fn metadata_that_became_another_servers_are_not_taken() {
        let bench = Bench::new();
        let first = bench.after(Duration::ZERO).unwrap();
        let stranger = json!({"issuer": "https://evil.example", "token_endpoint": "https://evil.example/t"});
        bench.sandbox.configure("oauth2", json!({"metadata": stranger}));
        assert_eq!(bench.after(HOUR * 25).unwrap(), first);
    }

    #[test]
    fn where_an_endpoint_is_gone_metadata_are_read_anew_unless_they_are() {
        let bench = Bench::new();
        let old = bench.after(Duration::ZERO).unwrap();
        bench.move_endpoint("https://moved.example/token");
        let moved = |url: &str| bench.exchange(|exchange| moved(exchange, Endpoint::Token, url));
        assert_eq!(moved(&old), None, "they were read this very moment");
        bench.hands.lock().unwrap().pass(Duration::from_secs(2));
        assert_eq!(moved(&old).as_deref(), Some("https://moved.example/token"));
        bench.hands.lock().unwrap().pass(Duration::from_secs(2));
        assert_eq!(moved("https://moved.example/token"), None, "it has not moved");
    }

    #[test]
    fn a_server_without_s256_is_warned_of_and_one_that_says_nothing_is_not() {
        for (methods, warnings) in [(json!(["plain"]), 1), (json!(["plain", "S256"]), 0), (json!(null), 0)] {
            let bench = Bench::new();
            let metadata = json!({"code_challenge_methods_supported": methods});
            bench.sandbox.configure("oauth2", json!({"metadata": metadata}));
            let said = bench.exchange(|exchange| endpoints(exchange, Endpoint::Token)).unwrap().warnings;
            assert_eq!(said.len(), warnings, "{methods}: {said:?}");
        }
    }

    #[test]
    fn the_flag_of_rfc_9207_is_read() {
        for flag in [true, false] {
            let bench = Bench::new();
            bench.sandbox.configure("oauth2", json!({"iss_in_redirect": flag}));
            let found = bench.exchange(|exchange| endpoints(exchange, Endpoint::Token)).unwrap();
            assert_eq!(
                (found.iss_supported, found.issuer),
                (flag, Some(bench.sandbox.base("oauth2").into()))
            );
        }
    }

    #[test]
    fn metadata_lie_where_rfc_8414_section_3_1_has_them() {
        let oauth = "https://example.com/.well-known/oauth-authorization-server";
        let openid = "https://example.com/.well-known/openid-configuration";
        for issuer in ["https://example.com", "https://example.com/"] {
            assert_eq!(places(issuer), [oauth, openid]);
        }
        for issuer in ["https://example.com/issuer1", "https://example.com/issuer1/"] {
            let appended = "https://example.com/issuer1/.well-known/openid-configuration";
            assert_eq!(
                places(issuer),
                [&*format!("{oauth}/issuer1"), &*format!("{openid}/issuer1"), appended]
            );
        }
    }
}
