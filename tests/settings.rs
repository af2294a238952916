//! Settings: what is refused, in which words; where secrets may come from.
mod support;

use support::{Directory, assert_error, client_by, failure, in_child, open, sandbox, server, token, told};
use tokenkeep::{Client, Config, Error, Kind};

/// The error that these settings meet before anything is sent.
fn refused(provider: &str, settings: &[(&str, &str)]) -> Error {
    let mut config = Config::new(provider);
    for (name, value) in settings {
        config.set(name, value);
    }
    let error = Client::new(&config).expect_err("the settings are bad");
    assert_eq!(error.kind(), Kind::Config, "{error}");
    error
}

const ACQUIRED: [(&str, &str); 2] = [("app_id", "12345678"), ("app_key", "SANDBOX-SECRET-key")];

fn acquired(more: &[(&str, &str)]) -> Error {
    refused("acquired", &[&ACQUIRED[..], more].concat())
}

#[test]
fn an_unknown_setting_is_refused_with_the_nearest_name() {
    assert_error(&acquired(&[("time_out", "3")]), Kind::Config, &["time_out", "did you mean timeout?"]);
    assert_error(
        &acquired(&[("app_kye_file", "/x")]),
        Kind::Config,
        &["app_kye_file", "did you mean app_key_file?"],
    );
    assert_error(&acquired(&[("zzzzzz", "3")]), Kind::Config, &["there is no setting zzzzzz"]);
}

#[test]
fn a_setting_of_another_vendor_is_refused_as_such() {
    assert_error(
        &acquired(&[("location_id", "x")]),
        Kind::Config,
        &["location_id is not a setting of acquired"],
    );
}

#[test]
fn an_unknown_provider_is_refused_with_the_nearest_name() {
    assert_error(&refused("frederik", &[]), Kind::Config, &["did you mean frederick?"]);
}

#[test]
fn a_provider_is_a_path_only_with_a_slash_or_its_ending() {
    assert_error(&refused("no-such", &[]), Kind::Config, &["there is no provider no-such"]);
    assert_error(&refused("./no-such", &[]), Kind::Config, &["provider file", "No such file"]);
    assert_error(&refused("no-such.toml", &[]), Kind::Config, &["provider file", "No such file"]);
}

#[test]
fn a_missing_setting_is_named_with_the_ways_to_give_it() {
    let error = refused("acquired", &[]);
    assert_error(
        &error,
        Kind::Config,
        &["app_id is missing", "app_key is missing", "app_key_env", "app_key_file"],
    );
    let error = refused("frederick", &[]);
    for name in
        ["api_key", "email", "password", "client_id", "client_secret", "user_token_url", "location_token_url"]
    {
        assert_error(&error, Kind::Config, &[&format!("{name} is missing")]);
    }
    assert_error(&refused("acquire", &[]), Kind::Config, &["access_token is missing", "dashboard"]);
}

#[test]
fn a_location_is_missed_where_the_url_names_one_and_not_for_the_user() {
    let mut settings = vec![
        ("api_key", "SANDBOX-SECRET"),
        ("email", "a@b.example"),
        ("password", "SANDBOX-SECRET"),
        ("client_id", "id"),
        ("client_secret", "SANDBOX-SECRET"),
        ("user_token_url", "https://f.example/user"),
    ];
    settings.push(("location_token_url", "https://f.example/{location_id}/token"));
    assert_error(&refused("frederick", &settings), Kind::Config, &["location_id is missing"]);
    settings.push(("acts_as", "user"));
    let mut config = Config::new("frederick");
    for (name, value) in settings {
        config.set(name, value);
    }
    open(&config);
}

#[test]
fn every_fault_is_in_the_one_error() {
    let settings = [
        ("app_key", "SANDBOX-SECRET"),
        ("environment", "produktion"),
        ("time_out", "3"),
        ("timeout", "soon"),
        ("max_attempts", "0"),
        ("base_url", "http://api.example"),
        ("ca_roots", "file"),
        ("client_cert_file", "/cert.pem"),
    ];
    let wanted = [
        "app_id is missing",
        "did you mean production?",
        "did you mean timeout?",
        "timeout is no time",
        "max_attempts is no whole number",
        "base_url must be https",
        "ca_roots = file needs ca_file",
        "client_cert_file and client_key_file belong together",
    ];
    assert_error(&refused("acquired", &settings), Kind::Config, &wanted);
}

#[test]
fn a_fault_is_told_once_and_no_consequence_of_it() {
    let error = acquired(&[("environment", "produktion")]);
    assert!(!error.message().contains("base_url"), "{error}");
    let error = refused("acquired", &[("app_id", "12345678"), ("app_key", "a\nb")]);
    assert!(!error.message().contains("app_key is missing"), "{error}");
}

