//! The store against a real Redis, which each test has for itself.

#[path = "../../../tests/support/redis.rs"]
#[allow(dead_code, reason = "a part of it is for other tests")]
mod real;
#[path = "../../../tests/support/tool.rs"]
mod tool;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::provider::Provider;
use crate::settings::Config;

use super::locked::ROOM;
use super::*;
use crate::fork;
use crate::store::{Locked, Record, Saved};
use real::RedisServer;

const AT_ONCE: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_secs(20);

/// A store in a server of its own.
struct Bench {
    server: RedisServer,
    store: RedisStore,
    key: SealKey,
}

fn store(settings: &[(&str, &str)]) -> RedisStore {
    let mut config = Config::new("acquired");
    config.set("app_id", "1").set("app_key", "hush").set("store", "redis").set("store_key", &"5a".repeat(32));
    for (name, value) in settings {
        config.set(name, value);
    }
    let provider = Provider::find("acquired").unwrap();
    let (settings, faults) = config.check(&provider.offered());
    assert!(faults.is_empty(), "{faults:?}");
    let faults = crate::store::faults(&settings);
    assert!(faults.is_empty(), "{faults:?}");
    fork::watch();
    RedisStore::new(&Arc::new(settings))
}

fn record(key: &SealKey, counter: u64, expires: Option<i64>) -> Record {
    Record::seal(key, "name", counter, expires, &counter.to_be_bytes()).unwrap()
}

impl Bench {
    fn new() -> Option<Bench> {
        Bench::with(&[])
    }

    fn with(options: &[(&str, &str)]) -> Option<Bench> {
        let server = RedisServer::start(options)?;
        let store = store(&[("store_url", &server.socket_url())]);
        Some(Bench { server, store, key: SealKey::random().unwrap() })
    }

    fn lock(&self) -> Box<dyn Locked> {
        lock(&self.store)
    }

    fn record(&self, counter: u64) -> Record {
        record(&self.key, counter, None)
    }

    fn save(&self, counter: u64) {
        let saved = self.lock().save(&self.record(counter), counter - 1, LONG).unwrap();
        assert_eq!(saved, Saved::Saved);
    }

    /// The counter of the record, which must be whole; 0 if there is none.
    fn counter(&self) -> u64 {
        let Some(bytes) = self.store.load("name", LONG).unwrap().bytes else { return 0 };
        let record = Record::read(&bytes).expect("a record");
        let body = record.open(&self.key, "name").expect("it opens");
        assert_eq!(body.as_slice(), record.counter.to_be_bytes());
        record.counter
    }

    fn life(&self, what: &str) -> i64 {
        self.server.ask(&["PTTL", &format!("tokenkeep:{{name}}{what}")])
    }

    fn refused(&self) -> String {
        refused(&self.store)
    }
}

#[track_caller]
fn try_lock(store: &RedisStore) -> Option<Box<dyn Locked>> {
    match store.lock("name", u64::MAX, LONG, AT_ONCE).unwrap() {
        Turn::Ours(locked) => Some(locked),
        Turn::Theirs => None,
        Turn::Newer => panic!("no counter is above the highest"),
    }
}

#[track_caller]
fn lock(store: &RedisStore) -> Box<dyn Locked> {
    try_lock(store).expect("nobody else holds it")
}

/// Why a record cannot be loaded.
#[track_caller]
fn refused(store: &RedisStore) -> String {
    let error = store.load("name", LONG).err().expect("it is refused");
    assert_eq!(error.kind(), Kind::Store, "{error}");
    assert!(!error.message().contains("hush"), "{error}");
    error.to_string()
}

#[test]
fn a_record_is_found_by_its_name() {
    let Some(bench) = Bench::new() else { return };
    assert_eq!(bench.counter(), 0);
    bench.save(1);
    bench.save(2);
    assert_eq!(bench.counter(), 2);
    assert!(bench.store.load("another", LONG).unwrap().bytes.is_none());
    assert_eq!(bench.server.ask::<Vec<String>>(&["KEYS", "*"]), ["tokenkeep:{name}"]);
    bench.lock().remove(LONG).unwrap();
    bench.lock().remove(LONG).unwrap();
    assert_eq!(bench.counter(), 0);
}

