//! What a descriptor that the VMM gave to the model is.

use std::fs;

use kvm_core::Errno;

/// The path that it was opened by, or what the kernel says in place of one. `EBADF` when it is not open, or
/// where no system tells.
pub(crate) fn path(number: i32) -> Result<String, Errno> {
    let link = fs::read_link(format!("/proc/self/fd/{number}"));
    let path = link.map_err(|_| Errno::EBADF)?;
    Ok(path.to_string_lossy().into_owned())
}
