//! The head of one HTTP/1 request, as a browser sends it. What no browser sends is refused.

use super::Address;
use super::page::Page;

/// Longer heads are refused; a browser's has a few KiB, and a code seldom more than two.
pub(super) const LIMIT: usize = 16 * 1024;

/// The query of a GET for this place, or the page that its sender gets instead.
pub(super) fn query<'a>(head: &'a [u8], address: &Address) -> Result<&'a str, Page> {
    let head = std::str::from_utf8(head).map_err(|_| Page::Malformed)?;
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Page::Malformed);
    };
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if !method.bytes().all(|byte| byte.is_ascii_uppercase()) || !target.starts_with('/') || !is_plain(target)
    {
        return Err(Page::Malformed);
    }
    if !is_host(lines, address)? {
        return Err(Page::Malformed);
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    match (path == address.path(), method) {
        (false, _) => Err(Page::NotFound),
        (true, "GET") => Ok(query),
        (true, _) => Err(Page::NotAllowed),
    }
}

/// Whether the one Host header (RFC 9112 section 3.2) names this place.
fn is_host<'a>(lines: impl Iterator<Item = &'a str>, address: &Address) -> Result<bool, Page> {
    let mut host = None;
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(Page::Malformed)?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_name) || value.contains(['\r', '\n', '\0']) {
            return Err(Page::Malformed);
        }
        if name.eq_ignore_ascii_case("host") && host.replace(value.trim_matches([' ', '\t'])).is_some() {
            return Err(Page::Malformed);
        }
    }
    Ok(host.is_some_and(|host| address.is_host(host)))
}

/// Where the head ends, in what was heard so far.
pub(super) fn end(heard: &[u8]) -> Option<usize> {
    heard.windows(4).position(|window| window == b"\r\n\r\n")
}

/// Whether this can still become a request: a browser that tries TLS here is told at once.
pub(super) fn may_become_one(heard: &[u8]) -> bool {
    heard.first().is_none_or(u8::is_ascii_uppercase) && heard.len() <= LIMIT
}

#[cfg(test)]
mod test {
    use super::*;

    fn asked(head: &str) -> Result<String, Page> {
        let address = Address::of("http://127.0.0.1:4711/callback").unwrap();
        query(head.as_bytes(), &address).map(str::to_owned)
    }

    #[test]
    fn a_browsers_get_gives_its_query() {
        let head = |target: &str| {
            format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:4711\r\nAccept: */*\r\nCookie: a=b; c=\"d\"")
        };
        assert_eq!(asked(&head("/callback?code=c&state=s")), Ok("code=c&state=s".into()));
        assert_eq!(asked(&head("/callback")), Ok(String::new()));
        assert_eq!(asked(&head("/favicon.ico")), Err(Page::NotFound));
        assert_eq!(asked(&head("/callback/?code=c")), Err(Page::NotFound));
    }

    #[test]
    fn only_get_is_allowed() {
        for method in ["POST", "HEAD", "PUT", "OPTIONS", "DELETE", "TRACE"] {
            let head = |path: &str| format!("{method} {path}?code=c HTTP/1.1\r\nHost: 127.0.0.1:4711");
            assert_eq!(asked(&head("/callback")), Err(Page::NotAllowed), "{method}");
            assert_eq!(asked(&head("/other")), Err(Page::NotFound), "{method}");
        }
    }

    #[test]
    fn what_no_browser_sends_is_malformed() {
        let host = "Host: 127.0.0.1:4711";
        for head in [
            String::new(),
            "GET".into(),
            format!("GET /callback\r\n{host}"),
            format!("GET  /callback HTTP/1.1\r\n{host}"),
            format!("GET /callback HTTP/2.0\r\n{host}"),
            format!("get /callback HTTP/1.1\r\n{host}"),
            format!("GET http://127.0.0.1:4711/callback HTTP/1.1\r\n{host}"),
            format!("GET callback HTTP/1.1\r\n{host}"),
            format!("GET /callback?a=\u{e9} HTTP/1.1\r\n{host}"),
            format!("GET /callback?a=\u{7} HTTP/1.1\r\n{host}"),
            "GET /callback HTTP/1.1".into(),
            "GET /callback HTTP/1.1\r\nHost: evil.example:4711".into(),
            "GET /callback HTTP/1.1\r\nHost: localhost:4711".into(),
            format!("GET /callback HTTP/1.1\r\n{host}\r\n{host}"),
            format!("GET /callback HTTP/1.1\r\n{host}\r\n folded"),
            format!("GET /callback HTTP/1.1\r\n{host}\r\nno colon"),
            format!("GET /callback HTTP/1.1\r\n{host}\r\nName : value"),
            format!("GET /callback HTTP/1.1\r\n{host}\r\nA: b\nC: d"),
        ] {
            assert_eq!(asked(&head), Err(Page::Malformed), "{head:?}");
        }
        let address = Address::of("http://127.0.0.1:4711/callback").unwrap();
        assert_eq!(query(b"GET /callback?\xff HTTP/1.1", &address), Err(Page::Malformed));
    }

    #[test]
    fn tls_and_endless_heads_are_known_early() {
        assert!(may_become_one(b"") && may_become_one(b"GE") && may_become_one(&[b'A'; LIMIT]));
        assert!(!may_become_one(&[0x16, 3, 1]) && !may_become_one(&[b'A'; LIMIT + 1]));
    }
}
