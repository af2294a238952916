//! The server's own word on where its endpoints are (RFC 8414, OpenID Connect Discovery).
mod support;

use serde_json::{Value, json};
use support::browser::call;
use support::server::{Request, Server, json as answer};
use support::tls::{TlsServer, certificates};
use support::{
    always, assert_error, client, failure, open, outage, pause, sandbox, together, token, until_asked,
};
use tokenkeep::{Call, Client, Config, Kind};
use tokenkeep_sandbox::{Body, Fault, Sandbox, fixtures};

const GRANT: &str = r#"{"access_token":"SANDBOX-TOKEN-found","token_type":"Bearer","expires_in":3600}"#;

fn discovering(issuer: &str, settings: &[(&str, &str)]) -> Config {
    let mut config = Config::new("oauth2");
    config.set("issuer", issuer);
    config.set("client_id", fixtures::OAUTH2_CLIENT_ID).set("client_secret", fixtures::OAUTH2_CLIENT_SECRET);
    for (name, value) in settings {
        config.set(name, value);
    }
    config
}

fn at(sandbox: &Sandbox, settings: &[(&str, &str)]) -> Client {
    open(&discovering(&sandbox.base("oauth2"), settings))
}

/// A server of metadata alone: what lies at which path, and 404 everywhere else.
fn describing(documents: impl Fn(&str, &str) -> Option<Value> + Send + Sync + 'static) -> Server {
    Server::start(move |request| {
        let path = request.head.split(' ').nth(1).unwrap_or_default();
        let here = format!("http://{}", request.header("host").unwrap_or_default());
        match documents(path, &here) {
            _ if request.head.starts_with("POST ") => answer(200, GRANT),
            Some(document) => answer(200, &document.to_string()),
            None => answer(404, "{}"),
        }
        .into_bytes()
    })
}

fn paths(server: &Server) -> Vec<String> {
    let line = |request: &Request| request.head.split(" HTTP").next().unwrap_or_default().to_owned();
    server.requests().iter().map(line).collect()
}

#[test]
fn the_issuer_alone_leads_to_every_endpoint() {
    let sandbox = sandbox();
    let client = at(&sandbox, &[]);
    let had = token(&client);
    assert_eq!(call(&sandbox.resource("oauth2"), &had).status, 200);
    client.revoke(&Call::default()).unwrap();
    assert_eq!(call(&sandbox.resource("oauth2"), &had).status, 401, "it was revoked where the metadata say");
    assert_eq!((sandbox.count("oauth2/metadata"), sandbox.count("oauth2/revoke")), (1, 1));
    let [request] = &sandbox.requests("oauth2/metadata")[..] else { panic!("one request") };
    assert_eq!(request.method, "GET");
    assert!(!format!("{request:?}").contains("SANDBOX-SECRET"), "nothing is shown to metadata");
}

#[test]
fn metadata_are_read_once_for_all_threads_renewals_and_accounts() {
    let sandbox = sandbox();
    sandbox.fault(Fault { delay_ms: 100, ..always("oauth2/metadata") });
    let client = at(&sandbox, &[]);
    together(16, |_| token(&client));
    client.rejected(token(&client).generation(), 401, None).unwrap();
    token(&client);
    for account in ["alice", "bob"] {
        token(&client.with([("account", account)]).unwrap());
    }
    assert_eq!(sandbox.count("oauth2/token"), 4);
    assert_eq!(sandbox.count("oauth2/metadata"), 1);
    // Whoever trusts other authorities may be told other things.
    drop(at(&sandbox, &[("account", "carol"), ("user_agent", "other")]).token(&Call::default()));
    assert_eq!(sandbox.count("oauth2/metadata"), 2);
}

