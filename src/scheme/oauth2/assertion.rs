//! The signed assertion by which a client proves itself once (RFC 7523 sections 2.2 and 3).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use ring::{hmac, signature};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::json;
use zeroize::Zeroizing;

use super::pkce;
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;

/// Long enough for one request and clocks that differ a little; some servers refuse more than five minutes.
const LIFE: i64 = 120;

/// What an assertion says.
pub(super) struct Claims<'a> {
    pub(super) client_id: &'a str,
    pub(super) audience: &'a str,
    /// Seconds since the epoch.
    pub(super) now: i64,
}

/// What assertions are signed with.
pub(super) enum Key {
    Secret(hmac::Key),
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Key {
    /// HMAC with the client's secret: `client_secret_jwt`.
    pub(super) fn from_secret(secret: &Secret) -> Key {
        Key::Secret(hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes()))
    }

    /// A private key: `private_key_jwt`. The fault says why there is none, and repeats nothing of it.
    pub(super) fn from_pem(pem: &Secret) -> std::result::Result<Key, String> {
        let pem = pem.expose();
        if pem.contains("ENCRYPTED") {
            return Err(
                "the key is encrypted: decrypt it (openssl pkey -in FILE) and keep it safe by file rights"
                    .into(),
            );
        }
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| {
            "it holds no private key in PEM (-----BEGIN PRIVATE KEY-----, in lines)".to_owned()
        })?;
        match Zeroizing::new(der) {
            der if matches!(*der, PrivateKeyDer::Pkcs1(_)) => {
                RsaKeyPair::from_der(der.secret_der()).map(Key::Rsa).map_err(unfit)
            }
            der if matches!(*der, PrivateKeyDer::Sec1(_)) => {
                Key::from_pkcs8(&sec1_as_pkcs8(der.secret_der()))
            }
            der => Key::from_pkcs8(der.secret_der()),
        }
    }

    fn from_pkcs8(der: &[u8]) -> std::result::Result<Key, String> {
        let rsa = RsaKeyPair::from_pkcs8(der).map(Key::Rsa);
        let p256 = |_| {
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &SystemRandom::new())
                .map(Key::P256)
        };
        // OpenSSL writes no public key beside the private one.
        let ed25519 = |_| Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Key::Ed25519);
        let is_other = |why: &ring::error::KeyRejected| why.to_string() == "WrongAlgorithm";
        match rsa {
            Err(why) if is_other(&why) => match p256(why) {
                Err(why) if is_other(&why) => ed25519(why),
                outcome => outcome,
            },
            outcome => outcome,
        }
        .map_err(unfit)
    }

    /// The algorithms that it can sign with, the usual one first (RFC 7518 section 3.1, RFC 8037, RFC 9864).
    fn algorithms(&self) -> &'static [&'static str] {
        match self {
            Key::Secret(_) => &["HS256"],
            Key::Rsa(_) => &["RS256", "PS256"],
            Key::P256(_) => &["ES256"],
            Key::Ed25519(_) => &["EdDSA", "Ed25519"],
        }
    }

    /// The algorithm that is wanted, or else the first that the server lists. What it lists is not always all.
    pub(super) fn algorithm(
        &self,
        wanted: Option<&str>,
        listed: Option<&[String]>,
    ) -> std::result::Result<&'static str, String> {
        let able = self.algorithms();
        match wanted {
            Some(wanted) => able.iter().copied().find(|name| *name == wanted).ok_or_else(|| {
                format!(
                    "assertion_algorithm = {wanted} is not for this assertion_key, which signs {}",
                    able[0]
                )
            }),
            None => {
                let is_listed =
                    |name: &&str| listed.is_none_or(|listed| listed.iter().any(|other| other == name));
                Ok(able.iter().copied().find(is_listed).unwrap_or(able[0]))
            }
        }
    }

    fn sign(&self, algorithm: &str, text: &[u8]) -> std::result::Result<Vec<u8>, ring::error::Unspecified> {
        let random = SystemRandom::new();
        match self {
            Key::Secret(key) => Ok(hmac::sign(key, text).as_ref().to_vec()),
            Key::Rsa(key) => {
                let mut signed = vec![0; key.public().modulus_len()];
                let padding: &dyn signature::RsaEncoding = if algorithm == "PS256" {
                    &signature::RSA_PSS_SHA256
                } else {
                    &signature::RSA_PKCS1_SHA256
                };
                key.sign(padding, &random, text, &mut signed).map(|()| signed)
            }
            Key::P256(key) => key.sign(&random, text).map(|signed| signed.as_ref().to_vec()),
            Key::Ed25519(key) => Ok(key.sign(text).as_ref().to_vec()),
        }
    }
}

