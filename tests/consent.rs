//! A person's consent: the authorization code grant with PKCE.
mod support;

use serde_json::json;
use support::browser::{call, parameter, query, replaced, say_yes};
use support::{
    PATIENCE, assert_error, client, client_with, config, consented, failure, outage, pause, sandbox,
    together, token,
};
use tokenkeep::{Call, Client, Consent, Kind, Token};
use tokenkeep_sandbox::{Body, Cut, Fault, Level, Sandbox, fixtures};

fn begin(client: &Client) -> Consent {
    client.consent(&Call::default()).expect("a consent")
}

fn finish(consent: &Consent, url: &str) -> tokenkeep::Result<Token> {
    consent.finish(url, &Call::default())
}

#[test]
fn the_url_asks_for_a_code_with_pkce_and_a_state_of_its_own() {
    let sandbox = sandbox();
    let client = client_with(
        &sandbox,
        "pink",
        &[("login_hint", "ada@x.example"), ("authorize_extra", "prompt=consent")],
    );
    let (one, two) = (begin(&client), begin(&client));
    let url = one.url();
    assert!(url.starts_with(&format!("{}/oauth/authorize?", sandbox.base("pink"))), "{url}");
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", fixtures::PINK_CLIENT_ID),
        ("redirect_uri", fixtures::WEB_REDIRECT_URI),
        ("scope", fixtures::PINK_SCOPE),
        ("code_challenge_method", "S256"),
        ("login_hint", "ada@x.example"),
        ("prompt", "consent"),
    ] {
        assert_eq!(parameter(url, name), value);
    }
    for name in ["state", "code_challenge"] {
        assert_eq!(parameter(url, name).len(), 43);
        assert_ne!(parameter(url, name), parameter(two.url(), name));
    }
    assert!(!url.contains("SANDBOX-SECRET") && !query(url).iter().any(|(name, _)| name == "code_verifier"));
    assert_eq!(sandbox.all_requests().len(), 0, "nobody is asked for the URL");
}

#[test]
fn an_endpoint_with_a_query_of_its_own_keeps_it() {
    let sandbox = sandbox();
    let endpoint = format!("{}/oauth/authorize?tenant=1", sandbox.base("pink"));
    let consent = begin(&client_with(&sandbox, "pink", &[("authorize_url", &endpoint)]));
    assert_eq!(parameter(consent.url(), "tenant"), "1");
    assert_eq!(parameter(consent.url(), "response_type"), "code");
}

#[test]
fn the_code_buys_the_token_with_the_verifier_of_the_challenge() {
    let sandbox = sandbox();
    for (id, auth) in [(fixtures::PINK_CLIENT_ID, "basic"), (fixtures::PINK_CLIENT_ID, "post")] {
        let client = client_with(&sandbox, "pink", &[("client_id", id), ("client_auth", auth)]);
        let consent = begin(&client);
        let bought = finish(&consent, &say_yes(consent.url())).unwrap();
        assert_eq!(call(&sandbox.resource("pink"), &bought).status, 200);
        assert_eq!(token(&client).value(), bought.value());
    }
    let mut public = config(&sandbox, "oauth2");
    public.set("grant", "authorization_code").set("redirect_uri", fixtures::WEB_REDIRECT_URI);
    public.set("authorize_url", &format!("{}/authorize", sandbox.base("oauth2")));
    let mut config = tokenkeep::Config::new("pink");
    let base = sandbox.base("pink");
    config.set("client_id", fixtures::PINK_PUBLIC_CLIENT_ID).set("redirect_uri", fixtures::WEB_REDIRECT_URI);
    config
        .set("authorize_url", &format!("{base}/oauth/authorize"))
        .set("token_url", &format!("{base}/oauth/token"));
    for config in [public, config] {
        let consent = begin(&support::open(&config));
        finish(&consent, &say_yes(consent.url())).unwrap();
    }
}

