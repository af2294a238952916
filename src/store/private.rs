//! Files and directories that are this user's alone.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use super::unusable;
use crate::error::Result;

/// Longer than any record; shorter than a file named by mistake.
const LIMIT: u64 = 4 * 1024 * 1024;

/// Makes a directory, and those above it, if there is none. Refuses one that others may reach into.
pub(super) fn directory(path: &Path) -> Result<()> {
    checked_directory(path, 0o077)
}

/// The same for a directory that others may look into, but not change.
pub(super) fn visible_directory(path: &Path) -> Result<()> {
    checked_directory(path, 0o022)
}

fn checked_directory(path: &Path, forbidden: u32) -> Result<()> {
    let fail = |why: String| unusable(&format!("the store's directory {}", path.display()), why);
    let metadata = match path.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_directory(path).map_err(|error| fail(error.to_string()))?;
            path.metadata()
        }
        found => found,
    };
    let metadata = metadata.map_err(|error| fail(error.to_string()))?;
    if !metadata.is_dir() {
        return Err(fail("it is no directory".into()));
    }
    check(&metadata, path, forbidden).map_err(fail)
}

/// All of a file; None if there is none.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let fail = |why: String| unusable(&format!("the store's file {}", path.display()), why);
    let mut options = OpenOptions::new();
    options.read(true);
    let file = match open(&mut options, path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error.to_string())),
    };
    check_file(&file, path).map_err(fail)?;
    let size = file.metadata().map_err(|error| fail(error.to_string()))?.len();
    if size > LIMIT {
        return Err(fail(format!("it is longer than {LIMIT} bytes")));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1));
    file.take(LIMIT).read_to_end(&mut bytes).map_err(|error| fail(error.to_string()))?;
    Ok(Some(bytes))
}

/// A file to write or lock, made if `options` say so.
pub(super) fn open_to_change(options: &mut OpenOptions, path: &Path) -> Result<File> {
    let fail = |why: String| unusable(&format!("the store's file {}", path.display()), why);
    let file = open(options, path).map_err(|error| fail(error.to_string()))?;
    check_file(&file, path).map_err(fail)?;
    Ok(file)
}

/// What was renamed in a directory outlasts a crash of the machine only when the directory is written, too.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// Of the open file, so that no other can be put in its place meanwhile.
fn check_file(file: &File, path: &Path) -> std::result::Result<(), String> {
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is no regular file".into());
    }
    check(&metadata, path, 0o077)
}

#[cfg(unix)]
fn make_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A link is not followed, and a pipe is not waited for.
#[cfg(unix)]
fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY);
    options.open(path).map_err(|error| match error.raw_os_error() {
        Some(libc::ELOOP) => io::Error::other("it is a symbolic link, which is not followed here"),
        _ => error,
    })
}

#[cfg(unix)]
fn check(metadata: &Metadata, path: &Path, forbidden: u32) -> std::result::Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    if metadata.uid() != crate::fork::effective_user() {
        return Err(format!("it belongs to user {}, not to you", metadata.uid()));
    }
    if metadata.mode() & forbidden != 0 {
        let remedy = if forbidden == 0o077 { "go=" } else { "go-w" };
        let mode = metadata.mode() & 0o777;
        return Err(format!("others can reach it (mode {mode:o}): chmod {remedy} {}", path.display()));
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).create(path)
}

#[cfg(not(unix))]
fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.open(path)
}

/// The user's own directories are the user's own by their place.
#[cfg(not(unix))]
fn check(_: &Metadata, _: &Path, _: u32) -> std::result::Result<(), String> {
    Ok(())
}
