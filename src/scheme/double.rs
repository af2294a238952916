//! A vendor without a network, for the model of src/model.rs: it answers as a run tells it to, after others had a
//! chance to get between.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Exchange, Failure, Granted};
use crate::error::{Error, Kind};
use crate::secret::Secret;
use crate::token::{Grant, Life};

/// How often it was asked in this run.
pub(crate) static ASKED: AtomicU32 = AtomicU32::new(0);
/// Which of its answers are failures.
pub(crate) static FAILS: Mutex<fn(u32) -> bool> = Mutex::new(|_| false);

pub(crate) fn acquire(_exchange: &Exchange<'_>) -> Result<Granted, Failure> {
    let asked = ASKED.fetch_add(1, Ordering::Relaxed) + 1;
    shuttle::thread::yield_now();
    let fails = *FAILS.lock().unwrap();
    if fails(asked) {
        return Err(Failure::new(Error::new(Kind::Server, format!("failure {asked}"))));
    }
    let grant = Grant {
        access_token: Secret::new(&format!("token {asked}")),
        token_type: "Bearer".into(),
        life: Life::Never,
        refresh_token: None,
        id_token: None,
        scope: None,
        companions: Vec::new(),
    };
    Ok(Granted { grant, life_is_its_own: false, warnings: Vec::new() })
}
