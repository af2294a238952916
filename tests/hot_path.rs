//! A cached token costs no allocation and no system call, in Rust and in C.

#[path = "c/executable.rs"]
mod executable;
mod support;
#[path = "c/toolchain.rs"]
mod toolchain;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::process::Command;

use executable::Executable;
use support::{client, sandbox, tool};
use tokenkeep::Call;
use tokenkeep_sandbox::Sandbox;
use toolchain::{ROOT, run, scratch};

const GETS: u32 = 1_000_000;

/// The system's allocator, which counts for each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

impl Counting {
    fn count(&self) {
        // A thread that ends has no count any more.
        ALLOCATIONS.try_with(|count| count.set(count.get() + 1)).ok();
    }
}

// SAFETY: the system's allocator does all of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.count();
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.count();
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.count();
        // SAFETY: as the caller promises.
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(old, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often this thread allocates meanwhile.
fn allocations(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn a_million_reads_of_a_cached_token_allocate_nothing() {
    let sandbox = sandbox();
    let client = client(&sandbox, "acquired");
    let call = Call::default();
    // One from the vendor, and the first from memory: what is made once is made by then.
    (0..2).for_each(|_| client.read(&call, |_| ()).expect("a token"));
    let read = || {
        client
            .read(&call, |token| {
                black_box(token.value());
            })
            .expect("a token")
    };
    assert_eq!(allocations(|| (0..GETS).for_each(|_| read())), 0);
    assert_eq!(allocations(|| drop(black_box(Box::new(0)))), 1, "they are counted");
    // A token of the caller's own is one more reference to the same.
    let token = || client.token(&call).expect("a token");
    assert_eq!(allocations(|| (0..GETS).for_each(|_| drop(black_box(token())))), 0);
}

/// The program that the benchmark measures, too.
fn gets(name: &str, sandbox: &Sandbox) -> Command {
    let sources = ["gets.c", "client.c"].map(|source| format!("{ROOT}/benches/c/{source}"));
    let program = Executable::new("cc", "gnu11", name).build(sources);
    let mut command = program.command();
    command.arg(GETS.to_string()).arg("provider=acquired");
    command.args(sandbox.settings("acquired").iter().map(|(name, value)| format!("{name}={value}")));
    command.arg(format!("base_url={}", sandbox.base("acquired")));
    command
}

#[test]
fn a_million_headers_copied_in_c_allocate_nothing() {
    if !tool::is_installed("cc", "the allocations of C programs", "gcc") {
        return;
    }
    let counter = scratch("count_allocations").join("count_allocations.so");
    let source = format!("{ROOT}/benches/c/count_allocations.c");
    run(Command::new("cc").args(["-O2", "-shared", "-fPIC", "-o"]).arg(&counter).arg(source));
    let sandbox = sandbox();
    assert_eq!(
        run(gets("gets-counted", &sandbox).env("LD_PRELOAD", &counter)).trim(),
        r#"{"allocations": 0}"#
    );
}

#[test]
fn a_million_headers_copied_in_c_make_no_system_call() {
    if !tool::is_installed("cc", "the system calls of C programs", "gcc")
        || !tool::is_installed("strace", "the system calls of C programs", "strace")
    {
        return;
    }
    let sandbox = sandbox();
    let gets = gets("gets-traced", &sandbox);
    let mut strace = Command::new("strace");
    strace.args(["--follow-forks", "--output", "/dev/stdout"]).arg(gets.get_program()).args(gets.get_args());
    strace.envs(gets.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let trace = run(&mut strace);
    let mut marks = trace.lines().enumerate().filter(|(_, line)| line.contains("\"gets "));
    let (begin, end) = (marks.next().expect("a mark"), marks.next().expect("a mark"));
    let between: Vec<_> = trace.lines().take(end.0).skip(begin.0 + 1).collect();
    assert!(between.is_empty(), "{between:#?}");
}
