//! A program of the user's, beside the host's: in a process group of its own, and as any other program begins.
//!
//! posix_spawn, and not std's Command: a thread of ours takes no signals, and std lets the program inherit that, unless a
//! closure mends it in the child. That would have std fork, which runs the host's fork handlers and counts all its
//! memory twice.

use std::ffi::{CString, OsString};
use std::io::{self, PipeReader, Read};
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::ptr;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A program that was started.
pub(crate) struct Command {
    group: libc::pid_t,
    output: PipeReader,
}

/// How a program stands.
pub(crate) enum Progress {
    Runs,
    Ended(ExitStatus),
    /// Somebody else asked how, or the host lets nobody ask: it ignores SIGCHLD.
    EndedUnseen,
}

impl Command {
    /// Starts a program, found as a shell would find it. It reads nothing and its errors are not shown.
    pub(crate) fn start(
        argv: &[Box<str>],
        environment: impl Iterator<Item = (OsString, OsString)>,
    ) -> io::Result<Command> {
        let words = argv.iter().map(|word| CString::new(&**word)).collect::<Result<Vec<_>, _>>()?;
        let variables =
            environment.map(|(name, value)| CString::new([name.into_vec(), value.into_vec()].join(&b'=')));
        let variables = variables.collect::<Result<Vec<_>, _>>()?;
        let (output, writer) = io::pipe()?;
        let group = spawn(&words, &variables, writer.as_raw_fd())?;
        Ok(Command { group, output })
    }

    /// What it says next, if it says something within this time. None: it will say no more.
    pub(crate) fn hear<'b>(&mut self, room: &'b mut [u8], at_most: Duration) -> io::Result<Option<&'b [u8]>> {
        let wait = Timespec { tv_sec: at_most.as_secs() as _, tv_nsec: at_most.subsec_nanos() as _ };
        match poll(&mut [PollFd::new(&self.output, PollFlags::IN)], Some(&wait)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(Some(&[])),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        match self.output.read(room)? {
            0 => Ok(None),
            read => Ok(Some(&room[..read])),
        }
    }

    pub(crate) fn progress(&self) -> io::Result<Progress> {
        self.ask(libc::WNOHANG)
    }

    /// Ends it and every process of its group.
    pub(crate) fn kill(self) {
        // SAFETY: the group was made for this program, which has not been waited for yet.
        unsafe { libc::killpg(self.group, libc::SIGKILL) };
        self.ask(0).ok();
    }

    fn ask(&self, options: libc::c_int) -> io::Result<Progress> {
        loop {
            let mut status = 0;
            // SAFETY: `status` is valid for writing.
            match unsafe { libc::waitpid(self.group, &mut status, options) } {
                0 => return Ok(Progress::Runs),
                1.. => return Ok(Progress::Ended(ExitStatus::from_raw(status))),
                _ => {}
            }
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::ECHILD) => return Ok(Progress::EndedUnseen),
                _ => return Err(error),
            }
        }
    }
}

fn spawn(words: &[CString], variables: &[CString], output: i32) -> io::Result<libc::pid_t> {
    /// As exec wants them.
    fn pointers(texts: &[CString]) -> Vec<*mut libc::c_char> {
        texts.iter().map(|text| text.as_ptr().cast_mut()).chain([ptr::null_mut()]).collect()
    }
    let Some(program) = words.first() else { return Err(io::ErrorKind::InvalidInput.into()) };
    let (argv, environment) = (pointers(words), pointers(variables));
    let mut attributes = MaybeUninit::<libc::posix_spawnattr_t>::uninit();
    let mut actions = MaybeUninit::<libc::posix_spawn_file_actions_t>::uninit();
    let mut none = MaybeUninit::<libc::sigset_t>::uninit();
    let mut usual = MaybeUninit::<libc::sigset_t>::uninit();
    let flags = libc::POSIX_SPAWN_SETPGROUP | libc::POSIX_SPAWN_SETSIGMASK | libc::POSIX_SPAWN_SETSIGDEF;
    let mut child = 0;
    // SAFETY: what is passed is made before it is used and destroyed after it; the texts and the lists of pointers to
    // them, which end with a null, outlive the call. exec does not write to them.
    let failed = unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigemptyset(usual.as_mut_ptr());
        // A host may ignore these, which few programs are prepared for.
        libc::sigaddset(usual.as_mut_ptr(), libc::SIGPIPE);
        libc::sigaddset(usual.as_mut_ptr(), libc::SIGCHLD);
        libc::posix_spawnattr_init(attributes.as_mut_ptr());
        libc::posix_spawn_file_actions_init(actions.as_mut_ptr());
        // The output first: its descriptor may be one of those that are replaced then.
        let failed = [
            libc::posix_spawnattr_setflags(attributes.as_mut_ptr(), flags as _),
            libc::posix_spawnattr_setpgroup(attributes.as_mut_ptr(), 0),
            libc::posix_spawnattr_setsigmask(attributes.as_mut_ptr(), none.as_ptr()),
            libc::posix_spawnattr_setsigdefault(attributes.as_mut_ptr(), usual.as_ptr()),
            libc::posix_spawn_file_actions_adddup2(actions.as_mut_ptr(), output, 1),
            libc::posix_spawn_file_actions_addopen(
                actions.as_mut_ptr(),
                0,
                c"/dev/null".as_ptr(),
                libc::O_RDONLY,
                0,
            ),
            libc::posix_spawn_file_actions_addopen(
                actions.as_mut_ptr(),
                2,
                c"/dev/null".as_ptr(),
                libc::O_WRONLY,
                0,
            ),
        ];
        let failed = failed.into_iter().find(|failed| *failed != 0).unwrap_or_else(|| {
            libc::posix_spawnp(
                &mut child,
                program.as_ptr(),
                actions.as_ptr(),
                attributes.as_ptr(),
                argv.as_ptr(),
                environment.as_ptr(),
            )
        });
        libc::posix_spawn_file_actions_destroy(actions.as_mut_ptr());
        libc::posix_spawnattr_destroy(attributes.as_mut_ptr());
        failed
    };
    match failed {
        0 => Ok(child),
        _ => Err(io::Error::from_raw_os_error(failed)),
    }
}
