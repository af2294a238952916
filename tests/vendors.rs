//! Every vendor's tokens, end to end against the sandbox: had, used, renewed, refused, had again.
mod support;

use base64::Engine;
use serde_json::json;
use support::browser::{self, call, get};
use support::{
    assert_error, client, client_by, client_with, config, consented, failure, open, pause, sandbox, token,
};
use tokenkeep::{Call, Client, Kind, Lifetime, Token};
use tokenkeep_sandbox::{Level, Sandbox, fixtures};

/// What a program does with a 401: tells, and asks again once.
fn renewed(client: &Client, sandbox: &Sandbox, vendor: &str, old: &Token) -> Token {
    let page = call(&sandbox.resource(vendor), old);
    assert_eq!(page.status, 401, "{}", page.body);
    client.rejected(old.generation(), 401, page.header("www-authenticate")).expect("worth asking again");
    let new = token(client);
    assert_ne!(new.value(), old.value());
    assert_eq!(call(&sandbox.resource(vendor), &new).status, 200);
    new
}

#[test]
fn acquire_shows_a_given_token_and_says_where_a_new_one_is_made_when_it_is_refused() {
    let sandbox = sandbox();
    let client = client(&sandbox, "acquire");
    let given = token(&client);
    assert_eq!(given.value(), fixtures::ACQUIRE_ACCESS_TOKEN);
    assert_eq!(given.lifetime(), Lifetime::Unknown);
    assert_eq!(given.headers().collect::<Vec<_>>(), [("Authorization", given.authorization().unwrap())]);
    assert_eq!(call(&sandbox.resource("acquire"), &given).status, 200);
    sandbox.regenerate("acquire");
    assert_eq!(call(&sandbox.resource("acquire"), &given).status, 401);
    let told = client.rejected(given.generation(), 401, None).unwrap_err();
    assert_error(&told, Kind::Rejected, &["access_token", "cannot be renewed", "Settings > API Token"]);
    assert_error(&failure(&client), Kind::Rejected, &["Settings > API Token"]);
    assert_eq!(sandbox.all_requests().len(), 2, "nothing but the two resource calls was ever sent");
}

#[test]
fn acquire_takes_up_a_regenerated_token_from_its_file() {
    let sandbox = sandbox();
    let directory = support::Directory::new();
    let file = directory.write("token", &format!("{}\n", fixtures::ACQUIRE_ACCESS_TOKEN));
    let client = client_by(&sandbox, "acquire", "access_token_file", &file);
    let old = token(&client);
    assert_eq!(old.value(), fixtures::ACQUIRE_ACCESS_TOKEN);
    directory.write("token", &sandbox.regenerate("acquire"));
    renewed(&client, &sandbox, "acquire", &old);
}

#[test]
fn acquired_logs_in_once_for_an_hour_and_again_after_a_401() {
    let sandbox = sandbox();
    let client = client_with(
        &sandbox,
        "acquired",
        &[("company_id", fixtures::ACQUIRED_COMPANY_ID), ("mid", fixtures::ACQUIRED_MID)],
    );
    let first = token(&client);
    assert!(matches!(first.lifetime(), Lifetime::Known { .. }));
    let page = call(&sandbox.resource("acquired"), &first);
    assert_eq!(page.status, 200);
    assert_eq!(page.header("company-id"), Some(fixtures::ACQUIRED_COMPANY_ID));
    assert_eq!(page.header("mid"), Some(fixtures::ACQUIRED_MID));
    assert_eq!(token(&client).value(), first.value());
    assert_eq!(sandbox.count("acquired/login"), 1);
    sandbox.revoke_all("acquired");
    renewed(&client, &sandbox, "acquired", &first);
    assert_eq!(sandbox.count("acquired/login"), 2);
}

#[test]
fn acquired_is_asked_with_the_two_documented_fields_and_nothing_else() {
    let sandbox = sandbox();
    token(&client_with(&sandbox, "acquired", &[("mid", fixtures::ACQUIRED_MID)]));
    let [login] = &sandbox.requests("acquired/login")[..] else { panic!("one login") };
    let body: serde_json::Value = serde_json::from_str(&login.body).unwrap();
    let fields = json!({"app_id": fixtures::ACQUIRED_APP_ID, "app_key": fixtures::ACQUIRED_APP_KEY});
    assert_eq!(body, fields);
    assert_eq!(login.header("content-type"), Some("application/json"));
    assert_eq!((login.header("authorization"), login.header("mid")), (None, None));
}

#[test]
fn a_short_lived_token_is_renewed_when_it_is_over() {
    let sandbox = sandbox();
    sandbox.set_lifetime("acquired", json!(0.3));
    let client = client(&sandbox, "acquired");
    let first = token(&client);
    pause(350);
    assert_eq!(call(&sandbox.resource("acquired"), &first).status, 401);
    let next = token(&client);
    assert_eq!(call(&sandbox.resource("acquired"), &next).status, 200);
    assert_eq!(sandbox.count("acquired/login"), 2);
}

