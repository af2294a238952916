//! Text that must not be seen: wiped when dropped, never printed, never cloned by accident.

use std::fmt;

use ring::digest;
use zeroize::Zeroize;

/// A secret text. It is kept with a NUL behind it, so that a C program can borrow it as it stands.
pub(crate) struct Secret(Box<str>);

impl Secret {
    pub(crate) fn new(text: &str) -> Secret {
        Secret::join(&[text])
    }

    /// One secret made of several parts, with no copy of it left behind.
    pub(crate) fn join(parts: &[&str]) -> Secret {
        let length = parts.iter().map(|part| part.len()).sum::<usize>() + 1;
        // With room for all from the start it never moves, and so leaves no copy.
        let mut text = String::with_capacity(length);
        text.extend(parts.iter().copied().chain(["\0"]));
        Secret(text.into_boxed_str())
    }

    /// The text itself. The one way to it, so that every use can be found.
    pub(crate) fn expose(&self) -> &str {
        self.0.strip_suffix('\0').unwrap_or_default()
    }

    /// The text with the NUL that ends it.
    #[cfg(any(feature = "capi", test))]
    pub(crate) fn expose_with_nul(&self) -> &[u8] {
        self.0.as_bytes()
    }

    pub(crate) fn duplicate(&self) -> Secret {
        Secret(self.0.clone())
    }

    /// A digest to compare and remember a secret by.
    pub(crate) fn digest(&self) -> Digest {
        digest_of(self.expose().as_bytes())
    }
}

/// A SHA-256 digest.
pub(crate) type Digest = [u8; 32];

pub(crate) fn digest_of(bytes: &[u8]) -> Digest {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

impl From<String> for Secret {
    fn from(mut text: String) -> Secret {
        let secret = Secret::new(&text);
        text.zeroize();
        secret
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(format!("{:?} {:#?}", Secret::new("hush"), Secret::new("hush")), "[redacted] [redacted]");
    }

    #[test]
    fn a_secret_ends_with_nul_for_c() {
        let secret = Secret::join(&["Bearer ", "abc"]);
        assert_eq!(secret.expose(), "Bearer abc");
        assert_eq!(secret.expose_with_nul(), b"Bearer abc\0");
    }
}
