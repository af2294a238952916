//! Grants in a store of the program's own.
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, ThreadId};
use std::time::{Duration, SystemTime};

use serde_json::json;
use support::stores::{KEY, consent, warnings};
use support::{
    Directory, assert_error, config, failure, open, pause, reject, sandbox, together, token, until, within,
};
use tokenkeep::{Call, Client, Config, HostStore, Kind, Log};
use tokenkeep_sandbox::{Body, Fault, Sandbox, fixtures};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// A record, and when it expires.
type Row = (Vec<u8>, Option<SystemTime>);

/// A table of a database, so to speak.
#[derive(Default)]
struct Table {
    rows: Mutex<BTreeMap<String, Row>>,
    locked: Mutex<BTreeSet<String>>,
    callers: Mutex<Vec<ThreadId>>,
    is_down: Mutex<bool>,
    /// It is read, and takes nothing.
    is_full: Mutex<bool>,
    /// Nothing can be removed from it.
    is_sticky: Mutex<bool>,
    /// Which call is held up, and whether one is.
    held: Mutex<(Option<&'static str>, bool)>,
    /// Old rows that are served for so many loads more: a replica that lags behind.
    lag: Mutex<(u32, BTreeMap<String, Row>)>,
    reentry: OnceLock<(Client, Mutex<Option<Kind>>)>,
    /// A client, and the token that it had on another thread while a record of it was being saved.
    onlooker: OnceLock<(Client, Mutex<Vec<Option<String>>>)>,
}

impl Table {
    fn enter(&self) -> Outcome<()> {
        self.callers.lock().unwrap().push(thread::current().id());
        if let Some((client, seen)) = self.reentry.get() {
            *seen.lock().unwrap() = client.token(&within(100)).err().map(|error| error.kind());
        }
        if *self.is_down.lock().unwrap() { Err("connection refused".into()) } else { Ok(()) }
    }

    /// Calls of that name come no further, until others are held up or none.
    fn hold(&self, call: Option<&'static str>) {
        *self.held.lock().unwrap() = (call, false);
    }

    fn is_holding(&self) -> bool {
        self.held.lock().unwrap().1
    }

    fn pass(&self, call: &'static str) {
        let is_held = || {
            let mut held = self.held.lock().unwrap();
            held.1 |= held.0 == Some(call);
            held.0 == Some(call)
        };
        // Not for ever: a test that fails is not to hang.
        for _ in 0..60_000 {
            if !is_held() {
                break;
            }
            pause(1);
        }
    }

    fn names(&self) -> Vec<String> {
        self.rows.lock().unwrap().keys().cloned().collect()
    }
}

impl HostStore for Table {
    fn load(&self, name: &str) -> Outcome<Option<Vec<u8>>> {
        self.enter()?;
        let (times, old) = &mut *self.lag.lock().unwrap();
        let rows = self.rows.lock().unwrap();
        let rows = if *times > 0 { &*old } else { &*rows };
        *times = times.saturating_sub(1);
        Ok(rows.get(name).map(|(record, _)| record.clone()))
    }

    fn save(&self, name: &str, record: &[u8], expires: Option<SystemTime>) -> Outcome<()> {
        self.enter()?;
        self.pass("save");
        if *self.is_full.lock().unwrap() {
            return Err("no space".into());
        }
        if let Some((client, seen)) = self.onlooker.get() {
            let look = || client.peek().map(|token| token.value().to_owned());
            let had = thread::scope(|scope| scope.spawn(look).join());
            seen.lock().unwrap().push(had.expect("a look"));
        }
        self.rows.lock().unwrap().insert(name.to_owned(), (record.to_vec(), expires));
        Ok(())
    }

    fn remove(&self, name: &str) -> Outcome<()> {
        self.enter()?;
        self.pass("remove");
        if *self.is_sticky.lock().unwrap() {
            return Err("read only".into());
        }
        self.rows.lock().unwrap().remove(name);
        Ok(())
    }

    fn lock(&self, name: &str, within: Duration) -> Outcome<bool> {
        self.enter()?;
        let mut left = within;
        while !self.locked.lock().unwrap().insert(name.to_owned()) {
            if left.is_zero() {
                return Ok(false);
            }
            pause(1);
            left = left.saturating_sub(Duration::from_millis(1));
        }
        Ok(true)
    }

