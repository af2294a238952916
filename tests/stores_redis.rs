//! Grants in a real Redis: what is stored, who may reach it, and what happens when the Redis fails.
mod support;

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::json;
use support::redis::{RedisServer, free_port};
use support::stores::{Stores, consent, process, process_under, said, say, warnings, work};
use support::tls::certificates;
use support::tool::is_installed;
use support::{
    Directory, always, assert_error, config, failure, pause, reject, timed, token, until, until_asked, within,
};
use tokenkeep::{Call, Client, Kind};
use tokenkeep_sandbox::Fault;

/// What the tests have other processes do.
#[test]
fn a_process_of_its_own() {
    let Some((work, client)) = work() else { return };
    match work.as_str() {
        "token" => {
            let token = token(&client);
            say(token.value());
            say(&token.expires_in().expect("it ends").as_millis().to_string());
        }
        "pipe" => {
            // As in a C program: a test's own process ignores the signal.
            // SAFETY: the default is a valid disposition.
            unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
            say(token(&client).value());
        }
        other => panic!("{other}"),
    }
}

fn value(client: &Client) -> String {
    token(client).value().to_owned()
}

/// Grants in a Redis of the test's own.
struct Shared {
    server: RedisServer,
    stores: Stores,
}

impl Shared {
    fn new() -> Option<Shared> {
        Shared::with(&[])
    }

    fn with(options: &[(&str, &str)]) -> Option<Shared> {
        let server = RedisServer::start(options)?;
        let stores = Stores::redis(&server.url());
        Some(Shared { server, stores })
    }

    fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.server.ask(&["KEYS", "*"]);
        keys.sort();
        keys
    }

    /// The key of the one record there is.
    fn key(&self) -> String {
        let mut keys = self.keys();
        assert_eq!(keys.len(), 1, "{keys:?}");
        keys.remove(0)
    }
}

#[test]
fn a_token_outlives_its_process() {
    let Some(shared) = Shared::new() else { return };
    let first = token(&shared.stores.client("acquired", &[]));
    let second = token(&shared.stores.client("acquired", &[]));
    assert_eq!(first.value(), second.value());
    let off = first.expires_in().unwrap().abs_diff(second.expires_in().unwrap());
    assert!(off < Duration::from_millis(200), "{off:?}");
    assert_eq!(said(process("token", &shared.stores.profile("acquired", &[])))[0], first.value());
    assert_eq!(shared.stores.sandbox.count("acquired/login"), 1);
}

#[test]
fn a_record_goes_with_its_token_but_never_with_a_refresh_token() {
    let Some(shared) = Shared::new() else { return };
    shared.stores.sandbox.set_lifetime("acquired", json!(100));
    token(&shared.stores.client("acquired", &[]));
    let life: i64 = shared.server.ask(&["PTTL", &shared.key()]);
    assert!((90_000..=100_000).contains(&life), "{life} ms");
    shared.server.ask::<()>(&["FLUSHALL"]);
    consent(&shared.stores.client("pink", &[]));
    assert_eq!(shared.server.ask::<i64>(&["PTTL", &shared.key()]), -1);
}

#[test]
fn nothing_readable_is_in_the_redis() {
    let Some(shared) = Shared::new() else { return };
    let (login, grant) =
        (token(&shared.stores.client("acquired", &[])), consent(&shared.stores.client("pink", &[])));
    shared.server.ask::<()>(&["SAVE"]);
    let dump = std::fs::read(shared.server.path("dump.rdb")).expect("a dump");
    assert!(dump.windows(9).any(|part| part == b"tokenkeep"), "the records are in it");
    for token in [login.value(), grant.value(), "SANDBOX-TOKEN", "SANDBOX-SECRET"] {
        assert!(!dump.windows(token.len()).any(|part| part == token.as_bytes()), "{token}");
    }
}

