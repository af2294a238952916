//! Proxies: which one is taken, and whose fault it is when it refuses.
mod support;

use support::proxy::Proxy;
use support::server;
use support::tls::{TlsServer, certificates};
use support::{assert_error, config, failure, in_child, open, sandbox, token, told};
use tokenkeep::{Client, Config, Kind};

const GRANT: &str = r#"{"access_token":"SANDBOX-TOKEN-proxied","token_type":"Bearer"}"#;

#[test]
fn a_proxy_that_is_named_is_taken_even_to_loopback() {
    let sandbox = sandbox();
    let target = sandbox.url().trim_start_matches("http://");
    let proxy = Proxy::to(target);
    token(&open(config(&sandbox, "acquired").set("proxy", &proxy.url())));
    let [connect] = &proxy.requests()[..] else { panic!("one CONNECT") };
    assert!(connect.head.starts_with(&format!("CONNECT {target} HTTP/1.1")), "{}", connect.head);
}

#[test]
fn the_proxys_credentials_go_to_the_proxy_alone_and_into_no_error() {
    let sandbox = sandbox();
    let proxy = Proxy::to(sandbox.url().trim_start_matches("http://"));
    let address = format!("http://ada:SANDBOX-SECRET%2Fpw@{}", proxy.address());
    token(&open(config(&sandbox, "acquired").set("proxy", &address)));
    assert_eq!(proxy.requests()[0].header("proxy-authorization"), Some("Basic YWRhOlNBTkRCT1gtU0VDUkVUL3B3"));
    assert_eq!(sandbox.requests("acquired/login")[0].header("proxy-authorization"), None);
    for address in [
        "http://ada:SANDBOX-SECRET@127.0.0.1:1",
        "http://ada:SANDBOX-SECRET%zz@127.0.0.1:1",
        "gopher://ada:SANDBOX-SECRET@127.0.0.1:1",
        "SANDBOX-SECRET",
    ] {
        let mut config = config(&sandbox, "acquired");
        config.set("proxy", address).set("max_attempts", "1").set("account", "odd proxy");
        let error = match tokenkeep::Client::new(&config) {
            Ok(client) => failure(&client),
            Err(error) => error,
        };
        assert!(matches!(error.kind(), Kind::Network | Kind::Config), "{error}");
        assert!(!error.message().contains("SANDBOX-SECRET"), "{error}");
    }
}

#[test]
fn what_is_not_encrypted_goes_through_no_proxy_of_another_machine() {
    let sandbox = sandbox();
    for proxy in ["http://192.0.2.1:3128", "socks5://ada:SANDBOX-SECRET@192.0.2.1:1080", "192.0.2.1:3128"] {
        let settings = [("proxy", proxy), ("account", proxy)];
        let error = failure(&support::client_with(&sandbox, "acquired", &settings));
        assert_error(&error, Kind::Config, &["192.0.2.1", "plain http", "proxy = none"]);
        assert!(!error.message().contains("SANDBOX-SECRET"), "{error}");
    }
}

#[test]
fn a_proxys_refusal_is_never_the_vendors() {
    let sandbox = sandbox();
    for answer in [
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n<html>SANDBOX-SECRET</html>",
        "HTTP/1.1 503 Service Unavailable\r\n\r\n",
    ] {
        let proxy = Proxy::refusing(answer);
        let settings = [("proxy", &*proxy.url()), ("max_attempts", "1"), ("account", proxy.address())];
        let error = failure(&support::client_with(&sandbox, "acquired", &settings));
        assert_error(&error, Kind::Network, &["/v1/login", "proxy", &answer[9..12]]);
        assert!(!error.message().contains("SANDBOX-SECRET"), "{error}");
    }
    assert_eq!(sandbox.all_requests().len(), 0);
}

