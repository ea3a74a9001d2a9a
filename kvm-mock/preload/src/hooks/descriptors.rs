//! Descriptors that are closed and duplicated.
#![expect(unsafe_code, reason = "defines functions of the C library")]

use std::ffi::{c_int, c_uint};

use kvm_core::Errno;

use crate::guard::{answer, own};
use crate::process::borrowed;
use crate::real;
use crate::table;

/// # Safety
///
/// As the C library's own.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn close(fd: c_int) -> c_int {
    if table::is_hidden(fd) {
        return hidden();
    }
    forget(fd);
    // SAFETY: the caller's promise, passed on.
    unsafe { real::close(fd) }
}

/// The program closes a descriptor.
fn forget(fd: c_int) {
    if table::find(fd).is_some() && !borrowed() {
        let remove = || {
            table::remove(fd);
            Ok(())
        };
        answer(|| own(remove), ());
    }
}

/// What is said of descriptors that the program does not know of.
fn hidden() -> c_int {
    answer(|| Err(Errno::EBADF), -1)
}

/// Descriptor `new` is what `old` is.
fn duplicated(old: c_int, new: c_int) {
    if new < 0 || new == old {
        return;
    }
    let file = table::find(old);
    if file.is_none() && table::find(new).is_none() || borrowed() {
        return;
    }
    let copy = || {
        match file {
            Some(file) => {
                table::insert(new, file);
            }
            None => table::remove(new),
        }
        Ok(())
    };
    answer(|| own(copy), ());
}

/// # Safety
///
/// As the C library's own.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn dup(fd: c_int) -> c_int {
    // SAFETY: the caller's promise, passed on.
    let new = unsafe { real::dup(fd) };
    duplicated(fd, new);
    new
}

/// # Safety
///
/// As the C library's own.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn dup2(fd: c_int, to: c_int) -> c_int {
    if table::is_hidden(to) {
        return hidden();
    }
    // SAFETY: the caller's promise, passed on.
    let new = unsafe { real::dup2(fd, to) };
    duplicated(fd, new);
    new
}

/// # Safety
///
/// As the C library's own.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn dup3(fd: c_int, to: c_int, flags: c_int) -> c_int {
    if table::is_hidden(to) {
        return hidden();
    }
    // SAFETY: the caller's promise, passed on.
    let new = unsafe { real::dup3(fd, to, flags) };
    duplicated(fd, new);
    new
}

/// Defines a form of `fcntl`.
macro_rules! controls {
    ($($name:ident;)*) => {
        $(
            /// # Safety
            ///
            /// As the C library's own.
            #[unsafe(no_mangle)]
            pub(super) unsafe extern "C" fn $name(fd: c_int, command: c_int, arg: usize) -> c_int {
                // SAFETY: the caller's promise, passed on.
                let done = unsafe { real::$name(fd, command, arg) };
                if matches!(command, libc::F_DUPFD | libc::F_DUPFD_CLOEXEC) {
                    duplicated(fd, done);
                }
                done
            }
        )*
    };
}

controls! {
    fcntl;
    fcntl64;
}

/// # Safety
///
/// As the C library's own.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int {
    const MARK_ONLY: c_uint = libc::CLOSE_RANGE_CLOEXEC;

    // SAFETY: the caller's promise, passed on.
    let close = |first, last| unsafe { real::close_range(first, last, flags) };
    // What it refuses closes nothing, and what only marks may mark all.
    let marks = c_uint::try_from(flags).is_ok_and(|flags| flags & MARK_ONLY != 0);
    if first > last || marks || borrowed() {
        return close(first, last);
    }
    for fd in table::within(first..=last) {
        forget(fd);
    }
    // Around those that the program does not know of.
    let mut start = first;
    for fd in table::hidden_within(first..=last) {
        let Ok(fd) = c_uint::try_from(fd) else {
            continue;
        };
        if start < fd {
            let closed = close(start, fd - 1);
            if closed != 0 {
                return closed;
            }
        }
        start = fd + 1;
    }
    if start <= last { close(start, last) } else { 0 }
}

/// # Safety
///
/// As the C library's own.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn closefrom(first: c_int) {
    let first = c_uint::try_from(first).unwrap_or(0);
    // The C library's own makes this call too, and has no way to tell that it failed.
    // SAFETY: the caller's promise, passed on.
    unsafe { close_range(first, c_uint::MAX, 0) };
}