#[test]
fn a_record_copied_to_another_name_is_set_aside() {
    let Some(shared) = Shared::new() else { return };
    let client = |account: &str| shared.stores.client("acquired", &[("account", account)]);
    let alice = value(&client("alice"));
    let hers = shared.key();
    value(&client("bob"));
    let his = shared.keys().into_iter().find(|key| *key != hers).expect("his");
    shared.server.ask::<()>(&["COPY", &hers, &his, "REPLACE"]);
    let bob = client("bob");
    assert_ne!(value(&bob), alice);
    let warnings = warnings(&bob);
    assert!(warnings.len() == 1 && warnings[0].contains(&format!("{his}:aside-1")), "{warnings:?}");
    assert_eq!(value(&client("alice")), alice);
    assert_eq!(shared.stores.sandbox.count("acquired/login"), 3);
}

#[test]
fn an_old_copy_of_a_record_does_not_bring_its_refresh_token_back() {
    let Some(shared) = Shared::new() else { return };
    shared.stores.sandbox.set_lifetime("pink", json!(0.2));
    let client = shared.stores.client("pink", &[]);
    consent(&client);
    let key = shared.key();
    shared.server.ask::<()>(&["COPY", &key, "old"]);
    for _ in 0..2 {
        pause(210);
        token(&client);
        shared.server.ask::<()>(&["COPY", "old", &key, "REPLACE"]);
    }
    pause(210);
    token(&client);
    shared.stores.assert_refreshes(3);
    assert_eq!(warnings(&client), [""; 0]);
}

#[test]
fn eight_processes_that_start_at_once_make_one_request() {
    let Some(shared) = Shared::new() else { return };
    shared.stores.sandbox.fault(Fault { delay_ms: 500, ..always("acquired/login") });
    let profile = shared.stores.profile("acquired", &[]);
    let processes: Vec<Child> = (0..8).map(|_| process("token", &profile)).collect();
    let outcomes: Vec<Vec<String>> = processes.into_iter().map(said).collect();
    assert!(outcomes.iter().all(|said| said[0] == outcomes[0][0]), "one token");
    assert_eq!(shared.stores.sandbox.count("acquired/login"), 1);
}

#[test]
fn waiting_for_another_process_costs_few_commands() {
    let Some(shared) = Shared::new() else { return };
    shared.stores.sandbox.fault(Fault { delay_ms: 500, ..always("acquired/login") });
    let profile = shared.stores.profile("acquired", &[]);
    let first = process("token", &profile);
    until_asked(&shared.stores.sandbox, "acquired/login", 1);
    let before = shared.server.calls("evalsha") + shared.server.calls("get");
    let (found, took) = timed(|| value(&shared.stores.client("acquired", &[])));
    let spent = shared.server.calls("evalsha") + shared.server.calls("get") - before;
    assert_eq!(said(first)[0], found);
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(spent <= 40, "{spent} commands in {took:?}");
}

#[test]
fn a_worker_that_is_killed_while_it_renews_is_waited_for_a_few_seconds_alone() {
    let Some(shared) = Shared::new() else { return };
    shared.stores.sandbox.fault(Fault { hang: true, ..Fault::on("acquired/login") });
    let mut holder = process("token", &shared.stores.profile("acquired", &[]));
    until_asked(&shared.stores.sandbox, "acquired/login", 1);
    holder.kill().expect("it is killed");
    holder.wait().expect("it ended");
    let (_, took) = timed(|| token(&shared.stores.client("acquired", &[])));
    assert!(took < Duration::from_secs(8), "{took:?}");
    assert_eq!(shared.stores.sandbox.count("acquired/login"), 2);
}

#[test]
fn a_worker_that_takes_long_keeps_its_lock() {
    let Some(shared) = Shared::new() else { return };
    shared.stores.sandbox.fault(Fault { delay_ms: 7000, ..always("acquired/login") });
    let holder = process("token", &shared.stores.profile("acquired", &[]));
    until_asked(&shared.stores.sandbox, "acquired/login", 1);
    let found = value(&shared.stores.client("acquired", &[]));
    assert_eq!(said(holder)[0], found);
    assert_eq!(shared.stores.sandbox.count("acquired/login"), 1);
}

