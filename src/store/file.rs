//! Records as files of one directory: `NAME` is a record, `NAME.lock` what is locked, `NAME.new` a record on its way,
//! `NAME.aside-1` one that could not be used.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::private;
use super::{Found, Locked, Record, Saved, Store, Turn, unusable};
use crate::error::{Error, Kind, Result};
use crate::fork::Unshared;
use crate::seal::SealKey;
use crate::secret::Secret;
use crate::settings::{Settings, config_directory, state_directory};

/// How often to look whether a lock is free.
const LOOK: Duration = Duration::from_millis(5);
/// How often to look, meanwhile, whether there is a newer record.
const LOOK_FOR_RECORD: Duration = Duration::from_millis(50);
/// Room for most records: what a disk that fills up cannot take any more.
const ROOM: usize = 16 * 1024;
/// How many unusable records of one name are kept.
const ASIDES: u32 = 8;
const KEY_FILE: &str = "store.key";
/// How long to wait for another process that is making the key file.
const KEY_WAIT: Duration = Duration::from_secs(5);

/// The records of one directory.
pub(crate) struct FileStore {
    directory: PathBuf,
    /// Where the key file lies; None where the settings give the key.
    key_directory: Option<PathBuf>,
}

impl FileStore {
    /// Nothing is made or looked at yet.
    pub(super) fn new(settings: &Settings) -> Result<FileStore> {
        let nowhere = |what: &str| {
            let why = "for neither HOME nor the directory that stands for it is known";
            Error::new(Kind::Config, format!("store = file: set {what}, {why}"))
        };
        let directory = match settings.text("store_path") {
            Some(path) => PathBuf::from(path),
            None => state_directory().ok_or_else(|| nowhere("store_path"))?,
        };
        let key_directory = match settings.value("store_key") {
            Some(_) => None,
            None => Some(config_directory().ok_or_else(|| nowhere("store_key"))?),
        };
        Ok(FileStore { directory, key_directory })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

impl Store for FileStore {
    fn load(&self, name: &str, _within: Duration) -> Result<Found> {
        private::directory(&self.directory)?;
        let bytes = private::read(&self.path(name))?;
        Ok(Found { bytes: bytes.map(|mut bytes| std::mem::take(&mut *bytes)), wall: None })
    }

    fn lock(&self, name: &str, seen: u64, _needed: Duration, within: Duration) -> Result<Turn> {
        private::directory(&self.directory)?;
        let path = self.path(name);
        if let Some(lock) = FileLock::take(&with_ending(&path, "lock"), within.min(LOOK_FOR_RECORD))? {
            return Ok(Turn::Ours(Box::new(LockedFile { path, room: None, lock })));
        }
        let newer = counter(&path).is_some_and(|counter| counter > seen);
        Ok(if newer { Turn::Newer } else { Turn::Theirs })
    }

    /// One key for all processes of this user, made once.
    fn own_key(&self) -> Result<SealKey> {
        let Some(directory) = &self.key_directory else {
            return Err(Error::new(Kind::Internal, "the settings give the store's key"));
        };
        let path = directory.join(KEY_FILE);
        match read_key(&path)? {
            Some(key) => Ok(key),
            None => make_key(directory, &path),
        }
    }
}

/// A file's lock, which the kernel takes back when this process ends, and which no forked child has.
struct FileLock(Unshared<File>);

impl FileLock {
    /// None if another held it all the while.
    fn take(path: &Path, within: Duration) -> Result<Option<FileLock>> {
        let fail = |error: &dyn std::fmt::Display| unusable(&format!("the lock {}", path.display()), error);
        let mut left = within;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        loop {
            let lock = FileLock(Unshared::open(|| private::open_to_change(&mut options.clone(), path))?);
            while !lock.try_lock().map_err(|error| fail(&error))? {
                if left.is_zero() {
                    return Ok(None);
                }
                wait(&mut left);
            }
            // Somebody may have cleared the directory meanwhile: then this is the lock of nothing.
            if lock.is_at(path) {
                return Ok(Some(lock));
            }
            if left.is_zero() {
                return Ok(None);
            }
            wait(&mut left);
        }
    }

    fn try_lock(&self) -> io::Result<bool> {
        match self.0.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    #[cfg(unix)]
    fn is_at(&self, path: &Path) -> bool {
        use std::os::unix::fs::MetadataExt;
        match (self.0.metadata(), path.symlink_metadata()) {
            (Ok(mine), Ok(there)) => (mine.dev(), mine.ino()) == (there.dev(), there.ino()),
            _ => false,
        }
    }

    /// An open file cannot be taken away here.
    #[cfg(not(unix))]
    fn is_at(&self, _path: &Path) -> bool {
        true
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Explicitly: a child that was forked without our knowledge has it open, too.
        if self.0.is_ours() {
            self.0.unlock().ok();
        }
    }
}

/// A record's file while its lock is held.
struct LockedFile {
    path: PathBuf,
    /// A file with room for the next record.
    room: Option<File>,
    lock: FileLock,
}

impl LockedFile {
    fn fail(&self, error: &io::Error) -> Error {
        unusable(
            &format!("the store's file {}", self.path.display()),
            format!("it cannot be written: {error}"),
        )
    }

    fn new_path(&self) -> PathBuf {
        with_ending(&self.path, "new")
    }

    /// The file that the next record is written to, fresh: one that a killed process left is of no use.
    fn make_room(&mut self, room: usize) -> Result<File> {
        let path = self.new_path();
        std::fs::remove_file(&path).ok();
        let mut file = private::open_to_change(OpenOptions::new().write(true).create_new(true), &path)?;
        let filled = file.write_all(&vec![0; room]).and_then(|()| file.sync_data());
        if let Err(error) = filled {
            std::fs::remove_file(&path).ok();
            return Err(self.fail(&error));
        }
        Ok(file)
    }

    fn replace(&mut self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.rewind()?;
        file.write_all(bytes)?;
        file.set_len(bytes.len() as u64)?;
        file.sync_all()?;
        std::fs::rename(self.new_path(), &self.path)?;
        self.sync_directory()
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.path.parent().map_or(Ok(()), private::sync_directory)
    }
}

impl Locked for LockedFile {
    fn reserve(&mut self, _seen: u64, _within: Duration) -> Result<Option<String>> {
        if self.room.is_none() {
            self.room = Some(self.make_room(ROOM)?);
        }
        Ok(None)
    }

    fn save(&mut self, record: &Record, seen: u64, _within: Duration) -> Result<Saved> {
        let bytes = record.write();
        match private::read(&self.path) {
            // It arrived when it was tried before, and only the directory could not be synced.
            Ok(Some(there)) if *there == bytes => {
                return self.sync_directory().map(|()| Saved::Saved).map_err(|error| self.fail(&error));
            }
            Ok(Some(there)) if Record::read(&there).is_ok_and(|there| there.counter > seen) => {
                return Ok(Saved::Newer);
            }
            _ => {}
        }
        let mut file = match self.room.take() {
            Some(file) => file,
            None => self.make_room(0)?,
        };
        match self.replace(&mut file, &bytes) {
            Ok(()) => Ok(Saved::Saved),
            Err(error) => {
                std::fs::remove_file(self.new_path()).ok();
                Err(self.fail(&error))
            }
        }
    }

    fn remove(&mut self, _within: Duration) -> Result<()> {
        match std::fs::remove_file(&self.path).and_then(|()| self.sync_directory()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.fail(&error)),
            _ => Ok(()),
        }
    }

    fn set_aside(&mut self, _within: Duration) -> Result<String> {
        let mut asides = (1..=ASIDES).map(|number| with_ending(&self.path, &format!("aside-{number}")));
        // The first ones are the likeliest to be missed: the last place is used again and again.
        let last = with_ending(&self.path, &format!("aside-{ASIDES}"));
        let place = asides.find(|place| !place.exists()).unwrap_or(last);
        std::fs::rename(&self.path, &place).map_err(|error| self.fail(&error))?;
        Ok(place.display().to_string())
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        if self.room.take().is_some() && self.lock.0.is_ours() {
            std::fs::remove_file(self.new_path()).ok();
        }
    }
}

/// The counter of the record there, if there is one.
fn counter(path: &Path) -> Option<u64> {
    let bytes = private::read(path).ok()??;
    Record::read(&bytes).ok().map(|record| record.counter)
}

fn read_key(path: &Path) -> Result<Option<SealKey>> {
    let Some(bytes) = private::read(path)? else { return Ok(None) };
    let text = Secret::new(std::str::from_utf8(&bytes).unwrap_or_default());
    let what = format!("the store's key file {}", path.display());
    SealKey::parse(&what, &text).map(Some).map_err(|error| Error::new(Kind::Store, error.message()))
}

/// Two processes that begin at once end with one key: the second finds the first one's.
fn make_key(directory: &Path, path: &Path) -> Result<SealKey> {
    private::visible_directory(directory)?;
    let lock = with_ending(path, "lock");
    let Some(_lock) = FileLock::take(&lock, KEY_WAIT)? else {
        let why = "another process has been making it for too long";
        return Err(unusable(&format!("the store's key file {}", path.display()), why));
    };
    if let Some(key) = read_key(path)? {
        return Ok(key);
    }
    let key = SealKey::random()?;
    let new = with_ending(path, "new");
    std::fs::remove_file(&new).ok();
    let mut file = private::open_to_change(OpenOptions::new().write(true).create_new(true), &new)?;
    let written = file
        .write_all(key.text().expose().as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&new, path))
        .and_then(|()| private::sync_directory(directory));
    written.map_err(|error| unusable(&format!("the store's key file {}", path.display()), error))?;
    Ok(key)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn wait(left: &mut Duration) {
    let slice = LOOK.min(*left);
    std::thread::sleep(slice);
    *left -= slice;
}

#[cfg(all(test, unix))]
mod test;
