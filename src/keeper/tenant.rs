//! Who a keeper is kept for, as against a flight that only still holds it.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Keeper;

/// A client's or a chain's hold on a keeper.
pub(crate) struct Tenant(Arc<Keeper>);

impl Tenant {
    pub(super) fn new(keeper: Arc<Keeper>) -> Tenant {
        keeper.tenants.fetch_add(1, Ordering::Relaxed);
        Tenant(keeper)
    }
}

impl Clone for Tenant {
    fn clone(&self) -> Tenant {
        Tenant::new(Arc::clone(&self.0))
    }
}

impl Deref for Tenant {
    type Target = Arc<Keeper>;

    fn deref(&self) -> &Arc<Keeper> {
        &self.0
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        self.0.tenants.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Keeper {
    /// How many hold it, flights aside.
    pub(crate) fn tenants(&self) -> usize {
        self.tenants.load(Ordering::Relaxed)
    }
}
