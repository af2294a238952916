//! What the library asks of the operating system about processes and threads: the fork generation, worker
//! threads that take no signals, process groups, and who the user is.

use std::any::Any;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;

static GENERATION: AtomicU64 = AtomicU64::new(0);

/// How many forks lie between this process and the one that loaded the library. One relaxed load.
#[inline]
pub(crate) fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// From now on a forked child has another generation than its parent.
pub(crate) fn watch() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(platform::watch);
}

/// State of the whole process, which a forked child has anew: a thread of the parent may have held its locks.
pub(crate) struct PerProcess<T>(ArcSwapOption<Born<T>>);

struct Born<T> {
    generation: u64,
    state: Arc<T>,
}

impl<T: Send + Sync + 'static> PerProcess<T> {
    pub(crate) const fn new() -> PerProcess<T> {
        PerProcess(ArcSwapOption::const_empty())
    }

    /// This process's state, made at the first use; from its parent's where there was one.
    pub(crate) fn get(&self, make: impl Fn(Option<&T>) -> T) -> Arc<T> {
        loop {
            let current = self.0.load();
            match &*current {
                Some(born) if born.generation == generation() => return Arc::clone(&born.state),
                _ => {
                    let state = Arc::new(make(current.as_ref().map(|parents| &*parents.state)));
                    if let Some(parents) = &*current {
                        leave_behind(Arc::clone(&parents.state) as Arc<dyn Any + Send + Sync>);
                    }
                    let born = Born { generation: generation(), state };
                    self.0.compare_and_swap(&*current, Some(Arc::new(born)));
                }
            }
        }
    }

    /// Each run of a model begins without any.
    #[cfg(all(test, shuttle))]
    pub(crate) fn forget(&self) {
        self.0.store(None);
    }
}

/// Starts a thread that blocks all signals: they belong to the host's own threads.
#[cfg(not(all(test, shuttle)))]
pub(crate) fn spawn_worker(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let _mask = platform::block_signals();
    // A thread inherits the mask of the thread that starts it.
    #[allow(clippy::disallowed_methods, reason = "the one place that starts threads")]
    std::thread::Builder::new().name("tokenkeep".into()).spawn(work).map(drop)
}

/// Starts a thread of the model's.
#[cfg(all(test, shuttle))]
pub(crate) fn spawn_worker(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    shuttle::thread::spawn(work);
    Ok(())
}

/// Keeps, for good, what the parent of this process may have been changing at the moment of the fork: it can neither be
/// used nor dropped.
pub(crate) fn leave_behind(value: Arc<dyn Any + Send + Sync>) {
    /// One of the things left behind, and those before it.
    struct Left {
        _value: Arc<dyn Any + Send + Sync>,
        _before: Option<Arc<Left>>,
    }
    static LEFT: ArcSwapOption<Left> = ArcSwapOption::const_empty();
    LEFT.rcu(|before| Some(Arc::new(Left { _value: Arc::clone(&value), _before: before.clone() })));
}

pub(crate) use platform::{effective_user, kill_group};

#[cfg(unix)]
mod platform {
    use std::mem::MaybeUninit;
    use std::sync::atomic::Ordering;

    extern "C" fn in_child() {
        super::GENERATION.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn watch() {
        // SAFETY: `in_child` only adds to an atomic, which is safe in a forked child. The C library is linked
        // with -z nodelete, so the handler is there as long as the process.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    }

    /// Puts the thread's signal mask back when dropped.
    pub(super) struct SignalMask(libc::sigset_t);

    pub(super) fn block_signals() -> SignalMask {
        let mut all = MaybeUninit::<libc::sigset_t>::uninit();
        let mut before = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: both sets are valid for writing and `all` is filled before it is read; pthread_sigmask
        // fills `before` and cannot fail with SIG_SETMASK.
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
            SignalMask(before.assume_init())
        }
    }

    impl Drop for SignalMask {
        fn drop(&mut self) {
            // SAFETY: the set came from pthread_sigmask on this thread.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, std::ptr::null_mut()) };
        }
    }

    /// Ends every process of the group that `child` leads.
    pub(crate) fn kill_group(child: &std::process::Child) {
        if let Ok(group) = libc::pid_t::try_from(child.id()) {
            // SAFETY: the group was made for this child, which has not been waited for yet.
            unsafe { libc::killpg(group, libc::SIGKILL) };
        }
    }

    /// Whose rights this process has.
    pub(crate) fn effective_user() -> u32 {
        // SAFETY: geteuid cannot fail and touches no memory.
        unsafe { libc::geteuid() }
    }
}

#[cfg(not(unix))]
mod platform {
    pub(super) fn watch() {}

    pub(super) fn block_signals() {}

    pub(crate) fn kill_group(_child: &std::process::Child) {}

    pub(crate) fn effective_user() -> u32 {
        0
    }
}

#[cfg(all(test, unix))]
mod test {
    use super::*;

    #[test]
    fn a_forked_child_has_another_generation() {
        watch();
        let before = generation();
        // SAFETY: the child only reads an atomic and leaves.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: leaves at once, without running the parent's exit handlers.
            unsafe { libc::_exit(i32::from(generation() != before + 1)) };
        }
        let mut status = 0;
        // SAFETY: `child` is ours and `status` is valid for writing.
        unsafe { libc::waitpid(child, &mut status, 0) };
        assert_eq!((status, generation()), (0, before));
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
}