#[test]
fn a_wrong_key_is_denied_with_the_vendors_own_words() {
    let sandbox = sandbox();
    let wrong = client_with(&sandbox, "acquired", &[("app_key", "SANDBOX-SECRET-wrong-00000001")]);
    let error = failure(&wrong);
    assert_error(&error, Kind::Denied, &["Acquired.com", "/v1/login", "401", "unauthorized"]);
    assert_error(&error, Kind::Denied, &["Authentication with the API failed", "app_key", "allowlist"]);
    assert_eq!((error.http_status(), error.code()), (Some(401), Some("unauthorized")));
    assert!(!error.is_retryable());
}

#[test]
fn a_machine_off_the_allowlist_is_told_so() {
    let sandbox = sandbox();
    sandbox.configure("acquired", json!({"allowlisted": false}));
    assert_error(&failure(&client(&sandbox, "acquired")), Kind::Denied, &["403", "forbidden", "allowlist"]);
}

#[test]
fn frederick_buys_a_location_token_with_a_user_token_and_shows_the_api_key() {
    let sandbox = sandbox();
    let client = client(&sandbox, "frederick");
    let first = token(&client);
    assert_eq!(first.lifetime(), Lifetime::Never);
    let names: Vec<_> = first.headers().map(|(name, _)| name.to_ascii_lowercase()).collect();
    assert_eq!(names, ["authorization", "x-api-key"]);
    assert_eq!(call(&sandbox.resource("frederick"), &first).status, 200);
    let [bought] = &sandbox.requests("frederick/location_token")[..] else { panic!("one purchase") };
    assert!(bought.path.contains(fixtures::FREDERICK_LOCATION_ID));
    assert!(!bought.body.contains(fixtures::FREDERICK_PASSWORD), "the password is for the first step alone");
    sandbox.revoke_level("frederick", Level::Location);
    renewed(&client, &sandbox, "frederick", &first);
    assert_eq!((sandbox.count("frederick/user_token"), sandbox.count("frederick/location_token")), (1, 2));
}

#[test]
fn frederick_goes_back_to_the_password_when_the_user_token_is_refused_too() {
    let sandbox = sandbox();
    let client = client(&sandbox, "frederick");
    let first = token(&client);
    sandbox.revoke_all("frederick");
    renewed(&client, &sandbox, "frederick", &first);
    // One location request met the dead user token, one the new one.
    assert_eq!((sandbox.count("frederick/user_token"), sandbox.count("frederick/location_token")), (2, 3));
}

#[test]
fn frederick_puts_the_token_into_the_query_where_that_is_wanted() {
    let sandbox = sandbox();
    let placed = token(&client_with(&sandbox, "frederick", &[("placement", "query")]));
    assert_eq!(placed.authorization(), None);
    assert!(placed.query().unwrap().starts_with("access_token="));
    assert_eq!(call(&sandbox.resource("frederick"), &placed).status, 200);
    sandbox.configure("frederick", json!({"query_parameter": "token"}));
    let settings = [("placement", "query"), ("query_parameter", "token")];
    let renamed = token(&client_with(&sandbox, "frederick", &settings));
    assert_eq!(call(&sandbox.resource("frederick"), &renamed).status, 200);
}

#[test]
fn frederick_acts_as_the_user_with_one_request() {
    let sandbox = sandbox();
    let user = token(&client_with(&sandbox, "frederick", &[("acts_as", "user")]));
    let me = format!("{}/v1/users/me", sandbox.base("frederick"));
    assert_eq!(call(&me, &user).status, 200);
    assert_eq!(sandbox.count("frederick/location_token"), 0);
}

#[test]
fn frederick_is_denied_with_the_settings_to_check() {
    let sandbox = sandbox();
    for (name, value) in
        [("api_key", "SANDBOX-SECRET-x"), ("password", "SANDBOX-SECRET-y"), ("email", "a@b.c")]
    {
        let error = failure(&client_with(&sandbox, "frederick", &[(name, value)]));
        assert_error(&error, Kind::Denied, &["Frederick", "user_access_token", name]);
    }
    assert_eq!(sandbox.count("frederick/location_token"), 0);
}

#[test]
fn pink_is_had_by_consent_refreshed_and_needs_a_new_consent_when_it_is_revoked() {
    let sandbox = sandbox();
    sandbox.set_lifetime("pink", json!(0.3));
    let client = consented(&sandbox, &[]);
    let first = token(&client);
    assert_eq!(first.scope(), Some(fixtures::PINK_SCOPE));
    assert_eq!(call(&sandbox.resource("pink"), &first).status, 200);
    pause(350);
    let second = token(&client);
    assert_ne!(second.value(), first.value());
    assert_eq!(call(&sandbox.resource("pink"), &second).status, 200);
    sandbox.revoke_level("pink", Level::Access);
    sandbox.revoke_level("pink", Level::Refresh);
    let page = call(&sandbox.resource("pink"), &second);
    client.rejected(second.generation(), 401, page.header("www-authenticate")).unwrap();
    let error = failure(&client);
    assert_error(&error, Kind::ConsentRequired, &["PINK", "invalid_grant", "new consent"]);
    let consent = client.consent(&Call::default()).unwrap();
    let third = consent.finish(&browser::say_yes(consent.url()), &Call::default()).unwrap();
    assert_eq!(call(&sandbox.resource("pink"), &third).status, 200);
    assert_eq!(token(&client).value(), third.value());
}

