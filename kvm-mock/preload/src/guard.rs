//! The border between C and this library: no panic crosses it, `errno` is as C has it, and calls that the library itself
//! makes are not taken over.

use std::cell::Cell;
use std::ffi::c_int;
use std::panic::{self, AssertUnwindSafe};

use kvm_core::Errno;

use crate::real::{errno, set_errno};

std::thread_local! {
    /// Whether this thread is at work in this library: what it opens and closes then is its own.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// Whether this thread runs a vCPU.
    static ENTERED: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is at work in this library.
pub(crate) fn inside() -> bool {
    INSIDE.try_with(Cell::get).unwrap_or(true)
}

/// Does work of the library's own, whose calls are not taken over.
pub(crate) fn own<R>(work: impl FnOnce() -> R) -> R {
    struct Leave(bool);

    impl Drop for Leave {
        fn drop(&mut self) {
            let _ = INSIDE.try_with(|inside| inside.set(self.0));
        }
    }

    let _leave = Leave(
        INSIDE
            .try_with(|inside| inside.replace(true))
            .unwrap_or(true),
    );
    work()
}

/// Whether this thread runs a vCPU: then a handler of signals asks.
pub(crate) fn entered() -> bool {
    ENTERED.try_with(Cell::get).unwrap_or(true)
}

/// Runs a vCPU.
pub(crate) fn enter<R>(run: impl FnOnce() -> R) -> R {
    let _ = ENTERED.try_with(|entered| entered.set(true));
    let done = run();
    let _ = ENTERED.try_with(|entered| entered.set(false));
    done
}

/// Gives C the answer: -1 and `errno`, or what `answer` gives with `errno` as it was.
pub(crate) fn answer<R>(answer: impl FnOnce() -> Result<R, Errno>, failed: R) -> R {
    let before = errno();
    // What a panic leaves behind locks is whole: `lock` of this crate and of the backends goes on with it.
    let answered = panic::catch_unwind(AssertUnwindSafe(answer));
    match answered.unwrap_or(Err(Errno::EIO)) {
        Ok(value) => {
            set_errno(before);
            value
        }
        Err(errno) => {
            set_errno(c_int::from(errno.0));
            failed
        }
    }
}

/// The calling thread's last error as an [`Errno`].
pub(crate) fn last() -> Errno {
    u16::try_from(errno()).map_or(Errno::EIO, Errno)
}
