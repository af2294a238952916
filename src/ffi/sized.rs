//! Structs that may grow from release to release. Their first field, `struct_size`, says how large the caller's
//! is, so that a program and a library of different releases understand each other.

use std::mem::MaybeUninit;
use std::{ptr, slice};

use super::argument::invalid;
use crate::{Error, Kind, Result};

/// No struct of ours will ever be larger: a larger size is memory that nobody initialised.
const PLAUSIBLE: usize = 4096;

/// A struct of the interface that may grow.
///
/// # Safety
///
/// The type is `#[repr(C)]`, begins with `struct_size: usize`, and holds nothing but integers and pointers to functions
/// that may be none.
pub(super) unsafe trait Growing: Copy {
    const NAME: &str;
    /// Its size in the first release; smaller ones were never made.
    const FIRST: usize;
}

/// The struct as this library knows it: what an older program does not have is zero; what a newer one has
/// beyond ours must be zero, for we cannot do what it asks.
///
/// # Safety
///
/// `given` points to as many initialised bytes as its `struct_size` says.
pub(super) unsafe fn read<T: Growing>(given: *const T) -> Result<T> {
    // SAFETY: the trait promises that this comes first, our caller that it is initialised.
    let size = checked::<T>(unsafe { given.cast::<usize>().read() })?;
    let known = size.min(size_of::<T>());
    let mut ours = MaybeUninit::<T>::zeroed();
    // SAFETY: `known` bytes are there on both sides, and `ours` is our own.
    unsafe { ptr::copy_nonoverlapping(given.cast::<u8>(), ours.as_mut_ptr().cast(), known) };
    // SAFETY: our caller promises `size` bytes, of which `known` are at most all.
    let beyond = unsafe { slice::from_raw_parts(given.cast::<u8>().add(known), size - known) };
    if beyond.iter().any(|byte| *byte != 0) {
        let what = format!("{} has fields set that this release of tokenkeep does not know", T::NAME);
        return Err(Error::new(Kind::Unsupported, what));
    }
    // SAFETY: the trait promises what any bytes of the caller's and zeros are good for.
    Ok(unsafe { ours.assume_init() })
}

/// Fills the caller's struct with what it has room for. Its size stays; what we do not know becomes zero.
///
/// # Safety
///
/// `place` is good for writing as many bytes as its `struct_size` says, and that field is initialised.
pub(super) unsafe fn fill<T: Growing>(place: *mut T, ours: &T) -> Result<()> {
    // SAFETY: the trait promises that this comes first, our caller that it is initialised.
    let size = checked::<T>(unsafe { place.cast::<usize>().read() })?;
    let known = size.min(size_of::<T>());
    // SAFETY: our caller promises `size` bytes; `ours` is at least `known` bytes long and our own.
    unsafe {
        ptr::copy_nonoverlapping(ptr::from_ref(ours).cast(), place.cast::<u8>(), known);
        ptr::write_bytes(place.cast::<u8>().add(known), 0, size - known);
        place.cast::<usize>().write(size);
    }
    Ok(())
}

fn checked<T: Growing>(size: usize) -> Result<usize> {
    if (T::FIRST..=PLAUSIBLE).contains(&size) {
        return Ok(size);
    }
    Err(invalid(format_args!("struct_size is {size}: set it to sizeof({})", T::NAME)))
}

#[cfg(test)]
mod test {
    use super::*;

    #[derive(Clone, Copy)]
    #[repr(C)]
    struct Thing {
        struct_size: usize,
        first: u64,
        added: u64,
    }

    // SAFETY: `repr(C)`, integers only, the size first.
    unsafe impl Growing for Thing {
        const NAME: &str = "thing";
        const FIRST: usize = 16;
    }

    /// The same struct in the next release.
    #[repr(C)]
    struct Newer {
        thing: Thing,
        newest: u64,
    }

    fn newer(struct_size: usize, newest: u64) -> Newer {
        Newer { thing: Thing { struct_size, first: 1, added: 2 }, newest }
    }

    fn read_as(struct_size: usize, newest: u64) -> Result<Thing> {
        // SAFETY: at least as large as the sizes used here say.
        unsafe { read(ptr::from_ref(&newer(struct_size, newest)).cast::<Thing>()) }
    }

    #[test]
    fn an_older_program_leaves_out_what_it_does_not_know() {
        let thing = read_as(16, 0).unwrap();
        assert_eq!((thing.first, thing.added), (1, 0));
    }

    #[test]
    fn a_newer_program_may_ask_for_what_we_know() {
        assert_eq!(read_as(32, 0).unwrap().added, 2);
        assert_eq!(read_as(32, 1).err().unwrap().kind(), Kind::Unsupported);
    }

    #[test]
    fn a_size_that_was_never_made_is_refused() {
        for size in [0, 15, PLAUSIBLE + 1, usize::MAX] {
            assert_eq!(read_as(size, 0).err().unwrap().kind(), Kind::InvalidArgument, "{size}");
        }
    }

    #[test]
    fn a_struct_is_filled_as_far_as_it_reaches() {
        let ours = Thing { struct_size: 0, first: 7, added: 8 };
        for (size, expected) in [(16, (7, 2, 9)), (24, (7, 8, 9)), (32, (7, 8, 0))] {
            let mut theirs = newer(size, 9);
            // SAFETY: at least as large as the sizes used here say.
            unsafe { fill(ptr::from_mut(&mut theirs).cast::<Thing>(), &ours) }.unwrap();
            assert_eq!((theirs.thing.first, theirs.thing.added, theirs.newest), expected, "{size}");
            assert_eq!(theirs.thing.struct_size, size);
        }
    }
}