#[test]
fn contradictions_are_refused() {
    let oauth = [("client_id", "id"), ("token_url", "https://a.example/t")];
    for (settings, words) in [
        (&[("client_auth", "none"), ("client_secret", "SANDBOX-SECRET")][..], "client_auth = none"),
        (&[("client_auth", "basic")], "needs client_secret"),
        (&[("client_auth", "tls")], "client_cert_file"),
        (&[], "client_credentials are for clients with a secret"),
        (&[("client_secret", "SANDBOX-SECRET"), ("access_token", "SANDBOX-TOKEN")], "access_token is given"),
        (
            &[("client_secret", "SANDBOX-SECRET"), ("client_auth", "post"), ("basic_encoding", "raw")],
            "basic_encoding",
        ),
        (&[("client_secret", "SANDBOX-SECRET"), ("token_extra", "scope=x")], "token_extra holds scope"),
        (
            &[("client_secret", "SANDBOX-SECRET"), ("resource", "https://a.example api")],
            "resource = api is no",
        ),
        (&[("client_secret", "SANDBOX-SECRET"), ("resource", "https://a.example/#x")], "without a fragment"),
        (&[("client_secret", "SANDBOX-SECRET"), ("resource", "/v1 urn:x:y")], "resource = /v1 is no"),
        (&[("client_secret", "SANDBOX-SECRET"), ("placement", "query")], "placement = query is not offered"),
        (&[("client_secret", "SANDBOX-SECRET"), ("query_parameter", "t")], "query_parameter is for"),
        (&[("grant", "refresh_token")], "refresh_token is missing"),
        (&[("grant", "pasword")], "grant = pasword is none of"),
    ] {
        let error = refused("oauth2", &[&oauth[..], settings].concat());
        assert_error(&error, Kind::Config, &[words]);
    }
    assert_error(
        &acquired(&[("ca_file", "/x"), ("ca_roots", "platform")]),
        Kind::Config,
        &["ca_file", "drop one"],
    );
}

#[test]
fn a_url_that_would_send_secrets_in_the_clear_is_refused() {
    for url in ["http://api.acquired.com", "http://127.0.0.1.example", "http://10.0.0.1/"] {
        assert_error(&acquired(&[("base_url", url)]), Kind::Config, &["base_url must be https"]);
    }
    assert_error(&acquired(&[("base_url", "api.acquired.com")]), Kind::Config, &["base_url"]);
    assert_error(
        &acquired(&[("base_url", "https://a:b@api.example")]),
        Kind::Config,
        &["user name or password"],
    );
}

#[test]
fn a_redirect_uri_is_absolute_without_fragment_and_not_in_the_clear() {
    for (uri, word) in [
        ("http://app.example/callback", "https"),
        ("https://app.example/callback#x", "fragment"),
        ("/callback", "absolute"),
    ] {
        let error = refused(
            "oauth2",
            &[
                ("grant", "authorization_code"),
                ("client_id", "id"),
                ("authorize_url", "https://a.example/authorize"),
                ("token_url", "https://a.example/token"),
                ("redirect_uri", uri),
            ],
        );
        assert_error(&error, Kind::Config, &["redirect_uri", word]);
    }
}

#[test]
fn no_setting_decides_which_host_gets_the_secrets() {
    let sandbox = support::sandbox();
    for url in [
        "https://api.{location_id}/token",
        "https://{location_id}.example/token",
        "https://a.example{location_id}",
    ] {
        let mut config = support::config(&sandbox, "frederick");
        let error = Client::new(config.set("location_token_url", url)).unwrap_err();
        assert_error(&error, Kind::Config, &["location_token_url", "host"]);
    }
}

#[test]
fn a_given_token_that_would_split_a_header_is_refused() {
    for text in ["SANDBOX-TOKEN\r\nX-Evil: 1", "SANDBOX-TOKEN\n", "SANDBOX TOKEN"] {
        let error = refused("acquire", &[("access_token", text)]);
        assert_error(&error, Kind::Config, &["access_token holds"]);
        assert!(!error.message().contains("SANDBOX"), "{error}");
    }
    let directory = Directory::new();
    let file = directory.write("token", "SANDBOX-TOKEN\r\nX-Evil: 1\n");
    let client = open(Config::new("acquire").set("access_token_file", &file));
    assert_error(&failure(&client), Kind::Config, &["access_token_file", "control characters"]);
}

