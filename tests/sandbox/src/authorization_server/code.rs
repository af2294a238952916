//! Authorization codes and the proof that comes with them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};

use super::failure::Failure;
use crate::ledger::{Family, Subject};
use crate::mint;

/// The longest life that RFC 6749 section 4.1.2 recommends.
const LIFE: Duration = Duration::from_secs(600);

/// A consent that waits to be redeemed.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) subject: Subject,
    pub(super) redirect_uri: String,
    /// The S256 challenge, where the client sent one.
    pub(super) challenge: Option<String>,
}

/// What the client shows for a code.
pub(super) struct Proof<'form> {
    pub(super) client_id: &'form str,
    pub(super) redirect_uri: Option<&'form str>,
    pub(super) verifier: Option<&'form str>,
}

#[derive(Debug)]
struct Waiting {
    code: Code,
    ends: Instant,
    bought: Option<Family>,
}

/// All codes, and the families that they bought.
#[derive(Debug, Default)]
pub(super) struct Codes {
    waiting: HashMap<String, Waiting>,
    families: Family,
}

/// Why a code buys nothing.
pub(super) enum Refusal {
    /// It does not fit, or is over.
    Unfit(Failure),
    /// It was redeemed before; what it bought must go.
    Reused(Family),
}

impl Codes {
    /// Issues a code.
    pub(super) fn issue(&mut self, label: &str, code: Code) -> String {
        let serial = self.waiting.len() as u64 + 1;
        let value = mint::opaque(label, serial);
        let waiting = Waiting { code, ends: Instant::now() + LIFE, bought: None };
        self.waiting.insert(value.clone(), waiting);
        value
    }

    /// Redeems a code, once.
    pub(super) fn redeem(&mut self, value: &str, proof: &Proof<'_>) -> Result<(Subject, Family), Refusal> {
        let unfit = |description| Refusal::Unfit(Failure::grant(description));
        let waiting = self.waiting.get_mut(value);
        let waiting = waiting.ok_or(unfit("the code is not known"))?;
        if waiting.code.subject.holder != proof.client_id {
            return Err(unfit("the code was issued to another client"));
        }
        if let Some(family) = waiting.bought {
            return Err(Refusal::Reused(family));
        }
        if Instant::now() >= waiting.ends {
            return Err(unfit("the code has expired"));
        }
        if proof.redirect_uri != Some(&waiting.code.redirect_uri) {
            return Err(unfit("redirect_uri is not the one that the code was sent to"));
        }
        if !answers(waiting.code.challenge.as_deref(), proof.verifier) {
            return Err(unfit("code_verifier does not answer the challenge"));
        }
        self.families += 1;
        waiting.bought = Some(self.families);
        Ok((waiting.code.subject.clone(), self.families))
    }
}

/// RFC 7636 section 4.6. A verifier without a challenge is refused too: somebody stripped the
/// challenge (RFC 9700 section 4.8.2).
fn answers(challenge: Option<&str>, verifier: Option<&str>) -> bool {
    match (challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) => is_verifier(verifier) && s256(verifier) == challenge,
        _ => false,
    }
}

fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

fn is_verifier(text: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&text.len()) && text.bytes().all(unreserved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_of_rfc_7636_is_met() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(answers(Some(challenge), Some(verifier)));
        assert!(!answers(Some(challenge), None));
        assert!(!answers(None, Some(verifier)));
    }
}
