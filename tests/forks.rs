//! After fork() a client works in the child, whatever the parent's threads were doing. One test, alone in its
//! program: a process that forks should have few threads.
mod support;

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use serde_json::json;
use support::browser::{address, is_open, parameter};
use support::server::{self, Server};
use support::stores::{KEY, Stores, consent};
use support::{
    Directory, client, client_with, consented, failure, pause, sandbox, together, token, until, until_asked,
    within,
};
use tokenkeep::{Call, Kind};
use tokenkeep_sandbox::{Fault, fixtures};

/// Does some work in a forked child that has no other threads, and gives what it says.
fn in_fork(work: impl FnOnce() -> String) -> String {
    let (mut reader, mut writer) = std::io::pipe().expect("a pipe");
    // SAFETY: the child only does this work on the one thread it has, and leaves by _exit.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: the descriptor is this process's own copy; SIGALRM ends a child that hangs.
        unsafe {
            libc::close(reader.as_raw_fd());
            libc::alarm(20);
        }
        let said = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| "it panicked".into());
        writer.write_all(said.as_bytes()).ok();
        // SAFETY: leaves at once, without the parent's exit handlers.
        unsafe { libc::_exit(0) };
    }
    assert!(child > 0, "no child");
    drop(writer);
    let mut said = String::new();
    reader.read_to_string(&mut said).expect("what the child says");
    let mut status = 0;
    // SAFETY: the child is ours and `status` is valid for writing.
    unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(status, 0, "the child hung or died: {said}");
    said
}

fn outcome(result: tokenkeep::Result<tokenkeep::Token>) -> String {
    match result {
        Ok(token) => token.value().to_owned(),
        Err(error) => error.kind().name().to_owned(),
    }
}

#[test]
fn a_client_works_in_a_forked_child() {
    a_child_gets_a_token_of_its_own_while_the_parents_renewal_hangs();
    a_child_uses_the_token_that_its_parent_had_and_asks_nobody();
    a_child_renews_by_itself_when_the_token_ends();
    a_child_does_not_spend_the_refresh_token_that_its_parent_holds();
    a_child_does_not_spend_a_given_refresh_token_that_its_parent_may_spend();
    a_child_may_use_a_refresh_token_that_does_not_rotate();
    children_do_not_try_credentials_that_their_parent_was_refused();
    children_know_the_metadata_that_their_parent_read();
    a_child_and_its_parent_take_turns_at_a_stored_refresh_token();
    a_child_forked_while_its_parent_refreshes_gets_what_that_brings();
    a_child_whose_parent_could_not_save_goes_on_when_it_could();
    a_child_does_not_keep_the_port_that_its_parent_waits_at();
    forks_while_threads_use_the_client_all_work();
}

fn a_child_gets_a_token_of_its_own_while_the_parents_renewal_hangs() {
    let sandbox = sandbox();
    sandbox.fault(Fault { hang: true, ..Fault::on("acquired/login") });
    let client = client(&sandbox, "acquired");
    assert_eq!(client.token(&within(50)).unwrap_err().kind(), Kind::Timeout);
    until_asked(&sandbox, "acquired/login", 1);
    let said = in_fork(|| outcome(client.token(&within(5000))));
    assert!(said.contains("SANDBOX-TOKEN"), "{said}");
    assert_eq!(sandbox.count("acquired/login"), 2);
}

fn a_child_uses_the_token_that_its_parent_had_and_asks_nobody() {
    let sandbox = sandbox();
    let client = client(&sandbox, "acquired");
    let had = token(&client);
    for _ in 0..3 {
        let said = in_fork(|| {
            let first = outcome(client.token(&Call::default()));
            pause(100);
            assert_eq!(outcome(client.token(&Call::default())), first);
            first
        });
        assert_eq!(said, had.value());
    }
    assert_eq!(sandbox.count("acquired/login"), 1, "a fresh token needs no renewal");
}

