//! A fleet: many processes that share one grant in one Redis. How often the vendor and the Redis are asked, with and
//! without faults. `make fleet` writes what it measures into docs/SCALING.md.
mod support;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use serde_json::json;
use support::redis::RedisServer;
use support::stores::{Stores, process, process_under, say, work};
use support::tool::is_installed;
use support::{always, pause, timed, token, told, until, until_asked};
use tokenkeep_sandbox::Fault;

/// How long the vendor takes to answer.
const LOGIN_MS: u64 = 500;
/// How long tokens live where a fleet is watched at work, and for how many lives.
const LIFE_MS: u64 = 5000;
const LIVES: u64 = 3;

/// What the tests have other processes do: one token at the parent's word, and then as many as it takes.
#[test]
fn a_process_of_its_own() {
    let Some((work, client)) = work() else { return };
    say("ready");
    let mut word = String::new();
    std::io::stdin().read_line(&mut word).expect("the parent's word");
    let (token_then, took) = timed(|| token(&client));
    say(&format!("{} {}", took.as_millis(), token_then.value()));
    if work == "work" {
        let began = std::time::Instant::now();
        while began.elapsed() < Duration::from_millis(LIFE_MS * LIVES) {
            token(&client);
            pause(20);
        }
        say("done");
    }
}

/// Workers that are up, and wait for a word.
struct Workers(Vec<(Child, BufReader<std::process::ChildStdout>)>);

impl Workers {
    fn start(count: usize, start: impl Fn(usize) -> Child) -> Workers {
        let up = |number| {
            let mut child = start(number);
            let output = BufReader::new(child.stdout.take().expect("its output"));
            (child, output)
        };
        let mut workers = Workers((0..count).map(up).collect());
        for (_, output) in &mut workers.0 {
            assert_eq!(said(output), "ready");
        }
        workers
    }

    fn go(&mut self) {
        for (child, _) in &mut self.0 {
            writeln!(child.stdin.as_mut().expect("its input"), "go").expect("it listens");
        }
    }

    /// The tokens they had, and how long the slowest waited.
    fn tokens(&mut self) -> (BTreeSet<String>, Duration) {
        let mut tokens = BTreeSet::new();
        let mut slowest = 0;
        for (_, output) in &mut self.0 {
            let line = said(output);
            let (took, token) = line.split_once(' ').expect("a time and a token");
            tokens.insert(token.to_owned());
            slowest = slowest.max(took.parse().expect("milliseconds"));
        }
        (tokens, Duration::from_millis(slowest))
    }

    fn end(self) {
        for (mut child, output) in self.0 {
            let rest: Vec<String> = output.lines().map_while(Result::ok).collect();
            assert!(child.wait().expect("it ends").success(), "{rest:?}");
        }
    }
}

/// The next thing that a worker says.
fn said(output: &mut impl BufRead) -> String {
    let mut lines = output.lines().map(|line| line.expect("text"));
    let said = lines.find_map(|line| line.split_once("SAYS ").map(|(_, said)| said.to_owned()));
    said.expect("it says something")
}

struct Fleet {
    server: RedisServer,
    stores: Stores,
    size: usize,
}

/// What one run has cost.
struct Cost {
    what: &'static str,
    size: usize,
    requests: u64,
    commands: u64,
    connections: u64,
    took: Duration,
}

impl Fleet {
    /// With a Redis as docs/SCALING.md wants it.
    fn new(size: usize) -> Option<Fleet> {
        let server = RedisServer::start(&[("appendonly", "yes")])?;
        let stores = Stores::redis(&server.url());
        stores.sandbox.fault(Fault { delay_ms: LOGIN_MS, ..always("acquired/login") });
        Some(Fleet { server, stores, size })
    }

    fn workers(&self, work: &str) -> Workers {
        let profile = self.stores.profile("acquired", &[]);
        self.server.ask::<()>(&["CONFIG", "RESETSTAT"]);
        Workers::start(self.size, |_| process(work, &profile))
    }

    fn cost(&self, what: &'static str, took: Duration) -> Cost {
        // GET and TIME go together; what scripts call is not sent.
        let sent = ["auth", "select", "evalsha", "script|load", "time", "time"];
        let stats: String = self.server.ask(&["INFO", "stats"]);
        let connections = stats.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
        Cost {
            what,
            size: self.size,
            requests: self.stores.sandbox.count("acquired/login"),
            commands: sent.iter().map(|command| self.server.calls(command)).sum(),
            connections: connections.and_then(|text| text.trim().parse().ok()).expect("a number"),
            took,
        }
    }

    fn starts_at_once(&self) -> Cost {
        let mut workers = self.workers("token");
        workers.go();
        let (tokens, took) = workers.tokens();
        let cost = self.cost("all start at once, with an empty store", took);
        workers.end();
        assert_eq!((tokens.len(), cost.requests), (1, 1), "{tokens:?}");
        cost
    }

    fn finds_a_token(&self) -> Cost {
        token(&self.stores.client("acquired", &[]));
        let mut workers = self.workers("token");
        workers.go();
        let (tokens, took) = workers.tokens();
        let cost = self.cost("all start at once, and a token is there", took);
        workers.end();
        assert_eq!((tokens.len(), cost.requests), (1, 1), "{tokens:?}");
        cost
    }