#[test]
fn a_redirect_that_is_not_this_consents_is_refused_unsent_and_the_consent_stays_open() {
    let sandbox = sandbox();
    let issuer = sandbox.base("pink");
    let client = client_with(&sandbox, "pink", &[("issuer", &issuer)]);
    let consent = begin(&client);
    let good = say_yes(consent.url());
    let other_state = parameter(begin(&client).url(), "state");
    let doubled = |name: &str| format!("{good}&{name}={}", parameter(&good, name));
    for (url, kind, words) in [
        (replaced(&good, "state", Some(&other_state)), Kind::Protocol, "state is not this consent's"),
        (replaced(&good, "state", Some("")), Kind::Protocol, "state"),
        (replaced(&good, "state", None), Kind::Protocol, "no state"),
        (doubled("state"), Kind::Protocol, "state more than once"),
        (doubled("code"), Kind::Protocol, "code more than once"),
        (doubled("iss"), Kind::Protocol, "iss more than once"),
        (format!("{good}&error=a&error=b"), Kind::Protocol, "error more than once"),
        (replaced(&good, "code", None), Kind::Protocol, "neither a code nor an error"),
        (replaced(&good, "code", Some("")), Kind::Protocol, "code is empty"),
        (replaced(&good, "iss", Some("https://evil.example")), Kind::Protocol, "another issuer"),
        (
            good.replace("app.example", "evil.example"),
            Kind::InvalidArgument,
            "did not come back on redirect_uri",
        ),
        (good.replace("/callback", "/other"), Kind::InvalidArgument, "did not come back on redirect_uri"),
        ("nonsense".into(), Kind::InvalidArgument, "redirect_uri"),
        (String::new(), Kind::Protocol, "no state"),
    ] {
        let error = finish(&consent, &url).unwrap_err();
        assert_error(&error, kind, &[words]);
        assert!(!error.message().contains("SANDBOX-TOKEN"), "{error}");
    }
    assert_eq!(sandbox.count("pink/token"), 0, "nothing was sent");
    finish(&consent, &good).expect("and the consent is still good");
}

#[test]
fn a_wrong_issuer_in_the_redirect_is_a_mix_up() {
    let sandbox = sandbox();
    sandbox.configure("pink", json!({"redirect_iss": "https://evil.example"}));
    let issuer = sandbox.base("pink");
    let consent = begin(&client_with(&sandbox, "pink", &[("issuer", &issuer)]));
    let error = finish(&consent, &say_yes(consent.url())).unwrap_err();
    assert_error(&error, Kind::Protocol, &["issuer", "RFC 9207", &issuer]);
    assert_eq!(sandbox.count("pink/token"), 0);
}

/// A client that knows nothing but its server's name.
fn discovering(sandbox: &Sandbox, vendor: &str, settings: &[(&str, &str)]) -> Client {
    let mut config = tokenkeep::Config::new(vendor);
    config.set("issuer", &sandbox.base(vendor)).set("client_id", fixtures::PINK_PUBLIC_CLIENT_ID);
    for (name, value) in settings {
        config.set(name, value);
    }
    support::open(&config)
}

#[test]
fn a_server_that_announces_its_name_must_give_it_in_every_redirect() {
    let sandbox = sandbox();
    let announced = json!({"authorization_response_iss_parameter_supported": true});
    sandbox.configure("pink", json!({"iss_in_redirect": false, "metadata": announced}));
    let client = discovering(&sandbox, "pink", &[("redirect_uri", fixtures::WEB_REDIRECT_URI)]);
    let consent = begin(&client);
    let nameless = say_yes(consent.url());
    let error = finish(&consent, &nameless).unwrap_err();
    assert_error(&error, Kind::Protocol, &["names no issuer", &sandbox.base("pink"), "RFC 9207"]);
    let refused =
        format!("{}?error=access_denied&state={}", fixtures::WEB_REDIRECT_URI, parameter(&nameless, "state"));
    assert_eq!(finish(&consent, &refused).unwrap_err().kind(), Kind::Protocol, "nor is its no believed");
    assert_eq!(sandbox.count("pink/token"), 0);
    let named = format!("{nameless}&iss={}", sandbox.base("pink"));
    finish(&consent, &named).expect("with its name it is the server's");
}

