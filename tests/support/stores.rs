//! A directory of stored grants, a vendor, and clients and processes that share them.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tokenkeep::{Call, Client, Config, Event, Level, Log, Token};
use tokenkeep_sandbox::Sandbox;

use super::{Directory, browser, client_with, open, sandbox, told};

pub(crate) const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// What a process of the test's own is to do, and with which profile file.
const WORK: &str = "TEST_WORK";
const PROFILE: &str = "TEST_PROFILE";

pub(crate) struct Stores {
    pub(crate) directory: Directory,
    pub(crate) sandbox: Sandbox,
    /// The settings that name the store.
    store: Vec<(&'static str, String)>,
}

impl Stores {
    /// A directory of stored grants.
    pub(crate) fn new() -> Stores {
        let mut stores = Stores::with_own_key();
        stores.store.push(("store_key", KEY.into()));
        stores
    }

    /// One whose key is made where the user's settings lie.
    pub(crate) fn with_own_key() -> Stores {
        let directory = Directory::new();
        let path = directory.path().join("grants").to_str().expect("text").to_owned();
        Stores { directory, sandbox: sandbox(), store: vec![("store", "file".into()), ("store_path", path)] }
    }

    /// Stored grants in the Redis at that URL.
    pub(crate) fn redis(url: &str) -> Stores {
        let store = vec![("store", "redis".into()), ("store_url", url.into()), ("store_key", KEY.into())];
        Stores { directory: Directory::new(), sandbox: sandbox(), store }
    }

    /// Where the records are.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("grants")
    }

    /// A client that stores its grant. While no other has a keeper like its own, all it has is from the store.
    pub(crate) fn client(&self, vendor: &str, settings: &[(&str, &str)]) -> Client {
        let mut all: Vec<_> = self.store.iter().map(|(name, value)| (*name, value.as_str())).collect();
        all.extend(settings);
        client_with(&self.sandbox, vendor, &all)
    }

    /// A profile file that gives another process the same client.
    pub(crate) fn profile(&self, vendor: &str, settings: &[(&str, &str)]) -> String {
        self.profile_in(".", vendor, settings)
    }

    /// The same below a directory of its own.
    pub(crate) fn profile_in(&self, below: &str, vendor: &str, settings: &[(&str, &str)]) -> String {
        let mut all = self.sandbox.settings(vendor);
        all.extend([("provider", vendor.to_owned()), ("base_url", self.sandbox.base(vendor))]);
        all.extend(self.store.clone());
        if vendor == "pink" {
            all.insert("redirect_uri", tokenkeep_sandbox::fixtures::WEB_REDIRECT_URI.into());
        }
        all.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let lines: String = all.iter().map(|(name, value)| format!("{name} = {value:?}\n")).collect();
        self.directory.write(&format!("{below}/tokenkeep.toml"), &format!("[test]\n{lines}"))
    }

    /// The names of the files in the directory.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries =
            std::fs::read_dir(self.path()).map(|entries| entries.collect()).unwrap_or_else(|_| Vec::new());
        let mut names: Vec<_> = entries
            .into_iter()
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
            .collect();
        names.sort();
        names
    }

    /// The records among them.
    pub(crate) fn records(&self) -> Vec<PathBuf> {
        let names = self.names().into_iter().filter(|name| !name.contains('.'));
        names.map(|name| self.path().join(name)).collect()
    }

    /// So many refresh tokens were sent to PINK, and none of them twice.
    #[track_caller]
    pub(crate) fn assert_refreshes(&self, count: usize) {
        let requests = self.sandbox.requests("pink/token");
        let mut sent: Vec<_> = requests
            .iter()
            .filter(|request| request.body.contains("grant_type=refresh_token"))
            .map(|request| browser::parameter(&format!("?{}", request.body), "refresh_token"))
            .collect();
        assert_eq!(sent.len(), count);
        sent.sort();
        sent.dedup();
        assert_eq!(sent.len(), count, "one was sent twice");
    }

    /// The one record there is.
    pub(crate) fn record(&self) -> PathBuf {
        let mut records = self.records();
        assert_eq!(records.len(), 1, "{:?}", self.names());
        records.remove(0)
    }
}

/// A person says yes.
pub(crate) fn consent(client: &Client) -> Token {
    let consent = client.consent(&Call::default()).expect("a consent");
    consent.finish(&browser::say_yes(consent.url()), &Call::default()).expect("a token")
}

/// What a client warned of since it was asked last.
pub(crate) fn warnings(client: &Client) -> Vec<String> {
    let grave = |event: &Event| event.level <= Level::Warn;
    client.take_events().into_iter().filter(grave).map(|event| event.message).collect()
}

/// Another process that runs the test `a_process_of_its_own` of this program: it does this work with that profile.
pub(crate) fn process(work: &str, profile: &str) -> Child {
    process_under(&[], work, profile)
}

/// The same, started by another command.
pub(crate) fn process_under(starter: &[&str], work: &str, profile: &str) -> Child {
    let program = std::env::current_exe().expect("this program");
    let mut command =
        Command::new(starter.first().map_or(program.as_os_str(), |starter| (*starter).as_ref()));
    command.args(starter.iter().skip(1));
    command.args((!starter.is_empty()).then_some(&program));
    command.args(["--exact", "a_process_of_its_own", "--nocapture", "--test-threads=1"]);
    command.env(WORK, work).env(PROFILE, profile);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the process starts")
}

/// In such a process: the work, and the client to do it with.
pub(crate) fn work() -> Option<(String, Client)> {
    let profile = told(PROFILE)?;
    let mut config = Config::load(Some(profile.as_ref()), "test").expect("the profile");
    Some((told(WORK)?, open(config.log_to(&Log::new()))))
}

/// What such a process said with [`say`], line by line. It must have ended well.
#[track_caller]
pub(crate) fn said(process: Child) -> Vec<String> {
    let output = process.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text.lines().filter_map(|line| line.split_once("SAYS ").map(|(_, said)| said.to_owned())).collect()
}

pub(crate) fn say(what: &str) {
    use std::io::Write;
    // On a line of its own, whatever the test's runner writes.
    writeln!(std::io::stdout(), "\nSAYS {what}").expect("somebody listens");
}