#[test]
fn a_record_expires_when_it_says_and_never_otherwise() {
    let Some(bench) = Bench::new() else { return };
    let wall = bench.store.load("name", LONG).unwrap().wall.unwrap();
    let soon = wall / 1_000_000 + 60_000;
    bench.lock().save(&record(&bench.key, 1, Some(soon)), 0, LONG).unwrap();
    assert!((50_000..=60_000).contains(&bench.life("")), "{} ms", bench.life(""));
    bench.save(2);
    assert_eq!(bench.life(""), -1);
    bench.lock().save(&record(&bench.key, 3, Some(soon - 120_000)), 2, LONG).unwrap();
    assert_eq!(bench.counter(), 0);
}

#[test]
fn the_time_is_the_servers() {
    let Some(bench) = Bench::new() else { return };
    let time = || -> i64 {
        let (seconds, micros): (i64, i64) = bench.server.ask(&["TIME"]);
        seconds * 1_000_000_000 + micros * 1000
    };
    let before = time();
    let wall = bench.store.load("name", LONG).unwrap().wall.unwrap();
    assert!((before..=time()).contains(&wall));
}

#[test]
fn one_holder_at_a_time() {
    let Some(bench) = Bench::new() else { return };
    let held = bench.lock();
    assert!(try_lock(&bench.store).is_none());
    assert!(matches!(bench.store.lock("another", 0, LONG, AT_ONCE).unwrap(), Turn::Ours(_)));
    drop(held);
    bench.lock();
}

#[test]
fn the_lock_of_a_holder_that_was_killed_ends_by_itself() {
    let Some(bench) = Bench::new() else { return };
    bench.server.ask::<()>(&["SET", "tokenkeep:{name}:lock", "killed", "PX", "300"]);
    assert!(try_lock(&bench.store).is_none());
    assert!(matches!(bench.store.lock("name", 0, LONG, LONG).unwrap(), Turn::Ours(_)));
}

#[test]
fn a_lock_without_an_end_is_nobodys() {
    let Some(bench) = Bench::new() else { return };
    bench.server.ask::<()>(&["RPUSH", "tokenkeep:{name}:lock", "what is this"]);
    bench.lock();
}

#[test]
fn a_lock_is_extended_while_it_is_held_and_only_then() {
    let Some(bench) = Bench::new() else { return };
    let held = bench.lock();
    assert!((4000..=5000).contains(&bench.life(":lock")), "{} ms", bench.life(":lock"));
    let mut lowest = i64::MAX;
    // It sinks until it is extended.
    while bench.life(":lock") <= lowest {
        lowest = bench.life(":lock");
        assert!(lowest > 1000, "nobody extends it");
        thread::sleep(Duration::from_millis(20));
    }
    drop(held);
    assert_eq!(bench.life(":lock"), -2);
    thread::sleep(Duration::from_millis(1700));
    assert_eq!(bench.life(":lock"), -2);
}

#[test]
fn without_a_thread_a_lock_stays_as_long_as_a_flight_may_take() {
    let Some(bench) = Bench::new() else { return };
    let store = store(&[("store_url", &bench.server.url()), ("background", "off")]);
    let _held = store.lock("name", 0, Duration::from_secs(70), AT_ONCE).unwrap();
    assert!((65_000..=70_000).contains(&bench.life(":lock")), "{} ms", bench.life(":lock"));
}

#[test]
fn a_lock_that_a_restart_has_lost_is_taken_back_unless_another_has_it() {
    let Some(bench) = Bench::new() else { return };
    let mut held = bench.lock();
    bench.server.ask::<()>(&["FLUSHALL"]);
    held.reserve(0, LONG).unwrap();
    assert!(try_lock(&bench.store).is_none());
    bench.server.ask::<()>(&["FLUSHALL"]);
    let other = store(&[("store_url", &bench.server.socket_url())]);
    let others = lock(&other);
    let error = held.reserve(0, LONG).unwrap_err();
    assert!(error.kind() == Kind::Store && error.message().contains("lost"), "{error}");
    drop(held);
    assert!(try_lock(&bench.store).is_none(), "another's lock is not given back");
    drop(others);
    bench.lock();
}

