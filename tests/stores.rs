//! What is stored of a grant, when it is used, and what happens where it cannot be.
mod support;

#[cfg(target_os = "linux")]
use std::path::Path;

use serde_json::json;
use support::stores::{KEY, Stores, consent, process, process_under, said, say, warnings, work};
#[cfg(target_os = "linux")]
use support::tool::is_installed;
use support::{
    always, assert_error, browser, chmod, config, failure, lasting, open, outage, pause, token, until,
};
use tokenkeep::{Call, Client, Config, Kind};
use tokenkeep_sandbox::Fault;

const OTHER_KEY: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn value(client: &Client) -> String {
    token(client).value().to_owned()
}

/// What the tests have other processes do.
#[test]
fn a_process_of_its_own() {
    let Some((work, client)) = work() else { return };
    match work.as_str() {
        "consent" => drop(consent(&client)),
        "token" => say(&value(&client)),
        "reject" => {
            client.rejected(token(&client).generation(), 401, None).expect("worth asking again");
            say(&value(&client));
        }
        "revoke" => client.revoke(&Call::default()).expect("it is revoked"),
        "full" => {
            // No file can grow any more: a full disk, to this process.
            let limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            // SAFETY: the limit is a valid one, and of this process alone.
            assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &limit) }, 0);
            let outcome = client.token(&Call::default());
            say(&outcome.map_or_else(|error| error.to_string(), |_| "a token".to_owned()));
            warnings(&client).iter().for_each(|warning| say(warning));
        }
        "exit" => {
            // The token has ended: this starts a refresh, and nobody waits for it.
            client.prefetch().expect("it starts");
            pause(30);
            std::process::exit(0);
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_token_outlives_its_process() {
    let stores = Stores::new();
    let first = token(&stores.client("acquired", &[]));
    let second = token(&stores.client("acquired", &[]));
    assert_eq!(first.value(), second.value());
    let off = first.expires_in().unwrap().abs_diff(second.expires_in().unwrap());
    assert!(off.as_millis() < 50, "{off:?}");
    assert_eq!(said(process("token", &stores.profile("acquired", &[]))), [first.value()]);
    assert_eq!(stores.sandbox.count("acquired/login"), 1);
}

#[test]
#[cfg(not(target_os = "macos"))]
fn without_settings_records_and_their_key_lie_in_the_users_own_directories() {
    use std::os::unix::fs::PermissionsExt;
    let stores = Stores::new();
    let mut settings = stores.sandbox.settings("acquired");
    settings.extend([("provider", "acquired".into()), ("store", "file".into())]);
    settings.insert("base_url", stores.sandbox.base("acquired"));
    let lines: String = settings.iter().map(|(name, value)| format!("{name} = {value:?}\n")).collect();
    let profile = stores.directory.write("default.toml", &format!("[test]\n{lines}"));
    let root = stores.directory.path().to_str().unwrap().to_owned();
    let state = format!("XDG_STATE_HOME={root}/state");
    let (config, home) = (format!("XDG_CONFIG_HOME={root}/config"), format!("HOME={root}/home"));
    let relative = ["env", "XDG_STATE_HOME=here", "XDG_CONFIG_HOME=here", &home];
    for (environment, records, key) in [
        (&["env", &state, &config, "HOME=/nowhere"][..], "state/tokenkeep", "config/tokenkeep/store.key"),
        (&relative, "home/.local/state/tokenkeep", "home/.config/tokenkeep/store.key"),
    ] {
        let first = said(process_under(environment, "token", &profile));
        let files: Vec<_> = std::fs::read_dir(format!("{root}/{records}"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert!(files.iter().any(|file| file.extension().is_none()), "{files:?}");
        let key = format!("{root}/{key}").into();
        for file in files.iter().chain([&key]) {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
        }
        assert_eq!(said(process_under(environment, "token", &profile)), first);
    }
    assert_eq!(stores.sandbox.count("acquired/login"), 2);
    let nowhere = ["env", "-u", "HOME", "-u", "XDG_STATE_HOME", "-u", "XDG_CONFIG_HOME"];
    let output = process_under(&nowhere, "token", &profile).wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("store = file: set store_path"), "{text}");
}

#[test]
fn a_token_that_ended_is_had_anew_and_replaced() {
    let stores = Stores::new();
    stores.sandbox.set_lifetime("acquired", json!(0.3));
    let first = value(&stores.client("acquired", &[]));
    pause(350);
    stores.sandbox.set_lifetime("acquired", json!(3600));
    let second = value(&stores.client("acquired", &[]));
    assert_ne!(first, second);
    assert_eq!(value(&stores.client("acquired", &[])), second);
    assert_eq!(stores.sandbox.count("acquired/login"), 2);
}

#[test]
fn a_token_that_lives_too_short_for_a_call_is_not_taken_from_the_store() {
    let stores = Stores::new();
    stores.sandbox.set_lifetime("acquired", json!(10));
    let first = value(&stores.client("acquired", &[]));
    pause(100);
    let client = stores.client("acquired", &[]);
    assert_ne!(client.token(&lasting(9950)).unwrap().value(), first);
}

#[test]
fn a_consent_is_asked_for_once_and_its_refresh_tokens_follow_each_other() {
    let stores = Stores::new();
    stores.sandbox.set_lifetime("pink", json!(0.2));
    consent(&stores.client("pink", &[]));
    for _ in 0..4 {
        pause(210);
        token(&stores.client("pink", &[]));
    }
    assert_eq!(stores.sandbox.count("pink/token"), 5);
}

#[test]
fn a_consent_given_in_one_process_is_seen_by_another_that_waits_for_it() {
    let stores = Stores::new();
    let waiting = stores.client("pink", &[]);
    assert_error(&failure(&waiting), Kind::ConsentRequired, &["a person must say yes"]);
    said(process("consent", &stores.profile("pink", &[])));
    until("the consent is found", || waiting.token(&Call::default()).is_ok());
    assert_eq!(stores.sandbox.count("pink/token"), 1);
}

#[test]
fn a_refused_token_is_not_brought_back_by_the_store() {
    let stores = Stores::new();
    let client = stores.client("acquired", &[]);
    let first = token(&client);
    client.rejected(first.generation(), 401, None).unwrap();
    let second = token(&client);
    assert_ne!(first.value(), second.value());
    // Another process learns of it from the record, also where the vendor gives that token again.
    drop(client);
    let other = stores.client("acquired", &[]);
    assert_eq!(value(&other), second.value());
    assert_eq!(stores.sandbox.count("acquired/login"), 2);
    other.rejected(token(&other).generation(), 401, None).unwrap();
    stores.sandbox.configure("acquired", json!({"same_token": true}));
    assert_error(&failure(&other), Kind::Rejected, &["gave the very token again"]);
    drop(other);
    assert_error(&failure(&stores.client("acquired", &[])), Kind::Rejected, &["gave the very token again"]);
}

#[test]
fn who_was_refused_a_token_takes_the_one_that_another_process_had_since() {
    let stores = Stores::new();
    let client = stores.client("acquired", &[]);
    let refused = token(&client);
    let [newer] = &said(process("reject", &stores.profile("acquired", &[])))[..] else { panic!() };
    client.rejected(refused.generation(), 401, None).unwrap();
    assert_eq!(&value(&client), newer);
    assert_eq!(stores.sandbox.count("acquired/login"), 2);
}

#[test]
fn a_revoked_grant_is_gone_from_the_store_and_its_tokens_are_told_to_the_vendor() {
    let stores = Stores::new();
    let had = consent(&stores.client("pink", &[]));
    said(process("revoke", &stores.profile("pink", &[])));
    assert!(stores.records().is_empty());
    assert_eq!(stores.sandbox.count("pink/revoke"), 2, "a refresh token and an access token");
    assert_eq!(browser::call(&stores.sandbox.resource("pink"), &had).status, 401);
    assert_error(&failure(&stores.client("pink", &[])), Kind::ConsentRequired, &[]);
}

#[test]
fn a_revoked_grant_is_gone_from_the_store_although_the_vendor_does_not_listen() {
    let stores = Stores::new();
    let client = stores.client("pink", &[]);
    consent(&client);
    stores.sandbox.fault(outage("pink/revoke", 503));
    assert_error(&client.revoke(&Call::default()).unwrap_err(), Kind::Server, &["503"]);
    assert!(stores.records().is_empty());
    assert_error(&failure(&client), Kind::ConsentRequired, &[]);
}

#[test]
fn nothing_in_the_folder_can_be_read() {
    let stores = Stores::new();
    let tokens =
        [value(&stores.client("acquired", &[])), consent(&stores.client("pink", &[])).value().to_owned()];
    assert_eq!(stores.records().len(), 2);
    for name in stores.names() {
        let bytes = std::fs::read(stores.path().join(&name)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let secrets = ["SANDBOX", "Bearer", "acquired", "pink", "127.0.0.1"];
        for secret in secrets.into_iter().chain(tokens.iter().map(String::as_str)) {
            assert!(!text.contains(secret) && !name.contains(secret), "{secret} in {name}");
        }
    }
}

#[test]
fn a_record_opens_nowhere_but_in_its_place() {
    let stores = Stores::new();
    let client = stores.client("acquired", &[]);
    let first = value(&client);
    let record = stores.record();
    let sealed = std::fs::read(&record).unwrap();
    drop(client);

    // In the place of another user's, and of another credential's.
    for (vendor, settings) in [("acquired", [("account", "other")]), ("frederick", [("account", "other")])] {
        let stranger = stores.client(vendor, &settings);
        token(&stranger);
        drop(stranger);
        let theirs = stores.records().into_iter().find(|path| *path != record).expect("a record");
        std::fs::write(&theirs, &sealed).unwrap();
        let stranger = stores.client(vendor, &settings);
        assert_ne!(value(&stranger), first);
        assert!(warnings(&stranger).concat().contains("could not be used"), "{vendor}");
        std::fs::remove_file(theirs).unwrap();
    }

    // Another user's or machine's key, and another secret of the vendor's.
    let key = stores.client("acquired", &[("store_key", OTHER_KEY)]);
    assert_ne!(value(&key), first);
    assert!(warnings(&key).concat().contains("another store_key"));
    drop(key);
    let sealed = stores.client("frederick", &[]);
    token(&sealed);
    drop(sealed);
    let secret = stores.client("frederick", &[("client_secret", "another")]);
    assert_error(&failure(&secret), Kind::Denied, &[]);
    assert!(warnings(&secret).concat().contains("another secret of the vendor's"));
}

#[test]
fn a_record_opens_with_the_key_and_the_secret_before_and_is_sealed_with_the_new_ones() {
    let stores = Stores::new();
    stores.sandbox.set_lifetime("pink", json!(0.3));
    let secret = stores.sandbox.settings("pink")["client_secret"].clone();
    consent(&stores.client("pink", &[("store_key", OTHER_KEY)]));
    pause(310);
    // The old key opens it; what is saved next has the new one.
    token(&stores.client("pink", &[("store_key_previous", OTHER_KEY)]));
    pause(310);
    token(&stores.client("pink", &[]));
    pause(310);
    // The vendor is told the new secret alone, and refuses this one; but the record opened.
    let wrong = stores.client("pink", &[("client_secret", "new"), ("client_secret_previous", &secret)]);
    assert_error(&failure(&wrong), Kind::Denied, &[]);
    assert!(!warnings(&wrong).concat().contains("set aside"));
    drop(wrong);
    token(&stores.client("pink", &[]));
    assert_eq!(stores.sandbox.count("pink/token"), 5);
}

#[test]
fn only_secrets_that_prove_an_identity_have_one_before_them() {
    let stores = Stores::new();
    for (name, nearest) in
        [("refresh_token_previous", ""), ("client_id_previous", ""), ("app_key_previous", "")]
    {
        let mut config = config(&stores.sandbox, "oauth2");
        assert_error(&Client::new(config.set(name, "x")).unwrap_err(), Kind::Config, &[name, nearest]);
    }
}

#[test]
fn an_old_copy_of_a_record_does_not_bring_its_refresh_token_back() {
    let stores = Stores::new();
    stores.sandbox.set_lifetime("pink", json!(0.2));
    let client = stores.client("pink", &[]);
    consent(&client);
    let record = stores.record();
    let old = std::fs::read(&record).unwrap();
    for _ in 0..2 {
        pause(210);
        token(&client);
        std::fs::write(&record, &old).unwrap();
    }
    pause(210);
    token(&client);
    stores.assert_refreshes(3);
    assert_eq!(warnings(&client), [""; 0]);
}

#[test]
fn a_record_that_cannot_be_used_is_set_aside_reported_once_and_replaced() {
    let damages: [fn(&mut Vec<u8>); 4] = [
        |bytes| bytes.truncate(20),
        |bytes| *bytes.last_mut().unwrap() ^= 1,
        |bytes| *bytes = b"not ours at all".to_vec(),
        |bytes| bytes.clear(),
    ];
    for (index, damage) in damages.into_iter().enumerate() {
        let stores = Stores::new();
        let first = value(&stores.client("acquired", &[]));
        let record = stores.record();
        let mut bytes = std::fs::read(&record).unwrap();
        damage(&mut bytes);
        std::fs::write(&record, &bytes).unwrap();
        let client = stores.client("acquired", &[]);
        let second = value(&client);
        assert_ne!(first, second, "{index}");
        let warned = warnings(&client);
        assert!(warned.len() == 1 && warned[0].contains("set aside as "), "{index}: {warned:?}");
        assert_eq!(std::fs::read(record.with_extension("aside-1")).unwrap(), bytes, "{index}");
        assert_eq!(value(&stores.client("acquired", &[])), second, "{index}: it was replaced");
    }
}

#[test]
fn a_record_of_a_newer_tokenkeep_is_left_alone() {
    let stores = Stores::new();
    value(&stores.client("acquired", &[]));
    let mut bytes = std::fs::read(stores.record()).unwrap();
    bytes[9] = 9;
    std::fs::write(stores.record(), &bytes).unwrap();
    let client = stores.client("acquired", &[]);
    value(&client);
    assert!(warnings(&client).concat().contains("newer tokenkeep"));
    assert_eq!(std::fs::read(stores.record()).unwrap(), bytes);
}

#[test]
fn where_others_can_read_a_record_the_remedy_is_named_and_no_refresh_token_is_spent() {
    let stores = Stores::new();
    stores.sandbox.set_lifetime("pink", json!(0.2));
    consent(&stores.client("pink", &[]));
    let record = stores.record();
    chmod(record.to_str().unwrap(), 0o644);
    pause(210);
    let client = stores.client("pink", &[]);
    assert_error(&failure(&client), Kind::Store, &["chmod go= ", "the vendor was not asked"]);
    assert_eq!(stores.sandbox.count("pink/token"), 1);
    chmod(record.to_str().unwrap(), 0o600);
    until("the record is found", || client.token(&Call::default()).is_ok());
    assert_eq!(stores.sandbox.count("pink/token"), 2);
}

#[test]
fn a_store_that_is_down_does_not_stop_a_program_whose_tokens_can_be_had_again() {
    let stores = Stores::new();
    stores.sandbox.set_lifetime("acquired", json!(0.2));
    // A file in the way of the directory.
    let file = stores.directory.write("in_the_way", "");
    let client = stores.client("acquired", &[("store_path", &format!("{file}/grants"))]);
    for _ in 0..3 {
        token(&client);
        pause(210);
    }
    let warned = warnings(&client);
    assert!(warned.len() == 1 && warned[0].contains("memory alone"), "once: {warned:?}");
}

#[test]
fn on_a_full_disk_tokens_still_come_but_no_refresh_token_is_spent() {
    let stores = Stores::new();
    stores.sandbox.set_lifetime("pink", json!(0.2));
    let told = said(process("full", &stores.profile("acquired", &[])));
    assert!(told.len() == 2 && told[0] == "a token" && told[1].contains("memory alone"), "{told:?}");
    assert!(stores.records().is_empty());

    consent(&stores.client("pink", &[]));
    pause(210);
    let told = said(process("full", &stores.profile("pink", &[])));
    assert!(
        told[0].contains("cannot be written") && told[0].contains("the vendor was not asked"),
        "{told:?}"
    );
    assert_eq!(stores.sandbox.count("pink/token"), 1);
    token(&stores.client("pink", &[]));
    assert_eq!(stores.names().iter().filter(|name| name.ends_with(".new")).count(), 0);
}

#[test]
fn a_store_that_goes_down_keeps_a_refresh_token_from_being_spent() {
    let stores = Stores::new();
    stores.sandbox.set_lifetime("pink", json!(0.2));
    let client = stores.client("pink", &[]);
    consent(&client);
    let (grants, away) = (stores.path(), stores.directory.path().join("away"));
    std::fs::rename(&grants, &away).unwrap();
    std::fs::write(&grants, "").unwrap();
    pause(210);
    assert_error(&failure(&client), Kind::Store, &["the vendor was not asked"]);
    assert_eq!(stores.sandbox.count("pink/token"), 1);
    // However slow the disk is, the next one does not end while it is saved.
    stores.sandbox.set_lifetime("pink", json!(3600));
    std::fs::remove_file(&grants).unwrap();
    std::fs::rename(&away, &grants).unwrap();
    until("the store is back", || client.token(&Call::default()).is_ok());
    assert_eq!(stores.sandbox.count("pink/token"), 2);
}

#[test]
fn a_consent_that_could_not_be_saved_is_kept_and_saved_when_the_store_is_back() {
    let stores = Stores::new();
    stores.sandbox.set_lifetime("pink", json!(0.2));
    std::fs::write(stores.path(), "").unwrap();
    let client = stores.client("pink", &[]);
    consent(&client);
    assert!(warnings(&client).concat().contains("memory alone"));
    pause(210);
    assert_error(&failure(&client), Kind::Store, &["the vendor was not asked"]);
    std::fs::remove_file(stores.path()).unwrap();
    until("the store is back", || client.token(&Call::default()).is_ok());
    drop(client);
    pause(210);
    token(&stores.client("pink", &[]));
    assert_eq!(stores.sandbox.count("pink/token"), 3);
}

#[test]
fn a_user_token_is_never_stored_and_neither_is_a_given_one() {
    let stores = Stores::new();
    let location = stores.client("frederick", &[]);
    token(&location);
    assert_eq!(stores.records().len(), 1, "the location's token alone");
    drop(location);
    token(&stores.client("frederick", &[]));
    assert_eq!(
        (stores.sandbox.count("frederick/user_token"), stores.sandbox.count("frederick/location_token")),
        (1, 1)
    );
    token(&stores.client("frederick", &[("acts_as", "user")]));
    token(&stores.client("acquire", &[]));
    assert_eq!(stores.records().len(), 1);
}

#[test]
fn a_given_refresh_token_is_spent_once_and_a_new_one_replaces_what_grew_from_it() {
    let stores = Stores::new();
    stores.sandbox.set_lifetime("pink", json!(0.2));
    let seeds = [browser::refresh_token(&stores.sandbox), browser::refresh_token(&stores.sandbox)];
    let url = format!("{}/oauth/token", stores.sandbox.base("pink"));
    let asked = stores.sandbox.count("pink/token");
    let path = stores.path();
    let client = |seed: &str| {
        let mut config = Config::new("pink");
        config.set("client_id", "public-client").set("grant", "refresh_token").set("refresh_token", seed);
        config.set("token_url", &url).set("store", "file").set("store_path", path.to_str().unwrap());
        open(config.set("store_key", KEY))
    };
    for (index, seed) in [&seeds[0], &seeds[0], &seeds[1], &seeds[1]].into_iter().enumerate() {
        token(&client(seed));
        pause(210);
        assert_eq!(stores.sandbox.count("pink/token"), asked + index as u64 + 1);
    }
    let requests = stores.sandbox.requests("pink/token");
    for seed in &seeds {
        assert_eq!(requests.iter().filter(|request| request.body.contains(seed.as_str())).count(), 1);
    }
}

#[test]
fn a_refresh_that_was_sent_is_saved_although_the_process_ends() {
    let stores = Stores::new();
    stores.sandbox.set_lifetime("pink", json!(0.2));
    consent(&stores.client("pink", &[]));
    pause(210);
    stores.sandbox.fault(Fault { delay_ms: 80, ..always("pink/token") });
    said_nothing(process("exit", &stores.profile("pink", &[])));
    assert_eq!(stores.sandbox.count("pink/token"), 2, "it was sent");
    stores.sandbox.clear_faults();
    pause(210);
    token(&stores.client("pink", &[]));
    assert_eq!(stores.sandbox.count("pink/token"), 3);
}

/// What was done, one call after the other, to bring a file of that name into its place in a directory.
#[cfg(target_os = "linux")]
fn steps(trace: &Path, directory: &Path, file: &str) -> Vec<String> {
    let directory = directory.to_str().unwrap();
    let step = |line: &str| {
        // PROCESS CALL(NUMBER<PATH>...) = RESULT, or CALL("PATH"...) = RESULT.
        let (call, arguments) = line.split_once(' ')?.1.trim_start().split_once('(')?;
        let (_, on) = arguments.split_once(directory)?;
        let on = on[..on.find(['>', '"'])?].trim_start_matches('/').replace(file, "FILE");
        assert!(!line.contains(" = -1 "), "{line}");
        // Which of the calls that rename it is differs between machines.
        let call = if call.starts_with("rename") { "rename" } else { call };
        Some(format!("{call} {on}").trim_end().to_owned())
    };
    std::fs::read_to_string(trace).unwrap().lines().filter_map(step).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn records_and_their_key_are_synced_before_they_take_their_place_and_the_place_after_that() {
    if !is_installed("strace", "what is synced when", "strace") {
        return;
    }
    let stores = Stores::with_own_key();
    stores.sandbox.set_lifetime("pink", json!(0.2));
    let profile = stores.profile("pink", &[]);
    let (trace, config) = (stores.directory.path().join("trace"), stores.directory.path().join("config"));
    let environment = format!("XDG_CONFIG_HOME={}", config.display());
    let output = format!("--output={}", trace.display());
    let calls = "--trace=write,ftruncate,fsync,fdatasync,rename,renameat,renameat2";
    // No string is shown, for some are secrets; paths are.
    let strace = ["env", &environment, "strace", "--follow-forks", "-y", "--string-limit=0", &output, calls];
    let traced = |work| {
        said(process_under(&strace, work, &profile));
        let record = stores.record();
        steps(&trace, &stores.path(), record.file_name().unwrap().to_str().unwrap())
    };
    let saved = ["write FILE.new", "ftruncate FILE.new", "fsync FILE.new", "rename FILE.new", "fsync"];
    let granted = traced("consent");
    assert!(granted.ends_with(&saved.map(str::to_owned)), "{granted:?}");
    let made = steps(&trace, &config.join("tokenkeep"), "store.key");
    assert_eq!(made, ["write FILE.new", "fsync FILE.new", "rename FILE.new", "fsync"]);
    pause(210);
    // Room for the next refresh token is there before this one is spent.
    let reserved = ["write FILE.new", "fdatasync FILE.new"];
    assert_eq!(traced("token"), [&reserved[..], &saved[..]].concat());
}

/// A process that leaves in the middle of its test.
fn said_nothing(process: std::process::Child) {
    assert!(process.wait_with_output().unwrap().status.success());
}

#[test]
fn settings_of_a_store_are_checked_when_the_client_is_made() {
    let stores = Stores::new();
    let fault = |settings: &[(&str, &str)]| {
        let mut config = config(&stores.sandbox, "acquired");
        for (name, value) in settings {
            config.set(name, value);
        }
        Client::new(&config).unwrap_err()
    };
    assert_error(&fault(&[("store", "fil")]), Kind::Config, &["did you mean file?"]);
    assert_error(&fault(&[("store_path", "/tmp")]), Kind::Config, &["store = file"]);
    assert_error(&fault(&[("store", "file"), ("store_key", "hush")]), Kind::Config, &["store_key is no key"]);
}

#[test]
fn clients_with_different_refresh_tokens_do_not_share_a_record() {
    let stores = Stores::new();
    let path = stores.path();
    let client = |seed: &str, account: &str| {
        let mut config = Config::new("pink");
        config.set("client_id", "public-client").set("grant", "refresh_token").set("refresh_token", seed);
        config.set("token_url", "https://pink.example/token").set("account", account);
        config.set("store", "file").set("store_path", path.to_str().unwrap());
        Client::new(config.set("store_key", KEY))
    };
    let alice = client("one", "alice").unwrap();
    assert_error(&client("two", "alice").unwrap_err(), Kind::Config, &["account"]);
    client("two", "bob").unwrap();
    drop(alice);
    client("two", "alice").unwrap();
}