#[test]
fn a_redis_that_restarts_during_a_renewal_gets_the_token_all_the_same() {
    let Some(mut shared) = Shared::new() else { return };
    let client = shared.stores.client("pink", &[]);
    let generation = consent(&client).generation();
    shared.stores.sandbox.fault(Fault { delay_ms: 500, ..always("pink/token") });
    client.rejected(generation, 401, None).expect("worth asking again");
    let renewed = std::thread::scope(|scope| {
        let renewed = scope.spawn(|| value(&client));
        until_asked(&shared.stores.sandbox, "pink/token", 2);
        shared.server.kill();
        shared.server.begin();
        renewed.join().expect("a token")
    });
    assert_eq!(warnings(&client), [""; 0]);
    assert_eq!(said(process("token", &shared.stores.profile("pink", &[])))[0], renewed);
    assert_eq!(shared.stores.sandbox.count("pink/token"), 2);
}

#[test]
fn clocks_a_minute_apart_do_not_matter() {
    const LIFE: u64 = 20_000;
    let Some(shared) = Shared::new() else { return };
    if !is_installed("faketime", "clocks that are wrong", "faketime") {
        return;
    }
    shared.stores.sandbox.set_lifetime("acquired", json!(LIFE / 1000));
    let profile = shared.stores.profile("acquired", &[]);
    let at = |offset: &str| {
        let fake = ["env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "faketime", "-f", offset];
        let said = said(process_under(&fake, "token", &profile));
        (said[0].clone(), said[1].parse::<u64>().expect("milliseconds"))
    };
    let began = support::now();
    let (first, _) = at("+60s");
    for offset in ["-60s", "+0s", "+60s"] {
        let (value, left) = at(offset);
        let passed = u64::try_from(began.elapsed().expect("time passes").as_millis()).unwrap();
        assert_eq!(value, first, "{offset}");
        assert!(left <= LIFE && left + passed + 100 >= LIFE, "{offset}: {left} ms after {passed} ms");
    }
    assert_eq!(shared.stores.sandbox.count("acquired/login"), 1);
}

/// What can be wrong with a Redis: how to bring it about, and what is told of it.
type Breakage = (fn(&mut RedisServer), &'static str);

const BREAKAGES: [Breakage; 7] = [
    (|server| server.kill(), "nobody takes connections"),
    (|server| server.ask(&["CLIENT", "PAUSE", "60000"]), "no answer in time"),
    (|server| server.ask(&["CONFIG", "SET", "maxmemory", "1"]), "OOM"),
    (|server| server.ask(&["REPLICAOF", "127.0.0.1", "1"]), "READONLY"),
    (|server| server.ask(&["ACL", "SETUSER", "default", "-evalsha"]), "NOPERM"),
    (|server| server.ask(&["ACL", "SETUSER", "default", ">hush", "resetpass", ">hush"]), "NOAUTH"),
    (|server| server.ask(&["CONFIG", "SET", "requirepass", "hush"]), "NOAUTH"),
];

#[test]
fn tokens_come_whatever_is_wrong_with_the_redis_and_one_warning_says_so() {
    for (breaks, told) in BREAKAGES {
        let Some(mut shared) = Shared::new() else { return };
        shared.stores.sandbox.set_lifetime("acquired", json!(0.2));
        let client = shared.stores.client("acquired", &[]);
        let mut tokens = vec![value(&client)];
        breaks(&mut shared.server);
        for _ in 0..2 {
            pause(210);
            tokens.push(value(&client));
        }
        tokens.dedup();
        assert_eq!(tokens.len(), 3, "{told}");
        let warnings = warnings(&client);
        assert!(warnings.len() == 1 && warnings[0].contains(told), "{told}: {warnings:?}");
        assert!(!warnings[0].contains("hush"), "{warnings:?}");
    }
}

#[test]
fn a_slow_redis_is_used_like_any_other() {
    let Some(mut shared) = Shared::new() else { return };
    shared.stores = Stores::redis(&shared.server.slow_url(Duration::from_millis(200)));
    let login = shared.stores.client("acquired", &[]);
    let had = value(&login);
    let grant = shared.stores.client("pink", &[]);
    consent(&grant);
    reject(&grant);
    let refreshed = value(&grant);
    assert_eq!(shared.keys().len(), 2);
    for client in [login, grant] {
        assert_eq!(warnings(&client), [""; 0]);
    }
    assert_eq!(value(&shared.stores.client("acquired", &[])), had);
    assert_eq!(value(&shared.stores.client("pink", &[])), refreshed);
    let asked = ["acquired/login", "pink/token"].map(|endpoint| shared.stores.sandbox.count(endpoint));
    assert_eq!(asked, [1, 2]);
}

#[test]
fn where_there_never_was_a_redis_tokens_come_and_one_warning_but_no_refresh_token_is_spent() {
    let stores = Stores::redis(&format!("redis://127.0.0.1:{}", free_port()));
    let login = stores.client("acquired", &[]);
    let had = value(&login);
    assert_eq!(value(&login), had);
    let warned = warnings(&login);
    let words = ["nobody takes connections", "memory alone"];
    assert!(warned.len() == 1 && words.iter().all(|word| warned[0].contains(word)), "{warned:?}");
    // Whether a person has said yes is not known.
    let grant = stores.client("pink", &[]);
    assert_error(&failure(&grant), Kind::Store, &[words[0], "the vendor was not asked"]);
    assert_eq!(stores.sandbox.count("pink/token"), 0);
}

#[test]
fn a_redis_that_hangs_up_does_not_end_a_program_that_takes_signals_as_they_come() {
    let directory = Directory::new();
    let socket = directory.path().join("socket");
    let listener = UnixListener::bind(&socket).expect("a socket");
    let url = format!("unix://{}", socket.display());
    let hung_up = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&hung_up);
    // It has no record, and for a while somebody else has the lock. Before that is asked again it hangs up.
    let serve = move |mut stream: UnixStream| {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            let asked = &buffer[..length];
            let asks = |word: &[u8]| asked.windows(word.len()).any(|part| part == word);
            if asks(b"EVALSHA") {
                if count.fetch_add(1, Ordering::Relaxed) < 5 {
                    stream.write_all(b"$6\r\ntheirs\r\n").ok();
                    return;
                }
                stream.write_all(b"$4\r\nours\r\n").ok();
            }
            let answers = [(asks(b"GET"), "$-1\r\n"), (asks(b"TIME"), "*2\r\n$1\r\n1\r\n$1\r\n0\r\n")];
            for (_, answer) in answers.iter().filter(|(asked, _)| *asked) {
                stream.write_all(answer.as_bytes()).ok();
            }
        }
    };
    std::thread::spawn(move || listener.incoming().flatten().for_each(serve));
    let stores = Stores::redis(&url);
    let profile = stores.profile("acquired", &[("background", "off")]);
    assert_eq!(said(process("pipe", &profile)).len(), 1, "it lives, and has a token");
    assert!(hung_up.load(Ordering::Relaxed) > 5, "it was hung up on");
}