#[test]
fn a_lock_is_not_taken_back_where_another_holder_has_saved_and_gone() {
    let Some(bench) = Bench::new() else { return };
    bench.save(1);
    let mut held = bench.lock();
    held.reserve(1, LONG).unwrap();
    // As if it had been stopped for longer than its lease.
    bench.server.ask::<()>(&["DEL", "tokenkeep:{name}:lock"]);
    held.reserve(1, LONG).unwrap();
    bench.server.ask::<()>(&["DEL", "tokenkeep:{name}:lock"]);
    let other = store(&[("store_url", &bench.server.socket_url())]);
    assert_eq!(lock(&other).save(&bench.record(2), 1, LONG).unwrap(), Saved::Saved);
    let error = held.reserve(1, LONG).unwrap_err();
    assert!(error.kind() == Kind::Store && error.message().contains("lost"), "{error}");
    assert_eq!(bench.life(":lock"), -2);
    held.reserve(2, LONG).unwrap();
}

#[test]
fn who_waits_for_a_lock_is_told_of_a_newer_record() {
    let Some(bench) = Bench::new() else { return };
    bench.save(1);
    let held = bench.lock();
    let wait = |seen| bench.store.lock("name", seen, LONG, Duration::from_millis(30)).unwrap();
    assert!(matches!((wait(0), wait(1)), (Turn::Newer, Turn::Theirs)));
    thread::scope(|scope| {
        let waiter = scope.spawn(|| bench.store.lock("name", 1, LONG, LONG).unwrap());
        thread::sleep(Duration::from_millis(100));
        let mut held = held;
        held.save(&bench.record(2), 1, LONG).unwrap();
        assert!(matches!(waiter.join().unwrap(), Turn::Newer), "it is told before the lock is free");
    });
}

#[test]
fn waiting_costs_few_commands_and_one_connection() {
    let Some(bench) = Bench::new() else { return };
    let _held = bench.lock();
    bench.store.rest();
    let connections = || -> u64 {
        let stats: String = bench.server.ask(&["INFO", "stats"]);
        let line = stats.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
        line.unwrap().trim().parse().unwrap()
    };
    let (before, scripts) = (connections(), bench.server.calls("evalsha"));
    let turn = bench.store.lock("name", 0, LONG, Duration::from_secs(1)).unwrap();
    assert!(matches!(turn, Turn::Theirs));
    // Two connections of ours ask for these numbers.
    assert!(connections() - before <= 3, "{} connections", connections() - before);
    let scripts = bench.server.calls("evalsha") - scripts;
    assert!((5..=30).contains(&scripts), "{scripts} looks in a second");
}

#[test]
fn a_url_that_a_command_tells_is_asked_for_once_for_each_connection() {
    let Some(bench) = Bench::new() else { return };
    let _held = bench.lock();
    let count = bench.server.path("count");
    let script = format!("echo >>{}; echo {}", count.display(), bench.server.url());
    let told = store(&[("store_url_command", &serde_json::json!(["sh", "-c", script]).to_string())]);
    told.load("name", LONG).unwrap();
    assert!(matches!(told.lock("name", 0, LONG, Duration::from_millis(300)).unwrap(), Turn::Theirs));
    assert_eq!(std::fs::read_to_string(&count).unwrap(), "\n");
    told.rest();
    told.load("name", LONG).unwrap();
    assert_eq!(std::fs::read_to_string(&count).unwrap(), "\n\n");
}

