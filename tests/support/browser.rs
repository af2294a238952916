//! A person's browser, and a program that uses a resource: plain HTTP/1.1 GET to loopback.

use std::io::{Read, Write};
use std::net::TcpStream;

use tokenkeep::Token;
use tokenkeep_sandbox::{Sandbox, fixtures};

use super::PATIENCE;

/// What a GET brought.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// GETs a URL of this machine's.
pub(crate) fn get(url: &str, headers: &[(&str, &str)]) -> Page {
    send("GET", url, headers, "")
}

/// POSTs a form to a URL of this machine's.
pub(crate) fn post(url: &str, body: &str) -> Page {
    send("POST", url, &[("Content-Type", "application/x-www-form-urlencoded")], body)
}

pub(crate) fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Page {
    let rest = url.strip_prefix("http://").expect("a plain URL");
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let length = body.len();
    let mut request = format!(
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n"
    );
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{request}\r\n{body}").as_bytes()).expect("the request is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    page(&answer)
}

fn page(answer: &str) -> Page {
    let (head, body) = answer.split_once("\r\n\r\n").expect("headers");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let pair = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    Page {
        status: status.expect("a status"),
        headers: lines.filter_map(pair).collect(),
        body: body.to_owned(),
    }
}

/// Says this to an address, whatever it is, and reads what comes back; None from whoever hangs up without an answer.
pub(crate) fn say(address: &str, bytes: &[u8]) -> Option<Page> {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(bytes).ok();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok();
    (!answer.is_empty()).then(|| page(&String::from_utf8_lossy(&answer)))
}

/// Opens a consent's URL as a person does who says yes, and follows the redirect back to this machine.
pub(crate) fn log_in(url: &str) -> Page {
    get(&say_yes(url), &[])
}

/// Where a loopback URL leads: its host and port.
pub(crate) fn address(url: &str) -> String {
    let rest = url.strip_prefix("http://").expect("a plain URL");
    rest.split(['/', '?']).next().unwrap_or_default().to_owned()
}

/// Whether anybody listens there.
pub(crate) fn is_open(address: &str) -> bool {
    TcpStream::connect(address).is_ok()
}

/// Uses a resource as a program does: with every header of the token's and, if it has one, its query pair.
pub(crate) fn call(url: &str, token: &Token) -> Page {
    let headers: Vec<(&str, &str)> = token.headers().collect();
    match token.query() {
        Some(query) => get(&format!("{url}?{query}"), &headers),
        None => get(url, &headers),
    }
}

/// Opens a consent's URL as a person does who says yes, and tells where they were sent back to.
pub(crate) fn say_yes(url: &str) -> String {
    let page = get(url, &[]);
    assert_eq!(page.status, 302, "{}", page.body);
    page.header("location").expect("a redirect").to_owned()
}

/// A refresh token of PINK's public client, had by hand.
pub(crate) fn refresh_token(sandbox: &Sandbox) -> String {
    let (base, client) = (sandbox.base("pink"), fixtures::PINK_PUBLIC_CLIENT_ID);
    let form =
        |pairs: &[(&str, &str)]| form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    sandbox.configure("pink", serde_json::json!({"require_pkce": false}));
    let place = ("redirect_uri", fixtures::WEB_REDIRECT_URI);
    let asked = form(&[("response_type", "code"), ("client_id", client), place]);
    let code = parameter(&say_yes(&format!("{base}/oauth/authorize?{asked}")), "code");
    let body = form(&[("grant_type", "authorization_code"), ("client_id", client), ("code", &code), place]);
    let page = post(&format!("{base}/oauth/token"), &body);
    page.json()["refresh_token"].as_str().expect("a refresh token").to_owned()
}

/// The parameters of a URL's query, decoded.
pub(crate) fn query(url: &str) -> Vec<(String, String)> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// The value of the one parameter of that name.
pub(crate) fn parameter(url: &str, name: &str) -> String {
    let found: Vec<_> = query(url).into_iter().filter(|(known, _)| known == name).collect();
    assert_eq!(found.len(), 1, "{name} in {url}");
    found.into_iter().map(|(_, value)| value).collect()
}

/// The URL with a parameter of another value; added if it was not there, taken away for None.
pub(crate) fn replaced(url: &str, name: &str, value: Option<&str>) -> String {
    let (place, _) = url.split_once('?').unwrap_or((url, ""));
    let kept = query(url).into_iter().filter(|(known, _)| known != name);
    let mut text = form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(kept);
    text.extend_pairs(value.map(|value| (name, value)));
    format!("{place}?{}", text.finish())
}