#[test]
fn a_server_that_calls_itself_otherwise_is_held_to_that_name() {
    let sandbox = sandbox();
    let name = "https://login.example/tenant/v2.0";
    sandbox.configure("pink", json!({"metadata": {"issuer": name}, "redirect_iss": name}));
    let settings = [("redirect_uri", fixtures::WEB_REDIRECT_URI), ("metadata_issuer", name)];
    let consent = begin(&discovering(&sandbox, "pink", &settings));
    let good = say_yes(consent.url());
    let error = finish(&consent, &replaced(&good, "iss", Some(&sandbox.base("pink")))).unwrap_err();
    assert_error(&error, Kind::Protocol, &["another issuer", name]);
    finish(&consent, &good).expect("it names itself as metadata_issuer says");
}

#[test]
fn a_consent_waits_for_its_servers_metadata_as_the_call_says() {
    let sandbox = sandbox();
    let redirect = [("redirect_uri", "http://127.0.0.1/callback")];
    sandbox.fault(Fault { hang: true, ..Fault::on("pink/metadata") });
    let slow = discovering(&sandbox, "pink", &redirect);
    let (error, took) = support::timed(|| slow.consent(&support::within(200)).unwrap_err());
    assert_error(&error, Kind::Timeout, &["addresses in time"]);
    assert!(took < PATIENCE / 10, "{took:?}");
    sandbox.clear_faults();
    let client = discovering(&sandbox, "pink", &[redirect[0], ("account", "other")]);
    let consent = begin(&client);
    assert!(consent.url().starts_with(&format!("{}/oauth/authorize?", sandbox.base("pink"))));
    finish(&consent, &say_yes(consent.url())).unwrap();
    let settings = [("grant", "device_code")];
    let device = begin(&discovering(&sandbox, "oauth2", &settings));
    assert_eq!(support::browser::get(device.url(), &[]).status, 200);
    device.wait(&Call::default()).unwrap();
    let without = support::sandbox();
    without.configure("oauth2", json!({"metadata": {"device_authorization_endpoint": null}}));
    let error = discovering(&without, "oauth2", &settings).consent(&Call::default()).unwrap_err();
    assert_error(&error, Kind::Config, &["set device_url"]);
}

#[test]
fn a_no_is_told_with_the_servers_words() {
    let sandbox = sandbox();
    sandbox.configure("pink", json!({"deny_consent": true}));
    let consent = begin(&client(&sandbox, "pink"));
    let error = finish(&consent, &say_yes(consent.url())).unwrap_err();
    assert_error(&error, Kind::ConsentRequired, &["said no", "access_denied", "the user said no"]);
    assert_eq!(error.code(), Some("access_denied"));
    let state = parameter(consent.url(), "state");
    for (code, kind) in [
        ("temporarily_unavailable", Kind::Server),
        ("unauthorized_client", Kind::Denied),
        ("invalid_scope", Kind::Config),
        ("other", Kind::Config),
    ] {
        let url = format!(
            "{}?error={code}%0d%0a&error_description=a%0ab&state={state}",
            fixtures::WEB_REDIRECT_URI
        );
        let error = finish(&consent, &url).unwrap_err();
        assert!(!error.message().contains(['\r', '\n']), "{error}");
        let error = finish(&consent, &url.replace("%0d%0a", "")).unwrap_err();
        assert_error(&error, kind, &[code]);
    }
    assert_eq!(sandbox.count("pink/token"), 0);
    sandbox.configure("pink", json!({"deny_consent": false}));
    finish(&consent, &say_yes(consent.url())).expect("the person may think again");
}