fn a_child_renews_by_itself_when_the_token_ends() {
    let sandbox = sandbox();
    sandbox.set_lifetime("acquired", json!(0.3));
    let client = client(&sandbox, "acquired");
    let had = token(&client);
    let said = in_fork(|| {
        pause(350);
        let renewed = token(&client);
        client.rejected(renewed.generation(), 401, None).expect("worth asking again");
        outcome(client.token(&Call::default()))
    });
    assert!(said.contains("SANDBOX-TOKEN") && said != had.value(), "{said}");
    assert_eq!(sandbox.count("acquired/login"), 3);
    pause(350);
    token(&client);
    assert_eq!(sandbox.count("acquired/login"), 4);
}

fn a_child_does_not_spend_the_refresh_token_that_its_parent_holds() {
    let sandbox = sandbox();
    sandbox.set_lifetime("pink", json!(1));
    let client = consented(&sandbox, &[]);
    let had = token(&client);
    let said = in_fork(|| {
        let first = outcome(client.token(&Call::default()));
        pause(1100);
        let error = failure(&client);
        assert!(
            ["fork", "store = file", "refresh_rotates = no"]
                .iter()
                .all(|word| error.message().contains(word)),
            "{error}"
        );
        format!("{first} {}", error.kind().name())
    });
    assert_eq!(said, format!("{} STORE", had.value()));
    assert_eq!(sandbox.count("pink/token"), 1, "nobody was asked");
    let renewed = token(&client);
    assert_ne!(renewed.value(), had.value(), "the parent refreshes as ever");
}

fn a_child_does_not_spend_a_given_refresh_token_that_its_parent_may_spend() {
    let sandbox = sandbox();
    let seed = support::browser::refresh_token(&sandbox);
    let mut config = tokenkeep::Config::new("pink");
    config.set("client_id", "public-client").set("grant", "refresh_token").set("refresh_token", &seed);
    config.set("token_url", &format!("{}/oauth/token", sandbox.base("pink")));
    let client = support::open(&config);
    let directory = Directory::new();
    let file = directory.write("seed", &seed);
    let said = in_fork(|| {
        let own = support::open(config.clone().set("account", "child"));
        let mut by_file = tokenkeep::Config::new("pink");
        by_file
            .set("client_id", "public-client")
            .set("grant", "refresh_token")
            .set("refresh_token_file", &file);
        by_file.set("token_url", &format!("{}/oauth/token", sandbox.base("pink")));
        let by_file = support::open(&by_file);
        [&client, &own, &by_file].map(|client| outcome(client.token(&Call::default()))).join(" ")
    });
    assert_eq!(said, "STORE STORE STORE", "its parent's client, and two of its own");
    token(&client);
    drop(client);
    let other = support::browser::refresh_token(&sandbox);
    config.set("refresh_token", &other);
    drop(support::open(&config));
    let said = in_fork(|| outcome(support::open(&config).token(&Call::default())));
    assert!(said.contains("SANDBOX-TOKEN"), "the parent has no client of it any more: {said}");
}

fn a_child_may_use_a_refresh_token_that_does_not_rotate() {
    let sandbox = sandbox();
    sandbox.configure("pink", json!({"lifetime": 0.3, "rotate_refresh": false}));
    let client = consented(&sandbox, &[("refresh_rotates", "no")]);
    let said = in_fork(|| {
        pause(350);
        outcome(client.token(&Call::default()))
    });
    assert!(said.contains("SANDBOX-TOKEN"), "{said}");
}

fn children_do_not_try_credentials_that_their_parent_was_refused() {
    let sandbox = sandbox();
    let client = client_with(&sandbox, "acquired", &[("app_key", "SANDBOX-SECRET-wrong-00000001")]);
    assert_eq!(failure(&client).kind(), Kind::Denied);
    for _ in 0..4 {
        let said = in_fork(|| format!("{:?} {:?}", failure(&client).kind(), client.last_error()));
        assert!(said.starts_with("Denied Some"), "{said}");
    }
    assert_eq!(sandbox.count("acquired/login"), 1, "one login for five processes");
}

