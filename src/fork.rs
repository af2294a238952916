//! What the library asks of the operating system about processes and threads: the fork generation, worker
//! threads that take no signals, descriptors that a forked child does not keep, other programs, and who the user is.

#[cfg(unix)]
mod command;

use std::any::Any;
use std::io;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use arc_swap::ArcSwapOption;

static GENERATION: AtomicU64 = AtomicU64::new(0);

/// How many forks lie between this process and the one that loaded the library. One relaxed load.
#[inline]
pub(crate) fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// From now on a forked child has another generation than its parent.
pub(crate) fn watch() {
    // Not std's Once: a child that is forked while its parent is in there would wait for ever. Two threads that both
    // register do no harm: generations need only differ.
    static WATCHED: AtomicBool = AtomicBool::new(false);
    if !WATCHED.load(Ordering::Acquire) {
        platform::watch();
        WATCHED.store(true, Ordering::Release);
    }
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
    platform::start_thread(Box::new(work))
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

/// How many forks were begun, and how many of them are over, in this process.
static FORKS_BEGUN: AtomicU64 = AtomicU64::new(0);
static FORKS_OVER: AtomicU64 = AtomicU64::new(0);

/// Something that holds a descriptor, such as a locked file or a listening socket, which a forked child does not keep:
/// there it is closed at once, and what is left of it must not be used. A lock on a file belongs to what was opened, which
/// parent and child share: a child that kept the descriptor would keep the lock of a parent that was killed.
pub(crate) struct Unshared<T> {
    held: ManuallyDrop<T>,
    place: platform::Place,
    born: u64,
}

impl<T: platform::Descriptor> Unshared<T> {
    /// Opens it. If a fork comes between, so that the child has a copy that it does not know of, it is opened again.
    pub(crate) fn open<E>(open: impl Fn() -> Result<T, E>) -> Result<Unshared<T>, E> {
        watch();
        loop {
            let begun = FORKS_BEGUN.load(Ordering::SeqCst);
            if FORKS_OVER.load(Ordering::SeqCst) == begun {
                let held = open()?;
                let place = platform::remember(&held);
                let unshared = Unshared { held: ManuallyDrop::new(held), place, born: generation() };
                if FORKS_BEGUN.load(Ordering::SeqCst) == begun {
                    return Ok(unshared);
                }
            }
            std::thread::yield_now();
        }
    }

    /// Whether this process opened it, and not one that it was forked from.
    pub(crate) fn is_ours(&self) -> bool {
        self.born == generation()
    }
}

impl<T> Deref for Unshared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.held
    }
}

impl<T> Drop for Unshared<T> {
    fn drop(&mut self) {
        // In a forked child it is closed, and its number may be another descriptor's by now.
        if self.born == generation() {
            // Forgotten first: a child must not close what has that number next.
            platform::forget(self.place);
            // SAFETY: it is dropped here alone, and not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.held) };
        }
    }
}

/// How much work is under way that the process's end waits for.
static UNFINISHED: AtomicU32 = AtomicU32::new(0);

/// Work that is not cut off by the process's end if it is done within 150 ms of it: a refresh token was sent, and its
/// successor is not saved yet.
pub(crate) struct Unfinished {
    born: u64,
}

