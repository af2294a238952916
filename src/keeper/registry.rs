//! Every keeper of this process, by its credential's fingerprint. A forked child has a registry of its own.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use once_cell::race::OnceBox;
use ring::hmac;
use ring::rand::SystemRandom;

use super::key::Key;
use super::{Keeper, Tenant};
use crate::error::{Error, Kind, Result};
use crate::fork::PerProcess;
use crate::scheme::oauth2::discovery::Cache;
use crate::secret::Digest;
use crate::sync::Mutex;

static REGISTRY: PerProcess<Registry> = PerProcess::new();

pub(super) struct Registry {
    keepers: Mutex<Known>,
    /// What OAuth 2 servers said of themselves.
    servers: Mutex<HashMap<Key, Weak<Cache>>>,
    /// For keepers that ask no such server: they share an empty one.
    no_server: Arc<Cache>,
    /// Given refresh tokens that were rotated away, for as long as the process: to send one again would look like
    /// theft. Read without a lock, so that a forked child can take it over.
    spent: ArcSwap<HashSet<Digest>>,
    /// Given refresh tokens of keepers that keep what comes of them in memory. Read by forked children, too.
    held: ArcSwap<HashSet<Digest>>,
    /// Those that were held by the processes that this one was forked from: they may spend them.
    inherited: HashSet<Digest>,
}

#[derive(Default)]
struct Known {
    by_key: HashMap<Key, Weak<Keeper>>,
    /// Which credential a refresh token was given to.
    seeds: HashMap<Digest, Key>,
    /// Which credential, with a refresh token given to it, has the record of that name.
    records: HashMap<String, Key>,
}

impl Known {
    /// Whether that credential is another one than `key` and has a keeper.
    fn is_other(&self, holder: &Key, key: &Key) -> bool {
        holder != key && self.by_key.get(holder).is_some_and(|keeper| keeper.strong_count() > 0)
    }

    fn refuse_others(&self, seed: &Digest, key: &Key) -> Result<()> {
        match self.seeds.get(seed).is_some_and(|holder| self.is_other(holder, key)) {
            true => Err(Error::new(
                Kind::Config,
                "this refresh_token is in use for another identity (account, scope, client_id, ...): \
                 one refresh token serves one grant",
            )),
            false => Ok(()),
        }
    }
}

/// The key that this process hashes secrets with. Forked children keep it.
pub(super) fn process_key() -> Result<&'static hmac::Key> {
    // Two threads may both make one; the first to be done wins, and nobody waits, in a forked child for ever.
    static KEY: OnceBox<hmac::Key> = OnceBox::new();
    KEY.get_or_try_init(|| {
        hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .map(Box::new)
            .map_err(|_| Error::new(Kind::Internal, "the operating system gave no random bytes"))
    })
}

/// Each run of a model begins with a registry of its own.
#[cfg(all(test, shuttle))]
pub(crate) fn begin_anew() {
    REGISTRY.forget();
}

/// This process's registry.
pub(super) fn registry() -> Arc<Registry> {
    REGISTRY.get(|parents| Registry {
        keepers: Mutex::default(),
        servers: Mutex::default(),
        no_server: Arc::default(),
        spent: ArcSwap::new(parents.map(|parents| parents.spent.load_full()).unwrap_or_default()),
        held: ArcSwap::default(),
        inherited: parents.map(|parents| &parents.inherited | &parents.held.load()).unwrap_or_default(),
    })
}