fn children_know_the_metadata_that_their_parent_read() {
    let sandbox = sandbox();
    sandbox.set_lifetime("oauth2", json!(0.2));
    let issuer = sandbox.base("oauth2");
    let mut config = tokenkeep::Config::new("oauth2");
    config.set("issuer", &issuer).set("client_id", fixtures::OAUTH2_CLIENT_ID);
    let client = support::open(config.set("client_secret", fixtures::OAUTH2_CLIENT_SECRET));
    sandbox.fault(Fault { hang: true, ..Fault::on("oauth2/metadata") });
    assert_eq!(client.token(&within(50)).unwrap_err().kind(), Kind::Timeout);
    until_asked(&sandbox, "oauth2/metadata", 1);
    let said = in_fork(|| outcome(client.token(&within(5000))));
    assert!(said.contains("SANDBOX-TOKEN"), "what hangs in the parent holds nobody up: {said}");
    let other = client.with([("account", "other"), ("user_agent", "other")]).expect("a derived client");
    token(&other);
    let asked = sandbox.count("oauth2/metadata");
    for _ in 0..2 {
        let said = in_fork(|| {
            pause(250);
            outcome(other.token(&Call::default()))
        });
        assert!(said.contains("SANDBOX-TOKEN"), "{said}");
    }
    assert_eq!(sandbox.count("oauth2/metadata"), asked);
}

fn a_child_and_its_parent_take_turns_at_a_stored_refresh_token() {
    let stores = Stores::new();
    stores.sandbox.set_lifetime("pink", json!(0.3));
    let client = stores.client("pink", &[]);
    let had = consent(&client);
    for turn in 2..5 {
        pause(310);
        let said = in_fork(|| outcome(client.token(&within(8000))));
        assert!(said.contains("SANDBOX-TOKEN") && said != had.value(), "{said}");
        assert_eq!(token(&client).value(), said, "what the child had");
        assert_eq!(stores.sandbox.count("pink/token"), turn);
    }
}

fn a_child_forked_while_its_parent_refreshes_gets_what_that_brings() {
    let stores = Stores::new();
    stores.sandbox.set_lifetime("pink", json!(1));
    let client = stores.client("pink", &[]);
    consent(&client);
    pause(1010);
    stores.sandbox.fault(Fault { delay_ms: 300, ..Fault::on("pink/token") });
    client.prefetch().expect("it starts");
    until_asked(&stores.sandbox, "pink/token", 2);
    let said = in_fork(|| outcome(client.token(&within(8000))));
    assert_eq!(said, token(&client).value());
    assert_eq!(stores.sandbox.count("pink/token"), 2);
}

fn a_child_whose_parent_could_not_save_goes_on_when_it_could() {
    let stores = Stores::new();
    stores.sandbox.set_lifetime("pink", json!(0.3));
    let client = stores.client("pink", &[]);
    // In the way of the directory.
    std::fs::write(stores.path(), "").expect("a file");
    consent(&client);
    pause(310);
    let said = std::thread::scope(|scope| {
        let child = scope.spawn(|| {
            in_fork(|| {
                assert_eq!(outcome(client.token(&within(8000))), "STORE");
                std::fs::remove_file(stores.path()).expect("the file");
                // What the parent has next has ended by then.
                pause(1500);
                until("its refresh token is there", || client.token(&within(8000)).is_ok());
                "a token".into()
            })
        });
        until("the store is back", || !stores.path().is_file());
        until("the parent has a token", || client.token(&Call::default()).is_ok());
        child.join().expect("a child")
    });
    assert_eq!(said, "a token");
    let requests = stores.sandbox.requests("pink/token");
    let mut sent: Vec<_> = requests.iter().map(|request| &request.body).collect();
    sent.sort();
    sent.dedup();
    assert_eq!(sent.len(), requests.len(), "nothing was sent twice");
}