/// A fresh assertion: servers take each `jti` once.
pub(super) fn assertion(
    claims: &Claims<'_>,
    key: &Key,
    algorithm: &str,
    key_id: Option<&str>,
) -> Result<Secret> {
    let mut header = json!({"alg": algorithm});
    if let Some(key_id) = key_id {
        header["kid"] = key_id.into();
    }
    let claims = json!({
        "iss": claims.client_id,
        "sub": claims.client_id,
        "aud": claims.audience,
        "iat": claims.now,
        "exp": claims.now.saturating_add(LIFE),
        "jti": pkce::random_text()?.expose(),
    });
    let part = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&header), part(&claims));
    let signature = key
        .sign(algorithm, text.as_bytes())
        .map_err(|_| Error::new(Kind::Internal, "the client assertion could not be signed"))?;
    Ok(Secret::from(format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))))
}

fn unfit(why: ring::error::KeyRejected) -> String {
    match why.to_string().as_str() {
        "TooSmall" => "the RSA key is too short: it must have 2048 bits or more".into(),
        "WrongAlgorithm" => {
            "the key is of a kind that it cannot sign with: it must be RSA, P-256 or Ed25519".into()
        }
        "PublicKeyIsMissing" => {
            "the key lacks its public half: write it anew with openssl pkey -in FILE".into()
        }
        why => format!("the key is damaged, or of a kind that it cannot sign with ({why})"),
    }
}

/// A key of P-256 in the frame that PKCS#8 puts around it (RFC 5208, RFC 5915).
fn sec1_as_pkcs8(sec1: &[u8]) -> Zeroizing<Vec<u8>> {
    /// Version 0; ecPublicKey on prime256v1.
    const HEAD: [u8; 24] = [
        0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
        0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
    ];
    let key = der(0x04, &[sec1]);
    der(0x30, &[&HEAD, &key])
}

/// One element of DER.
fn der(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut element = Zeroizing::new(Vec::with_capacity(length + 4));
    element.push(tag);
    match u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes() {
        [0, low @ 0..0x80] => element.push(low),
        [0, low] => element.extend([0x81, low]),
        [high, low] => element.extend([0x82, high, low]),
    }
    parts.iter().for_each(|part| element.extend_from_slice(part));
    element
}

#[cfg(test)]
mod test {
    use ring::signature::{ED25519, KeyPair, UnparsedPublicKey};

    use super::*;

