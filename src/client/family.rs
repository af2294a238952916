//! A client and those derived from it by `with`: their keepers live as long as the first one.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use crate::keeper::Tenant;
use crate::sync::TryLock;

/// The first client holds the family, the derived ones only know of it.
pub(crate) enum Family {
    First(Arc<Keepers>),
    Derived(Weak<Keepers>),
}

/// The keepers of the derived clients, by their places in memory.
type Keepers = TryLock<BTreeMap<usize, Tenant>>;

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
            && let Some(mut keepers) = keepers.lock()
        {
            keepers.entry(Arc::as_ptr(keeper) as usize).or_insert_with(|| keeper.clone());
        }
    }
}
