//! Which thread is inside a vCPU, and the signal that makes it leave.
#![expect(unsafe_code, reason = "installs a signal handler and sends the signal")]

use alloc::sync::Arc;
use core::ptr;
use core::sync::atomic::{AtomicI32, Ordering, fence};

/// The thread that last entered a vCPU; [`NOBODY`] before the first entry.
#[derive(Debug)]
pub(super) struct Entered(AtomicI32);

/// No thread, and not what a thread takes its own number for before it has asked.
const NOBODY: i32 = -1;

impl Default for Entered {
    fn default() -> Self {
        Self(AtomicI32::new(NOBODY))
    }
}

/// What a vCPU's object has of [`Entered`]: the same number once more, beside the descriptor.
#[derive(Debug)]
pub(super) struct Entry {
    last: AtomicI32,
    entered: Arc<Entered>,
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            last: AtomicI32::new(NOBODY),
            entered: Arc::default(),
        }
    }
}

impl Entry {
    pub(super) fn entered(&self) -> Arc<Entered> {
        Arc::clone(&self.entered)
    }

    /// Notes that the calling thread is about to enter. One at a time does, so the two numbers are the
    /// same.
    #[inline(always)]
    pub(super) fn note(&self) {
        // A thread that has not asked for its number has the number 0, which is never stored here, so
        // this one comparison also finds that out.
        if self.last.load(Ordering::Relaxed) != known_number() {
            self.change();
        }
    }

    /// The store is ordered before the kernel's look at `immediate_exit`, as a kick's store to that is
    /// before its look at the thread: one of the two sees the other. A thread that stays the same
    /// was seen long ago.
    #[cold]
    fn change(&self) {
        let number = number();
        self.last.store(number, Ordering::Relaxed);
        self.entered.0.store(number, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }
}

impl Entered {
    /// Interrupts the thread. One that is not inside the vCPU any more is interrupted for nothing: the
    /// handler does nothing, and restarts its system call. One that has ended is not there.
    pub(super) fn interrupt(&self) {
        fence(Ordering::SeqCst);
        let thread = self.0.load(Ordering::Relaxed);
        if thread != NOBODY {
            // SAFETY: takes nothing and touches no memory.
            let process = unsafe { libc::getpid() };
            // SAFETY: touches no memory of this process; the signal has a handler since `install`,
            // which came before the first entry.
            let _ = unsafe { libc::syscall(libc::SYS_tgkill, process, thread, signal()) };
        }
    }
}

fn signal() -> libc::c_int {
    libc::SIGRTMIN()
}

extern "C" fn do_nothing(_: libc::c_int) {}

/// Sees to it that the signal of a kick has a handler: the program's own, or else one that does
/// nothing. Without one, a kick would end the process.
pub(super) fn install() {
    // SAFETY: all zero is a valid `sigaction`: the default action, no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
    // SAFETY: the pointer is to a `sigaction` of our own, written by the call.
    if unsafe { libc::sigaction(signal(), ptr::null(), &mut action) } != 0
        || ![libc::SIG_DFL, libc::SIG_IGN].contains(&action.sa_sigaction)
    {
        return;
    }
    action.sa_sigaction = do_nothing as extern "C" fn(libc::c_int) as libc::sighandler_t;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the handler does nothing, so it may interrupt anything.
    let _ = unsafe { libc::sigaction(signal(), &action, ptr::null_mut()) };
}

/// The kernel's number of this thread, or 0 if it has not asked for it.
#[cfg(feature = "std")]
#[inline(always)]
fn known_number() -> i32 {
    with_std::THREAD.get()
}

/// The kernel's number of this thread; asks for it, the first time.
#[cfg(feature = "std")]
fn number() -> i32 {
    if with_std::THREAD.get() == 0 {
        with_std::THREAD.set(ask());
    }
    with_std::THREAD.get()
}

#[cfg(feature = "std")]
mod with_std {
    extern crate std;

    use core::cell::Cell;

    std::thread_local!(pub(super) static THREAD: Cell<i32> = const { Cell::new(0) });
}

/// The kernel's number of this thread: without the library there is no place to keep it.
#[cfg(not(feature = "std"))]
fn known_number() -> i32 {
    ask()
}

/// The kernel's number of this thread.
#[cfg(not(feature = "std"))]
fn number() -> i32 {
    ask()
}

#[cold]
fn ask() -> i32 {
    // SAFETY: takes nothing and touches no memory.
    let thread = unsafe { libc::syscall(libc::SYS_gettid) };
    // Threads have small positive numbers.
    i32::try_from(thread).unwrap_or_default()
}