#[test]
fn a_newer_record_is_not_replaced() {
    let Some(bench) = Bench::new() else { return };
    bench.save(1);
    let mut held = bench.lock();
    assert_eq!(held.save(&bench.record(1), 0, LONG).unwrap(), Saved::Newer);
    // Above 2^53 neighbours are one number in Lua, and a byte above 127 is negative in some locales.
    for (there, seen) in [(1 << 62 | 1, 1 << 62), (0x80, 0x7f), (u64::MAX, u64::MAX - 1)] {
        bench.server.ask::<()>(&["DEL", "tokenkeep:{name}"]);
        assert_eq!(held.save(&bench.record(there), 0, LONG).unwrap(), Saved::Saved);
        assert_eq!(held.save(&bench.record(there), seen, LONG).unwrap(), Saved::Newer, "{there:x}");
        assert_eq!(held.save(&bench.record(there), there, LONG).unwrap(), Saved::Saved, "{there:x}");
    }
}

#[test]
fn a_record_whose_answer_was_lost_is_saved_once() {
    let Some(bench) = Bench::new() else { return };
    let (mut held, record) = (bench.lock(), bench.record(2));
    for _ in 0..2 {
        assert_eq!(held.save(&record, 1, LONG).unwrap(), Saved::Saved);
    }
}

#[test]
fn room_is_kept_for_a_record_and_given_back() {
    let Some(bench) = Bench::new() else { return };
    let mut held = bench.lock();
    held.reserve(0, LONG).unwrap();
    assert_eq!(bench.server.ask::<usize>(&["STRLEN", "tokenkeep:{name}:room"]), ROOM);
    assert!((1..=5000).contains(&bench.life(":room")));
    drop(held);
    assert_eq!(bench.life(":room"), -2);
    let mut held = bench.lock();
    held.reserve(0, LONG).unwrap();
    held.save(&bench.record(1), 0, LONG).unwrap();
    assert_eq!(bench.life(":room"), -2);
}

#[test]
fn a_full_memory_is_told_before_and_does_not_lose_what_there_was_room_for() {
    let Some(bench) = Bench::new() else { return };
    let mut held = bench.lock();
    held.reserve(0, LONG).unwrap();
    bench.server.ask::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(held.save(&bench.record(1), 0, LONG).unwrap(), Saved::Saved);
    let error = held.reserve(1, LONG).unwrap_err();
    assert!(error.kind() == Kind::Store && error.message().contains("raise maxmemory"), "{error}");
    drop(held);
    assert_eq!(bench.counter(), 1);
    let error = bench.store.lock("another", 0, LONG, AT_ONCE).err().expect("no memory for a lock");
    assert!(error.message().contains("OOM"), "{error}");
}

#[test]
fn a_replica_and_a_disk_that_fails_are_told_before() {
    let Some(bench) = Bench::new() else { return };
    let mut held = bench.lock();
    bench.server.ask::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
    let error = held.reserve(0, LONG).unwrap_err();
    assert!(error.message().contains("READONLY") && error.message().contains("primary"), "{error}");
    bench.server.ask::<()>(&["REPLICAOF", "NO", "ONE"]);
    held.reserve(0, LONG).unwrap();
    let _: () = bench.server.ask(&["CONFIG", "SET", "save", "1 1"]);
    std::fs::create_dir(bench.server.path("dump.rdb")).unwrap();
    std::fs::write(bench.server.path("dump.rdb/in the way"), "").unwrap();
    bench.server.ask::<()>(&["BGSAVE"]);
    let mut refused = || {
        thread::sleep(Duration::from_millis(20));
        held.reserve(0, LONG).err()
    };
    let error = (0..200).find_map(|_| refused()).expect("it takes nothing more");
    assert!(error.message().contains("MISCONF"), "{error}");
}

#[test]
fn a_policy_that_throws_refresh_tokens_away_is_told_once() {
    let Some(bench) = Bench::with(&[("maxmemory-policy", "allkeys-lru")]) else { return };
    let mut held = bench.lock();
    let warning = held.reserve(0, LONG).unwrap().expect("a warning");
    assert!(warning.contains("allkeys-lru") && warning.contains("noeviction"), "{warning}");
    assert_eq!(held.reserve(0, LONG).unwrap(), None);
    drop(held);
    for policy in ["noeviction", "volatile-lru"] {
        bench.server.ask::<()>(&["CONFIG", "SET", "maxmemory-policy", policy]);
        let store = store(&[("store_url", &bench.server.url())]);
        assert_eq!(lock(&store).reserve(0, LONG).unwrap(), None, "{policy}");
    }
}