#[test]
fn no_refresh_token_is_spent_that_could_not_be_saved() {
    for (breaks, told) in BREAKAGES {
        let Some(mut shared) = Shared::new() else { return };
        shared.stores.sandbox.set_lifetime("pink", json!(0.2));
        let client = shared.stores.client("pink", &[]);
        consent(&client);
        pause(210);
        token(&client);
        let asked = shared.stores.sandbox.count("pink/token");
        breaks(&mut shared.server);
        pause(210);
        let error = failure(&client);
        assert_error(&error, Kind::Store, &[told, "the vendor was not asked"]);
        assert_eq!(shared.stores.sandbox.count("pink/token"), asked, "{told}");
    }
}

#[test]
fn once_the_redis_is_well_again_it_is_used_again() {
    let Some(mut shared) = Shared::with(&[("appendonly", "yes")]) else { return };
    shared.stores.sandbox.set_lifetime("pink", json!(0.2));
    let client = shared.stores.client("pink", &[]);
    consent(&client);
    shared.server.kill();
    pause(210);
    assert_eq!(failure(&client).kind(), Kind::Store);
    shared.server.begin();
    until("the back-off is over", || client.token(&Call::default()).is_ok());
    assert!(warnings(&client).len() <= 2);
}

#[test]
fn what_is_no_record_is_set_aside() {
    let Some(shared) = Shared::new() else { return };
    token(&shared.stores.client("acquired", &[]));
    let key = shared.key();
    for (damage, number) in [(&["SET", &key, "tokenkeep"][..], 1), (&["RPUSH", &key, "a list"], 2)] {
        shared.server.ask::<()>(&["DEL", &key]);
        shared.server.ask::<()>(damage);
        let client = shared.stores.client("acquired", &[]);
        token(&client);
        let warnings = warnings(&client);
        let place = format!("{key}:aside-{number}");
        assert!(warnings.len() == 1 && warnings[0].contains(&place), "{warnings:?}");
    }
    assert_eq!(shared.stores.sandbox.count("acquired/login"), 3);
}