#[test]
fn a_consent_finishes_once() {
    let sandbox = sandbox();
    let client = client(&sandbox, "pink");
    let consent = begin(&client);
    let url = say_yes(consent.url());
    let outcomes = together(8, |_| finish(&consent, &url));
    let (good, bad): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((good.len(), bad.len()), (1, 7));
    for error in bad.into_iter().filter_map(Result::err) {
        assert_error(&error, Kind::InvalidArgument, &["finished", "begin another"]);
    }
    assert_eq!(sandbox.count("pink/token"), 1);
    let cancelled = begin(&client);
    let url = say_yes(cancelled.url());
    cancelled.cancel();
    assert_eq!(finish(&cancelled, &url).unwrap_err().kind(), Kind::InvalidArgument);
    assert_eq!(sandbox.count("pink/token"), 1);
}

#[test]
fn a_consent_is_not_lost_where_no_thread_can_be_started() {
    let sandbox_url = support::told("SANDBOX_BASE");
    let Some(base) = sandbox_url else {
        let sandbox = sandbox();
        let environment = [("SANDBOX_BASE", &*sandbox.base("pink"))];
        support::in_child("a_consent_is_not_lost_where_no_thread_can_be_started", &environment, None);
        assert_eq!(sandbox.count("pink/token"), 1);
        return;
    };
    let mut config = tokenkeep::Config::new("pink");
    config.set("client_id", fixtures::PINK_PUBLIC_CLIENT_ID).set("redirect_uri", fixtures::WEB_REDIRECT_URI);
    config.set("authorize_url", &format!("{base}/oauth/authorize"));
    config.set("token_url", &format!("{base}/oauth/token"));
    let consent = begin(&support::open(&config));
    let url = say_yes(consent.url());
    let error = support::without_threads(|| finish(&consent, &url));
    assert_error(&error.unwrap_err(), Kind::Network, &["no thread could be started"]);
    finish(&consent, &url).expect("and later it is finished");
}

#[test]
fn a_code_that_buys_nothing_ends_the_consent_and_leaves_the_grant_in_use() {
    let sandbox = sandbox();
    let client = consented(&sandbox, &[]);
    let had = token(&client);
    let consent = begin(&client);
    let good = say_yes(consent.url());
    let spoilt = replaced(&good, "code", Some("SANDBOX-TOKEN-spoilt"));
    let error = finish(&consent, &spoilt).unwrap_err();
    assert_error(&error, Kind::ConsentRequired, &["PINK", "invalid_grant", "begin a new consent"]);
    assert!(!error.message().contains("SANDBOX-TOKEN"), "{error}");
    assert_eq!(finish(&consent, &good).unwrap_err().kind(), Kind::InvalidArgument);
    assert_eq!(token(&client).value(), had.value());
}

#[test]
fn a_code_whose_answer_was_lost_is_not_sent_again() {
    for cut in [Cut::BeforeAnswer, Cut::MidBody] {
        let sandbox = sandbox();
        let consent = begin(&client(&sandbox, "pink"));
        sandbox.fault(Fault { cut: Some(cut), ..Fault::on("pink/token") });
        let error = finish(&consent, &say_yes(consent.url())).unwrap_err();
        assert_eq!(error.kind(), Kind::Network);
        assert_eq!(sandbox.count("pink/token"), 1);
    }
}

#[test]
fn no_parameter_of_the_request_is_set_twice() {
    let sandbox = sandbox();
    for extra in [
        "login_hint=eve",
        "state=x",
        "scope=all",
        "redirect_uri=https%3A%2F%2Fevil.example",
        "code_challenge=x",
    ] {
        let mut config = support::config(&sandbox, "pink");
        config.set("login_hint", "ada").set("authorize_extra", extra);
        let error = Client::new(&config).unwrap_err();
        let name = extra.split('=').next().unwrap();
        assert_error(&error, Kind::Config, &[&format!("authorize_extra holds {name}")]);
    }
}

#[test]
fn a_redirect_uri_that_is_not_registered_gets_no_code() {
    let sandbox = sandbox();
    let consent =
        begin(&client_with(&sandbox, "pink", &[("redirect_uri", "https://elsewhere.example/callback")]));
    assert_eq!(support::browser::get(consent.url(), &[]).status, 400);
}

