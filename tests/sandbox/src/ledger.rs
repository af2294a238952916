//! The tokens a vendor has issued, and whether they still live.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// What a token is good for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Resources. Personal access tokens count here too.
    Access,
    /// More access tokens.
    Refresh,
    /// Frederick: location tokens and the user's own resources.
    User,
    /// Frederick: one location's resources.
    Location,
}

/// Which tokens to revoke.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Revocation {
    /// Every token but refresh tokens.
    #[default]
    AccessTokens,
    /// Every token.
    All,
    /// The tokens of one level.
    Level(Level),
    /// This token.
    Token(String),
}

/// Whom a token speaks for, and about what.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Subject {
    pub(crate) level: Level,
    /// The client, account or location.
    pub(crate) holder: String,
    pub(crate) scope: String,
    pub(crate) audience: Vec<String>,
    pub(crate) resource: Vec<String>,
    /// The person who said yes, where the request named one.
    pub(crate) person: Option<String>,
}

impl Subject {
    /// A subject without scope, audience or resource.
    pub(crate) fn new(level: Level, holder: &str) -> Self {
        Self {
            level,
            holder: holder.to_owned(),
            scope: String::new(),
            audience: Vec::new(),
            resource: Vec::new(),
            person: None,
        }
    }
}

/// All tokens that came of one consent.
pub(crate) type Family = u64;

/// One issued token.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) subject: Subject,
    pub(crate) family: Option<Family>,
    serial: u64,
    ends: Option<Instant>,
    state: State,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Standing,
    /// A refresh token that was exchanged for its successor.
    Spent,
    Revoked,
}

/// Why a token is not honoured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flaw {
    Unknown,
    Expired,
    Spent,
    Revoked,
}

/// Every token by its value.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: HashMap<String, Entry>,
    issued: u64,
}

impl Ledger {
    /// The number of the next token.
    pub(crate) fn next_serial(&self) -> u64 {
        self.issued + 1
    }

    /// Enters a token, honoured from now on.
    pub(crate) fn enter(
        &mut self,
        value: String,
        subject: Subject,
        family: Option<Family>,
        validity: Option<Duration>,
    ) {
        self.issued += 1;
        let entry = Entry {
            subject,
            family,
            serial: self.issued,
            ends: validity.and_then(|validity| Instant::now().checked_add(validity)),
            state: State::Standing,
        };
        self.entries.insert(value, entry);
    }

    /// The token, whatever its state.
    pub(crate) fn find(&self, value: &str) -> Option<&Entry> {
        self.entries.get(value)
    }

    /// The token, if it lives.
    pub(crate) fn live(&self, value: &str) -> Result<&Entry, Flaw> {
        let entry = self.find(value).ok_or(Flaw::Unknown)?;
        entry.flaw().map_or(Ok(entry), Err)
    }

    /// The youngest living token for that subject.
    pub(crate) fn latest(&self, subject: &Subject) -> Option<&str> {
        let fits = |(_, entry): &(&String, &Entry)| entry.subject == *subject && entry.flaw().is_none();
        let all = self.entries.iter().filter(fits);
        all.max_by_key(|(_, entry)| entry.serial).map(|(value, _)| value.as_str())
    }

    /// Marks a refresh token as exchanged.
    pub(crate) fn spend(&mut self, value: &str) {
        if let Some(entry) = self.entries.get_mut(value) {
            entry.state = State::Spent;
        }
    }

    /// Revokes all tokens of one consent.
    pub(crate) fn revoke_family(&mut self, family: Family) {
        self.revoke_where(|_, entry| entry.family == Some(family));
    }

    /// Revokes as ordered and says how many tokens fell.
    pub(crate) fn revoke(&mut self, revocation: &Revocation) -> usize {
        self.revoke_where(|value, entry| match revocation {
            Revocation::AccessTokens => entry.subject.level != Level::Refresh,
            Revocation::All => true,
            Revocation::Level(level) => entry.subject.level == *level,
            Revocation::Token(token) => value == token,
        })
    }

    /// Ends the life of every access token now and says how many died.
    pub(crate) fn expire(&mut self) -> usize {
        let now = Instant::now();
        let mut expired = 0;
        for entry in self.entries.values_mut() {
            if entry.subject.level != Level::Refresh && entry.flaw().is_none() {
                entry.ends = Some(now);
                expired += 1;
            }
        }
        expired
    }

    fn revoke_where(&mut self, fits: impl Fn(&str, &Entry) -> bool) -> usize {
        let mut revoked = 0;
        for (value, entry) in &mut self.entries {
            if entry.state != State::Revoked && fits(value, entry) {
                entry.state = State::Revoked;
                revoked += 1;
            }
        }
        revoked
    }
}

impl Entry {
    fn flaw(&self) -> Option<Flaw> {
        match self.state {
            State::Revoked => Some(Flaw::Revoked),
            State::Spent => Some(Flaw::Spent),
            State::Standing if self.ends.is_some_and(|end| Instant::now() >= end) => Some(Flaw::Expired),
            State::Standing => None,
        }
    }
}
