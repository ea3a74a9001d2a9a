//! Which thread is inside a vCPU, and the signal that makes it leave.
#![expect(unsafe_code, reason = "installs a signal handler and sends the signal")]

use core::ptr;
use core::sync::atomic::{AtomicI32, Ordering, fence};

/// The thread that last entered a vCPU; 0 before the first entry.
#[derive(Debug, Default)]
pub(super) struct Entered(AtomicI32);

impl Entered {
    /// Notes that the calling thread is about to enter.
    #[inline(always)]
    pub(super) fn note(&self) {
        let thread = this_thread();
        if self.0.load(Ordering::Relaxed) != thread {
            self.change(thread);
        }
    }

    /// The store is ordered before the kernel's look at `immediate_exit`, as a kick's store to that is
    /// before its look at the thread: one of the two sees the other. A thread that stays the same
    /// was seen long ago.
    #[cold]
    fn change(&self, thread: i32) {
        self.0.store(thread, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Interrupts the thread. One that is not inside the vCPU any more is interrupted for nothing: the
    /// handler does nothing, and restarts its system call. One that has ended is not there.
    pub(super) fn interrupt(&self) {
        fence(Ordering::SeqCst);
        let thread = self.0.load(Ordering::Relaxed);
        if thread != 0 {
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

/// The kernel's number of this thread.
#[cfg(feature = "std")]
#[inline(always)]
fn this_thread() -> i32 {
    extern crate std;

    use core::cell::Cell;

    std::thread_local!(static THREAD: Cell<i32> = const { Cell::new(0) });
    THREAD.with(|thread| match thread.get() {
        0 => {
            thread.set(ask());
            thread.get()
        }
        known => known,
    })
}

/// The kernel's number of this thread.
#[cfg(not(feature = "std"))]
fn this_thread() -> i32 {
    ask()
}

#[cold]
fn ask() -> i32 {
    // SAFETY: takes nothing and touches no memory.
    let thread = unsafe { libc::syscall(libc::SYS_gettid) };
    // Threads have small positive numbers.
    i32::try_from(thread).unwrap_or_default()
}