#[test]
fn without_a_persons_yes_a_token_is_refused_unasked() {
    let sandbox = sandbox();
    let client = client(&sandbox, "pink");
    let error = failure(&client);
    assert_error(&error, Kind::ConsentRequired, &["PINK", "a person must say yes", "consent"]);
    assert_eq!(sandbox.all_requests().len(), 0);
    let consent = begin(&client);
    let bought = finish(&consent, &say_yes(consent.url())).unwrap();
    assert_eq!(token(&client).value(), bought.value(), "at once, whatever was said before");
}

#[test]
fn a_consent_is_for_the_code_grant_alone() {
    let sandbox = sandbox();
    for vendor in ["acquired", "frederick", "oauth2", "acquire"] {
        let error = client(&sandbox, vendor).consent(&Call::default()).unwrap_err();
        assert_error(&error, Kind::Unsupported, &[vendor, "authorization_code", "device_code"]);
    }
}

#[test]
fn a_refresh_keeps_up_with_a_rotating_server() {
    let sandbox = sandbox();
    sandbox.set_lifetime("pink", json!(0.2));
    let client = consented(&sandbox, &[]);
    for round in 1..4 {
        pause(220);
        let renewed = token(&client);
        assert_eq!(call(&sandbox.resource("pink"), &renewed).status, 200);
        assert_eq!(sandbox.count("pink/token"), 1 + round);
    }
    let sent = refresh_tokens(&sandbox);
    assert_eq!(sent.len(), 3);
    assert!(sent.windows(2).all(|pair| pair[0] != pair[1]), "each is sent once");
}

#[test]
fn a_refresh_token_that_is_not_rotated_is_used_again() {
    let sandbox = sandbox();
    sandbox.configure("pink", json!({"lifetime": 0.2, "rotate_refresh": false}));
    let client = consented(&sandbox, &[("refresh_rotates", "no")]);
    for _ in 0..2 {
        pause(220);
        token(&client);
    }
    let sent = refresh_tokens(&sandbox);
    assert_eq!((sent.len(), &sent[0]), (2, &sent[1]));
}

fn refresh_tokens(sandbox: &Sandbox) -> Vec<String> {
    let bodies = sandbox.requests("pink/token").into_iter().map(|request| format!("?{}", request.body));
    bodies
        .filter(|body| parameter(body, "grant_type") == "refresh_token")
        .map(|body| parameter(&body, "refresh_token"))
        .collect()
}

#[test]
fn a_server_without_refresh_tokens_needs_a_consent_when_the_token_ends() {
    let sandbox = sandbox();
    sandbox.configure("pink", json!({"issue_refresh_token": false, "lifetime": 0.2}));
    let client = consented(&sandbox, &[]);
    pause(220);
    assert_error(&failure(&client), Kind::ConsentRequired, &["a person must say yes"]);
    assert_eq!(sandbox.count("pink/token"), 1);
}

#[test]
fn a_revoked_grant_asks_for_a_new_consent_and_the_vendor_once() {
    let sandbox = sandbox();
    sandbox.set_lifetime("pink", json!(0.2));
    let client = consented(&sandbox, &[]);
    sandbox.revoke_level("pink", Level::Refresh);
    pause(220);
    for _ in 0..3 {
        assert_error(&failure(&client), Kind::ConsentRequired, &["PINK", "invalid_grant", "new consent"]);
    }
    assert_eq!(sandbox.count("pink/token"), 2);
}

#[test]
fn a_given_refresh_token_needs_no_person_and_is_spent_once() {
    let sandbox = sandbox();
    sandbox.set_lifetime("pink", json!(0.2));
    let seed = support::browser::refresh_token(&sandbox);
    let settings = [("grant", "refresh_token"), ("refresh_token", &*seed)];
    let mut config = tokenkeep::Config::new("pink");
    config.set("client_id", fixtures::PINK_PUBLIC_CLIENT_ID);
    config.set("token_url", &format!("{}/oauth/token", sandbox.base("pink")));
    for (name, value) in settings {
        config.set(name, value);
    }
    let client = support::open(&config);
    for _ in 0..3 {
        assert_eq!(call(&sandbox.resource("pink"), &token(&client)).status, 200);
        pause(220);
    }
    let sent = refresh_tokens(&sandbox);
    assert_eq!((sent.len(), &sent[0]), (3, &seed));
    assert!(sent[1] != seed && sent[2] != sent[1]);
}