#[test]
fn a_url_that_is_set_wins_and_where_all_are_set_nothing_is_read() {
    let sandbox = sandbox();
    sandbox.configure("oauth2", json!({"metadata": {"revocation_endpoint": "http://127.0.0.1:9/nowhere"}}));
    let revoke_url = format!("{}/revoke", sandbox.base("oauth2"));
    let client = at(&sandbox, &[("revoke_url", &revoke_url)]);
    token(&client);
    client.revoke(&Call::default()).unwrap();
    assert_eq!((sandbox.count("oauth2/metadata"), sandbox.count("oauth2/revoke")), (1, 1));
    let token_url = format!("{}/token", sandbox.base("oauth2"));
    token(&at(&sandbox, &[("token_url", &token_url)]));
    assert_eq!(sandbox.count("oauth2/metadata"), 1);
}

#[test]
fn a_token_is_revoked_where_the_metadata_say_also_if_nothing_else_is_asked_of_them() {
    let sandbox = sandbox();
    let token_url = format!("{}/token", sandbox.base("oauth2"));
    let client = at(&sandbox, &[("token_url", &token_url)]);
    let had = token(&client);
    assert_eq!(sandbox.count("oauth2/metadata"), 0);
    client.revoke(&Call::default()).unwrap();
    assert_eq!((sandbox.count("oauth2/metadata"), sandbox.count("oauth2/revoke")), (1, 1));
    assert_eq!(call(&sandbox.resource("oauth2"), &had).status, 401);
}

#[test]
fn where_there_are_no_metadata_and_all_else_is_set_a_revocation_is_a_matter_of_forgetting() {
    let server = describing(|_, _| None);
    let client = open(&discovering(&server.url(""), &[("token_url", &server.url("/t"))]));
    token(&client);
    client.revoke(&Call::default()).unwrap();
    assert!(client.peek().is_none());
    assert_eq!(paths(&server).first().map(String::as_str), Some("POST /t"));
}

#[test]
fn metadata_are_looked_for_in_three_places_the_likeliest_first() {
    let (oauth, openid) = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration");
    for (issuer, places) in [
        ("", vec![oauth.to_owned(), openid.to_owned()]),
        ("/", vec![oauth.to_owned(), openid.to_owned()]),
        ("/a/b", vec![format!("{oauth}/a/b"), format!("{openid}/a/b"), format!("/a/b{openid}")]),
    ] {
        for (index, place) in places.iter().enumerate() {
            let (lies_at, name) = (place.clone(), issuer.to_owned());
            let server = describing(move |path, here| {
                let document =
                    json!({"issuer": format!("{here}{name}"), "token_endpoint": format!("{here}/t")});
                (path == lies_at).then_some(document)
            });
            token(&open(&discovering(&server.url(issuer), &[])));
            let asked: Vec<_> = places[..=index].iter().map(|place| format!("GET {place}")).collect();
            assert_eq!(paths(&server), [asked, vec!["POST /t".to_owned()]].concat());
        }
    }
}