#[test]
fn unusable_records_are_kept_but_not_without_end() {
    let Some(bench) = Bench::new() else { return };
    for number in 1..=ASIDES + 2 {
        let mut held = bench.lock();
        held.save(&bench.record(number.into()), number.into(), LONG).unwrap();
        let place = held.set_aside(LONG).unwrap();
        assert_eq!(place, format!("tokenkeep:{{name}}:aside-{}", number.min(ASIDES)));
    }
    assert_eq!(bench.server.ask::<u32>(&["DBSIZE"]), ASIDES);
    assert_eq!(bench.counter(), 0);
}

#[test]
fn what_is_no_text_is_no_record_and_can_be_set_aside() {
    let Some(bench) = Bench::new() else { return };
    bench.server.ask::<()>(&["RPUSH", "tokenkeep:{name}", "a list"]);
    assert_eq!(bench.store.load("name", LONG).unwrap().bytes, Some(Vec::new()));
    bench.lock().set_aside(LONG).unwrap();
    assert_eq!(bench.counter(), 0);
    bench.server.ask::<()>(&["RPUSH", "tokenkeep:{name}", "a list"]);
    bench.save(1);
    assert_eq!(bench.counter(), 1);
}

#[test]
fn a_user_needs_no_more_than_the_error_says() {
    let Some(bench) = Bench::new() else { return };
    let bare = ["ACL", "SETUSER", "keeper", "on", ">hush", "resetkeys", "~tokenkeep:*", "-@all"];
    bench.server.ask::<()>(&bare);
    let at = format!("redis://keeper:hush@127.0.0.1:{}", bench.server.port());
    let at = store(&[("store_url", &at)]);
    let error = refused(&at);
    let advice = error.split("let its user do ").nth(1).expect("advice");
    let rights: Vec<&str> = advice.split(' ').take_while(|word| word.starts_with('+')).collect();
    assert!(rights.len() > 5, "{error}");
    bench.server.ask::<()>(&[&["ACL", "SETUSER", "keeper"], &rights[..]].concat());
    assert!(at.load("name", LONG).unwrap().bytes.is_none());
    let mut held = lock(&at);
    assert_eq!(held.reserve(0, LONG).unwrap(), None);
    assert_eq!(held.save(&bench.record(1), 0, LONG).unwrap(), Saved::Saved);
    held.set_aside(LONG).unwrap();
    held.remove(LONG).unwrap();
    drop(held);
    lock(&at);
    let elsewhere = format!("redis://keeper:hush@127.0.0.1:{}/2", bench.server.port());
    lock(&store(&[("store_url", &elsewhere)]));
}

#[test]
fn a_password_is_shown_and_a_wrong_one_is_told_but_not_repeated() {
    let Some(server) = RedisServer::start(&[("requirepass", "hush")]) else { return };
    let address = format!("127.0.0.1:{}", server.port());
    let at = |who: &str| store(&[("store_url", &format!("redis://{who}{address}"))]);
    assert!(at(":hush@").load("name", LONG).is_ok());
    assert!(at("default:hush@").load("name", LONG).is_ok());
    assert!(refused(&at("")).contains("NOAUTH"));
    for who in [":hush-hush@", "default:hush-hush@", "nobody:hush@"] {
        let error = refused(&at(who));
        assert!(error.contains("WRONGPASS") && error.contains(&address), "{error}");
    }
}

/// A Redis of an old version or with a renamed command repeats what it does not know.
#[test]
fn what_a_server_says_of_a_password_is_not_repeated() {
    let Some(server) = RedisServer::start(&[("rename-command", "AUTH nobody-knows")]) else { return };
    let error = refused(&store(&[("store_url", &format!("redis://:hush@127.0.0.1:{}", server.port()))]));
    assert!(error.contains("(ERR)"), "{error}");
}