    fn unlock(&self, name: &str) {
        assert!(self.locked.lock().unwrap().remove(name), "it was locked");
    }
}

fn client(sandbox: &Sandbox, vendor: &str, table: &Arc<Table>) -> Client {
    client_by(&config(sandbox, vendor), table)
}

fn client_by(config: &Config, table: &Arc<Table>) -> Client {
    let mut config = config.clone();
    config.set("store_key", KEY).store(Arc::clone(table) as Arc<dyn HostStore>);
    open(&config)
}

/// A client of the same grant with a keeper of its own, as another process would have it.
fn other_client(sandbox: &Sandbox, directory: &Directory, table: &Arc<Table>) -> Client {
    let mut config = Config::new("pink");
    config.set("base_url", &sandbox.base("pink")).log_to(&Log::new());
    for (name, value) in sandbox.settings("pink") {
        match name {
            "client_secret" => config.set("client_secret_file", &directory.write("secret", &value)),
            name => config.set(name, &value),
        };
    }
    client_by(config.set("redirect_uri", fixtures::WEB_REDIRECT_URI), table)
}

/// The refresh tokens that were sent, in their order.
fn refreshes(sandbox: &Sandbox) -> Vec<String> {
    let requests = sandbox.requests("pink/token");
    let sent =
        |body: &str| body.split('&').find_map(|pair| pair.strip_prefix("refresh_token=")).map(str::to_owned);
    requests.iter().filter_map(|request| sent(&request.body)).collect()
}

#[test]
fn a_grant_outlives_its_clients_in_the_programs_own_store() {
    let (sandbox, table) = (sandbox(), Arc::new(Table::default()));
    let first = token(&client(&sandbox, "acquired", &table));
    assert_eq!(token(&client(&sandbox, "acquired", &table)).value(), first.value());
    assert_eq!(sandbox.count("acquired/login"), 1);
    let rows = table.rows.lock().unwrap();
    let (name, (record, expires)) = rows.iter().next().unwrap();
    assert!(name.len() == 64 && !String::from_utf8_lossy(record).contains("SANDBOX"));
    let left = expires.unwrap().duration_since(support::now()).unwrap();
    assert!(left > Duration::from_secs(3500) && left <= Duration::from_secs(3600), "{left:?}");
}

#[test]
fn refresh_tokens_follow_each_other_and_their_record_never_expires() {
    let (sandbox, table) = (sandbox(), Arc::new(Table::default()));
    sandbox.set_lifetime("pink", json!(0.2));
    consent(&client(&sandbox, "pink", &table));
    for _ in 0..3 {
        pause(210);
        token(&client(&sandbox, "pink", &table));
    }
    assert_eq!(sandbox.count("pink/token"), 4);
    assert!(table.rows.lock().unwrap().values().all(|(_, expires)| expires.is_none()));
    client(&sandbox, "pink", &table).revoke(&Call::default()).unwrap();
    assert!(table.names().is_empty() && table.locked.lock().unwrap().is_empty());
}

#[test]
fn a_token_is_handed_out_when_its_record_has_been_saved_and_no_sooner() {
    let (sandbox, table) = (sandbox(), Arc::new(Table::default()));
    let client = client(&sandbox, "pink", &table);
    table.onlooker.set((client.clone(), Mutex::default())).ok().unwrap();
    let first = consent(&client);
    reject(&client);
    let second = token(&client);
    let (_, seen) = table.onlooker.get().unwrap();
    assert_eq!(*seen.lock().unwrap(), [None, None]);
    assert_ne!(first.value(), second.value());
    assert_eq!(client.peek().unwrap().value(), second.value());
}

#[test]
fn the_store_is_called_on_the_callers_threads_alone() {
    let (sandbox, table) = (sandbox(), Arc::new(Table::default()));
    sandbox.set_lifetime("acquired", json!(0.1));
    let client = client(&sandbox, "acquired", &table);
    let callers = together(4, |_| {
        for _ in 0..20 {
            token(&client);
            pause(10);
        }
        thread::current().id()
    });
    let seen = table.callers.lock().unwrap();
    assert!(seen.len() > 4 && seen.iter().all(|thread| callers.contains(thread)));
}

#[test]
fn while_the_store_is_down_tokens_come_and_no_single_use_refresh_token_is_spent() {
    let (sandbox, table) = (sandbox(), Arc::new(Table::default()));
    sandbox.set_lifetime("pink", json!(0.2));
    let pink = client(&sandbox, "pink", &table);
    consent(&pink);
    *table.is_down.lock().unwrap() = true;
    let acquired = client(&sandbox, "acquired", &table);
    token(&acquired);
    let warned = warnings(&acquired).concat();
    assert!(warned.contains("connection refused") && warned.contains("memory alone"), "{warned}");
    pause(210);
    assert_error(&failure(&pink), Kind::Store, &["connection refused", "the vendor was not asked"]);
    *table.is_down.lock().unwrap() = false;
    support::until("the store is back", || pink.token(&Call::default()).is_ok());
    assert_eq!(sandbox.count("pink/token"), 2);
}

#[test]
fn a_refresh_token_that_another_process_saved_is_not_wiped_by_one_that_could_not_save_its_own() {
    let (sandbox, table, directory) = (sandbox(), Arc::new(Table::default()), Directory::new());
    let (ours, theirs) = (client(&sandbox, "pink", &table), other_client(&sandbox, &directory, &table));
    consent(&ours);
    reject(&ours);
    // Saving is tried for three seconds of these.
    sandbox.set_lifetime("pink", json!(4));
    *table.is_full.lock().unwrap() = true;
    token(&ours);
    assert!(warnings(&ours).concat().contains("memory alone"));
    // The person takes it back, and says yes again to the other.
    sandbox.revoke_all("pink");
    *table.is_full.lock().unwrap() = false;
    sandbox.set_lifetime("pink", json!(3600));
    let found = consent(&theirs);
    until("the token that was not saved ends", || ours.peek().is_none());
    assert_eq!(token(&ours).value(), found.value());
    assert_eq!(refreshes(&sandbox).len(), 1, "the one that could not be saved is not sent");
    reject(&theirs);
    token(&theirs);
}

#[test]
fn a_refresh_token_that_was_not_saved_is_saved_as_soon_as_the_store_takes_it() {
    let (sandbox, table, directory) = (sandbox(), Arc::new(Table::default()), Directory::new());
    let ours = client(&sandbox, "pink", &table);
    consent(&ours);
    reject(&ours);
    let record = || table.rows.lock().unwrap().values().next().cloned();
    let before = record();
    *table.is_full.lock().unwrap() = true;
    let had = token(&ours);
    for _ in 0..3 {
        assert_eq!(token(&ours).value(), had.value(), "the store is no concern of a call's");
        pause(600);
    }
    assert_eq!(record(), before);
    *table.is_full.lock().unwrap() = false;
    until("it is saved", || {
        assert_eq!(token(&ours).value(), had.value());
        record() != before
    });
    let asked = sandbox.count("pink/token");
    let theirs = other_client(&sandbox, &directory, &table);
    let found = token(&theirs);
    assert_eq!(found.value(), had.value());
    let apart = found.expires_in().unwrap().abs_diff(had.expires_in().unwrap());
    assert!(apart < Duration::from_secs(1), "{apart:?}");
    assert_eq!(sandbox.count("pink/token"), asked);
    let calls = table.callers.lock().unwrap().len();
    token(&ours);
    assert_eq!(table.callers.lock().unwrap().len(), calls, "and not again");
    reject(&theirs);
    token(&theirs);
    assert_eq!(warnings(&ours).len(), 1);
}

#[test]
fn a_grant_that_was_revoked_while_the_store_was_down_does_not_come_back() {
    let (sandbox, table, directory) = (sandbox(), Arc::new(Table::default()), Directory::new());
    let client = client(&sandbox, "pink", &table);
    consent(&client);
    *table.is_down.lock().unwrap() = true;
    assert_error(&client.revoke(&Call::default()).unwrap_err(), Kind::Store, &["connection refused"]);
    assert_eq!(sandbox.count("pink/revoke"), 2, "the vendor was told all the same");
    *table.is_down.lock().unwrap() = false;
    assert_eq!(table.names().len(), 1);
    assert_error(&failure(&client), Kind::ConsentRequired, &["a person must say yes"]);
    assert!(table.names().is_empty());
    // What another process has since is another grant.
    *table.is_down.lock().unwrap() = true;
    client.revoke(&Call::default()).unwrap_err();
    *table.is_down.lock().unwrap() = false;
    let had = consent(&other_client(&sandbox, &directory, &table));
    until("the back-off is over", || client.token(&Call::default()).is_ok());
    assert_eq!(token(&client).value(), had.value());
}

#[test]
fn a_consent_that_was_not_saved_is_not_lost_to_a_renewal_before_it_that_is_saved_late() {
    let (sandbox, table, directory) = (sandbox(), Arc::new(Table::default()), Directory::new());
    let ours = client(&sandbox, "pink", &table);
    consent(&ours);
    reject(&ours);
    table.hold(Some("save"));
    let had = thread::scope(|scope| {
        scope.spawn(|| ours.token(&Call::default()).ok());
        until("the renewal is being saved", || table.is_holding());
        *table.is_down.lock().unwrap() = true;
        let had = consent(&ours);
        *table.is_down.lock().unwrap() = false;
        assert!(warnings(&ours).concat().contains("memory alone"));
        table.hold(None);
        had
    });
    let rows = || table.rows.lock().unwrap().clone();
    let before = rows();
    until("it is saved in the place of that", || {
        assert_eq!(token(&ours).value(), had.value());
        rows() != before
    });
    assert_eq!(token(&other_client(&sandbox, &directory, &table)).value(), had.value());
}

#[test]
fn a_grant_that_is_being_revoked_is_given_to_nobody_though_the_store_comes_and_goes() {
    for has_failed in [false, true] {
        let (sandbox, table) = (sandbox(), Arc::new(Table::default()));
        let client = client(&sandbox, "pink", &table);
        consent(&client);
        if has_failed {
            *table.is_down.lock().unwrap() = true;
            client.revoke(&Call::default()).unwrap_err();
            *table.is_down.lock().unwrap() = false;
        }
        *table.is_sticky.lock().unwrap() = true;
        table.hold(Some("remove"));
        thread::scope(|scope| {
            let revoked = scope.spawn(|| client.revoke(&Call::default()).map_err(|error| error.kind()));
            until("the record is being removed", || table.is_holding());
            assert_error(&failure(&client), Kind::ConsentRequired, &["a person must say yes"]);
            table.hold(None);
            assert_eq!(revoked.join().unwrap(), Err(Kind::Store));
        });
        assert_error(&failure(&client), Kind::ConsentRequired, &["a person must say yes"]);
        // Whoever revokes again has its tokens told to the vendor again.
        *table.is_sticky.lock().unwrap() = false;
        let told = sandbox.count("pink/revoke");
        client.revoke(&Call::default()).unwrap();
        assert_eq!(sandbox.count("pink/revoke"), told + 2);
        assert!(table.names().is_empty());
    }
}

#[test]
fn a_grant_without_refresh_token_that_a_person_allowed_is_saved_as_soon_as_the_store_takes_it() {
    let (sandbox, table, directory) = (sandbox(), Arc::new(Table::default()), Directory::new());
    sandbox.configure("pink", json!({"issue_refresh_token": false}));
    let ours = client(&sandbox, "pink", &table);
    *table.is_full.lock().unwrap() = true;
    let had = consent(&ours);
    *table.is_full.lock().unwrap() = false;
    until("it is saved", || {
        assert_eq!(token(&ours).value(), had.value());
        !table.names().is_empty()
    });
    assert_eq!(token(&other_client(&sandbox, &directory, &table)).value(), had.value());
    let calls = table.callers.lock().unwrap().len();
    pause(2100);
    token(&ours);
    assert_eq!(table.callers.lock().unwrap().len(), calls, "and not again");
}

#[test]
fn who_waits_while_a_grant_is_saved_gets_a_token_that_lives_as_long_as_is_wanted() {
    let (sandbox, table) = (sandbox(), Arc::new(Table::default()));
    sandbox.set_lifetime("pink", json!(30));
    let client = client(&sandbox, "pink", &table);
    *table.is_full.lock().unwrap() = true;
    consent(&client);
    *table.is_full.lock().unwrap() = false;
    sandbox.set_lifetime("pink", json!(3600));
    // By then it is time to save it.
    pause(1100);
    table.hold(Some("save"));
    thread::scope(|scope| {
        scope.spawn(|| token(&client));
        until("it is being saved", || table.is_holding());
        let waits = scope.spawn(|| client.token(&support::lasting(28_000)).unwrap());
        until("another call waits", || client.stats().shared_waits > 0);
        table.hold(None);
        let left = waits.join().unwrap().expires_in().unwrap();
        assert!(left > Duration::from_secs(28), "{left:?}");
    });
}

/// Two processes, and a table in which one of them finds an old row for so many loads more: the refresh token in it was
/// spent by the other, whose token this is.
fn lagging(loads: u32) -> (Sandbox, Arc<Table>, Directory, Client, String) {
    let (sandbox, table, directory) = (sandbox(), Arc::new(Table::default()), Directory::new());
    sandbox.configure("pink", json!({"lifetime": 0.2, "reuse_revokes": false}));
    let ours = client(&sandbox, "pink", &table);
    consent(&ours);
    let old = table.rows.lock().unwrap().clone();
    pause(210);
    sandbox.set_lifetime("pink", json!(3600));
    let theirs = token(&other_client(&sandbox, &directory, &table)).value().to_owned();
    *table.lag.lock().unwrap() = (loads, old);
    (sandbox, table, directory, ours, theirs)
}

#[test]
fn a_refused_refresh_token_is_looked_for_once_more_in_the_store() {
    // Some servers refuse without a word.
    let bare = Fault { status: Some(400), body: Some(Body::Text(String::new())), ..Fault::on("pink/token") };
    for fault in [None, Some(bare)] {
        // A look without the lock, and one with it.
        let (sandbox, _table, _directory, ours, theirs) = lagging(2);
        fault.into_iter().for_each(|fault| sandbox.fault(fault));
        assert_eq!(token(&ours).value(), theirs);
        let sent = refreshes(&sandbox);
        assert!(sent.len() == 2 && sent[0] == sent[1], "by the other, and once by this one: {}", sent.len());
    }
}

#[test]
fn a_refresh_token_is_sent_once_where_the_store_has_no_other() {
    let (sandbox, _table, _directory, ours, _) = lagging(u32::MAX);
    assert_error(&failure(&ours), Kind::ConsentRequired, &["invalid_grant"]);
    assert_eq!(refreshes(&sandbox).len(), 2);
}

#[test]
fn an_unusable_record_is_kept_aside() {
    let (sandbox, table) = (sandbox(), Arc::new(Table::default()));
    token(&client(&sandbox, "acquired", &table));
    let name = table.names().remove(0);
    table.rows.lock().unwrap().insert(name.clone(), (b"damaged".to_vec(), None));
    token(&client(&sandbox, "acquired", &table));
    assert_eq!(table.names(), [name.clone(), format!("{name}.aside")]);
    assert_eq!(table.rows.lock().unwrap()[&format!("{name}.aside")].0, b"damaged");
}

#[test]
fn a_store_that_calls_its_client_is_refused() {
    let (sandbox, table) = (sandbox(), Arc::new(Table::default()));
    let client = client(&sandbox, "acquired", &table);
    table.reentry.set((client.clone(), Mutex::new(None))).ok().unwrap();
    token(&client);
    let (_, seen) = table.reentry.get().unwrap();
    assert_eq!(*seen.lock().unwrap(), Some(Kind::Reentrant));
    assert_eq!(sandbox.count("acquired/login"), 1);
}

#[test]
fn clients_of_one_credential_agree_on_their_store_and_it_needs_a_key() {
    let (sandbox, tables) = (sandbox(), [Arc::new(Table::default()), Arc::new(Table::default())]);
    let first = client(&sandbox, "acquired", &tables[0]);
    let _same = client(&sandbox, "acquired", &tables[0]);
    let mut other = config(&sandbox, "acquired");
    other.store(Arc::clone(&tables[1]) as Arc<dyn HostStore>);
    assert_error(&Client::new(&other).unwrap_err(), Kind::Config, &["needs store_key"]);
    other.set("store_key", KEY);
    assert_error(&Client::new(&other).unwrap_err(), Kind::Config, &["another store"]);
    assert_error(
        &Client::new(other.set("store", "file")).unwrap_err(),
        Kind::Config,
        &["and a store of the program's own"],
    );
    assert_error(&first.portable_settings().unwrap_err(), Kind::Config, &["does not travel"]);
}
