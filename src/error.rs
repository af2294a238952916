//! The one error type. Its [`Kind`] says what the caller can do; its message says what was asked, of whom,
//! what came back and what to do, and never holds a secret.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What went wrong, by what the caller can do about it.
///
/// The numbers are the C interface's status values: frozen, and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[non_exhaustive]
pub enum Kind {
    /// A call was made wrongly. Mend the program.
    InvalidArgument = 1,
    /// The settings are wrong. All their faults are listed in the message.
    Config = 2,
    /// The vendor could not be reached. Asking again may help.
    Network = 3,
    /// No trusted, encrypted connection could be made. Check the certificate authorities.
    Tls = 4,
    /// The deadline passed. The renewal may still succeed for a later call.
    Timeout = 5,
    /// The client was closed, or the caller interrupted.
    Cancelled = 6,
    /// The vendor refused the credentials. Asking again with the same ones will not help.
    Denied = 7,
    /// A person must say yes (again).
    ConsentRequired = 8,
    /// The vendor asks to slow down; see [`Error::retry_after`].
    RateLimited = 9,
    /// The vendor failed. Asking again may help.
    Server = 10,
    /// The answer is not what the scheme promises.
    Protocol = 11,
    /// The token was refused, and asking for another will not help.
    Rejected = 12,
    /// A refresh token that is good only once would be lost or spent twice: the store cannot be used, or a forked child
    /// or a copy of a client shares none with its original.
    Store = 13,
    /// No usable token is cached, and the call was not allowed to wait for one.
    WouldBlock = 14,
    /// The buffer is too small; the needed length was reported.
    BufferTooSmall = 15,
    /// The library was called from within one of its own callbacks.
    Reentrant = 16,
    /// The vendor or this build does not offer what was asked.
    Unsupported = 17,
    /// A fault in tokenkeep itself. Please report it.
    Internal = 18,
}

impl Kind {
    /// Every kind, in the order of its number.
    pub const ALL: [Kind; 18] = [
        Kind::InvalidArgument,
        Kind::Config,
        Kind::Network,
        Kind::Tls,
        Kind::Timeout,
        Kind::Cancelled,
        Kind::Denied,
        Kind::ConsentRequired,
        Kind::RateLimited,
        Kind::Server,
        Kind::Protocol,
        Kind::Rejected,
        Kind::Store,
        Kind::WouldBlock,
        Kind::BufferTooSmall,
        Kind::Reentrant,
        Kind::Unsupported,
        Kind::Internal,
    ];

    /// The name, as C and Python show it: `"CONSENT_REQUIRED"`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::InvalidArgument => "INVALID_ARGUMENT",
            Kind::Config => "CONFIG",
            Kind::Network => "NETWORK",
            Kind::Tls => "TLS",
            Kind::Timeout => "TIMEOUT",
            Kind::Cancelled => "CANCELLED",
            Kind::Denied => "DENIED",
            Kind::ConsentRequired => "CONSENT_REQUIRED",
            Kind::RateLimited => "RATE_LIMITED",
            Kind::Server => "SERVER",
            Kind::Protocol => "PROTOCOL",
            Kind::Rejected => "REJECTED",
            Kind::Store => "STORE",
            Kind::WouldBlock => "WOULD_BLOCK",
            Kind::BufferTooSmall => "BUFFER_TOO_SMALL",
            Kind::Reentrant => "REENTRANT",
            Kind::Unsupported => "UNSUPPORTED",
            Kind::Internal => "INTERNAL",
        }
    }
}

/// An error: cheap to clone, so that everyone who waited for one renewal gets the same one.
#[derive(Clone, thiserror::Error)]
#[error("{}", .0.message)]
pub struct Error(Arc<Detail>);

#[derive(Clone)]
struct Detail {
    kind: Kind,
    message: String,
    http_status: Option<u16>,
    code: Option<String>,
    retry_after: Option<Duration>,
}

/// A result whose error is [`struct@Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error(Arc::new(Detail {
            kind,
            message: message.into(),
            http_status: None,
            code: None,
            retry_after: None,
        }))
    }

    pub(crate) fn with_http_status(mut self, status: u16) -> Error {
        Arc::make_mut(&mut self.0).http_status = Some(status);
        self
    }

    pub(crate) fn with_code(mut self, code: Option<String>) -> Error {
        Arc::make_mut(&mut self.0).code = code;
        self
    }

    pub(crate) fn with_retry_after(mut self, wait: Option<Duration>) -> Error {
        Arc::make_mut(&mut self.0).retry_after = wait;
        self
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What went wrong, where, and what to do. Never a secret.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The HTTP status of the vendor's answer, if there was one.
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// The vendor's own code, such as `"invalid_grant"` (RFC 6749 section 5.2) or `"unauthorized"`.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// How long to wait before asking again can help, if that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the same call may succeed later without anybody mending anything.
    pub fn is_retryable(&self) -> bool {
        matches!(self.0.kind, Kind::Network | Kind::Timeout | Kind::RateLimited | Kind::Server)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind().name(), self.message())
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn kinds_are_numbered_in_order_from_one() {
        for (index, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index + 1, "{}", kind.name());
        }
    }

    #[test]
    fn an_error_is_one_word() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }
}