#[test]
fn a_redis_that_may_throw_refresh_tokens_away_is_warned_of_once() {
    let Some(shared) = Shared::with(&[("maxmemory-policy", "allkeys-lru")]) else { return };
    shared.stores.sandbox.set_lifetime("pink", json!(0.2));
    let client = shared.stores.client("pink", &[]);
    consent(&client);
    for _ in 0..3 {
        pause(210);
        token(&client);
    }
    let warnings = warnings(&client);
    assert!(warnings.len() == 1 && warnings[0].contains("noeviction"), "{warnings:?}");
}

#[test]
fn user_password_database_and_socket_are_those_of_the_url() {
    let Some(shared) = Shared::new() else { return };
    let grant = ["ACL", "SETUSER", "keeper", "on", ">p@ss/word", "~tokenkeep:*", "+@all", "-@dangerous"];
    shared.server.ask::<()>(&grant);
    let by_port = format!("redis://keeper:p%40ss%2Fword@127.0.0.1:{}/7", shared.server.port());
    let by_path = format!("{}?db=7&user=keeper&pass=p%40ss%2Fword", shared.server.socket_url());
    let value = |url: &str| value(&shared.stores.client("acquired", &[("store_url", url)]));
    assert_eq!(value(&by_port), value(&by_path));
    assert_eq!(shared.stores.sandbox.count("acquired/login"), 1);
    assert_eq!(shared.server.ask::<u32>(&["DBSIZE"]), 0, "the first database is another");
}

#[test]
fn a_url_by_reference_is_read_again_when_it_is_needed() {
    let Some(shared) = Shared::new() else { return };
    shared.stores.sandbox.set_lifetime("acquired", json!(0.2));
    let at = |password: &str| {
        let url = format!("redis://:{password}@127.0.0.1:{}", shared.server.port());
        shared.stores.directory.write("url", &url)
    };
    shared.server.ask::<()>(&["CONFIG", "SET", "requirepass", "first"]);
    let mut config = config(&shared.stores.sandbox, "acquired");
    config.set("store", "redis").set("store_url_file", &at("first")).set("store_key", support::stores::KEY);
    let client = Client::new(&config).expect("the settings are good");
    token(&client);
    let mut owner = redis::Client::open(std::fs::read_to_string(at("first")).unwrap()).unwrap();
    redis::cmd("CONFIG").arg(&["SET", "requirepass", "second"]).exec(&mut owner).unwrap();
    at("second");
    pause(210);
    token(&client);
    assert_eq!(warnings(&client), [""; 0]);
}

