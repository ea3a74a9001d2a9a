//! `recvmsg`, which may bring descriptors.
#![expect(unsafe_code, reason = "defines functions of the C library")]

use std::ffi::c_int;

use crate::guard::{answer, own};
use crate::table;
use crate::{path, process, real, start};

/// # Safety
///
/// As the C library's own.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn recvmsg(
    fd: c_int,
    message: *mut libc::msghdr,
    flags: c_int,
) -> isize {
    // SAFETY: the caller's promise, passed on.
    let received = unsafe { real::recvmsg(fd, message, flags) };
    if received >= 0 && start::active() {
        // SAFETY: the kernel has just written the message there.
        let fds = unsafe { descriptors(message) };
        if !fds.is_empty() {
            let adopt_all = || {
                fds.into_iter().for_each(adopt);
                Ok(())
            };
            answer(|| own(adopt_all), ());
        }
    }
    received
}

/// The descriptors that a message brought.
///
/// # Safety
///
/// The message is one that the kernel wrote.
unsafe fn descriptors(message: *const libc::msghdr) -> Vec<c_int> {
    let mut fds = Vec::new();
    // SAFETY: the caller's promise: the header and the control messages that it counts are there.
    let mut control = unsafe { libc::CMSG_FIRSTHDR(message) };
    while !control.is_null() {
        // SAFETY: not null, so a control message that is there; it may be unaligned in a program's buffer.
        let header = unsafe { control.read_unaligned() };
        if (header.cmsg_level, header.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
            // SAFETY: takes and gives an integer.
            let before = unsafe { libc::CMSG_LEN(0) } as usize;
            let count = (header.cmsg_len as usize).saturating_sub(before) / size_of::<c_int>();
            // SAFETY: as above: its data follows it.
            let data = unsafe { libc::CMSG_DATA(control) }.cast::<c_int>();
            for n in 0..count {
                // SAFETY: the message has `count` of them.
                let place = unsafe { data.add(n) };
                // SAFETY: as above.
                fds.push(unsafe { place.read_unaligned() });
            }
        }
        // SAFETY: as for the first one.
        control = unsafe { libc::CMSG_NXTHDR(message, control) };
    }
    fds
}

/// Finds out what a descriptor is that came from somewhere: perhaps from this process itself.
fn adopt(fd: c_int) {
    if !path::name(fd).is_some_and(|name| name.to_string_lossy().contains("kvm")) {
        return;
    }
    let known = table::within(0..=u32::MAX)
        .into_iter()
        .find(|other| same_file(*other, fd));
    let file = known.and_then(table::find_any);
    if let Some(file) = file.or_else(|| start::stranger(fd)) {
        table::insert(fd, file);
    }
}

fn same_file(one: c_int, other: c_int) -> bool {
    const KCMP_FILE: c_int = 0;

    let process = process::current();
    // SAFETY: takes integers.
    one != other
        && unsafe { libc::syscall(libc::SYS_kcmp, process, process, KCMP_FILE, one, other) } == 0
}
