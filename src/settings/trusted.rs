//! Files that decide where secrets are sent, and so must be nobody else's to write.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

const LIMIT: u64 = 1024 * 1024;

/// The text of a regular file that nobody but its owner can write.
pub(crate) fn read(path: &Path) -> Result<(Zeroizing<String>, Metadata), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    // Of the open file, so that no other can be put in its place meanwhile.
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is no regular file".into());
    }
    check_writers(&metadata)?;
    let mut text = Zeroizing::new(String::new());
    file.take(LIMIT).read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok((text, metadata))
}

/// The parser's message without the text around it, which may be a secret.
pub(crate) fn where_wrong(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
    format!("line {}: {}", line.unwrap_or(1), error.message())
}

#[cfg(unix)]
fn check_writers(metadata: &Metadata) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    if metadata.uid() != crate::fork::effective_user() && metadata.uid() != 0 {
        return Err(format!("it belongs to user {}, not to you; make your own copy", metadata.uid()));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(format!("others can write it (mode {:o}): chmod go-w", metadata.mode() & 0o777));
    }
    Ok(())
}

/// For a file that holds a secret.
#[cfg(unix)]
pub(super) fn check_readers(metadata: &Metadata) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    if metadata.mode() & 0o044 != 0 {
        return Err(format!(
            "it holds a secret and others can read it (mode {:o}): chmod 600, or give the secret as _env, _file or _command",
            metadata.mode() & 0o777
        ));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_writers(_: &Metadata) -> Result<(), String> {
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn check_readers(_: &Metadata) -> Result<(), String> {
    Ok(())
}
