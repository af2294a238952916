//! What Redis does in one step. It is called by its digest, and sent only to a Redis that does not know it.

pub(super) const LOCK: &str = concat!(include_str!("counter.lua"), include_str!("lock.lua"));
pub(super) const HOLD: &str = concat!(include_str!("counter.lua"), include_str!("hold.lua"));
pub(super) const SAVE: &str = concat!(include_str!("counter.lua"), include_str!("save.lua"));
pub(super) const RELEASE: &str = include_str!("release.lua");
pub(super) const SET_ASIDE: &str = include_str!("set_aside.lua");
