//! The authorization server and the clients that it knows.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Value, json};
use tokenkeep::{Client, Config};

use crate::support::tls::{Certificates, certificates};
use crate::support::{browser, open, tool};

/// A running server. It ends with its owner, or with this process.
pub(crate) struct AuthorizationServer {
    process: Child,
    ready: Ready,
}

/// What it says when it is ready.
#[derive(Deserialize)]
struct Ready {
    url: String,
    tls_url: Option<String>,
    inspector: (String, String),
}

/// The server of all tests that need but one; None, and a word about it, where there is no Node.
pub(crate) fn authorization_server() -> Option<&'static AuthorizationServer> {
    static STARTED: OnceLock<Option<AuthorizationServer>> = OnceLock::new();
    STARTED.get_or_init(|| is_installed().then(|| AuthorizationServer::start(certificates()))).as_ref()
}

/// Another one, for a test that needs two.
pub(crate) fn another() -> AuthorizationServer {
    AuthorizationServer::start(None)
}

fn is_installed() -> bool {
    let tools = [("node", "nodejs"), ("npm", "npm")];
    tools.iter().all(|(tool, package)| tool::is_installed(tool, "a real authorization server", package))
}

/// Where it is, with what npm brings for it.
fn directory() -> &'static Path {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("oidc");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oidc/server/install.sh");
        let output = Command::new("sh").arg(script).arg(&directory).output().expect("sh runs");
        assert!(output.status.success(), "npm ci: {}", String::from_utf8_lossy(&output.stderr));
        directory
    })
}

impl AuthorizationServer {
    fn start(certificates: Option<&Certificates>) -> AuthorizationServer {
        let mut command = Command::new("node");
        command.arg("server.mjs").current_dir(directory()).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(certificates) = certificates {
            command.arg("--tls").args(["good.pem", "good.key", "ca.pem"].map(|file| certificates.path(file)));
        }
        let mut process = command.spawn().expect("node runs");
        let mut line = String::new();
        let output = process.stdout.as_mut().expect("its standard output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let ready = serde_json::from_str(&line).expect("the server says where it is");
        AuthorizationServer { process, ready }
    }

    /// Its issuer identifier, and where it is.
    pub(crate) fn url(&self) -> &str {
        &self.ready.url
    }

    /// Where it asks for a client's certificate.
    pub(crate) fn tls_url(&self) -> Option<&str> {
        self.ready.tls_url.as_deref()
    }

    /// A client of its own for a test: of this kind, and what is to be otherwise (RFC 7591 section 2).
    pub(crate) fn register(&self, kind: &str, otherwise: Value) -> Registration<'_> {
        let mut wanted = json!({"kind": kind});
        for (name, value) in otherwise.as_object().expect("an object") {
            wanted[name] = value.clone();
        }
        let settings = self.control("clients", &wanted);
        Registration { server: self, settings: serde_json::from_value(settings).expect("settings") }
    }

    /// Whether a token lives, by the server's word (RFC 7662).
    pub(crate) fn is_alive(&self, token: &str) -> bool {
        let (id, secret) = &self.ready.inspector;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs([("token", token), ("client_id", id), ("client_secret", secret)]);
        let page = browser::post(&format!("{}/token/introspection", self.url()), &form.finish());
        assert_eq!(page.status, 200, "{}", page.body);
        page.json()["active"].as_bool().expect("yes or no")
    }

    fn control(&self, operation: &str, argument: &Value) -> Value {
        let url = format!("{}/control/{operation}", self.url());
        let page = browser::send("POST", &url, &[], &argument.to_string());
        assert_eq!(page.status, 200, "{}", page.body);
        page.json()
    }
}

impl Drop for AuthorizationServer {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().ok();
    }
}

/// A client that the server knows.
pub(crate) struct Registration<'a> {
    server: &'a AuthorizationServer,
    settings: serde_json::Map<String, Value>,
}

/// One request of a client's to an endpoint.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    pub(crate) endpoint: String,
    pub(crate) grant_type: Option<String>,
    pub(crate) token_type_hint: Option<String>,
    pub(crate) error: Option<String>,
}

/// A token that a client was given.
#[derive(Deserialize)]
pub(crate) struct Issued {
    pub(crate) kind: String,
    pub(crate) value: String,
}

impl Registration<'_> {
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new("oauth2");
        for (name, value) in self.settings() {
            config.set(name, value);
        }
        config
    }

    pub(crate) fn client(&self) -> Client {
        self.client_with(&[])
    }

    /// A client with some settings more, or others.
    pub(crate) fn client_with(&self, settings: &[(&str, &str)]) -> Client {
        let mut config = self.config();
        for (name, value) in settings {
            config.set(name, value);
        }
        open(&config)
    }

    pub(crate) fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.settings.iter().map(|(name, value)| (&**name, value.as_str().expect("text")))
    }

    /// One of its settings.
    pub(crate) fn setting(&self, name: &str) -> &str {
        self.settings[name].as_str().expect("text")
    }

    /// From now on its access tokens live so long.
    pub(crate) fn set_lifetime(&self, seconds: u32) {
        let argument = json!({"client": self.setting("client_id"), "seconds": seconds});
        self.server.control("lifetimes", &argument);
    }

    /// What it asked of this endpoint, oldest first.
    pub(crate) fn asked(&self, endpoint: &str) -> Vec<Asked> {
        let mut asked: Vec<Asked> = self.known("requests");
        asked.retain(|asked| asked.endpoint == endpoint);
        asked
    }

    /// How often it sent a refresh token.
    pub(crate) fn refreshes(&self) -> usize {
        let asked = self.asked("token");
        asked.iter().filter(|asked| asked.grant_type.as_deref() == Some("refresh_token")).count()
    }

    /// The newest token of this kind: access_token, refresh_token, ...
    pub(crate) fn newest(&self, kind: &str) -> String {
        let mut issued: Vec<Issued> = self.known("tokens");
        issued.retain(|token| token.kind == kind);
        issued.pop().expect("one was issued").value
    }

    fn known<T: for<'de> Deserialize<'de>>(&self, what: &str) -> Vec<T> {
        let id: String = form_urlencoded::byte_serialize(self.setting("client_id").as_bytes()).collect();
        let url = format!("{}/control/{what}?client={id}", self.server.url());
        serde_json::from_value(browser::get(&url, &[]).json()).expect("a list")
    }
}
