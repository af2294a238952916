//! How one call is made.

use std::mem::offset_of;
use std::time::Duration;

use super::argument::invalid;
use super::sized::{self, Growing};
use crate::{Call, Result};

/// How one call is made. Wherever one is asked for, NULL means: as the settings say.
/// Begin with TOKENKEEP_CALL_INIT.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct tokenkeep_call {
    /// sizeof(tokenkeep_call).
    pub struct_size: usize,
    /// How long the call may take, in milliseconds. 0: as the setting `timeout` says.
    pub timeout_ms: u32,
    /// The token must live at least this much longer, in milliseconds; one that does not is renewed
    /// first, and if that fails the call does. More than the vendor's tokens ever live counts as 0.
    pub min_valid_ms: u32,
    /// Must be 0.
    pub flags: u32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: `repr(C)`, integers only, the size first.
unsafe impl Growing for tokenkeep_call {
    const NAME: &str = "tokenkeep_call";
    const FIRST: usize = offset_of!(tokenkeep_call, reserved) + size_of::<u32>();
}

impl tokenkeep_call {
    /// What the caller wants; NULL is a call like any other.
    ///
    /// # Safety
    ///
    /// `call` is NULL, or points to as many initialised bytes as its `struct_size` says.
    #[inline]
    pub(super) unsafe fn read(call: *const tokenkeep_call) -> Result<Call<'static>> {
        if call.is_null() {
            return Ok(Call::default());
        }
        // SAFETY: the same promise.
        let call = unsafe { sized::read(call) }?;
        if call.flags != 0 || call.reserved != 0 {
            return Err(invalid("flags and reserved of tokenkeep_call must be 0"));
        }
        Ok(Call {
            timeout: (call.timeout_ms > 0).then(|| Duration::from_millis(call.timeout_ms.into())),
            min_valid: Duration::from_millis(call.min_valid_ms.into()),
            interrupt: None,
        })
    }
}