#[test]
fn a_cluster_is_asked_where_the_record_is_whichever_node_is_named() {
    const CLUSTER: (&str, &str) = ("cluster-enabled", "yes");
    let buses = [free_port().to_string(), free_port().to_string()];
    let node = |bus: &str| RedisServer::start(&[CLUSTER, ("cluster-port", bus)]);
    let Some((one, other)) = node(&buses[0]).zip(node(&buses[1])) else { return };
    one.ask::<()>(&["CLUSTER", "ADDSLOTSRANGE", "0", "8191"]);
    other.ask::<()>(&["CLUSTER", "ADDSLOTSRANGE", "8192", "16383"]);
    one.ask::<()>(&["CLUSTER", "MEET", "127.0.0.1", &other.port().to_string(), &buses[1]]);
    for node in [&one, &other] {
        until("the cluster is whole", || {
            let info: String = node.ask(&["CLUSTER", "INFO"]);
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:2")
        });
    }
    let stores = Stores::redis(&one.url());
    // So many that there are some on each node.
    for account in 0..24 {
        let account = account.to_string();
        let value = |node: &RedisServer| {
            let settings = [("account", &*account), ("store_url", &*node.url())];
            let client = stores.client("acquired", &settings);
            let value = value(&client);
            assert_eq!(warnings(&client), [""; 0]);
            value
        };
        assert_eq!(value(&one), value(&other));
    }
    assert_eq!(stores.sandbox.count("acquired/login"), 24);
    let records = |node: &RedisServer| node.ask::<u32>(&["DBSIZE"]);
    assert!(records(&one) > 0 && records(&other) > 0 && records(&one) + records(&other) == 24);
}

/// A Redis that speaks TLS alone, but for the test's own socket.
fn tls_server(clients: &str) -> Option<(RedisServer, &'static support::tls::Certificates, String)> {
    let made = certificates()?;
    let (ca, chain, key) = (made.path("ca.pem"), made.path("good.pem"), made.path("good.key"));
    let options = [
        ("tls-ca-cert-file", &*ca),
        ("tls-cert-file", &*chain),
        ("tls-key-file", &*key),
        ("tls-auth-clients", clients),
    ];
    let server = RedisServer::start_tls(&options)?;
    let url = format!("rediss://127.0.0.1:{}", server.port());
    Some((server, made, url))
}

#[test]
fn tls_trusts_the_authority_of_the_settings_alone() {
    let Some((server, made, url)) = tls_server("no") else { return };
    let stores = Stores::redis(&url);
    let client = |ca: &str, url: &str| {
        let settings = [("store_ca_file", &*made.path(ca)), ("store_url", url)];
        stores.client("acquired", &settings)
    };
    let first = client("ca.pem", &url);
    let found = value(&first);
    assert_eq!(warnings(&first), [""; 0]);
    drop(first);
    let by_name = url.replace("127.0.0.1", "localhost");
    assert_eq!(value(&client("ca.pem", &by_name)), found);
    let by_other_name = url.replace("127.0.0.1", "127.0.0.2");
    for (ca, url, told) in [
        ("stranger.pem", &url, "UnknownIssuer"),
        ("ca.pem", &by_other_name, "127.0.0.2"),
        ("ca.pem", &url.replace("rediss", "redis"), "broke"),
    ] {
        let settings = [("store_ca_file", &*made.path(ca)), ("store_url", url.as_str())];
        let client = match url.starts_with("rediss") {
            true => stores.client("acquired", &settings),
            false => stores.client("acquired", &settings[1..]),
        };
        assert_ne!(value(&client), found);
        let warnings = warnings(&client);
        assert!(warnings.len() == 1 && warnings[0].contains(told), "{told}: {warnings:?}");
    }
    drop(server);
}

