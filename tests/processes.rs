//! Real processes that share one grant in a store of files: killed, stopped, forked, many at once.
mod support;

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::process::Child;
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;
use support::stores::{Stores, consent, process, said, say, work};
use support::{always, now, pause, timed, token, until, until_asked, within};
use tokenkeep::{Call, Client, Kind};
use tokenkeep_sandbox::Fault;

/// What the tests have other processes do.
#[test]
fn a_process_of_its_own() {
    let Some((work, client)) = work() else { return };
    match work.as_str() {
        "token" => {
            ready();
            say(token(&client).value());
            say(&unix_millis(now()).to_string());
        }
        "use" => use_until_killed(&client),
        "wait" => {
            let outcome = client.token(&within(700));
            say(&outcome.map_or_else(|error| error.kind().name().to_owned(), |_| "TOKEN".to_owned()));
        }
        other => panic!("{other}"),
    }
}

/// Tells the parent that this process is up, and waits for its word.
fn ready() {
    say("ready");
    let mut word = String::new();
    std::io::stdin().read_line(&mut word).expect("the parent's word");
}

fn until_ready(process: &mut Child) {
    let mut lines = BufReader::new(process.stdout.as_mut().expect("its output")).lines();
    assert!(lines.any(|line| line.expect("a line") == "SAYS ready"));
}

fn go(process: &mut Child) {
    writeln!(process.stdin.as_mut().expect("its input"), "go").expect("it listens");
}

fn signal(process: &Child, signal: libc::c_int) {
    // SAFETY: the process is ours and was not waited for.
    unsafe { libc::kill(libc::pid_t::try_from(process.id()).expect("a pid"), signal) };
}

fn unix_millis(time: SystemTime) -> u128 {
    time.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_millis()
}

/// A program at work. Only what a kill can bring about may go wrong.
fn use_until_killed(client: &Client) {
    loop {
        match client.token(&within(8000)) {
            Ok(_) => {}
            // The refresh token was lost by a kill: a person must say yes again.
            Err(error) if matches!(error.kind(), Kind::ConsentRequired) => {}
            Err(error) => say(&format!("{}: {error}", error.kind().name())),
        }
        for event in client.take_events() {
            if event.message.contains("set aside") || event.message.contains("saved a grant meanwhile") {
                say(&event.message);
            }
        }
        pause(5);
    }
}

#[test]
fn thirty_two_processes_spend_each_refresh_token_once_whoever_is_killed() {
    const PROCESSES: usize = 32;
    const RENEWALS: u64 = 200;
    const LIFE: f64 = 0.15;
    let stores = Stores::new();
    // The sandbox counts time from now on, too.
    let began = Instant::now();
    stores.sandbox.reset();
    stores
        .sandbox
        .configure("pink", json!({"lifetime": LIFE, "rotate_refresh": true, "reuse_revokes": true}));
    // This process has the person at hand, and is not killed.
    let host = stores.client("pink", &[("user_agent", "host")]);
    consent(&host);
    let start = |number: usize| {
        let directory = format!("process-{number}");
        let profile = stores.profile_in(&directory, "pink", &[("user_agent", &format!("process-{number}"))]);
        process("use", &profile)
    };
    let mut processes: BTreeMap<usize, Child> =
        (0..PROCESSES).map(|number| (number, start(number))).collect();
    let mut killed: HashMap<String, u64> = HashMap::new();
    let mut complaints = Vec::new();
    let (mut next, mut consents) = (PROCESSES, 1);
    while stores.sandbox.count("pink/token") < RENEWALS {
        assert!(began.elapsed() < Duration::from_secs(240), "too few renewals");
        pause(50 + (next as u64 * 7919) % 100);
        let victim = *processes.keys().nth((next * 31) % PROCESSES).expect("a process");
        let mut child = processes.remove(&victim).expect("it runs");
        signal(&child, libc::SIGKILL);
        killed.insert(format!("process-{victim}"), u64::try_from(began.elapsed().as_millis()).unwrap());
        let mut text = String::new();
        child.stdout.take().expect("its output").read_to_string(&mut text).expect("text");
        child.wait().expect("it ended");
        complaints.extend(text.lines().filter_map(|line| line.strip_prefix("SAYS ")).map(str::to_owned));
        processes.insert(next, start(next));
        next += 1;
        if let Err(error) = host.token(&within(8000)) {
            assert_eq!(error.kind(), Kind::ConsentRequired, "{error}");
            consent(&host);
            consents += 1;
        }
    }
    for child in processes.values_mut() {
        signal(child, libc::SIGKILL);
        child.wait().expect("it ended");
    }
    assert!(complaints.is_empty(), "{complaints:#?}");

    // Each refresh token was sent once, but where its first sender was killed before it could save the next one.
    let mut senders: HashMap<String, (String, u64)> = HashMap::new();
    let mut lost = 0;
    let requests = stores.sandbox.requests("pink/token");
    for request in requests.iter().filter(|request| request.body.contains("grant_type=refresh_token")) {
        let sent = parameter(&request.body, "refresh_token");
        let sender = request.header("user-agent").expect("a name").to_owned();
        if let Some((first, at)) = senders.insert(sent, (sender, request.at_ms)) {
            let ended = killed
                .get(&first)
                .unwrap_or_else(|| panic!("{first} lives and sent a token that was sent again"));
            // A busy machine reads a request a while after it was sent.
            assert!(
                (at.saturating_sub(200)..at + 400).contains(ended),
                "{first} sent it at {at}, was killed at {ended}"
            );
            lost += 1;
        }
    }
    // The early window is the last fifth of a life: before it nobody renews.
    let cycles = (began.elapsed().as_secs_f64() / (0.8 * LIFE)) as usize + 1 + lost;
    assert!(requests.len() <= cycles, "{} refreshes in {cycles} cycles", requests.len());
    assert!(stores.sandbox.peak("pink/token") <= 2, "one at a time, but for one that was killed");
    assert!(consents <= lost + 1, "{consents} consents for {lost} lost refresh tokens");
    // The record can be read and its lock is free.
    drop(host);
    let heir = stores.client("pink", &[]);
    if consents == lost {
        consent(&heir);
    }
    until("the last token ends", || heir.token(&within(8000)).is_ok());
    println!(
        "{} refreshes in {:?}, {} kills; {lost} of them between the vendor's answer and the disk",
        requests.len(),
        began.elapsed(),
        killed.len(),
    );
}

