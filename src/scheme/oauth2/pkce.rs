//! Proof key for code exchange, S256 only (RFC 7636), and the random texts that the code grant needs.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};

use crate::error::{Error, Kind, Result};
use crate::secret::{Secret, digest_of};

/// A fresh random text of 43 characters: 32 random bytes, base64url. A verifier, or a state.
pub(crate) fn random_text() -> Result<Secret> {
    let mut bytes = [0; 32];
    let failed = |_| Error::new(Kind::Internal, "the operating system gave no random bytes");
    SystemRandom::new().fill(&mut bytes).map_err(failed)?;
    Ok(Secret::from(BASE64_URL_SAFE_NO_PAD.encode(bytes)))
}

/// The challenge that belongs to a verifier.
pub(crate) fn challenge(verifier: &Secret) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest_of(verifier.expose().as_bytes()))
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_verifier_has_43_unreserved_characters_and_is_fresh() {
        let (one, two) = (random_text().unwrap(), random_text().unwrap());
        assert_eq!(one.expose().len(), 43);
        assert!(one.expose().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        assert_ne!(one.expose(), two.expose());
    }
}