#[test]
fn a_secret_may_be_given_by_reference_and_nothing_else_may() {
    assert_error(
        &acquired(&[("app_id_env", "HOME")]),
        Kind::Config,
        &["only secrets can be given by reference"],
    );
    let error = refused("acquired", &[("app_id", "1"), ("app_key_env", "TOKENKEEP_TEST_NO_SUCH_VARIABLE")]);
    assert_error(&error, Kind::Config, &["TOKENKEEP_TEST_NO_SUCH_VARIABLE is not set"]);
}

#[test]
fn a_secret_given_in_two_ways_is_refused() {
    let error = acquired(&[("app_key_file", "/x")]);
    assert_error(&error, Kind::Config, &["app_key is given in more than one way"]);
}

#[test]
fn a_secret_from_the_environment_is_read_when_the_client_is_made() {
    let Some(base) = told("TOKENKEEP_TEST_BASE") else {
        let sandbox = sandbox();
        let key = sandbox.settings("acquired")["app_key"].clone();
        let environment = [("TOKENKEEP_TEST_BASE", &*sandbox.base("acquired")), ("TOKENKEEP_TEST_KEY", &key)];
        in_child("a_secret_from_the_environment_is_read_when_the_client_is_made", &environment, None);
        return assert_eq!(sandbox.count("acquired/login"), 1);
    };
    let mut config = Config::new("acquired");
    config.set("base_url", &base).set("app_id", "sbx00001").set("app_key_env", "TOKENKEEP_TEST_KEY");
    token(&open(&config));
}

#[test]
fn a_secret_file_is_read_again_at_each_renewal() {
    let (sandbox, directory) = (sandbox(), Directory::new());
    let key = sandbox.settings("acquired")["app_key"].clone();
    let file = directory.write("key", "SANDBOX-SECRET-not-yet-the-right-one\n");
    let client = client_by(&sandbox, "acquired", "app_key_file", &file);
    assert_error(&failure(&client), Kind::Denied, &["app_key"]);
    directory.write("key", &format!("{key}\r\n"));
    token(&client);
    std::fs::remove_file(&file).unwrap();
    client.rejected(token(&client).generation(), 401, None).unwrap();
    assert_error(&failure(&client), Kind::Config, &["app_key_file", &file]);
    directory.write("key", &key);
    support::until("the file counts again", || client.token(&support::within(500)).is_ok());
}

#[test]
fn a_secret_command_is_run_without_a_shell_at_each_renewal() {
    let (sandbox, directory) = (sandbox(), Directory::new());
    let key = sandbox.settings("acquired")["app_key"].clone();
    let runs = directory.path().join("runs");
    let script = format!("echo run >> {}; echo {key}; echo second line", runs.display());
    let command = serde_json::json!(["sh", "-c", script]).to_string();
    let client = client_by(&sandbox, "acquired", "app_key_command", &command);
    client.rejected(token(&client).generation(), 401, None).unwrap();
    token(&client);
    assert_eq!(std::fs::read_to_string(runs).unwrap(), "run\nrun\n");
}

#[test]
fn a_failing_command_is_named_and_its_output_is_not() {
    let sandbox = sandbox();
    let command = r#"["sh","-c","echo SANDBOX-SECRET; exit 4"]"#;
    let error = failure(&client_by(&sandbox, "acquired", "app_key_command", command));
    assert_error(&error, Kind::Config, &["app_key_command", "exit status: 4"]);
    assert!(!error.message().contains("SANDBOX"), "{error}");
    assert_eq!(sandbox.all_requests().len(), 0);
}

#[test]
fn an_authorization_endpoint_may_have_a_query_but_no_parameter_that_is_sent_anyway() {
    let refused_with = |query: &str| {
        let url = format!("https://as.example/authorize?{query}");
        let settings = [("authorize_url", &*url), ("token_url", "https://as.example/token")];
        let more =
            [("grant", "authorization_code"), ("client_id", "id"), ("authorize_extra", "prompt=login")];
        let mut config = Config::new("oauth2");
        config.set("redirect_uri", "https://app.example/cb");
        for (name, value) in settings.iter().chain(&more) {
            config.set(name, value);
        }
        Client::new(&config).map(drop).map_err(|error| error.to_string())
    };
    for query in ["scope=read", "tenant=1&client_id=x", "st%61te=s", "prompt=none"] {
        let error = refused_with(query).unwrap_err();
        assert!(error.contains("authorize_url holds ") && error.contains("twice"), "{query}: {error}");
    }
    refused_with("tenant=1&p=b2c_sign_in").unwrap();
}