#[test]
fn pink_shows_a_personal_access_token_until_it_is_refused() {
    let sandbox = sandbox();
    let personal = sandbox.issue_personal_access_token("");
    let mut config = tokenkeep::Config::new("pink");
    config.set("grant", "access_token").set("access_token", &personal);
    let client = open(&config);
    let given = token(&client);
    assert_eq!(call(&sandbox.resource("pink"), &given).status, 200);
    sandbox.revoke("pink", &personal);
    let page = call(&sandbox.resource("pink"), &given);
    let told = client.rejected(given.generation(), page.status, page.header("www-authenticate")).unwrap_err();
    assert_error(&told, Kind::Rejected, &["support", "personal access token"]);
}

#[test]
fn client_credentials_are_had_used_renewed_and_had_again() {
    let sandbox = sandbox();
    sandbox.set_lifetime("oauth2", json!(0.4));
    let client = client(&sandbox, "oauth2");
    let first = token(&client);
    assert_eq!(call(&sandbox.resource("oauth2"), &first).status, 200);
    pause(450);
    let second = token(&client);
    assert_ne!(second.value(), first.value());
    sandbox.revoke_all("oauth2");
    renewed(&client, &sandbox, "oauth2", &second);
    assert_eq!(sandbox.count("oauth2/token"), 3);
}

#[test]
fn a_client_id_of_odd_characters_is_sent_as_the_server_wants_it() {
    let sandbox = sandbox();
    let awkward = [
        ("client_id", fixtures::OAUTH2_AWKWARD_CLIENT_ID),
        ("client_secret", fixtures::OAUTH2_AWKWARD_CLIENT_SECRET),
    ];
    token(&client_with(&sandbox, "oauth2", &awkward));
    token(&client_with(&sandbox, "oauth2", &[&awkward[..], &[("client_auth", "post")]].concat()));
    sandbox.configure("oauth2", json!({"basic_encoding": "raw"}));
    let unencoded = [("client_secret", "SANDBOX-SECRET: + % / awkward"), ("basic_encoding", "raw")];
    let error = failure(&client_with(&sandbox, "oauth2", &unencoded));
    assert_error(&error, Kind::Denied, &["secret is wrong"]);
    let [.., request] = &sandbox.requests("oauth2/token")[..] else { panic!("requests") };
    let line = request.header("authorization").unwrap();
    let sent = base64::prelude::BASE64_STANDARD.decode(line.strip_prefix("Basic ").unwrap()).unwrap();
    assert_eq!(sent, b"sandbox-oauth2-client:SANDBOX-SECRET: + % / awkward");
}

#[test]
fn audience_and_resources_reach_the_token() {
    let sandbox = sandbox();
    let resources = "https://one.example/ https://two.example/";
    let settings = [("audience", "the-api"), ("resource", resources), ("token_extra", "x=1%262&y=z")];
    let narrowed = token(&client_with(&sandbox, "oauth2", &settings));
    let shown = call(&sandbox.resource("oauth2"), &narrowed).json();
    assert_eq!(shown["audience"], json!(["the-api"]));
    assert_eq!(shown["resource"], json!(["https://one.example/", "https://two.example/"]));
    let [request] = &sandbox.requests("oauth2/token")[..] else { panic!("one request") };
    assert!(request.body.contains("x=1%262&y=z"), "{}", request.body);
}

#[test]
fn a_scope_that_does_not_reach_is_told_and_the_token_kept() {
    let sandbox = sandbox();
    let client = client(&sandbox, "oauth2");
    let small = token(&client);
    let admin = format!("{}/v1/admin", sandbox.base("oauth2"));
    let page = get(&admin, &small.headers().collect::<Vec<_>>());
    let challenge = page.header("www-authenticate");
    let told = client.rejected(small.generation(), page.status, challenge).unwrap_err();
    assert_error(&told, Kind::Rejected, &["scope", "admin"]);
    assert_eq!(token(&client).value(), small.value());
    let large = token(&client_with(&sandbox, "oauth2", &[("scope", "read admin")]));
    assert_eq!(call(&admin, &large).status, 200);
}

#[test]
fn an_environment_has_its_own_address() {
    for (environment, host) in [("production", "api.acquired.com"), ("qa", "test-api.acquired.com")] {
        let mut config = tokenkeep::Config::new("acquired");
        config.set("environment", environment).set("app_id", "12345678").set("app_key", "SANDBOX-SECRET");
        let client = open(&config);
        assert!(client.may_send_to(&format!("https://{host}/v1/customers")));
        assert!(!client.may_send_to(&format!("http://{host}/v1/customers")), "never unencrypted");
        assert!(!client.may_send_to("https://api.acquired.com.example/"));
    }
    let sandbox = sandbox();
    let local = open(&config(&sandbox, "acquired"));
    assert!(local.may_send_to(&sandbox.resource("acquired")), "loopback may be plain");
}