#[test]
fn a_web_page_or_a_redirect_in_the_first_place_is_passed_over() {
    for first in [
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>".to_owned(),
        "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".to_owned(),
        answer(401, "{}"),
        answer(200, r#"{"issuer": "https://other.example"}"#),
    ] {
        let server = Server::start(move |request| {
            let here = format!("http://{}", request.header("host").unwrap_or_default());
            let document = json!({"issuer": here, "token_endpoint": format!("{here}/t"), "unknown": [{}]});
            match () {
                () if request.head.contains("oauth-authorization-server") => first.clone(),
                () if request.head.starts_with("POST") => answer(200, GRANT),
                () => answer(200, &document.to_string()),
            }
            .into_bytes()
        });
        token(&open(&discovering(&server.url(""), &[])));
        assert!(!paths(&server).iter().any(|path| path.contains("elsewhere")), "no redirect is followed");
    }
}

#[test]
fn metadata_of_another_issuer_are_not_used_whatever_they_say() {
    let sandbox = sandbox();
    let issuer = sandbox.base("oauth2");
    let slashed = format!("{issuer}/");
    let upper = issuer.replace("http:", "HTTP:");
    let localhost = issuer.replace("127.0.0.1", "localhost");
    for other in ["https://evil.example", &slashed, &upper, &localhost, ""] {
        sandbox.configure("oauth2", json!({"metadata": {"issuer": other}}));
        let error = failure(&at(&sandbox, &[]));
        assert_error(&error, Kind::Protocol, &[&issuer, other, "to the letter", "metadata_issuer"]);
    }
    sandbox.configure("oauth2", json!({"metadata": {"issuer": "x".repeat(100_000)}}));
    assert!(failure(&at(&sandbox, &[])).message().len() < 4000, "a name without end is cut");
    sandbox.configure("oauth2", json!({"metadata": {"issuer": null}}));
    assert_error(&failure(&at(&sandbox, &[])), Kind::Protocol, &["no issuer in it"]);
    assert_eq!(sandbox.count("oauth2/token"), 0, "no secret was sent anywhere");
}

#[test]
fn a_server_that_is_known_to_call_itself_otherwise_can_be_named() {
    let sandbox = sandbox();
    let name = "https://login.example/{tenantid}/v2.0";
    sandbox.configure("oauth2", json!({"metadata": {"issuer": name}}));
    token(&at(&sandbox, &[("metadata_issuer", name)]));
    let error = failure(&at(&sandbox, &[("metadata_issuer", "https://login.example/other")]));
    assert_error(&error, Kind::Protocol, &[name, "https://login.example/other"]);
}

#[test]
fn metadata_that_are_no_metadata_are_told_by_what_they_are() {
    let sandbox = sandbox();
    for (metadata, words) in [
        (json!({"token_endpoint": 7}), "token_endpoint that is no text"),
        (json!({"issuer": ["x"]}), "issuer that is no text"),
        (json!({"token_endpoint": "/token"}), "token_endpoint is no absolute URL"),
        (json!({"token_endpoint": "http://as.example/token"}), "token_endpoint must be https"),
        (json!({"token_endpoint": "https://as.example/token#x"}), "fragment"),
        (json!({"token_endpoint": "https://user:pass@as.example/token"}), "user name or password"),
        (json!({"token_endpoint_auth_methods_supported": "basic"}), "no list of texts"),
        (json!({"code_challenge_methods_supported": [1]}), "no list of texts"),
        (json!({"authorization_response_iss_parameter_supported": "yes"}), "neither true nor false"),
        (json!({"mtls_endpoint_aliases": "https://mtls.example"}), "no object"),
        (json!({"mtls_endpoint_aliases": {"token_endpoint": 1}}), "mtls_endpoint_aliases.token_endpoint"),
    ] {
        sandbox.configure("oauth2", json!({"metadata": metadata}));
        let error = failure(&at(&sandbox, &[("account", words)]));
        assert_error(&error, Kind::Protocol, &["OAuth 2", "oauth-authorization-server", words]);
    }
    for (body, words) in [
        (Body::Html, "HTML"),
        (Body::Garbage, "no JSON"),
        (Body::Empty, "empty body"),
        (Body::Json(json!([])), "no object"),
        (Body::Huge(300 * 1024), "longer than 262144 bytes"),
    ] {
        sandbox.reset();
        sandbox.fault(Fault { body: Some(body), ..always("oauth2/metadata") });
        assert_error(&failure(&at(&sandbox, &[("account", words)])), Kind::Protocol, &["GET ", words]);
        assert_eq!(sandbox.count("oauth2/token"), 0);
    }
}

#[test]
fn an_endpoint_that_the_metadata_do_not_name_is_to_be_set() {
    let sandbox = sandbox();
    sandbox.configure("oauth2", json!({"metadata": {"token_endpoint": null, "revocation_endpoint": null}}));
    let error = failure(&at(&sandbox, &[]));
    assert_error(&error, Kind::Config, &[&sandbox.base("oauth2"), "set token_url"]);
    sandbox.configure("oauth2", json!({"metadata": {"revocation_endpoint": null}}));
    let client = at(&sandbox, &[("account", "other"), ("user_agent", "other")]);
    token(&client);
    client.revoke(&Call::default()).expect("a server without revocation has nothing to say");
}

#[test]
fn an_issuer_without_metadata_is_told_where_they_were_looked_for() {
    let server = describing(|_, _| None);
    let error = failure(&open(&discovering(&server.url("/tenant"), &[])));
    assert_error(
        &error,
        Kind::Config,
        &[
            &server.url("/.well-known/oauth-authorization-server/tenant"),
            &server.url("/tenant/.well-known/openid-configuration"),
            "answered 404",
            "set the URLs themselves",
        ],
    );
}

#[test]
fn a_server_of_metadata_that_is_down_is_asked_again_and_not_elsewhere() {
    let sandbox = sandbox();
    sandbox.fault(Fault { status: Some(503), times: 2, ..Fault::on("oauth2/metadata") });
    token(&at(&sandbox, &[]));
    assert_eq!(sandbox.count("oauth2/metadata"), 3);
    sandbox.reset();
    sandbox.fault(outage("oauth2/metadata", 429));
    let error = failure(&at(&sandbox, &[("max_attempts", "1")]));
    assert_error(&error, Kind::RateLimited, &["oauth-authorization-server", "429"]);
    assert_eq!(sandbox.count("oauth2/metadata"), 1);
}

#[test]
fn an_endpoint_that_moved_is_found_again_in_the_same_call() {
    for gone in [404, 410] {
        let sandbox = sandbox();
        let stale = Server::saying(&answer(gone, "{}"));
        sandbox.configure("oauth2", json!({"metadata": {"token_endpoint": stale.url("/old")}}));
        let client = at(&sandbox, &[]);
        assert_eq!(failure(&client).kind(), Kind::Config);
        assert_eq!(sandbox.count("oauth2/metadata"), 1, "what was just read is not read again");
        sandbox.configure("oauth2", json!({"metadata": {}}));
        pause(1100);
        token(&client.with([("account", "other")]).unwrap());
        assert_eq!((sandbox.count("oauth2/metadata"), stale.count()), (2, 2));
    }
}

#[test]
fn an_endpoint_that_is_gone_and_has_not_moved_is_asked_once() {
    let sandbox = sandbox();
    token(&at(&sandbox, &[]));
    sandbox.fault(outage("oauth2/token", 404));
    pause(1100);
    let error = failure(&at(&sandbox, &[("account", "other")]));
    assert_error(&error, Kind::Config, &["/token", "404"]);
    assert_eq!((sandbox.count("oauth2/metadata"), sandbox.count("oauth2/token")), (1 + 1, 1 + 1));
}

#[test]
fn the_metadata_choose_between_basic_and_post_where_the_settings_do_not() {
    for (methods, settings, is_basic) in [
        (json!(["client_secret_post"]), &[][..], false),
        (json!(["client_secret_post", "client_secret_basic"]), &[], true),
        (json!(["private_key_jwt"]), &[], true),
        (Value::Null, &[], true),
        (json!(["client_secret_post"]), &[("client_auth", "basic")], true),
        (json!(["client_secret_basic"]), &[("client_auth", "post")], false),
    ] {
        let sandbox = sandbox();
        sandbox.configure("oauth2", json!({"metadata": {"token_endpoint_auth_methods_supported": methods}}));
        token(&at(&sandbox, settings));
        let [request] = &sandbox.requests("oauth2/token")[..] else { panic!("one request") };
        let by_header = request.header("authorization").is_some();
        let by_body = request.body.contains("client_secret=");
        assert_eq!((by_header, by_body), (is_basic, !is_basic), "{methods}");
    }
}

#[test]
fn a_client_with_a_certificate_goes_to_the_endpoints_for_those() {
    let Some(made) = certificates() else { return };
    let codes = r#"{"device_code": "SANDBOX-TOKEN-d", "user_code": "AB", "verification_uri": "https://a.example/", "interval": 1}"#;
    let demanding = TlsServer::answering(made, "good", true, move |request| {
        answer(200, if request.head.starts_with("POST /device") { codes } else { GRANT }).into_bytes()
    });
    let alias = demanding.url("");
    let describing = TlsServer::answering(made, "good", false, move |request| {
        let here = format!("https://{}", request.header("host").unwrap_or_default());
        let endpoints = |at: &str| {
            json!({
                "token_endpoint": format!("{at}/token"),
                "revocation_endpoint": format!("{at}/revoke"),
                "device_authorization_endpoint": format!("{at}/device"),
            })
        };
        let mut document = endpoints(&here);
        document["issuer"] = json!(here);
        document["mtls_endpoint_aliases"] = endpoints(&alias);
        let is_post = request.head.starts_with("POST");
        answer(200, &if is_post { GRANT.to_owned() } else { document.to_string() }).into_bytes()
    });
    let (ca, chain, key) = (made.path("ca.pem"), made.path("client.pem"), made.path("client.key"));
    let mut config = Config::new("oauth2");
    config.set("issuer", &describing.url("")).set("client_id", "id").set("ca_file", &ca);
    let plain = {
        let mut config = config.clone();
        open(config.set("client_secret", "SANDBOX-SECRET-id"))
    };
    token(&plain);
    assert_eq!(demanding.connections(), 0);
    config.set("client_auth", "tls").set("client_cert_file", &chain).set("client_key_file", &key);
    let certified = open(&config);
    token(&certified);
    certified.revoke(&Call::default()).unwrap();
    let device = open(config.set("grant", "device_code"));
    let consent = device.consent(&Call::default()).unwrap();
    consent.wait(&Call::default()).unwrap();
    let requests = demanding.requests();
    let asked: Vec<_> =
        requests.iter().map(|request| request.head.split(" HTTP").next().unwrap_or_default()).collect();
    assert_eq!(asked, ["POST /token", "POST /revoke", "POST /device", "POST /token"]);
    assert!(requests.iter().all(|request| request.body.contains("client_id=id")), "{requests:?}");
}

#[test]
fn what_is_said_over_tls_leads_nowhere_without() {
    let Some(made) = certificates() else { return };
    let describing = TlsServer::answering(made, "good", false, |request| {
        let here = format!("https://{}", request.header("host").unwrap_or_default());
        let document = json!({"issuer": here, "token_endpoint": "http://127.0.0.1:9/token"});
        answer(200, &document.to_string()).into_bytes()
    });
    let ca = made.path("ca.pem");
    let error = failure(&open(&discovering(&describing.url(""), &[("ca_file", &ca)])));
    assert_error(&error, Kind::Protocol, &["token_endpoint that leaves https"]);
}

#[test]
fn what_cannot_be_discovered_is_told_when_the_client_is_made() {
    for (settings, words) in [
        (&[][..], "token_url is missing (or issuer"),
        (&[("issuer", "https://as.example/?tenant=1")][..], "issuer must not have a query"),
        (&[("issuer", "http://as.example")], "issuer must be https"),
        (&[("token_url", "https://as.example/t"), ("metadata_issuer", "x")], "set issuer, too"),
    ] {
        let mut config = Config::new("oauth2");
        config.set("client_id", "id").set("client_secret", "SANDBOX-SECRET-id");
        for (name, value) in settings {
            config.set(name, value);
        }
        assert_error(&Client::new(&config).unwrap_err(), Kind::Config, &[words]);
    }
}

#[test]
fn a_caller_need_not_wait_for_metadata_that_hang() {
    let sandbox = sandbox();
    sandbox.fault(Fault { hang: true, ..always("oauth2/metadata") });
    let client = at(&sandbox, &[]);
    let error = client.token(&support::within(200)).unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout);
    until_asked(&sandbox, "oauth2/metadata", 1);
    drop(self::client(&sandbox, "oauth2").token(&Call::default()).expect("others are not held up"));
}
