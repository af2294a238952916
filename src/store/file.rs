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

    fn lock(&self, name: &str, seen: u64, within: Duration) -> Result<Turn> {
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
    fn reserve(&mut self, _within: Duration) -> Result<Option<String>> {
        if self.room.is_none() {
            self.room = Some(self.make_room(ROOM)?);
        }
        Ok(None)
    }

    fn save(&mut self, record: &Record, seen: u64, _within: Duration) -> Result<Saved> {
        if counter(&self.path).is_some_and(|counter| counter > seen) {
            return Ok(Saved::Newer);
        }
        let mut file = match self.room.take() {
            Some(file) => file,
            None => self.make_room(0)?,
        };
        match self.replace(&mut file, &record.write()) {
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
mod test {
    use std::io::{Read, Write};
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::fork;

    /// A store in a directory of its own, gone with it.
    struct Bench {
        root: PathBuf,
        store: FileStore,
        key: SealKey,
    }

    impl Bench {
        fn new() -> Bench {
            static NUMBER: AtomicU32 = AtomicU32::new(0);
            fork::watch();
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let root = std::env::temp_dir().join(format!("tokenkeep-file-{}-{number}", std::process::id()));
            let store = FileStore { directory: root.join("state"), key_directory: Some(root.join("config")) };
            Bench { root, store, key: SealKey::random().unwrap() }
        }

        fn lock(&self) -> Box<dyn Locked> {
            self.try_lock("name").expect("nobody else holds it")
        }

        fn try_lock(&self, name: &str) -> Option<Box<dyn Locked>> {
            self.wait_for_lock(name, Duration::ZERO)
        }

        fn wait_for_lock(&self, name: &str, within: Duration) -> Option<Box<dyn Locked>> {
            match self.store.lock(name, u64::MAX, within).unwrap() {
                Turn::Ours(locked) => Some(locked),
                Turn::Theirs => None,
                Turn::Newer => panic!("no counter is above the highest"),
            }
        }

        fn record(&self, counter: u64) -> Record {
            Record::seal(&self.key, "name", counter, None, &counter.to_be_bytes()).unwrap()
        }

        fn save(&self, counter: u64) {
            let saved = self.lock().save(&self.record(counter), counter - 1, Duration::ZERO).unwrap();
            assert_eq!(saved, Saved::Saved);
        }

        /// The counter of the record, which must be whole; 0 if there is none.
        fn counter(&self) -> u64 {
            let Some(bytes) = self.store.load("name", Duration::ZERO).unwrap().bytes else { return 0 };
            let record = Record::read(&bytes).expect("a record");
            let body = record.open(&self.key, "name").expect("it opens");
            assert_eq!(body.as_slice(), record.counter.to_be_bytes());
            record.counter
        }

        fn mode(&self, below: &str) -> u32 {
            self.root.join(below).metadata().unwrap().permissions().mode() & 0o777
        }

        fn chmod(&self, below: &str, mode: u32) {
            std::fs::set_permissions(self.root.join(below), PermissionsExt::from_mode(mode)).unwrap();
        }

        fn load_error(&self) -> String {
            let error = self.store.load("name", Duration::ZERO).err().expect("it is refused");
            assert_eq!(error.kind(), Kind::Store, "{error}");
            error.to_string()
        }

        fn names(&self) -> Vec<String> {
            let entries = std::fs::read_dir(&self.store.directory).unwrap();
            let mut names: Vec<_> =
                entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    impl Drop for Bench {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.root).ok();
        }
    }

    /// A forked child that does this until it is killed or done.
    struct Child(libc::pid_t);

    impl Child {
        fn doing(work: impl FnOnce()) -> Child {
            // SAFETY: the child only does this work on the one thread it has, and leaves by _exit.
            let child = unsafe { libc::fork() };
            assert!(child >= 0, "no child");
            if child == 0 {
                let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
                // SAFETY: leaves at once, without the parent's exit handlers.
                unsafe { libc::_exit(i32::from(done.is_err())) };
            }
            Child(child)
        }

        /// Waits for its end, and tells whether it ended well.
        fn wait(self) -> bool {
            let mut status = 0;
            // SAFETY: the child is ours and `status` is valid for writing.
            unsafe { libc::waitpid(self.0, &mut status, 0) };
            status == 0
        }

        fn kill(self) {
            // SAFETY: the child is ours and has not been waited for.
            unsafe { libc::kill(self.0, libc::SIGKILL) };
            self.wait();
        }
    }

    #[test]
    fn a_record_is_found_by_its_name_and_is_nobody_elses_to_read() {
        let bench = Bench::new();
        assert_eq!(bench.counter(), 0);
        bench.save(1);
        bench.save(2);
        assert_eq!(bench.counter(), 2);
        assert_eq!(bench.names(), ["name", "name.lock"]);
        assert_eq!(
            (bench.mode("state"), bench.mode("state/name"), bench.mode("state/name.lock")),
            (0o700, 0o600, 0o600)
        );
        assert!(bench.store.load("another", Duration::ZERO).unwrap().bytes.is_none());
        bench.lock().remove(Duration::ZERO).unwrap();
        bench.lock().remove(Duration::ZERO).unwrap();
        assert_eq!(bench.counter(), 0);
    }

    #[test]
    fn one_holder_at_a_time() {
        let bench = Bench::new();
        let held = bench.lock();
        assert!(bench.wait_for_lock("name", Duration::from_millis(20)).is_none());
        assert!(bench.try_lock("another").is_some());
        drop(held);
        bench.lock();
    }

    #[test]
    fn who_waits_for_a_lock_is_told_of_a_newer_record() {
        let bench = Bench::new();
        bench.save(1);
        let mut held = bench.lock();
        let wait = |seen| bench.store.lock("name", seen, Duration::from_millis(20)).unwrap();
        assert!(matches!((wait(0), wait(1)), (Turn::Newer, Turn::Theirs)));
        held.save(&bench.record(2), 1, Duration::ZERO).unwrap();
        assert!(matches!((wait(1), wait(2)), (Turn::Newer, Turn::Theirs)));
    }

    #[test]
    fn a_lock_of_a_directory_that_was_cleared_is_taken_anew() {
        let bench = Bench::new();
        let _lost = bench.lock();
        std::fs::remove_file(bench.store.directory.join("name.lock")).unwrap();
        let _held = bench.lock();
        assert!(bench.try_lock("name").is_none());
    }

    #[test]
    fn a_newer_record_is_not_replaced() {
        let bench = Bench::new();
        bench.save(1);
        let late = bench.lock().save(&bench.record(1), 0, Duration::ZERO).unwrap();
        assert_eq!((late, bench.counter()), (Saved::Newer, 1));
    }

    #[test]
    fn room_is_kept_for_a_record_and_given_back() {
        let bench = Bench::new();
        let mut locked = bench.lock();
        locked.reserve(Duration::ZERO).unwrap();
        let room = std::fs::metadata(bench.store.directory.join("name.new")).unwrap().len();
        assert_eq!(room, ROOM as u64);
        locked.save(&bench.record(1), 0, Duration::ZERO).unwrap();
        drop(locked);
        assert_eq!(bench.counter(), 1);
        bench.lock().reserve(Duration::ZERO).unwrap();
        assert_eq!(bench.names(), ["name", "name.lock"]);
    }

    #[test]
    fn sixty_four_readers_beside_a_writer_find_whole_records() {
        const READERS: usize = 64;
        let bench = Bench::new();
        bench.save(1);
        let done = std::sync::atomic::AtomicBool::new(false);
        let reads = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..READERS {
                scope.spawn(|| {
                    let mut last = 0;
                    while !done.load(Ordering::Relaxed) {
                        let counter = bench.counter();
                        assert!(counter >= last.max(1), "{counter} after {last}");
                        last = counter;
                        reads.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            let begin = std::time::Instant::now();
            let mut counter = 1;
            while begin.elapsed() < Duration::from_secs(5) {
                counter += 1;
                bench.save(counter);
            }
            done.store(true, Ordering::Relaxed);
            assert!(counter > 10, "{counter} records written");
        });
        assert!(reads.into_inner() > 1000);
    }

    #[test]
    fn what_others_can_reach_is_refused_with_the_remedy() {
        let bench = Bench::new();
        bench.save(1);
        bench.chmod("state/name", 0o640);
        let error = bench.load_error();
        assert!(error.contains("mode 640") && error.contains("chmod go= "), "{error}");
        bench.chmod("state/name", 0o600);
        bench.chmod("state", 0o750);
        let error = bench.load_error();
        assert!(error.contains("directory") && error.contains("chmod go= "), "{error}");
        bench.chmod("state", 0o700);
        assert_eq!(bench.counter(), 1);
    }

    #[test]
    fn links_pipes_and_directories_are_no_records() {
        let bench = Bench::new();
        bench.save(1);
        let path = bench.store.path("name");
        std::fs::rename(&path, bench.root.join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(bench.root.join("elsewhere"), &path).unwrap();
        assert!(bench.load_error().contains("symbolic link"));
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        bench.chmod("state/name", 0o700);
        assert!(bench.load_error().contains("no regular file"));
        std::fs::remove_dir(&path).unwrap();
        let pipe = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        // SAFETY: the path is a text that ends with NUL.
        assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
        assert!(bench.load_error().contains("no regular file"));
    }

    #[test]
    fn unusable_records_are_kept_but_not_without_end() {
        let bench = Bench::new();
        for number in 1..=u64::from(ASIDES) + 2 {
            let mut locked = bench.lock();
            locked.save(&bench.record(number), number, Duration::ZERO).unwrap();
            let place = locked.set_aside(Duration::ZERO).unwrap();
            assert!(place.ends_with(&format!(".aside-{}", number.min(ASIDES.into()))), "{place}");
        }
        assert_eq!(bench.names().len(), ASIDES as usize + 1);
        assert_eq!(bench.counter(), 0);
    }

    #[test]
    fn the_key_file_is_made_once_however_many_processes_begin() {
        let bench = Bench::new();
        let children: Vec<_> = (0..8)
            .map(|number: u8| {
                Child::doing(|| {
                    let key = bench.store.own_key().unwrap();
                    std::fs::write(bench.root.join(format!("key-{number}")), key.text().expose()).unwrap();
                })
            })
            .collect();
        assert!(children.into_iter().all(Child::wait));
        let key = bench.store.own_key().unwrap().text();
        for number in 0..8 {
            let seen = std::fs::read_to_string(bench.root.join(format!("key-{number}"))).unwrap();
            assert_eq!(seen, key.expose());
        }
        assert_eq!((bench.mode("config"), bench.mode("config/store.key")), (0o700, 0o600));
        bench.chmod("config/store.key", 0o644);
        assert!(bench.store.own_key().unwrap_err().message().contains("chmod go= "));
    }

    #[test]
    fn a_damaged_key_file_is_no_reason_to_make_another() {
        let bench = Bench::new();
        bench.store.own_key().unwrap();
        std::fs::write(bench.root.join("config/store.key"), "half of it").unwrap();
        let error = bench.store.own_key().unwrap_err();
        assert!(error.kind() == Kind::Store && error.message().contains("store.key"), "{error}");
    }

    #[test]
    fn a_process_killed_while_it_saves_leaves_the_old_record_or_the_new_one_and_no_lock() {
        let bench = Bench::new();
        let (mut tokens, mut kills_while_saving) = (0_u64, 0);
        for kill in 0..300_u64 {
            let (mut reader, mut writer) = std::io::pipe().unwrap();
            let child = Child::doing(|| {
                for counter in tokens + 1.. {
                    let mut locked = bench.lock();
                    locked.reserve(Duration::ZERO).unwrap();
                    let record = bench.record(counter);
                    writer.write_all(&[0]).unwrap();
                    locked.save(&record, counter - 1, Duration::ZERO).unwrap();
                    writer.write_all(&[1]).unwrap();
                }
            });
            drop(writer);
            // After so many steps, and a moment of chance: the kills fall everywhere.
            let mut said = vec![0; 1 + kill as usize % 4];
            reader.read_exact(&mut said).unwrap();
            std::thread::sleep(Duration::from_micros((kill * 7919) % 2000));
            child.kill();
            reader.read_to_end(&mut said).unwrap();
            let saved = tokens + said.iter().filter(|step| **step == 1).count() as u64;
            let begun = tokens + said.iter().filter(|step| **step == 0).count() as u64;
            kills_while_saving += u32::from(begun > saved);
            tokens = bench.counter();
            assert!((saved..=begun).contains(&tokens), "{tokens} is neither {saved} nor {begun}");
            bench.lock();
        }
        assert!(
            tokens >= 300 && kills_while_saving > 30,
            "{tokens} saved, {kills_while_saving} kills in between"
        );
    }

    #[test]
    fn a_killed_holder_frees_the_lock_although_its_forked_child_lives() {
        let bench = Bench::new();
        let (mut reader, writer) = std::io::pipe().unwrap();
        let holder = Child::doing(|| {
            let _held = bench.lock();
            let grandchild = Child::doing(|| std::thread::sleep(Duration::from_secs(30)));
            (&writer).write_all(&grandchild.0.to_ne_bytes()).unwrap();
            std::thread::sleep(Duration::from_secs(30));
        });
        let mut grandchild = [0; 4];
        reader.read_exact(&mut grandchild).unwrap();
        assert!(bench.try_lock("name").is_none(), "it is held");
        holder.kill();
        let free = bench.wait_for_lock("name", Duration::from_millis(100));
        let grandchild = libc::pid_t::from_ne_bytes(grandchild);
        // SAFETY: signal 0 only asks whether the process is there; then it is ended.
        let lives = unsafe { (libc::kill(grandchild, 0), libc::kill(grandchild, libc::SIGKILL)).0 } == 0;
        assert!(free.is_some() && lives);
    }
}
