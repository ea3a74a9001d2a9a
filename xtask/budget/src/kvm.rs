//! A KVM whose vCPUs do nothing: each is a file in memory, whose bytes are its run page.

use std::fs::File;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileExt;

std::arch::global_asm!(include_str!("ioctl.s"), options(att_syntax));

/// Where the bytes of port I/O are.
const DATA: u64 = 4096;

/// What each vCPU exits for.
pub(crate) enum Exits {
    PortOut,
    MmioWrite,
}

/// A file that is system, VM and vCPU at once.
pub(crate) fn new(exits: Exits) -> std::io::Result<OwnedFd> {
    // SAFETY: the name is a C string.
    let fd = unsafe { libc::memfd_create(c"kvm".as_ptr(), 0) };
    if fd < 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new, and nobody else's.
    let file = unsafe { File::from_raw_fd(fd) };
    file.set_len(3 * 4096)?;
    match exits {
        Exits::PortOut => {
            file.write_all_at(&2_u32.to_ne_bytes(), 8)?;
            file.write_all_at(&[1, 1], 32)?;
            file.write_all_at(&0x3f8_u16.to_ne_bytes(), 34)?;
            file.write_all_at(&1_u32.to_ne_bytes(), 36)?;
            file.write_all_at(&DATA.to_ne_bytes(), 40)?;
            file.write_all_at(&[1], DATA)?;
        }
        Exits::MmioWrite => {
            file.write_all_at(&6_u32.to_ne_bytes(), 8)?;
            file.write_all_at(&0xd000_0000_u64.to_ne_bytes(), 32)?;
            file.write_all_at(&[1, 0, 0, 0], 40)?;
            file.write_all_at(&4_u32.to_ne_bytes(), 48)?;
            file.write_all_at(&[1], 52)?;
        }
    }
    Ok(file.into())
}

/// All calls but `KVM_RUN`.
#[unsafe(no_mangle)]
extern "C" fn other_ioctl(fd: RawFd, request: libc::c_ulong) -> libc::c_int {
    match request {
        0xae00 => 12,
        // KVM_CREATE_VM, KVM_CREATE_VCPU
        0xae01 | 0xae41 => {
            // SAFETY: takes a number and touches no memory.
            unsafe { libc::dup(fd) }
        }
        // KVM_CHECK_EXTENSION: of the ring of coalesced writes, the page it is on.
        0xae03 => 2,
        0xae04 => 3 * 4096,
        _ => 0,
    }
}

/// The number of a descriptor that now belongs to whoever gets it.
pub(crate) fn raw(fd: OwnedFd) -> RawFd {
    fd.into_raw_fd()
}
