//! A client that goes through the authorization code flow.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use form_urlencoded::Serializer;
use ring::digest::{SHA256, digest};
use tokenkeep_sandbox::Sandbox;
use tokenkeep_sandbox::fixtures::{PINK_CLIENT_ID, PINK_CLIENT_SECRET};

use crate::client::{Reply, Request, get, post};

pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const REDIRECT: &str = "http://127.0.0.1:54321/callback";

/// PINK's endpoints and client in one sandbox.
pub struct Pink {
    pub sandbox: Sandbox,
}

impl Pink {
    pub fn start() -> Self {
        let sandbox = Sandbox::start().unwrap();
        Self { sandbox }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.base("pink"))
    }

    /// The parameters of a proper authorization request.
    pub fn parameters() -> Vec<(&'static str, String)> {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
        vec![
            ("response_type", "code".to_owned()),
            ("client_id", PINK_CLIENT_ID.to_owned()),
            ("redirect_uri", REDIRECT.to_owned()),
            ("scope", "profile".to_owned()),
            ("state", "s t&te".to_owned()),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256".to_owned()),
        ]
    }

    pub fn authorize(&self, parameters: &[(&'static str, String)]) -> Reply {
        let query = Serializer::new(String::new()).extend_pairs(parameters).finish();
        get(self.url(&format!("/oauth/authorize?{query}"))).send()
    }

    pub fn code(&self) -> String {
        redirected(&self.authorize(&Self::parameters()).expect(302), "code").unwrap()
    }

    pub fn redeem(&self, code: &str) -> Reply {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ])
    }

    pub fn refresh(&self, refresh_token: &str) -> Reply {
        self.refresh_request(refresh_token).send()
    }

    pub fn refresh_request(&self, refresh_token: &str) -> Request {
        self.token_request(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)])
    }

    pub fn token(&self, form: &[(&str, &str)]) -> Reply {
        self.token_request(form).send()
    }

    fn token_request(&self, form: &[(&str, &str)]) -> Request {
        post(self.url("/oauth/token")).basic(PINK_CLIENT_ID, PINK_CLIENT_SECRET).form(form)
    }

    pub fn revoke(&self, token: &str) -> Reply {
        post(self.url("/oauth/revoke"))
            .basic(PINK_CLIENT_ID, PINK_CLIENT_SECRET)
            .form(&[("token", token)])
            .send()
    }

    pub fn me(&self, token: &str) -> Reply {
        get(self.url("/v1/me")).bearer(token).send()
    }
}

/// A parameter of the URL that the answer redirects to.
pub fn redirected(reply: &Reply, name: &str) -> Option<String> {
    let location = reply.header("location").expect("a redirect");
    let (target, query) = location.split_once('?').expect("a query");
    assert_eq!(target, REDIRECT);
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let found = pairs.find(|(key, _)| key == name);
    found.map(|(_, value)| value.into_owned())
}
