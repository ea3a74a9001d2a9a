//! [`Bytes`]: the memory behind a slot, of a VMM that keeps it mapped or of one that may not.

use kvm_core::Span;

/// The memory behind a slot.
#[derive(Debug)]
pub(super) enum Bytes {
    /// The VMM keeps it mapped, as [`ioctl`](kvm_core::Hypervisor::ioctl)'s contract says.
    Kept(Span),
    /// The program that registered it made no promise: the kernel copies, and finds out what is still there.
    #[cfg(target_os = "linux")]
    Promised { start: u64, len: usize },
}

impl Bytes {
    /// Copies from an offset on. Says whether all of it is there.
    pub(super) fn read(&self, offset: usize, to: &mut [u8]) -> bool {
        match self {
            Self::Kept(span) => span.read(offset, to),
            #[cfg(target_os = "linux")]
            Self::Promised { start, len } => {
                place(*start, *len, offset, to.len()).is_some_and(|place| copied::from(place, to))
            }
        }
    }

    /// Copies to an offset. Says whether all of it is there, and can be written.
    pub(super) fn write(&self, offset: usize, from: &[u8]) -> bool {
        match self {
            Self::Kept(span) => span.write(offset, from),
            #[cfg(target_os = "linux")]
            Self::Promised { start, len } => {
                place(*start, *len, offset, from.len()).is_some_and(|place| copied::to(place, from))
            }
        }
    }
}

/// The address of `count` bytes at an offset, if so many are inside.
#[cfg(target_os = "linux")]
fn place(start: u64, len: usize, offset: usize, count: usize) -> Option<usize> {
    let inside = offset.checked_add(count)? <= len;
    let start = usize::try_from(start).ok().filter(|_| inside)?;
    start.checked_add(offset)
}

#[cfg(target_os = "linux")]
mod copied {
    #![expect(unsafe_code, reason = "has the kernel copy from and to addresses")]

    use std::ptr::with_exposed_provenance_mut;

    fn range(start: usize, len: usize) -> libc::iovec {
        libc::iovec {
            iov_base: with_exposed_provenance_mut(start),
            iov_len: len,
        }
    }

    pub(super) fn from(start: usize, to: &mut [u8]) -> bool {
        let (ours, theirs) = (
            range(to.as_mut_ptr().expose_provenance(), to.len()),
            range(start, to.len()),
        );
        // SAFETY: takes nothing.
        let process = unsafe { libc::getpid() };
        // SAFETY: the kernel writes to `to` only, as much as it has; it looks at the other address itself.
        let n = unsafe { libc::process_vm_readv(process, &ours, 1, &theirs, 1, 0) };
        usize::try_from(n) == Ok(to.len())
    }

    pub(super) fn to(start: usize, from: &[u8]) -> bool {
        let (ours, theirs) = (
            range(from.as_ptr().expose_provenance(), from.len()),
            range(start, from.len()),
        );
        // SAFETY: takes nothing.
        let process = unsafe { libc::getpid() };
        // SAFETY: the kernel reads `from` only, and writes to memory that the program has given to a guest, which may
        // write to it at any time.
        let n = unsafe { libc::process_vm_writev(process, &ours, 1, &theirs, 1, 0) };
        usize::try_from(n) == Ok(from.len())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_neither_read_nor_written() {
        let mut memory = [7_u8; 16];
        let start = memory.as_mut_ptr().expose_provenance() as u64;
        let bytes = Bytes::Promised { start, len: 16 };
        let mut to = [0; 4];
        assert!(bytes.read(12, &mut to) && to == [7; 4]);
        assert!(bytes.write(0, &[1, 2]) && bytes.read(0, &mut to) && to == [1, 2, 7, 7]);
        assert!(!bytes.read(13, &mut to) && !bytes.write(usize::MAX, &[1]));
        let nowhere = Bytes::Promised { start: 8, len: 16 };
        assert!(!nowhere.read(0, &mut to) && !nowhere.write(0, &to));
        assert_eq!(memory[2], 7);
    }
}
