//! Which process this is: a VM belongs to the one that created it, and calls of another are `EIO`.
#![expect(unsafe_code, reason = "asks for forks to be told")]

use std::cell::RefCell;
use std::sync::RwLockWriteGuard;
use std::sync::atomic::{AtomicI32, Ordering};

use crate::guard;
use crate::system;
use crate::table::{self, Held};

static PROCESS: AtomicI32 = AtomicI32::new(0);

std::thread_local! {
    /// What a thread that forks holds while it does: so nobody is in the middle of a change.
    static HELD: RefCell<Option<RwLockWriteGuard<'static, Held>>> = const { RefCell::new(None) };
}

/// The number of this process, as last noted.
pub(crate) fn current() -> libc::pid_t {
    PROCESS.load(Ordering::Relaxed)
}

/// Whether this is a process that shares another one's memory, as after `vfork`: the table is not its own.
pub(crate) fn borrowed() -> bool {
    // SAFETY: takes nothing and touches no memory.
    (unsafe { libc::getpid() }) != current()
}

/// Notes the process, and each one that it forks.
pub(crate) fn begin() {
    note();
    // SAFETY: the functions are there as long as the library, which is never unloaded: it was preloaded.
    let _ = unsafe { libc::pthread_atfork(Some(before), Some(parent), Some(child)) };
}

fn note() {
    // SAFETY: takes nothing and touches no memory.
    PROCESS.store(unsafe { libc::getpid() }, Ordering::Relaxed);
}

extern "C" fn before() {
    let held = table::lock();
    let _ = HELD.try_with(|place| place.replace(Some(held)));
}

extern "C" fn parent() {
    let _ = HELD.try_with(|place| place.replace(None));
}

extern "C" fn child() {
    note();
    let held = HELD.try_with(|place| place.replace(None));
    if let Ok(Some(mut held)) = held {
        guard::own(|| {
            held.leave();
            system::leave(&mut held);
        });
    }
}