/// A server whose tokens name the client that they are for: an answer that goes astray is seen.
fn naming_server() -> Server {
    Server::start(|request| {
        let pair = request.header("authorization").and_then(|line| line.strip_prefix("Basic "));
        let pair =
            pair.and_then(|pair| base64::prelude::BASE64_STANDARD.decode(pair).ok()).expect("credentials");
        let pair = String::from_utf8(pair).expect("text");
        let id = pair.split(':').next().expect("an id");
        pause(2);
        server::json(
            200,
            &format!(r#"{{"access_token": "for-{id}", "token_type": "bearer", "expires_in": 0.2}}"#),
        )
        .into_bytes()
    })
}

fn a_child_does_not_keep_the_port_that_its_parent_waits_at() {
    let sandbox = sandbox();
    let client = client_with(&sandbox, "pink", &[("redirect_uri", "http://127.0.0.1/callback")]);
    let consent = client.consent(&Call::default()).unwrap();
    let place = address(&parameter(consent.url(), "redirect_uri"));
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    // SAFETY: the child uses the library on the one thread it has, waits for the parent and leaves by _exit.
    let child = unsafe { libc::fork() };
    if child == 0 {
        drop(writer);
        let told = consent.wait(&Call::default()).err().map(|error| error.kind());
        // Its descriptor's number may be another's by now: to drop the consent closes nothing.
        let other = std::fs::File::open("/dev/null").expect("a file");
        drop(consent);
        let kept = other.metadata().is_ok();
        reader.read_to_end(&mut Vec::new()).ok();
        // SAFETY: leaves at once, without the parent's exit handlers.
        unsafe { libc::_exit(if told == Some(Kind::Unsupported) && kept { 0 } else { 1 }) };
    }
    drop(reader);
    assert!(is_open(&place), "the parent goes on waiting");
    drop(consent);
    until("the port is closed although the child lives", || !is_open(&place));
    drop(writer);
    let mut status = 0;
    // SAFETY: the child is ours and `status` is valid for writing.
    unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(status, 0, "what the child saw");
}

fn forks_while_threads_use_the_client_all_work() {
    let (server, stores) = (naming_server(), Stores::new());
    let path = stores.path();
    let mut config = tokenkeep::Config::new("oauth2");
    config.set("grant", "client_credentials").set("token_url", &server.url("/token"));
    config.set("client_id", "parent").set("client_secret", "hush");
    let in_memory = support::open(&config);
    config.set("store", "file").set("store_path", path.to_str().expect("text")).set("store_key", KEY);
    let stored = support::open(config.set("client_id", "stored"));
    // What is said by the process whose name this is.
    let use_them = |name: &str| {
        let mut said = Vec::new();
        for (client, name) in [(&in_memory, "parent"), (&stored, "stored")] {
            said.push(outcome(client.token(&within(15_000))) == format!("for-{name}"));
        }
        for (client, place) in [(&in_memory, "memory"), (&stored, "store")] {
            let name = format!("{name}-{place}");
            let own = client.with([("client_id", name.as_str())]).expect("a derived client");
            said.push(outcome(own.token(&within(15_000))) == format!("for-{name}"));
            client.take_events();
        }
        format!("{said:?}")
    };
    let stop = AtomicBool::new(false);
    together(4, |index| {
        if index == 0 {
            let fork = |number: u32| in_fork(|| use_them(&format!("child-{number}")));
            let forks: Vec<_> =
                (0..200).map(|number| catch_unwind(AssertUnwindSafe(|| fork(number)))).collect();
            stop.store(true, Ordering::Relaxed);
            for said in forks {
                assert_eq!(said.expect("the child ends well"), "[true, true, true, true]");
            }
            return;
        }
        while !stop.load(Ordering::Relaxed) {
            assert_eq!(use_them(&format!("thread-{index}")), "[true, true, true, true]");
        }
    });
    // Each connection had one request, of one process, and nothing else.
    for request in server.requests() {
        assert!(request.head.starts_with("POST /token ") && !request.body.contains("POST"), "{request:?}");
    }
}
