//! Sealed bytes: what leaves this process and must come back unread and unchanged.
//!
//! AEAD with a random nonce (RFC 8439). What the bytes belong to is bound to them as associated data, so that a
//! copy in another place does not open.

use std::fmt;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Error, Kind, Result};
use crate::secret::Secret;

const KEY_LENGTH: usize = 32;
/// The first byte of everything sealed: how the rest is to be read.
const VERSION: u8 = 1;

/// 32 random bytes that seal and open.
pub(crate) struct SealKey([u8; KEY_LENGTH]);

impl SealKey {
    /// A key as text: 64 hexadecimal digits, or the base64 of 32 bytes in either alphabet. A passphrase is
    /// refused: it can be guessed by whoever holds a copy of what it seals.
    pub(crate) fn parse(name: &str, text: &Secret) -> Result<SealKey> {
        let written = text.expose().trim();
        let mut bytes = Zeroizing::new([0; KEY_LENGTH]);
        if !read_hex(written, &mut bytes) && !read_base64(written, &mut bytes) {
            return Err(Error::new(
                Kind::Config,
                format!(
                    "{name} is no key: it is 32 random bytes, written as 64 hexadecimal digits or as base64 \
                     (make one with: openssl rand -hex 32)"
                ),
            ));
        }
        Ok(SealKey(*bytes))
    }

    /// A fresh key.
    pub(crate) fn random() -> Result<SealKey> {
        let mut key = SealKey([0; KEY_LENGTH]);
        SystemRandom::new().fill(&mut key.0).map_err(|_| no_random_bytes())?;
        Ok(key)
    }

    /// The key as text: 64 hexadecimal digits.
    pub(crate) fn text(&self) -> Secret {
        let mut text = Zeroizing::new(String::with_capacity(2 * KEY_LENGTH));
        for half in self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
            text.extend(char::from_digit(half.into(), 16));
        }
        Secret::new(&text)
    }

    /// Another key that comes from this one and these parts alone (HKDF, RFC 5869): for each purpose its own.
    pub(crate) fn derive(&self, parts: &[&[u8]]) -> SealKey {
        // Each part with its length, so that no two lists look alike.
        let framed: Vec<u8> = parts
            .iter()
            .flat_map(|part| (part.len() as u64).to_le_bytes().into_iter().chain(part.iter().copied()))
            .collect();
        let mut derived = SealKey([0; KEY_LENGTH]);
        let extracted = Salt::new(HKDF_SHA256, b"tokenkeep").extract(&self.0);
        // HKDF-SHA256 yields up to 8160 bytes: 32 cannot fail.
        extracted
            .expand(&[&framed], Length)
            .and_then(|expanded| expanded.fill(&mut derived.0))
            .expect("32 bytes are within HKDF's reach");
        derived
    }

    /// `plain`, sealed and bound to `place`.
    pub(crate) fn seal(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| no_random_bytes())?;
        // Sealed in place, with room for all, so that the plain bytes are nowhere else.
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + plain.len() + CHACHA20_POLY1305.tag_len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let tag = self
            .aead()
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                bound(place),
                &mut sealed[1 + NONCE_LEN..],
            )
            .map_err(|_| Error::new(Kind::Internal, "the bytes are too long to seal"))?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// What was sealed with this key for that `place`; None for anything else.
    pub(crate) fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (version, rest) = sealed.split_first()?;
        let (nonce, rest) = rest.split_at_checked(NONCE_LEN)?;
        if *version != VERSION {
            return None;
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut opened = Zeroizing::new(rest.to_vec());
        let length = self.aead().open_in_place(nonce, bound(place), &mut opened).ok()?.len();
        opened.truncate(length);
        Some(opened)
    }

    fn aead(&self) -> LessSafeKey {
        // A key of this length fits the algorithm.
        LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &self.0).expect("the key has the right length"))
    }
}

impl Drop for SealKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The length of a key, for HKDF.
struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        KEY_LENGTH
    }
}

fn bound(place: &[u8]) -> Aad<Vec<u8>> {
    Aad::from([&[VERSION], place].concat())
}

fn no_random_bytes() -> Error {
    Error::new(Kind::Internal, "the operating system gave no random bytes")
}

fn read_hex(text: &str, into: &mut [u8; KEY_LENGTH]) -> bool {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks_exact(2);
    if text.len() != 2 * KEY_LENGTH {
        return false;
    }
    for (byte, pair) in into.iter_mut().zip(pairs) {
        let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else { return false };
        *byte = high << 4 | low;
    }
    true
}

fn read_base64(text: &str, into: &mut [u8; KEY_LENGTH]) -> bool {
    let text = text.trim_end_matches('=');
    let standard = BASE64_STANDARD_NO_PAD.decode_slice(text, into);
    let length = standard.or_else(|_| BASE64_URL_SAFE_NO_PAD.decode_slice(text, into));
    length == Ok(KEY_LENGTH)
}

#[cfg(test)]
mod test {
    use super::*;

    fn key(byte: u8) -> SealKey {
        SealKey([byte; KEY_LENGTH])
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_with_its_key_alone() {
        let sealed = key(1).seal(b"here", b"hush").unwrap();
        assert_eq!(key(1).open(b"here", &sealed).unwrap().as_slice(), b"hush");
        assert!(key(2).open(b"here", &sealed).is_none());
        assert!(key(1).open(b"there", &sealed).is_none());
    }

    #[test]
    fn no_bit_of_it_can_be_changed_and_no_byte_left_out() {
        let sealed = key(1).seal(b"here", b"hush").unwrap();
        for at in 0..sealed.len() * 8 {
            let mut bent = sealed.clone();
            bent[at / 8] ^= 1 << (at % 8);
            assert!(key(1).open(b"here", &bent).is_none(), "bit {at}");
        }
        for length in 0..sealed.len() {
            assert!(key(1).open(b"here", &sealed[..length]).is_none(), "{length} bytes");
        }
    }

    #[test]
    fn nothing_is_sealed_twice_alike() {
        assert_ne!(key(1).seal(b"", b"hush").unwrap(), key(1).seal(b"", b"hush").unwrap());
    }

    #[test]
    fn a_derived_key_depends_on_every_part_and_where_it_ends() {
        let derived = |parts: &[&[u8]]| key(1).derive(parts).0;
        assert_eq!(derived(&[b"ab", b"c"]), derived(&[b"ab", b"c"]));
        assert_ne!(derived(&[b"ab", b"c"]), derived(&[b"a", b"bc"]));
        assert_ne!(derived(&[b"ab"]), key(2).derive(&[b"ab"]).0);
    }

    #[test]
    fn a_key_is_hexadecimal_or_base64_and_never_a_passphrase() {
        let bytes: [u8; KEY_LENGTH] = std::array::from_fn(|at| u8::try_from(at * 8 + 3).unwrap());
        let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        let written =
            [hex, base64::prelude::BASE64_STANDARD.encode(bytes), BASE64_URL_SAFE_NO_PAD.encode(bytes)];
        for text in written {
            assert_eq!(SealKey::parse("store_key", &Secret::new(&text)).unwrap().0, bytes, "{text}");
        }
        let key = key(0xa5);
        assert_eq!(SealKey::parse("store_key", &key.text()).unwrap().0, key.0);
        for text in ["", "correct horse battery staple", &"ab".repeat(31), &"é".repeat(32)] {
            let error = SealKey::parse("store_key", &Secret::new(text)).unwrap_err();
            assert!(error.to_string().contains("store_key is no key"), "{error}");
        }
    }
}
