//! The file store, its locks and its key, under kills and forks.

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
        match self.store.lock(name, u64::MAX, within, within).unwrap() {
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
    let wait = |seen| bench.store.lock("name", seen, Duration::ZERO, Duration::from_millis(20)).unwrap();
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
fn a_record_that_arrived_after_all_is_saved_where_it_is_tried_again() {
    let bench = Bench::new();
    let (record, mut locked) = (bench.record(5), bench.lock());
    for _ in 0..2 {
        assert_eq!(locked.save(&record, 4, Duration::ZERO).unwrap(), Saved::Saved);
    }
    assert_eq!(locked.save(&bench.record(5), 4, Duration::ZERO).unwrap(), Saved::Newer, "other bytes");
}

#[test]
fn room_is_kept_for_a_record_and_given_back() {
    let bench = Bench::new();
    let mut locked = bench.lock();
    locked.reserve(0, Duration::ZERO).unwrap();
    let room = std::fs::metadata(bench.store.directory.join("name.new")).unwrap().len();
    assert_eq!(room, ROOM as u64);
    locked.save(&bench.record(1), 0, Duration::ZERO).unwrap();
    drop(locked);
    assert_eq!(bench.counter(), 1);
    bench.lock().reserve(0, Duration::ZERO).unwrap();
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
fn what_belongs_to_somebody_else_is_refused() {
    let bench = Bench::new();
    bench.save(1);
    let record = bench.store.path("name");
    match fork::effective_user() {
        0 => std::os::unix::fs::chown(&record, Some(12345), None).unwrap(),
        // What belongs to root is somebody else's.
        _ => std::fs::rename(&bench.root, bench.root.with_extension("gone")).unwrap(),
    }
    let store = match record.exists() {
        true => FileStore { directory: bench.store.directory.clone(), key_directory: None },
        false => FileStore { directory: "/".into(), key_directory: None },
    };
    let error = store.load("name", Duration::ZERO).err().expect("it is refused");
    assert!(error.message().contains("not to you"), "{error}");
    std::fs::remove_dir_all(bench.root.with_extension("gone")).ok();
}

#[test]
fn a_link_in_the_place_of_a_lock_a_new_record_or_the_key_is_not_followed() {
    let bench = Bench::new();
    bench.save(1);
    let elsewhere = bench.root.join("elsewhere");
    std::fs::write(&elsewhere, "mine").unwrap();
    bench.chmod("elsewhere", 0o600);
    let link = |below: &str| {
        let path = bench.root.join(below);
        std::fs::remove_file(&path).ok();
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    };
    link("state/name.new");
    bench.save(2);
    assert_eq!(bench.counter(), 2);
    link("state/name.lock");
    let error = bench.store.lock("name", 0, Duration::ZERO, Duration::ZERO).err().expect("it is refused");
    assert!(error.message().contains("symbolic link"), "{error}");
    bench.store.own_key().unwrap();
    link("config/store.key");
    let error = bench.store.own_key().unwrap_err();
    assert!(error.message().contains("symbolic link"), "{error}");
    assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "mine");
}

#[test]
fn a_directory_may_be_a_link_and_what_it_leads_to_is_checked() {
    let bench = Bench::new();
    bench.save(1);
    let elsewhere = bench.root.join("elsewhere");
    std::fs::rename(&bench.store.directory, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &bench.store.directory).unwrap();
    assert_eq!(bench.counter(), 1);
    bench.chmod("elsewhere", 0o770);
    assert!(bench.load_error().contains("chmod go= "));
}

#[test]
fn no_key_is_made_where_others_may_write() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.root.join("config")).unwrap();
    bench.chmod("config", 0o777);
    let error = bench.store.own_key().unwrap_err();
    assert!(error.message().contains("mode 777") && error.message().contains("chmod go-w "), "{error}");
    bench.chmod("config", 0o755);
    bench.store.own_key().unwrap();
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
                locked.reserve(0, Duration::ZERO).unwrap();
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
