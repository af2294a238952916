//! The encodings of requests: form bodies, URL segments, JSON objects.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// RFC 3986's unreserved characters stay as they are.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
pub(crate) fn encode_segment(text: &str) -> String {
    written(text.len() * 3, utf8_percent_encode(text, SEGMENT))
}

pub(crate) fn encode(text: &str) -> String {
    written(text.len() * 3, form_urlencoded::byte_serialize(text.as_bytes()))
}

/// The parts in one text that never moves, so that it leaves no copy behind for the one who wipes it.
fn written<'a>(at_most: usize, parts: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::with_capacity(at_most);
    text.extend(parts);
    text
}

/// A JSON text with its quotes. It does not move either: a character takes six bytes at most.
fn quoted(text: &str) -> Secret {
    let mut json = Zeroizing::new(Vec::with_capacity(text.len() * 6 + 2));
    // Writing to memory cannot fail.
    serde_json::to_writer(&mut *json, text).ok();
    Secret::new(std::str::from_utf8(&json).unwrap_or_default())
}

/// As it stands between the quotes of a JSON text.
pub(crate) fn escape(text: &str) -> String {
    let quoted = quoted(text);
    quoted.expose()[1..quoted.expose().len() - 1].to_owned()
}

/// The pairs of a form or query, decoded.
pub(crate) fn decode(text: &str) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(text.as_bytes()).into_owned()
}

/// A form body; empty values are left out (RFC 6749 section 3.2 has them count as absent).
pub(crate) fn body<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Secret {
    let mut body = Secret::new("");
    for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
        let parting = if body.expose().is_empty() { "" } else { "&" };
        let value = Secret::from(encode(value));
        body = Secret::join(&[body.expose(), parting, &encode(name), "=", value.expose()]);
    }
    body
}

/// A JSON object of texts.
pub(crate) fn json<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Secret {
    let mut body = Secret::new("{");
    for (name, value) in pairs {
        let parting = if body.expose() == "{" { "" } else { "," };
        body = Secret::join(&[body.expose(), parting, quoted(name).expose(), ":", quoted(value).expose()]);
    }
    Secret::join(&[body.expose(), "}"])
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn a_form_is_encoded_as_browsers_do() {
        let body = body([("a b", "c+d&e=ü"), ("empty", ""), ("x", "~*")]);
        assert_eq!(body.expose(), "a+b=c%2Bd%26e%3D%C3%BC&x=%7E*");
        assert_eq!(
            decode(body.expose()).collect::<Vec<_>>(),
            [("a b".into(), "c+d&e=ü".into()), ("x".into(), "~*".to_owned())]
        );
    }

    #[test]
    fn a_json_body_is_an_object_of_texts() {
        assert_eq!(json([("a", "x\"y"), ("b", "")]).expose(), r#"{"a":"x\"y","b":""}"#);
    }
}
