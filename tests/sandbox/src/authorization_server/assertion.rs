//! Client assertions (RFC 7523): checked as strictly as real servers do, each taken once.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac::{self, HMAC_SHA256};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey,
    VerificationAlgorithm,
};
use serde::Deserialize;

use super::client::Client;
use super::failure::Failure;

/// How far ahead an assertion may end; several real servers have the same limit.
const LONGEST_LIFE: u64 = 300;
/// How far a client's clock may be ahead.
const LEEWAY: u64 = 10;

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    /// One text: a list could name a second server (RFC 7523's successor forbids it).
    aud: String,
    exp: u64,
    iat: u64,
    jti: String,
}

/// The ids of the assertions that were taken.
#[derive(Debug, Default)]
pub(super) struct Assertions {
    taken: HashSet<String>,
}

impl Assertions {
    /// The client that an assertion proves.
    pub(super) fn authenticate<'clients>(
        &mut self,
        assertion: &str,
        clients: &'clients [Client],
        audiences: &[String],
    ) -> Result<&'clients Client, Failure> {
        let unreadable = Failure::client("the client assertion is no JWT");
        let (signed, signature) = assertion.rsplit_once('.').ok_or(unreadable.clone())?;
        let (header, claims) = signed.split_once('.').ok_or(unreadable.clone())?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| unreadable.clone());
        let header: Header = serde_json::from_slice(&decode(header)?)
            .map_err(|_| Failure::client("the JWT's header lacks something"))?;
        let claims: Claims =
            serde_json::from_slice(&decode(claims)?).map_err(|_| Failure::client("the JWT lacks a claim"))?;
        let client = clients.iter().find(|client| client.id == claims.sub && claims.iss == claims.sub);
        let client = client.ok_or(Failure::client("the JWT's issuer and subject are no client"))?;
        let is_signed = verify(client, &header, signed.as_bytes(), &decode(signature)?);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let complaint = if !is_signed {
            "the JWT's signature is not the client's"
        } else if !audiences.contains(&claims.aud) {
            "the JWT is for another audience"
        } else if claims.exp <= now || claims.exp > now + LONGEST_LIFE || claims.iat > now + LEEWAY {
            "the JWT's times are not of now"
        } else if !self.taken.insert(claims.jti) {
            "the JWT was used before"
        } else {
            return Ok(client);
        };
        Err(Failure::client(complaint))
    }
}

fn verify(client: &Client, header: &Header, signed: &[u8], signature: &[u8]) -> bool {
    if header.alg == "HS256" {
        let secret = client.secret.unwrap_or_default();
        return !secret.is_empty()
            && hmac::verify(&hmac::Key::new(HMAC_SHA256, secret.as_bytes()), signed, signature).is_ok();
    }
    client.keys.iter().filter(|(id, _)| header.kid.as_deref().is_none_or(|kid| kid == *id)).any(|(_, pem)| {
        public_key(&header.alg, pem)
            .is_some_and(|(how, key)| UnparsedPublicKey::new(how, key).verify(signed, signature).is_ok())
    })
}

/// The public half of a private key, if it is of the kind that the algorithm takes.
fn public_key(algorithm: &str, pem: &str) -> Option<(&'static dyn VerificationAlgorithm, Vec<u8>)> {
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(base64).ok()?;
    let rsa = || RsaKeyPair::from_pkcs8(&der).ok().map(|pair| pair.public().as_ref().to_vec());
    match algorithm {
        "RS256" => Some((&RSA_PKCS1_2048_8192_SHA256, rsa()?)),
        "PS256" => Some((&RSA_PSS_2048_8192_SHA256, rsa()?)),
        "ES256" => {
            let random = SystemRandom::new();
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &random).ok()?;
            Some((&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref().to_vec()))
        }
        "EdDSA" | "Ed25519" => {
            let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).ok()?;
            Some((&ED25519, pair.public_key().as_ref().to_vec()))
        }
        _ => None,
    }
}