impl Registry {
    /// The keeper of that key, made if there is none. `seed` is the digest of a given refresh token, `record` the name
    /// under which the grant is stored.
    ///
    /// One that does not suit a new client is refused while others use it. One that only a flight under way holds
    /// is left to it.
    pub(super) fn tenant(
        &self,
        key: Key,
        seed: Option<Digest>,
        record: Option<&str>,
        suits: impl FnOnce(&Keeper) -> Result<()>,
        make: impl FnOnce() -> Keeper,
    ) -> Result<Tenant> {
        // Declared before the lock and so dropped after it: to drop the last reference takes the lock, too.
        let found;
        let mut known = self.keepers.lock();
        found = known.by_key.get(&key).and_then(Weak::upgrade);
        if let Some(keeper) = &found {
            match suits(keeper) {
                Ok(()) => return Ok(Tenant::new(Arc::clone(keeper))),
                // A refresh token that a flight has sent may be good only once.
                Err(error) if keeper.tenants() > 0 || seed.is_some() => return Err(error),
                Err(_) => {}
            }
        }
        if let Some(seed) = seed {
            known.refuse_others(&seed, &key)?;
            let holder = record.and_then(|record| known.records.get(record));
            if holder.is_some_and(|holder| known.is_other(holder, &key)) {
                return Err(Error::new(
                    Kind::Config,
                    "another client of the same identity has another refresh_token, and both would store their grants \
                     in one place: keep them apart with account",
                ));
            }
            known.seeds.insert(seed, key);
            if record.is_none() {
                insert(&self.held, seed);
            }
            known.records.extend(record.map(|record| (record.to_owned(), key)));
        }
        let keeper = Arc::new(make());
        known.by_key.insert(key, Arc::downgrade(&keeper));
        Ok(Tenant::new(keeper))
    }

    /// What is known of a server, shared by the keepers that ask it.
    pub(super) fn metadata(&self, server: Option<Key>) -> Arc<Cache> {
        let Some(server) = server else { return Arc::clone(&self.no_server) };
        let mut servers = self.servers.lock();
        if let Some(known) = servers.get(&server).and_then(Weak::upgrade) {
            return known;
        }
        let fresh = Arc::default();
        servers.retain(|_, known| known.strong_count() > 0);
        servers.insert(server, Arc::downgrade(&fresh));
        fresh
    }

    /// A given refresh token was rotated away.
    pub(super) fn spend(&self, seed: Digest) {
        insert(&self.spent, seed);
    }

    /// A keeper is about to send a refresh token that was given to it, by whatever way. `lasts`: what comes of it is stored.
    pub(super) fn claim(&self, seed: Digest, key: Key, lasts: bool) -> Result<()> {
        let mut known = self.keepers.lock();
        known.refuse_others(&seed, &key)?;
        known.seeds.insert(seed, key);
        if !lasts {
            insert(&self.held, seed);
        }
        Ok(())
    }

    /// Whether a process that this one was forked from may spend that given refresh token.
    pub(super) fn is_inherited(&self, seed: &Digest) -> bool {
        self.inherited.contains(seed)
    }

    pub(super) fn is_spent(&self, seed: &Digest) -> bool {
        self.spent.load().contains(seed)
    }

    /// A keeper that came over a fork is known again.
    pub(super) fn adopt(&self, key: Key, keeper: &Arc<Keeper>) {
        let mut known = self.keepers.lock();
        known.by_key.entry(key).or_insert_with(|| Arc::downgrade(keeper));
    }

    /// A keeper is gone.
    pub(super) fn forget(&self, key: &Key) {
        let mut known = self.keepers.lock();
        // Another may have taken its place meanwhile.
        if known.by_key.get(key).is_some_and(|keeper| keeper.strong_count() == 0) {
            known.by_key.remove(key);
            let seeds = known.seeds.extract_if(|_, holder| holder == key);
            seeds.for_each(|(seed, _)| remove(&self.held, &seed));
            known.records.retain(|_, holder| holder != key);
        }
    }
}

/// The set is copied only if it changes.
fn insert(set: &ArcSwap<HashSet<Digest>>, seed: Digest) {
    if !set.load().contains(&seed) {
        set.rcu(|set| {
            let mut set = HashSet::clone(set);
            set.insert(seed);
            set
        });
    }
}

fn remove(set: &ArcSwap<HashSet<Digest>>, seed: &Digest) {
    if set.load().contains(seed) {
        set.rcu(|set| {
            let mut set = HashSet::clone(set);
            set.remove(seed);
            set
        });
    }
}