#[test]
fn the_platforms_authorities_are_trusted_where_none_is_named() {
    let Some((_server, made, url)) = tls_server("no") else { return };
    let stores = Stores::redis(&url);
    let client = stores.client("acquired", &[]);
    token(&client);
    let told = warnings(&client);
    assert!(told.len() == 1 && told[0].contains("store_ca_file"), "{told:?}");
    let profile = stores.profile("acquired", &[]);
    let ca = format!("SSL_CERT_FILE={}", made.path("ca.pem"));
    let tokens = || said(process_under(&["env", &ca], "token", &profile))[0].clone();
    assert_eq!(tokens(), tokens());
}

#[test]
fn a_certificate_is_shown_where_one_is_demanded() {
    let Some((_server, made, url)) = tls_server("yes") else { return };
    let stores = Stores::redis(&url);
    let (ca, chain, key) = (made.path("ca.pem"), made.path("client.pem"), made.path("client.key"));
    let ours =
        [("store_ca_file", &*ca), ("store_client_cert_file", &*chain), ("store_client_key_file", &*key)];
    let client = stores.client("acquired", &ours);
    token(&client);
    assert_eq!(warnings(&client), [""; 0]);
    drop(client);
    let client = stores.client("acquired", &ours[..1]);
    let found = value(&stores.client("acquired", &[("store_ca_file", &*ca), ("account", "other")]));
    assert_ne!(value(&client), found);
    let told = warnings(&client);
    assert!(told.len() == 1 && told[0].contains("store_client_cert_file"), "{told:?}");
}

#[test]
fn settings_of_a_redis_are_checked_when_the_client_is_made_all_at_once() {
    let stores = Stores::new();
    let fault = |settings: &[(&str, &str)]| {
        let mut config = config(&stores.sandbox, "acquired");
        config.set("store", "redis");
        for (name, value) in settings {
            config.set(name, value);
        }
        let error = Client::new(&config).unwrap_err();
        assert!(!error.message().contains("hush"), "{error}");
        error
    };
    let nothing = fault(&[("store_path", "/tmp")]);
    assert_error(
        &nothing,
        Kind::Config,
        &["needs store_url", "needs store_key", "store_path is for store = file"],
    );
    let key = ("store_key", support::stores::KEY);
    let wrong =
        fault(&[("store_url", "redis://u:hush@host:port"), ("store_ca_file", "/nowhere/ca.pem"), key]);
    assert_error(&wrong, Kind::Config, &["its port is no number", "store_ca_file (/nowhere/ca.pem)"]);
    let plain = fault(&[("store_url", "redis://host"), ("store_client_cert_file", "/nowhere/me.pem"), key]);
    assert_error(&plain, Kind::Config, &["rediss://", "store_client_cert_file needs store_client_key_file"]);
    let url = fault(&[("store", "file"), ("store_url", "redis://:hush@host")]);
    assert_error(&url, Kind::Config, &["store_url is for store = redis"]);
    let passphrase = fault(&[("store_url", "redis://host"), ("store_key", "hush")]);
    assert_error(&passphrase, Kind::Config, &["store_key is no key"]);
}

#[test]
fn a_dead_redis_takes_no_more_of_a_call_than_its_time() {
    let Some(shared) = Shared::new() else { return };
    shared.server.ask::<()>(&["CLIENT", "PAUSE", "60000"]);
    let client = shared.stores.client("acquired", &[]);
    let (outcome, took) = timed(|| client.token(&within(300)));
    assert_eq!(outcome.expect_err("no time").kind(), Kind::Timeout);
    assert!(took < Duration::from_secs(2), "{took:?}");
    let (_, took) = timed(|| token(&client));
    assert!(took < Duration::from_secs(8), "{took:?}");
    assert!(Path::new(&shared.server.path("socket")).exists());
}
