//! Makes up the values of tokens and codes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Map, Value, json};

use crate::fixtures::TOKEN_MARKER;

/// `SANDBOX-TOKEN-pink-access-0001-` and 128 random bits. The label and the number let a reader of
/// a log tell one token from the next.
pub(crate) fn opaque(label: &str, serial: u64) -> String {
    format!("{TOKEN_MARKER}-{label}-{serial:04}-{}", random())
}

/// Three parts like a JWT's, the first two readable, the third an opaque value instead of a
/// signature. A random `jti` keeps two tokens with equal claims apart.
pub(crate) fn jwt(claims: &Map<String, Value>, label: &str, serial: u64) -> String {
    let mut payload = claims.clone();
    payload.insert("jti".to_owned(), json!(random()));
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(&json!({"typ": "JWT", "alg": "HS256"}));
    let payload = part(&Value::Object(payload));
    format!("{header}.{payload}.{}", opaque(label, serial))
}

fn random() -> String {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).expect("the operating system has random numbers");
    URL_SAFE_NO_PAD.encode(bytes)
}