#[test]
fn a_command_gives_its_secret_to_a_host_that_ignores_the_end_of_its_children() {
    const HERE: &str = "TOKENKEEP_TEST_CHILD";
    if told(HERE).is_none() {
        let test = "a_command_gives_its_secret_to_a_host_that_ignores_the_end_of_its_children";
        return drop(in_child(test, &[(HERE, "1")], None));
    }
    // SAFETY: no handler runs; this process has no other test.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    let sandbox = sandbox();
    let command = format!("echo {}", sandbox.settings("acquired")["app_key"]);
    token(&client_by(&sandbox, "acquired", "app_key_command", &command));
}

const OWN: &str = r#"
name = "own"
title = "Our own vendor"
scheme = "login"
default_environment = "live"

[environments.live]
base_url = "BASE"

[[step]]
url = "{base_url}/{tenant}/login"
encoding = "form"
headers = { x-tenant = "{tenant}" }
fields = { user = "{user}", pass = "{pass}" }
denied_hint = "ask the office"

[answer]
access_token = "data.0.token"
token_type_absent = "Bearer"
expires_in = "validFor"
expires_in_unit = "minutes"

[settings.user]
[settings.tenant]
[settings.pass]
secret = true
[settings.flavour]
presentation = true

[headers]
X-Flavour = "{flavour?}"
"#;

#[test]
fn a_vendor_of_ones_own_is_a_file() {
    let server = server::Server::granting(r#"{"data": [{"token": "SANDBOX-TOKEN-own"}], "validFor": 90}"#);
    let directory = Directory::new();
    let file = directory.write("own.toml", &OWN.replace("BASE", &server.url("")));
    let mut config = Config::new(&file);
    config
        .set("user", "ada & co")
        .set("pass", "SANDBOX-SECRET")
        .set("tenant", "a/b c")
        .set("flavour", "plum");
    let own = token(&open(&config));
    assert_eq!(own.value(), "SANDBOX-TOKEN-own");
    assert!(own.headers().any(|pair| pair == ("X-Flavour", "plum")));
    let [request] = &server.requests()[..] else { panic!("one request") };
    assert!(request.head.starts_with("POST /a%2Fb%20c/login HTTP/1.1"), "{}", request.head);
    assert_eq!(request.header("x-tenant"), Some("a/b c"));
    assert_eq!(request.body, "pass=SANDBOX-SECRET&user=ada+%26+co");
    let tokenkeep::Lifetime::Known { expires_at } = own.lifetime() else { panic!("it has an end") };
    let left = expires_at.duration_since(support::now()).unwrap().as_secs();
    assert!((5390..=5400).contains(&left), "{left}");
}

#[test]
fn a_vendor_file_with_a_fault_is_refused_by_its_name() {
    let directory = Directory::new();
    for (text, words) in [
        ("name = 'x'\ntitle = 'X'\nscheme = 'login'\n", "[[step]]"),
        ("name = 'x'\ntitle = 'X'\nscheme = 'logn'\n", "logn"),
        ("name = 'x'\ntitle = 'X'\nscheme = 'oauth2'\n", "grants is empty"),
        (
            "name = 'x'\ntitle = 'X'\nscheme = 'oauth2'\ngrants = ['access_token']\n[settings.scope]\n",
            "scope",
        ),
    ] {
        let file = directory.write("own.toml", text);
        assert_error(&refused(&file, &[]), Kind::Config, &["own.toml", words]);
    }
}

#[test]
fn a_profile_file_named_as_a_provider_is_not_quoted() {
    let directory = Directory::new();
    for text in ["app_key = 'SANDBOX-SECRET-key'\n", "[billing]\napp_key = 'SANDBOX-SECRET-key\n"] {
        let error = refused(&directory.write("tokenkeep.toml", text), &[]);
        assert!(!error.message().contains("SANDBOX-SECRET"), "{error}");
    }
}

#[test]
fn a_vendors_own_settings_are_checked_like_all_others() {
    let directory = Directory::new();
    let file = directory.write("own.toml", &OWN.replace("BASE", "https://own.example"));
    let error = refused(&file, &[("usr", "x"), ("pass", "a\nb")]);
    assert_error(
        &error,
        Kind::Config,
        &["did you mean user?", "pass holds control characters", "tenant is missing"],
    );
}

#[test]
fn a_provider_file_that_others_can_write_is_refused() {
    let directory = Directory::new();
    let file = directory.write("own.toml", &OWN.replace("BASE", "https://own.example"));
    support::chmod(&file, 0o664);
    assert_error(&refused(&file, &[]), Kind::Config, &[&file, "others can write", "chmod go-w"]);
}
