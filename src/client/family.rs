//! A client and those derived from it by `with`: their keepers live as long as the first one.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use crate::keeper::{Keeper, Tenant};
use crate::sync::TryLock;

/// So many keepers of derived clients are kept without a question. A service with more users than that lets go of
/// tokens that nobody holds a client for.
const CAP: usize = 16_384;

/// The first client holds the family, the derived ones only know of it.
pub(crate) enum Family {
    First(Arc<TryLock<Keepers>>),
    Derived(Weak<TryLock<Keepers>>),
}

impl Family {
    pub(crate) fn new() -> Family {
        Family::First(Arc::default())
    }

    pub(super) fn of_derived(&self) -> Family {
        Family::Derived(match self {
            Family::First(keepers) => Arc::downgrade(keepers),
            Family::Derived(keepers) => Weak::clone(keepers),
        })
    }

    /// A derived client may be made for one request; its token outlives it.
    pub(super) fn keep(&self, keeper: &Tenant) {
        if let Family::Derived(keepers) = self
            && let Some(keepers) = keepers.upgrade()
        {
            // Dropped after the lock: the end of a keeper takes others.
            let _left = keepers.lock().map(|mut keepers| keepers.keep(keeper, CAP));
        }
    }
}

/// The keepers of the derived clients, by their places in memory.
#[derive(Default)]
pub(crate) struct Keepers {
    by_place: HashMap<usize, Tenant>,
    /// How many the last look left, when there were too many.
    left: usize,
}

impl Keepers {
    /// Keeps one more, and gives back those that it lets go of. It looks for those only when there are twice as many
    /// as the last look left, so that each costs a constant.
    fn keep(&mut self, keeper: &Tenant, cap: usize) -> Vec<Tenant> {
        self.by_place.entry(Arc::as_ptr(keeper) as usize).or_insert_with(|| keeper.clone());
        if self.by_place.len() <= cap.max(2 * self.left) {
            return Vec::new();
        }
        let idle = |keeper: &Keeper| keeper.tenants() == 1 && keeper.is_replaceable();
        let mut gone: Vec<_> =
            self.by_place.extract_if(|_, keeper| idle(keeper) && !keeper.has_living()).collect();
        if self.by_place.len() > cap {
            gone.extend(self.by_place.extract_if(|_, keeper| idle(keeper)));
        }
        self.left = self.by_place.len();
        gone.into_iter().map(|(_, keeper)| keeper).collect()
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::client::{Call, Client};
    use crate::settings::Config;

    fn given(token: &str) -> Client {
        let mut config = Config::new("acquire");
        config.set("access_token", token);
        Client::new(&config).unwrap()
    }

    fn waiting_for_consent(account: &str) -> Client {
        Client::new(&waiting_for_consent_as(account)).unwrap()
    }

    fn waiting_for_consent_as(account: &str) -> Config {
        let mut config = Config::new("oauth2");
        config.set("client_id", "app").set("account", account).set("grant", "authorization_code");
        config.set("authorize_url", "https://vendor.example/a").set("token_url", "https://vendor.example/t");
        config.set("redirect_uri", "https://app.example/callback");
        config
    }

    #[test]
    fn a_grant_that_lies_in_a_store_is_let_go_and_one_in_memory_alone_is_not() {
        let mut keepers = Keepers::default();
        for (account, kept) in [("in-memory", true), ("stored", false)] {
            let mut config = waiting_for_consent_as(account);
            if !kept {
                config.set("store", "file").set("store_path", "/nowhere").set("store_key", &"5a".repeat(32));
            }
            let client = Client::new(&config).unwrap();
            keepers.keep(&client.0.keeper, 0);
            let place = Arc::as_ptr(client.keeper()) as usize;
            drop(client);
            keepers.left = 0;
            let next = given(account);
            keepers.keep(&next.0.keeper, 0);
            assert_eq!(keepers.by_place.contains_key(&place), kept, "{account}");
        }
    }

    fn has(keepers: &Keepers, client: &Client) -> bool {
        keepers.by_place.contains_key(&(Arc::as_ptr(client.keeper()) as usize))
    }

    #[test]
    fn too_many_let_go_of_what_nobody_holds_and_settings_can_bring_back_the_dead_first() {
        let mut keepers = Keepers::default();
        let [dead, living, held] = ["dead", "living", "held"].map(given);
        let consent = waiting_for_consent("alice");
        living.token(&Call::default()).unwrap();
        for client in [&dead, &living, &held, &consent] {
            keepers.keep(&client.0.keeper, 4);
        }
        let places = [&dead, &living, &consent].map(|client| Arc::as_ptr(client.keeper()) as usize);
        drop((dead, living, consent));
        let has_place = |keepers: &Keepers| places.map(|place| keepers.by_place.contains_key(&place));

        let fifth = given("fifth");
        assert_eq!(keepers.keep(&fifth.0.keeper, 4).len(), 1);
        assert_eq!(has_place(&keepers), [false, true, true]);
        // Twice as many as were left, and the cap is lower: what lives goes, too, but nothing that cannot be had again.
        let more: Vec<_> = (0..4).map(|number| given(&format!("more-{number}"))).collect();
        let gone: usize = more.iter().map(|client| keepers.keep(&client.0.keeper, 2).len()).sum();
        assert_eq!(gone, 0, "no look before there are twice as many");
        let last = given("last");
        assert_eq!(keepers.keep(&last.0.keeper, 2).len(), 1);
        assert_eq!(has_place(&keepers)[1..], [false, true]);
        assert!(has(&keepers, &held) && more.iter().all(|client| has(&keepers, client)));
    }
}
