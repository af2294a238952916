//! The numbers of one client.

use std::mem::offset_of;

use super::argument::{invalid, present};
use super::sized::{self, Growing};
use super::{ErrorOut, answer, tokenkeep_client, tokenkeep_status, unix_ms};
use crate::{Client, Stats};

/// The numbers of one client. Begin with TOKENKEEP_STATS_INIT.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct tokenkeep_stats {
    /// sizeof(tokenkeep_stats).
    pub struct_size: usize,
    /// Tokens that were handed out from memory.
    pub hits: u64,
    /// Renewals that succeeded.
    pub renewals: u64,
    /// Renewals that failed.
    pub failures: u64,
    /// Calls that waited for a renewal which another call had started.
    pub shared_waits: u64,
    /// When the next renewal is due, in milliseconds since the Unix epoch; INT64_MAX if none is in
    /// sight.
    pub next_renewal_ms: i64,
}

// SAFETY: `repr(C)`, integers only, the size first.
unsafe impl Growing for tokenkeep_stats {
    const NAME: &str = "tokenkeep_stats";
    const FIRST: usize = offset_of!(tokenkeep_stats, next_renewal_ms) + size_of::<i64>();
}

impl From<Stats> for tokenkeep_stats {
    fn from(stats: Stats) -> tokenkeep_stats {
        tokenkeep_stats {
            struct_size: size_of::<tokenkeep_stats>(),
            hits: stats.hits,
            renewals: stats.renewals,
            failures: stats.failures,
            shared_waits: stats.shared_waits,
            next_renewal_ms: stats.next_renewal.map_or(i64::MAX, unix_ms),
        }
    }
}

/// The numbers of this client: the hits are its own and its clones', the rest is of all clients that
/// share its credential. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_client_stats(
    client: *const tokenkeep_client,
    in_out: *mut tokenkeep_stats,
) -> tokenkeep_status {
    // SAFETY: the header's rules for pointers.
    let client = unsafe { client.as_ref() };
    answer(ErrorOut::nowhere(), || {
        let client = present(client, "client")?;
        if in_out.is_null() {
            return Err(invalid("in_out is NULL"));
        }
        let stats = client.look(Client::stats)?.into();
        // SAFETY: the header's rules for pointers, and for structs with a size.
        unsafe { sized::fill(in_out, &stats) }
    })
}
