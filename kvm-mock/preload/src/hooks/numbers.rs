//! `syscall`: functions that are taken over, called by their numbers.
#![expect(unsafe_code, reason = "defines functions of the C library")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "as the kernel does with what it finds in registers"
)]

use std::ffi::{c_int, c_long, c_uint, c_ulong};
use std::ptr::with_exposed_provenance_mut as place;

use super::{calls, descriptors, exits, maps, opens, passing, reads};
use crate::real;

/// Calls a function, whose result becomes that of `syscall`.
macro_rules! made {
    ($call:expr) => {{
        // SAFETY: the caller's promise, passed on: the function takes what the call of its name does.
        let done = unsafe { $call };
        done as c_long
    }};
}

/// A call that is none of those goes on as it is.
///
/// # Safety
///
/// As the C library's own.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn syscall(
    number: c_long,
    a: usize,
    b: usize,
    c: usize,
    d: usize,
    e: usize,
    f: usize,
) -> c_long {
    let fd = a as c_int;
    let (second, third) = (b as c_int, c as c_int);
    match number {
        libc::SYS_ioctl => made!(calls::ioctl(fd, b as c_ulong, c)),
        libc::SYS_openat => made!(opens::openat(fd, place(b), third, d as c_uint)),
        libc::SYS_close => made!(descriptors::close(fd)),
        libc::SYS_close_range => made!(descriptors::close_range(a as c_uint, b as c_uint, third)),
        libc::SYS_dup => made!(descriptors::dup(fd)),
        libc::SYS_dup3 => made!(descriptors::dup3(fd, second, third)),
        libc::SYS_fcntl => made!(descriptors::fcntl(fd, second, c)),
        libc::SYS_mmap => {
            let (flags, fd) = (d as c_int, e as c_int);
            made!(maps::mmap(place(a), b, third, flags, fd, f as i64).expose_provenance())
        }
        libc::SYS_read => made!(reads::read(fd, place(b), c)),
        libc::SYS_pread64 => made!(reads::pread(fd, place(b), c, d as i64)),
        libc::SYS_recvmsg => made!(passing::recvmsg(fd, place(b), third)),
        libc::SYS_exit_group => {
            exits::before_exit();
            made!(real::syscall(number, a, b, c, d, e, f))
        }
        _ => {
            // SAFETY: the caller's promise, passed on.
            let done = unsafe { native::other(number, a, b, c) };
            done.unwrap_or_else(|| made!(real::syscall(number, a, b, c, d, e, f)))
        }
    }
}

/// Calls that newer architectures don't have.
#[cfg(target_arch = "x86_64")]
mod native {
    use super::*;

    /// # Safety
    ///
    /// As for `syscall`.
    pub(super) unsafe fn other(number: c_long, a: usize, b: usize, c: usize) -> Option<c_long> {
        match number {
            libc::SYS_open => Some(made!(opens::open(place(a), b as c_int, c as c_uint))),
            libc::SYS_dup2 => Some(made!(descriptors::dup2(a as c_int, b as c_int))),
            _ => None,
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod native {
    use super::c_long;

    /// # Safety
    ///
    /// There is nothing to keep.
    pub(super) unsafe fn other(_: c_long, _: usize, _: usize, _: usize) -> Option<c_long> {
        None
    }
}