fn parameter(body: &str, name: &str) -> String {
    let found = form_urlencoded::parse(body.as_bytes()).find(|(known, _)| known == name);
    found.expect("the parameter").1.into_owned()
}

#[test]
fn the_window_between_the_vendors_answer_and_the_disk_is_short() {
    let stores = Stores::new();
    // The sandbox counts time from now on, too.
    let began = now();
    stores.sandbox.reset();
    stores.sandbox.set_lifetime("pink", json!(0.15));
    let client = stores.client("pink", &[]);
    consent(&client);
    let mut windows = Vec::new();
    for _ in 0..20 {
        pause(160);
        token(&client);
        let asked = stores.sandbox.requests("pink/token").last().expect("a request").at_ms;
        let metadata = stores.record().metadata().expect("a record");
        let since_1970 = Duration::new(
            metadata.ctime().try_into().expect("after 1970"),
            metadata.ctime_nsec().try_into().expect("nanoseconds"),
        );
        let saved = SystemTime::UNIX_EPOCH + since_1970;
        windows.push(saved.duration_since(began + Duration::from_millis(asked)).unwrap_or_default());
    }
    windows.sort_unstable();
    println!(
        "from the request at the vendor to the record on the disk: {:?}, at most {:?}",
        windows[10], windows[19]
    );
    // The vendor here answers at once; a disk that takes this long is broken.
    assert!(windows[10] < Duration::from_millis(500), "{windows:?}");
}

#[test]
fn eight_processes_that_start_at_once_make_one_request() {
    let stores = Stores::new();
    stores.sandbox.fault(Fault { delay_ms: 500, ..always("acquired/login") });
    let profile = stores.profile("acquired", &[]);
    let mut processes: Vec<Child> = (0..8).map(|_| process("token", &profile)).collect();
    processes.iter_mut().for_each(until_ready);
    let asked = unix_millis(now());
    processes.iter_mut().for_each(go);
    let outcomes: Vec<Vec<String>> = processes.into_iter().map(said).collect();
    assert!(outcomes.iter().all(|said| said[0] == outcomes[0][0]), "one token");
    assert_eq!(stores.sandbox.count("acquired/login"), 1);
    let slowest = outcomes.iter().map(|said| said[1].parse::<u128>().expect("a time")).max().expect("eight");
    println!(
        "the slowest of eight had its token {} ms after the answer",
        slowest.saturating_sub(asked + 500)
    );
    assert!(slowest < asked + 500 + 2000, "{} ms", slowest - asked);
}

#[test]
fn while_a_stopped_process_holds_the_record_a_living_token_is_used_and_others_wait_to_their_deadline() {
    const EARLY: [(&str, &str); 1] = [("refresh_early", "3 s")];
    let stores = Stores::new();
    stores.sandbox.set_lifetime("pink", json!(6));
    let living = stores.client("pink", &EARLY);
    consent(&living);
    let began = Instant::now();
    // In the early window another process starts a refresh, and is stopped in the middle of it.
    pause(3800);
    stores.sandbox.fault(Fault { hang: true, ..Fault::on("pink/token") });
    let profile = stores.profile("pink", &EARLY);
    let mut holder = process("use", &profile);
    until_asked(&stores.sandbox, "pink/token", 2);
    signal(&holder, libc::SIGSTOP);
    let (outcome, took) = timed(|| living.token(&Call::default()));
    outcome.expect("the token lives");
    assert!(took < Duration::from_secs(1), "{took:?}");

    std::thread::sleep(Duration::from_millis(6100).saturating_sub(began.elapsed()));
    let (outcome, took) = timed(|| living.token(&within(500)));
    assert_eq!(outcome.expect_err("it ended").kind(), Kind::Timeout);
    assert!(took < Duration::from_millis(1500), "{took:?}");
    assert_eq!(said(process("wait", &profile)), ["TIMEOUT"]);

    // Its end frees the record.
    signal(&holder, libc::SIGKILL);
    holder.wait().expect("it ended");
    let (outcome, took) = timed(|| living.token(&within(5000)));
    outcome.expect("a token");
    println!("{took:?} after the holder's end there was a token");
    assert_eq!(stores.sandbox.count("pink/token"), 3);
}