    fn pem(label: &str, der: &[u8]) -> Secret {
        let base64 = base64::prelude::BASE64_STANDARD.encode(der);
        Secret::from(format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n"))
    }

    fn fixture(id: &str) -> Key {
        let keys = tokenkeep_sandbox::fixtures::OAUTH2_SIGNING_KEYS;
        let (_, pem) = keys.iter().find(|(known, _)| *known == id).unwrap();
        Key::from_pem(&Secret::new(pem)).unwrap()
    }

    fn fault(pem: &Secret) -> String {
        Key::from_pem(pem).err().expect("an unusable key")
    }

    /// The frame of a PKCS#8 key without its public half, as OpenSSL writes it for Ed25519.
    fn ed25519(private: &[u8]) -> Vec<u8> {
        let head =
            [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
        [&head[..], private].concat()
    }

    #[test]
    fn hs256_signs_as_in_rfc_7515_appendix_a_1() {
        let text = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key =
            Key::Secret(hmac::Key::new(hmac::HMAC_SHA256, &BASE64_URL_SAFE_NO_PAD.decode(key).unwrap()));
        let signed = BASE64_URL_SAFE_NO_PAD.encode(key.sign("HS256", text.as_bytes()).unwrap());
        assert_eq!(signed, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    }

    #[test]
    fn eddsa_signs_as_in_rfc_8037_appendix_a_4() {
        let private = BASE64_URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let key = Key::from_pem(&pem("PRIVATE KEY", &ed25519(&private))).unwrap();
        let text = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signed = BASE64_URL_SAFE_NO_PAD.encode(key.sign("EdDSA", text.as_bytes()).unwrap());
        assert_eq!(
            signed,
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
    }

    #[test]
    fn an_assertion_names_the_client_the_audience_and_its_own_time_and_is_never_the_same() {
        let key = fixture("ed25519");
        let claims = Claims { client_id: "id \"1\"", audience: "https://as.example", now: 1000 };
        let [one, two] = [(); 2].map(|()| assertion(&claims, &key, "EdDSA", Some("k1")).unwrap());
        assert_ne!(one.expose(), two.expose());
        let parts: Vec<_> = one.expose().split('.').collect();
        let [header, claims, signature] = parts[..] else { panic!("three parts") };
        let read = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
        let value = |part: &str| serde_json::from_slice::<serde_json::Value>(&read(part)).unwrap();
        assert_eq!(value(header), json!({"alg": "EdDSA", "kid": "k1"}));
        let mut claims_read = value(claims);
        assert_eq!(claims_read["jti"].take().as_str().unwrap().len(), 43);
        assert_eq!(
            claims_read,
            json!({"iss": "id \"1\"", "sub": "id \"1\"", "aud": "https://as.example", "iat": 1000, "exp": 1120, "jti": null})
        );
        let Key::Ed25519(pair) = &key else { panic!("the key's kind") };
        let public = UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref());
        public.verify(format!("{header}.{claims}").as_bytes(), &read(signature)).unwrap();
    }

    #[test]
    fn the_algorithm_is_the_keys_and_the_servers() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let rsa = fixture("rsa");
        assert_eq!(rsa.algorithm(None, None), Ok("RS256"));
        assert_eq!(rsa.algorithm(None, Some(&list(&["ES256", "PS256"]))), Ok("PS256"));
        assert_eq!(rsa.algorithm(None, Some(&list(&["PS256", "RS256"]))), Ok("RS256"));
        assert_eq!(rsa.algorithm(None, Some(&list(&["ES512"]))), Ok("RS256"), "the list may be short");
        assert_eq!(rsa.algorithm(Some("PS256"), Some(&list(&["RS256"]))), Ok("PS256"));
        assert_eq!(fixture("p256").algorithm(None, None), Ok("ES256"));
        assert_eq!(fixture("ed25519").algorithm(None, Some(&list(&["Ed25519"]))), Ok("Ed25519"));
        assert!(rsa.algorithm(Some("ES256"), None).unwrap_err().contains("which signs RS256"));
    }

    #[test]
    fn a_key_that_cannot_sign_is_told_by_what_it_is() {
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIC\n-----END ENCRYPTED PRIVATE KEY-----\n";
        let old_encrypted = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIC\n-----END RSA PRIVATE KEY-----\n";
        for text in [encrypted, old_encrypted] {
            assert!(fault(&Secret::new(text)).contains("is encrypted"));
        }
        let certificate = pem("CERTIFICATE", b"anything");
        for text in [&Secret::new("hush"), &Secret::new("-----BEGIN PRIVATE KEY-----"), &certificate] {
            let fault = fault(text);
            assert!(fault.contains("holds no private key in PEM") && !fault.contains("hush"), "{fault}");
        }
        for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"] {
            let fault = fault(&pem(label, b"hush"));
            assert!(fault.contains("damaged") && !fault.contains("hush"), "{fault}");
        }
        let x25519 = [&ed25519(&[7; 32])[..11], &[0x6e], &ed25519(&[7; 32])[12..]].concat();
        assert!(fault(&pem("PRIVATE KEY", &x25519)).contains("must be RSA, P-256 or Ed25519"));
    }
}
