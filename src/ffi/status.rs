//! What became of a call.

use std::ffi::{CStr, c_char};

use crate::Kind;

/// What became of a call, by what the caller can do about it. The numbers never change and are never
/// used anew; later releases may add to them, so take an unknown one as an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum tokenkeep_status {
    /// It succeeded.
    TOKENKEEP_OK = 0,
    /// A call was made wrongly. Mend the program.
    TOKENKEEP_INVALID_ARGUMENT = 1,
    /// The settings are wrong. All their faults are listed in the message.
    TOKENKEEP_CONFIG = 2,
    /// The vendor could not be reached. Asking again may help.
    TOKENKEEP_NETWORK = 3,
    /// No trusted, encrypted connection could be made. Check the certificate authorities.
    TOKENKEEP_TLS = 4,
    /// The deadline passed. The renewal may still succeed for a later call.
    TOKENKEEP_TIMEOUT = 5,
    /// The client was closed.
    TOKENKEEP_CANCELLED = 6,
    /// The vendor refused the credentials. Asking again with the same ones will not help.
    TOKENKEEP_DENIED = 7,
    /// A person must say yes (again). See tokenkeep_client_consent.
    TOKENKEEP_CONSENT_REQUIRED = 8,
    /// The vendor asks to slow down. See tokenkeep_error_retry_after_ms.
    TOKENKEEP_RATE_LIMITED = 9,
    /// The vendor failed. Asking again may help.
    TOKENKEEP_SERVER = 10,
    /// The vendor's answer is not what it should be.
    TOKENKEEP_PROTOCOL = 11,
    /// The token was refused, and asking for another will not help.
    TOKENKEEP_REJECTED = 12,
    /// A refresh token that is good only once would be lost or spent twice: the store cannot be used, or
    /// a forked child or a copy of a client shares none with its original.
    TOKENKEEP_STORE = 13,
    /// No usable token is cached, and the call was not allowed to wait for one.
    TOKENKEEP_WOULD_BLOCK = 14,
    /// The buffer is too small; the length that is needed was reported.
    TOKENKEEP_BUFFER_TOO_SMALL = 15,
    /// A log callback or a store's function called a client. Call it afterwards.
    TOKENKEEP_REENTRANT = 16,
    /// The vendor, or this release, does not offer what was asked.
    TOKENKEEP_UNSUPPORTED = 17,
    /// A fault in tokenkeep itself. Please report it.
    TOKENKEEP_INTERNAL = 18,
}

use tokenkeep_status::*;

/// Every status with its name; each stands at its own number.
const STATUSES: [(tokenkeep_status, &CStr); Kind::ALL.len() + 1] = [
    (TOKENKEEP_OK, c"OK"),
    (TOKENKEEP_INVALID_ARGUMENT, c"INVALID_ARGUMENT"),
    (TOKENKEEP_CONFIG, c"CONFIG"),
    (TOKENKEEP_NETWORK, c"NETWORK"),
    (TOKENKEEP_TLS, c"TLS"),
    (TOKENKEEP_TIMEOUT, c"TIMEOUT"),
    (TOKENKEEP_CANCELLED, c"CANCELLED"),
    (TOKENKEEP_DENIED, c"DENIED"),
    (TOKENKEEP_CONSENT_REQUIRED, c"CONSENT_REQUIRED"),
    (TOKENKEEP_RATE_LIMITED, c"RATE_LIMITED"),
    (TOKENKEEP_SERVER, c"SERVER"),
    (TOKENKEEP_PROTOCOL, c"PROTOCOL"),
    (TOKENKEEP_REJECTED, c"REJECTED"),
    (TOKENKEEP_STORE, c"STORE"),
    (TOKENKEEP_WOULD_BLOCK, c"WOULD_BLOCK"),
    (TOKENKEEP_BUFFER_TOO_SMALL, c"BUFFER_TOO_SMALL"),
    (TOKENKEEP_REENTRANT, c"REENTRANT"),
    (TOKENKEEP_UNSUPPORTED, c"UNSUPPORTED"),
    (TOKENKEEP_INTERNAL, c"INTERNAL"),
];

impl From<Kind> for tokenkeep_status {
    fn from(kind: Kind) -> tokenkeep_status {
        STATUSES[kind as usize].0
    }
}

/// The name of a status without its prefix, such as "TIMEOUT"; "UNKNOWN" for any other number. Good
/// for ever.
#[unsafe(no_mangle)]
pub extern "C" fn tokenkeep_status_name(status: i32) -> *const c_char {
    let known = usize::try_from(status).ok().and_then(|number| STATUSES.get(number));
    known.map_or(c"UNKNOWN", |(_, name)| name).as_ptr()
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn each_status_stands_at_its_number() {
        for (number, (status, _)) in STATUSES.into_iter().enumerate() {
            assert_eq!(status as usize, number);
        }
    }

    #[test]
    fn statuses_are_the_kinds_of_error() {
        for kind in Kind::ALL {
            assert_eq!(tokenkeep_status::from(kind) as i32, kind as i32);
            assert_eq!(STATUSES[kind as usize].1.to_str(), Ok(kind.name()));
        }
    }
}
