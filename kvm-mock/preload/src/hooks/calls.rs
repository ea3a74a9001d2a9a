//! `ioctl`.
#![expect(unsafe_code, reason = "defines functions of the C library")]

use std::ffi::{c_int, c_ulong};

use kvm_core::Errno;

use super::opens::inherited;
use crate::guard::{answer, own};
use crate::table::{self, File};
use crate::{calls, real};

/// # Safety
///
/// As the C library's own.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn ioctl(fd: c_int, request: c_ulong, arg: usize) -> c_int {
    let Some(file) = table::find(fd) else {
        // SAFETY: the caller's promise, passed on.
        return unsafe { real::ioctl(fd, request, arg) };
    };
    // The kernel takes 32 bits.
    #[expect(clippy::cast_possible_truncation, reason = "as the system call does")]
    let request = request as u32;
    answer(|| make(&file, fd, request, arg), -1)
}

fn make(file: &File, fd: c_int, request: u32, arg: usize) -> Result<c_int, Errno> {
    match file {
        File::Object(object) => calls::ioctl(object, fd, request, arg),
        File::Inherited => calls::ioctl(&*own(|| inherited(fd))?, fd, request, arg),
        File::Elsewhere => Err(Errno::EIO),
    }
}
