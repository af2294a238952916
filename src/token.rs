//! What a vendor granted, and what a program holds of it.

#[cfg(feature = "capi")]
use std::ffi::CStr;
use std::ffi::CString;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::clock::{self, Now};
use crate::secret::Secret;

/// What a scheme brought back from the vendor. Private, shared by all clients of one credential.
pub(crate) struct Grant {
    pub(crate) access_token: Secret,
    /// As it stands in the Authorization line; "Bearer" where the vendor names none.
    pub(crate) token_type: Box<str>,
    pub(crate) life: Life,
    pub(crate) refresh_token: Option<Secret>,
    /// What the server says of the person (OpenID Connect), unverified.
    pub(crate) id_token: Option<Secret>,
    /// What was granted; where the vendor says nothing, what was asked for (RFC 6749 section 5.1).
    pub(crate) scope: Option<Box<str>>,
    /// Companion headers whose values are secrets, such as `x-api-key`.
    pub(crate) companions: Vec<(Box<str>, Secret)>,
}

impl Grant {
    /// A copy of the access token and what belongs to it alone.
    pub(crate) fn access(&self) -> Grant {
        Grant {
            access_token: self.access_token.duplicate(),
            token_type: self.token_type.clone(),
            life: self.life,
            refresh_token: None,
            id_token: self.id_token.as_ref().map(Secret::duplicate),
            scope: self.scope.clone(),
            companions: Vec::new(),
        }
    }
}

/// How long a grant lives, counted from the moment its request was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// For this long.
    For(Duration),
    /// The vendor declares that it never ends.
    Never,
    /// Nobody said.
    Unknown,
}

/// How long a token lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Until this time.
    Known {
        /// When it ends.
        expires_at: SystemTime,
    },
    /// The vendor declares that it never ends.
    Never,
    /// Nobody said: it is good until it is refused.
    Unknown,
}

/// The end of a token's life on both clocks, and how far apart they stood when it was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    running: i64,
    wall: i64,
    boot: i64,
    drift: i64,
}

/// What the clocks say of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It lives, for this many nanoseconds.
    Lives(i64),
    /// Its life is over.
    Over,
    /// The clocks moved apart: look at the boot clock.
    Unsure,
}

/// Clocks further apart than this are not just being slewed.
const DRIFT_LIMIT: i64 = 1_000_000_000;

impl End {
    /// The end of a life that began at `from`.
    pub(crate) fn new(life: Life, from: Now, boot: i64) -> End {
        let (running, wall, boot) = match life {
            Life::For(span) => {
                let span = clock::nanos(span);
                (from.running.saturating_add(span), from.wall.saturating_add(span), boot.saturating_add(span))
            }
            Life::Never | Life::Unknown => (i64::MAX, i64::MAX, i64::MAX),
        };
        End { running, wall, boot, drift: from.drift() }
    }

    /// Whether the token lives, by both clocks.
    #[inline]
    pub(crate) fn verdict(&self, now: Now) -> Verdict {
        let left = (self.running.saturating_sub(now.running)).min(self.wall.saturating_sub(now.wall));
        if left <= 0 {
            Verdict::Over
        } else if (now.drift().wrapping_sub(self.drift)).abs() > DRIFT_LIMIT {
            Verdict::Unsure
        } else {
            Verdict::Lives(left)
        }
    }

    /// The same end, measured anew after the clocks moved apart: never later on any clock.
    pub(crate) fn measured_anew(&self, now: Now, boot: i64) -> End {
        if self.boot == i64::MAX {
            return End { drift: now.drift(), ..*self };
        }
        let running = self.running.min(now.running.saturating_add(self.boot.saturating_sub(boot)));
        End { running, drift: now.drift(), ..*self }
    }

    /// Whether more than this is left.
    pub(crate) fn outlives(&self, now: Now, span: Duration) -> bool {
        matches!(self.verdict(now), Verdict::Lives(left) if left > clock::nanos(span))
    }

    /// The end on the running clock.
    pub(crate) fn running(&self) -> i64 {
        self.running
    }
}

/// How a client wants its token presented.
pub(crate) struct Presentation {
    pub(crate) query_parameter: Option<Box<str>>,
    pub(crate) companions: Vec<(Box<str>, Box<str>)>,
}

/// A token: immutable, shared by reference, wiped when the last reference goes.
///
/// It can be used from any thread. Printing one shows its lifetime and generation, never its value.
#[derive(Clone)]
pub struct Token(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    generation: u64,
    end: End,
    lifetime: Lifetime,
    /// "Bearer abc": the value is its tail.
    line: Secret,
    value_at: usize,
    /// All headers but Authorization.
    companions: Box<[(CString, Secret)]>,
    query: Option<Secret>,
    id_token: Option<Secret>,
    scope: Option<CString>,
}

