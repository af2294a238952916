//! Forked children, and what they must not keep.

use std::fs::File;
use std::os::unix::fs::FileTypeExt;

use super::*;

#[test]
fn a_forked_child_has_another_generation() {
    watch();
    let before = generation();
    // SAFETY: the child only reads an atomic and leaves.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: leaves at once, without running the parent's exit handlers.
        unsafe { libc::_exit(i32::from(generation() == before)) };
    }
    let mut status = 0;
    // SAFETY: `child` is ours and `status` is valid for writing.
    unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!((status, generation()), (0, before));
}

#[test]
fn handlers_that_are_registered_twice_do_no_harm() {
    platform::watch();
    platform::watch();
    let (reader, writer) = io::pipe().unwrap();
    let unshared = Unshared::open(|| writer.try_clone()).unwrap();
    drop(writer);
    let (born, child) = (generation(), sleeping_child());
    assert_eq!(generation(), born);
    drop(unshared);
    assert_eq!(io::Read::read(&mut { reader }, &mut [0]).unwrap(), 0, "the child has let go of it");
    drop(Unshared::open(|| File::open("/dev/null")).unwrap());
    end(child);
}

#[test]
fn a_forked_child_has_the_process_state_anew_also_where_its_parent_had_locked_it() {
    static STATE: PerProcess<crate::sync::Mutex<u32>> = PerProcess::new();
    let get = || STATE.get(|parents| crate::sync::Mutex::new(parents.map_or(1, |_| 2)));
    watch();
    let state = get();
    let locked = state.lock();
    // SAFETY: the child makes its state and leaves; SIGALRM ends it if it hangs.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: as above.
        unsafe {
            libc::alarm(10);
            libc::_exit(i32::from(*get().lock() != 2));
        }
    }
    let mut status = 0;
    // SAFETY: `child` is ours and `status` is valid for writing.
    unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!((status, *locked), (0, 1));
}

#[test]
fn places_for_descriptors_are_used_again() {
    let before = platform::slots().count();
    for _ in 0..100 {
        drop(Unshared::open(|| io::pipe().map(|(_, writer)| writer)).unwrap());
    }
    assert!(platform::slots().count() < before + 50, "no more than all tests hold at once");
}

#[test]
fn a_forked_child_starts_workers_whatever_threads_its_parent_was_starting() {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    std::thread::spawn(|| {}).join().unwrap();
                }
            });
        }
        let children = (0..1000).map(|_| {
            let (mut reader, writer) = io::pipe().unwrap();
            // SAFETY: the child starts a worker, waits for its word and leaves; SIGALRM ends one that hangs.
            let child = unsafe { libc::fork() };
            if child == 0 {
                // SAFETY: as above.
                unsafe { libc::alarm(10) };
                spawn_worker(move || drop(writer)).unwrap();
                io::Read::read(&mut reader, &mut [0]).unwrap();
                // SAFETY: leaves at once, without the parent's exit handlers.
                unsafe { libc::_exit(0) };
            }
            drop(writer);
            let mut status = 0;
            // SAFETY: `child` is ours and `status` is valid for writing.
            unsafe { libc::waitpid(child, &mut status, 0) };
            status
        });
        let hung = children.filter(|status| *status != 0).count();
        stop.store(true, Ordering::Relaxed);
        assert_eq!(hung, 0);
    });
}

#[test]
fn a_worker_takes_no_signals() {
    let (tell, hear) = std::sync::mpsc::channel();
    spawn_worker(move || {
        let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: with no new mask, pthread_sigmask only fills `set`.
        let blocked = unsafe {
            libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), set.as_mut_ptr());
            libc::sigismember(set.as_ptr(), libc::SIGINT)
        };
        tell.send(blocked).unwrap();
    })
    .unwrap();
    assert_eq!(hear.recv().unwrap(), 1);
}

/// A child that sleeps until it is killed.
fn sleeping_child() -> libc::pid_t {
    // SAFETY: the child only sleeps.
    let child = unsafe { libc::fork() };
    if child == 0 {
        std::thread::sleep(std::time::Duration::from_secs(30));
        // SAFETY: leaves without the parent's exit handlers.
        unsafe { libc::_exit(0) };
    }
    child
}

fn end(child: libc::pid_t) {
    // SAFETY: the child is ours; nobody asks how it ended.
    unsafe {
        libc::kill(child, libc::SIGKILL);
        libc::waitpid(child, std::ptr::null_mut(), 0);
    }
}

#[test]
fn a_forked_child_does_not_keep_what_is_unshared() {
    watch();
    let (reader, writer) = io::pipe().unwrap();
    let unshared = Unshared::open(|| writer.try_clone()).unwrap();
    drop(writer);
    let child = sleeping_child();
    assert!(unshared.is_ours());
    drop(unshared);
    // Nobody is left to write.
    assert_eq!(io::Read::read(&mut { reader }, &mut [0]).unwrap(), 0);
    end(child);
}

#[test]
fn a_child_forked_between_opening_and_registration_has_another_file() {
    watch();
    let (reader, writer) = io::pipe().unwrap();
    let writer = std::cell::Cell::new(Some(File::from(std::os::fd::OwnedFd::from(writer))));
    let child = std::cell::Cell::new(0);
    let unshared = Unshared::open(|| match writer.take() {
        Some(file) => {
            child.set(sleeping_child());
            Ok(file)
        }
        None => File::open("/dev/null"),
    });
    assert!(unshared.unwrap().metadata().unwrap().file_type().is_char_device());
    drop(reader);
    end(child.get());
}
