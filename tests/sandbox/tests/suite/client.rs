//! A small HTTP client that hides nothing of what it receives.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::Serializer;
use serde_json::Value;

/// Long enough for a busy machine, short enough to end a test that hangs.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Debug)]
pub struct Request {
    method: &'static str,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
    patience: Duration,
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

pub fn get(url: impl Into<String>) -> Request {
    Request::new("GET", url)
}

pub fn post(url: impl Into<String>) -> Request {
    Request::new("POST", url)
}

pub fn delete(url: impl Into<String>) -> Request {
    Request::new("DELETE", url)
}

pub fn form_encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

impl Request {
    fn new(method: &'static str, url: impl Into<String>) -> Self {
        Self { method, url: url.into(), headers: Vec::new(), body: String::new(), patience: PATIENCE }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// Basic credentials as RFC 6749 wants them: each part form-encoded.
    pub fn basic(self, id: &str, secret: &str) -> Self {
        self.raw_basic(&form_encode(id), &form_encode(secret))
    }

    pub fn raw_basic(self, id: &str, secret: &str) -> Self {
        let credentials = STANDARD.encode(format!("{id}:{secret}"));
        self.header("Authorization", &format!("Basic {credentials}"))
    }

    pub fn json(self, body: &Value) -> Self {
        self.body(&body.to_string()).header("Content-Type", "application/json")
    }

    pub fn form(self, pairs: &[(&str, &str)]) -> Self {
        let body = Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.body(&body).header("Content-Type", "application/x-www-form-urlencoded")
    }

    /// A body that does not say what it is.
    pub fn body(mut self, body: &str) -> Self {
        self.body = body.to_owned();
        self
    }

    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    pub fn send(self) -> Reply {
        let url = self.url.clone();
        let bytes = self.exchange().expect("an answer");
        Reply::parse(&bytes).unwrap_or_else(|| panic!("not a whole answer from {url}: {bytes:?}"))
    }

    /// All bytes up to the end of the connection.
    pub fn exchange(self) -> std::io::Result<Vec<u8>> {
        let rest = self.url.strip_prefix("http://").expect("plain HTTP");
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let mut head = format!(
            "{} /{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nContent-Length: {}\r\n",
            self.method,
            self.body.len()
        );
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let mut stream = TcpStream::connect(authority)?;
        stream.set_read_timeout(Some(self.patience))?;
        stream.write_all(format!("{head}\r\n{}", self.body).as_bytes())?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Reply {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let body = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
        let reply = Self { status, headers, body };
        let length = reply.header("content-length")?.parse::<usize>().ok()?;
        (bytes.len() - end - 4 == length).then_some(reply)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    /// A text member of the JSON body.
    #[track_caller]
    pub fn text(&self, member: &str) -> String {
        match &self.json()[member] {
            Value::String(text) => text.clone(),
            other => panic!("{member} is {other} in {}", self.body),
        }
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
}