impl Token {
    pub(crate) fn new(grant: &Grant, generation: u64, end: End, presentation: &Presentation) -> Token {
        let line = Secret::join(&[&grant.token_type, " ", grant.access_token.expose()]);
        let query = presentation.query_parameter.as_deref().map(|name| {
            let value = Secret::from(encode_query(grant.access_token.expose()));
            Secret::join(&[&encode_query(name), "=", value.expose()])
        });
        let secret = grant.companions.iter().map(|(name, value)| (c_text(name), value.duplicate()));
        let plain = presentation.companions.iter().map(|(name, value)| (c_text(name), Secret::new(value)));
        Token(Arc::new(Inner {
            generation,
            end,
            lifetime: match grant.life {
                Life::For(_) => Lifetime::Known { expires_at: clock::wall_time(end.wall) },
                Life::Never => Lifetime::Never,
                Life::Unknown => Lifetime::Unknown,
            },
            value_at: grant.token_type.len() + 1,
            line,
            companions: secret.chain(plain).collect(),
            query,
            id_token: grant.id_token.as_ref().map(Secret::duplicate),
            scope: grant.scope.as_deref().map(c_text),
        }))
    }

    /// The access token itself. Prefer [`Token::headers`], which has everything the vendor asks for.
    pub fn value(&self) -> &str {
        &self.0.line.expose()[self.0.value_at..]
    }

    /// The `Authorization` header's value, "Bearer ...". None where the token goes into the query.
    pub fn authorization(&self) -> Option<&str> {
        self.0.query.is_none().then(|| self.0.line.expose())
    }

    /// Every header the vendor wants on a request, `Authorization` first.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let authorization = self.authorization().map(|line| ("Authorization", line));
        let companions = self.0.companions.iter();
        authorization
            .into_iter()
            .chain(companions.map(|(name, value)| (name.to_str().unwrap_or_default(), value.expose())))
    }

    /// The query pair, encoded, where the token goes into the query: "access_token=...". Send
    /// `Cache-Control: no-store` with such a request (RFC 6750 section 2.3).
    pub fn query(&self) -> Option<&str> {
        self.0.query.as_ref().map(Secret::expose)
    }

    /// How long it lives.
    pub fn lifetime(&self) -> Lifetime {
        self.0.lifetime
    }

    /// How long it still lives by the wall clock: zero once it is over. None unless its end is known.
    pub fn expires_in(&self) -> Option<Duration> {
        let Lifetime::Known { expires_at } = self.0.lifetime else { return None };
        let now = clock::wall_time(clock::Clock::System.now().wall);
        Some(expires_at.duration_since(now).unwrap_or_default())
    }

    /// The number of the grant behind it; give it to [`Client::rejected`](crate::Client::rejected).
    pub fn generation(&self) -> u64 {
        self.0.generation
    }

    /// What was granted, where the vendor or the settings say so: names parted by spaces.
    pub fn scope(&self) -> Option<&str> {
        self.0.scope.as_ref().and_then(|scope| scope.to_str().ok())
    }

    /// The ID token that came with this token (OpenID Connect), as text; None if none came, as with most refreshes.
    ///
    /// **It is not verified.** Nobody has looked at its signature, issuer, audience, nonce or times: a program that
    /// wants to know from it who the person is verifies it first. It is personal data, and no key to any API.
    pub fn id_token(&self) -> Option<&str> {
        self.0.id_token.as_ref().map(Secret::expose)
    }

    pub(crate) fn end(&self) -> &End {
        &self.0.end
    }
}

/// Views for the C interface: the same text with a NUL behind it.
#[cfg(feature = "capi")]
impl Token {
    #[inline]
    pub(crate) fn authorization_with_nul(&self) -> Option<&[u8]> {
        if self.0.query.is_none() { Some(self.0.line.expose_with_nul()) } else { None }
    }

    pub(crate) fn value_with_nul(&self) -> &[u8] {
        &self.0.line.expose_with_nul()[self.0.value_at..]
    }

    pub(crate) fn query_with_nul(&self) -> Option<&[u8]> {
        self.0.query.as_ref().map(Secret::expose_with_nul)
    }

    pub(crate) fn id_token_with_nul(&self) -> Option<&[u8]> {
        self.0.id_token.as_ref().map(Secret::expose_with_nul)
    }

    pub(crate) fn scope_c(&self) -> Option<&CStr> {
        self.0.scope.as_deref()
    }

    /// The header at `index`, name and value each with its NUL.
    pub(crate) fn header_with_nul(&self, index: usize) -> Option<(&CStr, &[u8])> {
        let authorization = self.authorization_with_nul().map(|line| (c"Authorization", line));
        let companions =
            self.0.companions.iter().map(|(name, value)| (name.as_c_str(), value.expose_with_nul()));
        authorization.into_iter().chain(companions).nth(index)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("lifetime", &self.0.lifetime)
            .field("generation", &self.0.generation)
            .finish_non_exhaustive()
    }
}

/// Header names and scopes hold no NUL: both are checked when they come in.
fn c_text(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

/// Everything but RFC 3986's unreserved characters is encoded.
fn encode_query(text: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, RESERVED).to_string()
}
