//! The program's memory, by addresses that it gave and that may lead nowhere.
#![expect(unsafe_code, reason = "has the kernel copy from and to addresses")]

use std::ffi::c_void;

use kvm_core::Errno;

use crate::process;

/// Copies from the program's memory. Says how many of the bytes there are.
pub(crate) fn read_some(address: u64, to: &mut [u8]) -> usize {
    let ours = libc::iovec {
        iov_base: to.as_mut_ptr().cast(),
        iov_len: to.len(),
    };
    let Some(theirs) = theirs(address, to.len()) else {
        return 0;
    };
    // SAFETY: the kernel writes to `to` only, which is borrowed for writing, and no more than its length. It
    // looks at the other address itself, and stops where nothing is mapped.
    let copied = unsafe { libc::process_vm_readv(process::current(), &ours, 1, &theirs, 1, 0) };
    usize::try_from(copied).unwrap_or(0)
}

/// Copies from the program's memory: `EFAULT` when not all of it is there.
pub(crate) fn read(address: u64, to: &mut [u8]) -> Result<(), Errno> {
    if read_some(address, to) == to.len() {
        Ok(())
    } else {
        Err(Errno::EFAULT)
    }
}

/// Copies to the program's memory: `EFAULT` when not all of it can be written.
pub(crate) fn write(address: u64, from: &[u8]) -> Result<(), Errno> {
    if from.is_empty() {
        return Ok(());
    }
    let ours = libc::iovec {
        iov_base: from.as_ptr().cast_mut().cast(),
        iov_len: from.len(),
    };
    let theirs = theirs(address, from.len()).ok_or(Errno::EFAULT)?;
    // SAFETY: the kernel only reads `from`. What it writes to are bytes that the program gave to a call that
    // writes there, as the system call that it believes to make would; the kernel checks that it may.
    let copied = unsafe { libc::process_vm_writev(process::current(), &ours, 1, &theirs, 1, 0) };
    if usize::try_from(copied) == Ok(from.len()) {
        Ok(())
    } else {
        Err(Errno::EFAULT)
    }
}

fn theirs(address: u64, len: usize) -> Option<libc::iovec> {
    let address = usize::try_from(address).ok()?;
    Some(libc::iovec {
        iov_base: std::ptr::with_exposed_provenance_mut::<c_void>(address),
        iov_len: len,
    })
}
