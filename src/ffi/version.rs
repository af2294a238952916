//! Which release this is.

use std::ffi::{CStr, c_char};

/// The first number of this header's version, "1" in 1.2.3.
pub const TOKENKEEP_VERSION_MAJOR: u32 = 0;
/// The second number of this header's version, "2" in 1.2.3.
pub const TOKENKEEP_VERSION_MINOR: u32 = 1;
/// The third number of this header's version, "3" in 1.2.3.
pub const TOKENKEEP_VERSION_PATCH: u32 = 0;

/// This header's version as one number, 0xMMmmpp00.
pub const TOKENKEEP_VERSION_NUMBER: u32 =
    TOKENKEEP_VERSION_MAJOR << 24 | TOKENKEEP_VERSION_MINOR << 16 | TOKENKEEP_VERSION_PATCH << 8;

const TEXT: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(text) => text,
    Err(_) => panic!("a version holds no NUL"),
};

/// The version of the library that is loaded, 0xMMmmpp00, as TOKENKEEP_VERSION_NUMBER is the header's.
#[unsafe(no_mangle)]
pub extern "C" fn tokenkeep_version_number() -> u32 {
    TOKENKEEP_VERSION_NUMBER
}

/// The version of the library that is loaded, such as "1.2.3". Good for ever.
#[unsafe(no_mangle)]
pub extern "C" fn tokenkeep_version() -> *const c_char {
    TEXT.as_ptr()
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn the_version_is_the_packages() {
        let numbers = [TOKENKEEP_VERSION_MAJOR, TOKENKEEP_VERSION_MINOR, TOKENKEEP_VERSION_PATCH];
        let package = [
            env!("CARGO_PKG_VERSION_MAJOR"),
            env!("CARGO_PKG_VERSION_MINOR"),
            env!("CARGO_PKG_VERSION_PATCH"),
        ];
        assert_eq!(numbers.map(|number| number.to_string()), package);
        assert_eq!(TEXT.to_str(), Ok(env!("CARGO_PKG_VERSION")));
    }
}
