//! `_exit`, which ends a process without what is to be done at its end.
#![expect(unsafe_code, reason = "defines functions of the C library")]

use std::ffi::c_int;

use crate::guard::{entered, inside};
use crate::{real, start};

/// # Safety
///
/// As the C library's own.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn _exit(code: c_int) -> ! {
    before_exit();
    #[expect(clippy::cast_sign_loss, reason = "the kernel looks at eight bits")]
    let code = code as usize;
    loop {
        // SAFETY: ends the process, as the caller wants.
        unsafe { real::syscall(libc::SYS_exit_group, code, 0, 0, 0, 0, 0) };
    }
}

/// # Safety
///
/// As the C library's own.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn _Exit(code: c_int) -> ! {
    // SAFETY: the caller's promise, passed on.
    unsafe { _exit(code) }
}

/// A handler of signals may call it: what it interrupted may hold the locks that it takes to end a recording, which is
/// then left as that of a process that is killed.
pub(super) fn before_exit() {
    if !inside() && !entered() {
        start::end();
    }
}