#[test]
fn a_407_from_the_far_end_is_a_proxys_too() {
    let server = server::Server::saying(&server::json(407, r#"{"error":"invalid_client"}"#));
    let mut config = Config::new("oauth2");
    config
        .set("token_url", &server.url("/token"))
        .set("client_id", "id")
        .set("client_secret", "SANDBOX-SECRET-id");
    assert_error(&failure(&open(&config)), Kind::Network, &["407", "proxy"]);
}

#[test]
fn a_proxy_that_is_not_there_is_told() {
    let sandbox = sandbox();
    let settings = [("proxy", "http://127.0.0.1:1"), ("max_attempts", "1")];
    let error = failure(&support::client_with(&sandbox, "acquired", &settings));
    assert_error(&error, Kind::Network, &["/v1/login"]);
    assert_eq!(sandbox.all_requests().len(), 0, "and it is not gone around");
}

/// A client of an HTTPS vendor whose name leads nowhere but through the proxy, as the parent process tells it.
fn of_vendor(more: &[(&str, &str)]) -> Client {
    let mut config = Config::new("oauth2");
    config.set("token_url", "https://vendor.invalid/token").set("client_id", "id");
    config.set("client_secret", "SANDBOX-SECRET-id").set("max_attempts", "1");
    config.set("ca_file", &told("TOKENKEEP_TEST_CA").expect("told by the parent"));
    for (name, value) in more {
        config.set(name, value);
    }
    open(&config)
}

/// Runs a test in a child with these variables, PROXY standing for a proxy to the vendor's; says how many
/// connections the proxy was asked for.
fn connections(test: &str, environment: &[(&str, &str)]) -> Option<usize> {
    let made = certificates()?;
    let vendor = TlsServer::start(made, "vendor", false, &server::json(200, GRANT));
    let proxy = Proxy::to(vendor.address());
    let (ca, url) = (made.path("ca.pem"), proxy.url());
    let mut variables = vec![("TOKENKEEP_TEST_CA", ca)];
    variables.extend(environment.iter().map(|(name, value)| (*name, value.replace("PROXY", &url))));
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    in_child(test, &variables, None);
    let asked = proxy.requests();
    assert!(asked.iter().all(|connect| connect.head.starts_with("CONNECT vendor.invalid:443 ")));
    Some(asked.len())
}

#[test]
fn the_environments_proxy_for_https_is_taken() {
    if told("TOKENKEEP_TEST_CA").is_some() {
        return assert_eq!(token(&of_vendor(&[])).value(), "SANDBOX-TOKEN-proxied");
    }
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let asked = connections("the_environments_proxy_for_https_is_taken", &[(variable, "PROXY")]);
        assert!(asked.is_none_or(|asked| asked == 1), "{variable}");
    }
}

#[test]
fn the_environment_is_read_when_the_client_is_made() {
    if told("TOKENKEEP_TEST_CA").is_some() {
        let client = of_vendor(&[]);
        // SAFETY: this is the only test that runs in this process, and no renewal has begun.
        unsafe {
            std::env::set_var("HTTPS_PROXY", "http://127.0.0.1:1");
            std::env::set_var("NO_PROXY", "*");
        }
        return assert_eq!(token(&client).value(), "SANDBOX-TOKEN-proxied");
    }
    let asked = connections("the_environment_is_read_when_the_client_is_made", &[("HTTPS_PROXY", "PROXY")]);
    assert!(asked.is_none_or(|asked| asked == 1));
}

#[test]
fn the_environments_proxy_is_not_taken_where_it_does_not_belong() {
    if told("TOKENKEEP_TEST_CA").is_some() {
        let error = failure(&of_vendor(&[]));
        return assert!(matches!(error.kind(), Kind::Network | Kind::Timeout), "{error}");
    }
    for environment in [
        &[("HTTPS_PROXY", "PROXY"), ("NO_PROXY", "vendor.invalid")][..],
        &[("HTTPS_PROXY", "PROXY"), ("no_proxy", "other, .invalid")],
        &[("HTTPS_PROXY", "PROXY"), ("NO_PROXY", "*")],
        &[("HTTP_PROXY", "PROXY")],
        &[("HTTP_PROXY", "PROXY"), ("REQUEST_METHOD", "GET")],
        &[("HTTPS_PROXY", "")],
    ] {
        let asked = connections("the_environments_proxy_is_not_taken_where_it_does_not_belong", environment);
        assert!(asked.is_none_or(|asked| asked == 0), "{environment:?}");
    }
}

#[test]
fn proxy_none_ignores_the_environment() {
    if told("TOKENKEEP_TEST_CA").is_some() {
        let error = failure(&of_vendor(&[("proxy", "none")]));
        return assert!(matches!(error.kind(), Kind::Network | Kind::Timeout), "{error}");
    }
    let asked = connections("proxy_none_ignores_the_environment", &[("HTTPS_PROXY", "PROXY")]);
    assert!(asked.is_none_or(|asked| asked == 0));
}

#[test]
fn loopback_is_reached_directly_whatever_the_environment_says() {
    if told("TOKENKEEP_TEST_CA").is_some() {
        let sandbox = sandbox();
        return drop(token(&support::client(&sandbox, "acquired")));
    }
    let environment = [("HTTPS_PROXY", "PROXY"), ("ALL_PROXY", "PROXY"), ("HTTP_PROXY", "PROXY")];
    let asked = connections("loopback_is_reached_directly_whatever_the_environment_says", &environment);
    assert!(asked.is_none_or(|asked| asked == 0));
}