    fn is_at_work(&self) -> Cost {
        self.stores.sandbox.set_lifetime("acquired", json!(LIFE_MS / 1000));
        let mut workers = self.workers("work");
        workers.go();
        workers.tokens();
        workers.end();
        let cost = self.cost("all at work for three lives of a token", Duration::ZERO);
        // A token is renewed a fifth of its life before its end, give or take.
        let most = 1 + LIVES * LIFE_MS / (LIFE_MS * 7 / 10 + LOGIN_MS);
        assert!((LIVES..=most + 1).contains(&cost.requests), "{} requests", cost.requests);
        cost
    }

    fn loses_the_one_that_renews(&self) -> Cost {
        self.stores.sandbox.clear_faults();
        self.stores.sandbox.fault(Fault { hang: true, ..Fault::on("acquired/login") });
        let profile = self.stores.profile("acquired", &[]);
        let mut workers = self.workers("token");
        let mut victim = process("token", &profile);
        writeln!(victim.stdin.as_mut().expect("its input"), "go").expect("it listens");
        until_asked(&self.stores.sandbox, "acquired/login", 1);
        self.stores.sandbox.fault(Fault { delay_ms: LOGIN_MS, ..always("acquired/login") });
        workers.go();
        pause(100);
        victim.kill().expect("it is killed");
        victim.wait().expect("it ended");
        let (tokens, took) = workers.tokens();
        let cost = self.cost("the one that renews is killed meanwhile", took);
        workers.end();
        assert_eq!((tokens.len(), cost.requests), (1, 2), "{tokens:?}");
        cost
    }

    fn sees_its_redis_restart(&mut self) -> Cost {
        // Long enough for all of them to wait by then: one that has seen no Redis yet does not wait for one.
        self.stores.sandbox.clear_faults();
        self.stores.sandbox.fault(Fault { delay_ms: 4 * LOGIN_MS, ..always("acquired/login") });
        let mut workers = self.workers("token");
        workers.go();
        until("all of them wait", || {
            let clients: String = self.server.ask(&["INFO", "clients"]);
            let count = clients.lines().find_map(|line| line.strip_prefix("connected_clients:"));
            // This question is one of them.
            count.expect("a count").trim().parse::<usize>().expect("a number") > self.size
        });
        self.server.kill();
        pause(50);
        self.server.begin();
        let (tokens, took) = workers.tokens();
        let cost = self.cost("the Redis is killed and starts anew meanwhile", took);
        workers.end();
        assert_eq!((tokens.len(), cost.requests), (1, 1), "{tokens:?}");
        cost
    }

    fn has_clocks_a_minute_apart(&self) -> Option<Cost> {
        if !is_installed("faketime", "a fleet whose clocks are wrong", "faketime") {
            return None;
        }
        let profile = self.stores.profile("acquired", &[]);
        self.server.ask::<()>(&["CONFIG", "RESETSTAT"]);
        let mut workers = Workers::start(self.size, |number| {
            let offset = ["-60s", "+0s", "+60s"][number % 3];
            let fake = ["env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "faketime", "-f", offset];
            process_under(&fake, "token", &profile)
        });
        workers.go();
        let (tokens, took) = workers.tokens();
        let cost = self.cost("their clocks are up to two minutes apart", took);
        workers.end();
        assert_eq!((tokens.len(), cost.requests), (1, 1), "{tokens:?}");
        Some(cost)
    }
}

fn costs(size: usize) -> Option<Vec<Cost>> {
    let mut costs = vec![
        Fleet::new(size)?.starts_at_once(),
        Fleet::new(size)?.finds_a_token(),
        Fleet::new(size)?.is_at_work(),
        Fleet::new(size)?.loses_the_one_that_renews(),
        Fleet::new(size)?.sees_its_redis_restart(),
    ];
    costs.extend(Fleet::new(size)?.has_clocks_a_minute_apart());
    Some(costs)
}

#[test]
fn ten_workers_make_one_request_whatever_happens() {
    let Some(costs) = costs(10) else { return };
    let per_worker = |at: usize| costs[at].commands / 10;
    assert!(per_worker(0) <= 40, "{} commands each at a cold start", per_worker(0));
    assert!(per_worker(1) <= 3, "{} commands each to find a token", per_worker(1));
}

#[test]
#[ignore = "hundreds of processes: `make fleet`"]
fn fleets_of_ten_fifty_and_two_hundred() {
    let costs: Vec<Cost> = [10, 50, 200].into_iter().filter_map(costs).flatten().collect();
    let mut whats: Vec<_> = costs.iter().map(|cost| cost.what).collect();
    whats.dedup();
    let mut table = String::from(
        "| what happens | workers | requests to the vendor | commands to Redis | of these each worker's | connections | slowest token |\n|---|---|---|---|---|---|---|\n",
    );
    for what in costs.iter().filter(|cost| cost.size == 10).map(|cost| cost.what) {
        for cost in costs.iter().filter(|cost| cost.what == what) {
            let Cost { size, requests, commands, connections, took, .. } = cost;
            let each = *commands as f64 / *size as f64;
            let took = if took.is_zero() { "-".into() } else { format!("{} ms", took.as_millis()) };
            table += &format!(
                "| {what} | {size} | {requests} | {commands} | {each:.1} | {connections} | {took} |\n"
            );
        }
    }
    println!("{table}");
    if told("TOKENKEEP_UPDATE_SCALING").is_some() {
        write_between("<!-- measured -->\n", "<!-- /measured -->\n", &table);
    }
}

fn write_between(begin: &str, end: &str, table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/SCALING.md");
    let text = std::fs::read_to_string(&path).expect("the page");
    let (before, rest) = text.split_once(begin).expect("where the table begins");
    let (_, after) = rest.split_once(end).expect("where the table ends");
    std::fs::write(path, format!("{before}{begin}{table}{end}{after}")).expect("it is written");
}