#[test]
fn a_database_is_a_place_of_its_own() {
    let Some(bench) = Bench::new() else { return };
    bench.save(1);
    let third = store(&[("store_url", &format!("{}/3", bench.server.url()))]);
    assert!(third.load("name", LONG).unwrap().bytes.is_none());
    lock(&third).save(&bench.record(7), 0, LONG).unwrap();
    let same = store(&[("store_url", &format!("{}?db=3", bench.server.socket_url()))]);
    assert!(same.load("name", LONG).unwrap().bytes.is_some());
    assert_eq!(bench.counter(), 1);
    let hundredth = store(&[("store_url", &format!("{}/100", bench.server.url()))]);
    assert!(refused(&hundredth).contains("DB index"));
}

#[test]
fn a_redis_that_is_not_there_is_told_at_once() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let absent = store(&[("store_url", &format!("redis://u:hush@127.0.0.1:{port}"))]);
    let before = Deadline::after(LONG);
    assert!(refused(&absent).contains(&format!("redis://127.0.0.1:{port}")));
    let missing = store(&[("store_url", "unix:///nowhere/redis.sock?pass=hush")]);
    assert!(refused(&missing).contains("unix:///nowhere/redis.sock"));
    assert!(LONG - before.left() < ANSWER, "it waited");
}

#[test]
fn a_paused_or_stopped_redis_is_given_up_soon() {
    let Some(bench) = Bench::new() else { return };
    let _held = bench.lock();
    bench.server.ask::<()>(&["CLIENT", "PAUSE", "20000"]);
    let before = Deadline::after(LONG);
    assert!(bench.refused().contains("no answer in time"));
    let took = LONG - before.left();
    assert!(took >= ANSWER && took < 2 * ANSWER, "{took:?}");
    assert!(bench.store.load("name", Duration::from_millis(50)).is_err());
    assert!(LONG - before.left() < 2 * ANSWER);
}

#[test]
fn a_killed_connection_is_made_anew() {
    let Some(bench) = Bench::new() else { return };
    bench.save(1);
    let mut held = bench.lock();
    for _ in 0..3 {
        bench.server.ask::<()>(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        assert_eq!(bench.counter(), 1);
    }
    bench.server.ask::<()>(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    assert_eq!(held.save(&bench.record(2), 1, LONG).unwrap(), Saved::Saved);
}

#[test]
fn a_redis_that_is_gone_for_good_is_not_waited_for_twice() {
    let Some(mut bench) = Bench::new() else { return };
    let mut held = bench.lock();
    bench.server.kill();
    let before = Deadline::after(LONG);
    assert!(held.save(&bench.record(1), 0, LONG).is_err());
    drop(held);
    let took = LONG - before.left();
    assert!((Duration::from_secs(2)..Duration::from_secs(5)).contains(&took), "{took:?}");
}

#[test]
fn a_restarted_redis_is_waited_for_and_knows_no_scripts() {
    let Some(mut bench) = Bench::with(&[("appendonly", "yes"), ("appendfsync", "always")]) else { return };
    bench.save(1);
    let mut held = bench.lock();
    bench.server.kill();
    thread::scope(|scope| {
        let saved = scope.spawn(|| held.save(&record(&bench.key, 2, None), 1, LONG).unwrap());
        thread::sleep(Duration::from_millis(200));
        bench.server.begin();
        assert_eq!(saved.join().unwrap(), Saved::Saved);
    });
    assert_eq!(bench.counter(), 2);
}

#[test]
fn a_redis_that_loads_its_data_is_waited_for() {
    let Some(mut bench) = Bench::with(&[("key-load-delay", "20000")]) else { return };
    bench.save(1);
    bench.server.ask::<()>(&["DEBUG", "POPULATE", "50"]);
    bench.server.ask::<()>(&["CONFIG", "SET", "loading-process-events-interval-bytes", "1024"]);
    bench.server.ask::<()>(&["SAVE"]);
    bench.server.kill();
    bench.server.spawn();
    while std::os::unix::net::UnixStream::connect(bench.server.path("socket")).is_err() {
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(bench.counter(), 1);
}

#[test]
fn too_many_clients_are_waited_for() {
    let Some(bench) = Bench::with(&[("maxclients", "4")]) else { return };
    bench.save(1);
    bench.store.rest();
    let others: Vec<_> = std::iter::repeat_with(|| store(&[("store_url", &bench.server.url())]))
        .take(4)
        .inspect(|other| drop(other.load("name", LONG).unwrap()))
        .collect();
    let error = bench.refused();
    // Its last words are lost where it hangs up before it has read ours.
    assert!(error.contains("max number of clients") || error.contains("maxclients"), "{error}");
    thread::scope(|scope| {
        let waiter = scope.spawn(|| bench.counter());
        thread::sleep(Duration::from_millis(100));
        drop(others);
        assert_eq!(waiter.join().unwrap(), 1);
    });
}

/// Answers whoever connects with these bytes, so many of them at a time.
fn canned(answer: &'static [u8], at_once: usize, pause: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                assert_ne!(stream.read(&mut [0; 1024]).unwrap_or(0), 0, "a command comes first");
                for part in answer.chunks(at_once) {
                    stream.write_all(part).ok();
                    thread::sleep(pause);
                }
                thread::sleep(LONG);
            });
        }
    });
    url
}