impl Unfinished {
    pub(crate) fn begin() -> Unfinished {
        UNFINISHED.fetch_add(1, Ordering::SeqCst);
        // Only a process that has such work gets an exit handler, and one is enough.
        static HANDLED: AtomicBool = AtomicBool::new(false);
        if !HANDLED.swap(true, Ordering::SeqCst) {
            platform::at_exit();
        }
        Unfinished { born: generation() }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.born == generation() {
            UNFINISHED.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

#[cfg(unix)]
pub(crate) use command::{Command, Progress};
pub(crate) use platform::effective_user;

#[cfg(unix)]
mod platform {
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::AsRawFd;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::ptr;
    use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

    extern "C" fn before() {
        super::FORKS_BEGUN.fetch_add(1, Ordering::SeqCst);
    }

    extern "C" fn in_parent() {
        super::FORKS_OVER.fetch_add(1, Ordering::SeqCst);
    }

    extern "C" fn in_child() {
        super::GENERATION.fetch_add(1, Ordering::Relaxed);
        // It is the parent's threads that work.
        super::UNFINISHED.store(0, Ordering::SeqCst);
        // Other threads that were forking are not here.
        super::FORKS_OVER.store(super::FORKS_BEGUN.load(Ordering::SeqCst), Ordering::SeqCst);
        for slot in slots() {
            let descriptor = slot.descriptor.swap(NONE, Ordering::SeqCst);
            if descriptor != NONE {
                // SAFETY: close is safe in a forked child, and whoever held this copy leaves it alone.
                unsafe { libc::close(descriptor) };
            }
        }
    }

    /// What an [`Unshared`](super::Unshared) can hold.
    pub(crate) use std::os::fd::AsRawFd as Descriptor;

    /// A descriptor that a forked child closes. Slots are used again and never freed, so that the child can walk them
    /// whatever its parent was doing.
    pub(super) struct Slot {
        descriptor: AtomicI32,
        next: *const Slot,
    }

    pub(super) type Place = &'static Slot;

    // SAFETY: `next` is set before the slot is shared, and never after.
    unsafe impl Sync for Slot {}

    const NONE: i32 = -1;
    static SLOTS: AtomicPtr<Slot> = AtomicPtr::new(ptr::null_mut());

    pub(super) fn slots() -> impl Iterator<Item = Place> {
        // SAFETY: slots live for ever.
        let first = unsafe { SLOTS.load(Ordering::Acquire).as_ref() };
        // SAFETY: the same.
        std::iter::successors(first, |slot| unsafe { slot.next.as_ref() })
    }

    pub(super) fn remember(held: &impl AsRawFd) -> Place {
        let descriptor = held.as_raw_fd();
        let free = slots().find(|slot| {
            slot.descriptor.compare_exchange(NONE, descriptor, Ordering::SeqCst, Ordering::SeqCst).is_ok()
        });
        free.unwrap_or_else(|| {
            let new = Box::leak(Box::new(Slot { descriptor: AtomicI32::new(descriptor), next: ptr::null() }));
            loop {
                let first = SLOTS.load(Ordering::Acquire);
                new.next = first;
                if SLOTS.compare_exchange(first, new, Ordering::Release, Ordering::SeqCst).is_ok() {
                    return new;
                }
            }
        })
    }

    pub(super) fn forget(place: Place) {
        place.descriptor.store(NONE, Ordering::SeqCst);
    }

    pub(super) fn watch() {
        // SAFETY: the handlers only touch atomics and close descriptors, which is safe in a forked child. The C
        // library is linked with -z nodelete, so they are there as long as the process.
        unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    }

    extern "C" fn wait_for_unfinished() {
        for _ in 0..150 {
            if super::UNFINISHED.load(Ordering::SeqCst) == 0 {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }

    pub(super) fn at_exit() {
        // SAFETY: the handler reads an atomic and sleeps; the other threads run on meanwhile. It is there as long as
        // the process, as above. Where the system has no room for it, nothing is waited for.
        unsafe { libc::atexit(wait_for_unfinished) };
    }

    /// As much as a thread of std's has.
    const STACK: usize = 2 << 20;

    type Work = Box<dyn FnOnce() + Send>;

    /// Starts a thread without std. In a Rust program each thread of std's takes a lock of the process as it begins and
    /// ends (it tells the handler of stack overflows where its stack is): in a child that was forked meanwhile no thread
    /// of std's would ever get beyond that.
    pub(super) fn start_thread(work: Work) -> io::Result<()> {
        let work = Box::into_raw(Box::new(work));
        let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
        let mut thread = MaybeUninit::<libc::pthread_t>::uninit();
        // SAFETY: the attributes are made before they are used and destroyed after it; `work` goes to `begin`, which
        // takes it over if there is a thread.
        let failed = unsafe {
            libc::pthread_attr_init(attributes.as_mut_ptr());
            libc::pthread_attr_setdetachstate(attributes.as_mut_ptr(), libc::PTHREAD_CREATE_DETACHED);
            libc::pthread_attr_setstacksize(attributes.as_mut_ptr(), STACK);
            let failed = libc::pthread_create(thread.as_mut_ptr(), attributes.as_ptr(), begin, work.cast());
            libc::pthread_attr_destroy(attributes.as_mut_ptr());
            failed
        };
        if failed != 0 {
            // SAFETY: nobody else has it.
            drop(unsafe { Box::from_raw(work) });
            return Err(io::Error::from_raw_os_error(failed));
        }
        Ok(())
    }

    extern "C" fn begin(work: *mut libc::c_void) -> *mut libc::c_void {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        // SAFETY: the name ends with a NUL, and is short enough.
        unsafe {
            libc::pthread_setname_np(libc::pthread_self(), c"tokenkeep".as_ptr());
        }
        // SAFETY: it is what `start_thread` let go of, and this is the one thread that gets it.
        let work = unsafe { Box::from_raw(work.cast::<Work>()) };
        // A panic has been told of by now, and must not unwind into C.
        catch_unwind(AssertUnwindSafe(work)).ok();
        ptr::null_mut()
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

    /// Whose rights this process has.
    pub(crate) fn effective_user() -> u32 {
        // SAFETY: geteuid cannot fail and touches no memory.
        unsafe { libc::geteuid() }
    }
}

#[cfg(not(unix))]
mod platform {
    pub(super) fn watch() {}

    /// The process's end waits for nothing here.
    pub(super) fn at_exit() {}

    /// Nothing forks here.
    pub(crate) trait Descriptor {}

    impl<T> Descriptor for T {}

    pub(super) type Place = ();

    pub(super) fn remember<T>(_held: &T) {}

    pub(super) fn forget(_place: Place) {}

    pub(super) fn block_signals() {}

    pub(super) fn start_thread(work: Box<dyn FnOnce() + Send>) -> std::io::Result<()> {
        #[allow(clippy::disallowed_methods, reason = "the one place that starts threads")]
        std::thread::Builder::new().name("tokenkeep".into()).spawn(work).map(drop)
    }

    pub(crate) fn effective_user() -> u32 {
        0
    }
}

#[cfg(all(test, unix))]
mod test;