#[test]
fn revoke_tells_the_vendor_of_both_tokens_and_forgets_them() {
    let sandbox = sandbox();
    let client = consented(&sandbox, &[]);
    let had = token(&client);
    client.revoke(&Call::default()).unwrap();
    let hints: Vec<_> = sandbox
        .requests("pink/revoke")
        .iter()
        .map(|request| parameter(&format!("?{}", request.body), "token_type_hint"))
        .collect();
    assert_eq!(hints, ["refresh_token", "access_token"], "the refresh token first: it could buy others");
    assert_eq!(call(&sandbox.resource("pink"), &had).status, 401);
    assert!(client.peek().is_none());
    assert_eq!(failure(&client).kind(), Kind::ConsentRequired);
}

#[test]
fn revoke_forgets_even_where_the_vendor_does_not_listen() {
    let sandbox = sandbox();
    sandbox.fault(outage("pink/revoke", 503));
    let client = consented(&sandbox, &[]);
    let error = client.revoke(&Call::default()).unwrap_err();
    assert_error(&error, Kind::Server, &["/oauth/revoke", "503"]);
    assert!(client.peek().is_none());
    sandbox.fault(Fault { hang: true, ..Fault::on("oauth2/revoke") });
    let other = client_with(&sandbox, "oauth2", &[]);
    token(&other);
    let (outcome, took) = support::timed(|| other.revoke(&support::within(200)));
    assert_eq!(outcome.unwrap_err().kind(), Kind::Timeout);
    assert!(took < PATIENCE / 5, "{took:?}");
    assert!(other.peek().is_none());
    let silent = client_with(&sandbox, "acquired", &[]);
    token(&silent);
    silent.revoke(&Call::default()).expect("a vendor without revocation has nothing to say");
    assert!(silent.peek().is_none());
}

#[test]
fn a_passing_fault_keeps_no_token_from_being_revoked() {
    let headers = [("Retry-After".to_owned(), "1".to_owned())].into();
    for fault in [
        Fault { status: Some(503), ..Fault::on("pink/revoke") },
        Fault { status: Some(429), headers, ..Fault::on("pink/revoke") },
        Fault { cut: Some(Cut::BeforeAnswer), ..Fault::on("pink/revoke") },
    ] {
        let sandbox = sandbox();
        let client = consented(&sandbox, &[]);
        let had = token(&client);
        sandbox.fault(fault.clone());
        client.revoke(&Call::default()).unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        assert_eq!(
            sandbox.count("pink/revoke"),
            3,
            "{fault:?}: the refresh token twice, the access token once"
        );
        assert_eq!(call(&sandbox.resource("pink"), &had).status, 401);
    }
}

#[test]
fn a_server_that_revokes_no_access_tokens_has_ended_the_grant_with_the_refresh_token() {
    let sandbox = sandbox();
    let refusal = Fault {
        status: Some(400),
        body: Some(Body::Json(json!({"error": "unsupported_token_type"}))),
        ..Fault::on("pink/revoke")
    };
    let client = consented(&sandbox, &[]);
    token(&client);
    client.take_events();
    sandbox.fault(Fault { skip: 1, ..refusal.clone() });
    client.revoke(&Call::default()).unwrap();
    let events = client.take_events();
    assert!(events.iter().any(|event| event.message.contains("unsupported_token_type")), "{events:?}");
    let client = consented(&sandbox, &[]);
    sandbox.fault(refusal);
    let error = client.revoke(&Call::default()).unwrap_err();
    assert_error(&error, Kind::Unsupported, &["unsupported_token_type", "may still live"]);
}