#[test]
fn too_many_clients_are_no_wrong_password() {
    let url = canned(b"-ERR max number of clients reached\r\n", 64, Duration::ZERO).replace("//", "//:hush@");
    let error = refused(&store(&[("store_url", &url)]));
    assert!(error.contains("max number of clients") && !error.contains("password"), "{error}");
}

#[test]
fn an_answer_that_drips_is_given_up_like_one_that_does_not_come() {
    let url = canned(&[b'+'; 1000], 1, Duration::from_millis(100));
    let before = Deadline::after(LONG);
    assert!(refused(&store(&[("store_url", &url)])).contains("no answer in time"));
    assert!(LONG - before.left() < 2 * ANSWER);
}

#[test]
fn what_is_no_redis_is_told() {
    for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"$x\r\n", b"*2\r\n:1\r\n:2\r\n:3\r\n"] {
        let error = refused(&store(&[("store_url", &canned(answer, 1000, Duration::ZERO))]));
        assert!(error.contains("not what a Redis answers") || error.contains("no answer in time"), "{error}");
    }
}

#[test]
fn a_node_of_a_cluster_that_says_where_the_record_is_is_believed() {
    let Some(bench) = Bench::new() else { return };
    bench.save(3);
    let there = format!("-MOVED 42 127.0.0.1:{}\r\n", bench.server.port());
    let first = canned((there + "*2\r\n$1\r\n1\r\n$1\r\n2\r\n").leak().as_bytes(), 1000, Duration::ZERO);
    let store = store(&[("store_url", &first)]);
    let bytes = store.load("name", LONG).unwrap().bytes.expect("the record");
    assert_eq!(Record::read(&bytes).unwrap().counter, 3);
    lock(&store);
}

#[test]
fn a_forked_child_has_a_connection_of_its_own() {
    let Some(bench) = Bench::new() else { return };
    bench.save(1);
    assert_eq!(bench.counter(), 1);
    // SAFETY: the child only loads a record, on the one thread it has, and leaves by _exit.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let load = std::panic::AssertUnwindSafe(|| bench.store.load("name", LONG).is_ok());
        let good = std::panic::catch_unwind(load).unwrap_or(false);
        // SAFETY: leaves at once, without the parent's exit handlers.
        unsafe { libc::_exit(i32::from(!good)) };
    }
    let mut status = 0;
    // SAFETY: `child` is ours and `status` is valid for writing.
    unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(status, 0);
    let before: String = bench.server.ask(&["INFO", "stats"]);
    assert_eq!(bench.counter(), 1);
    let after: String = bench.server.ask(&["INFO", "stats"]);
    let received = |stats: &str| -> u64 {
        let line = stats.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
        line.unwrap().trim().parse().unwrap()
    };
    assert_eq!(received(&after) - received(&before), 1, "the parent's connection is as it was");
}
