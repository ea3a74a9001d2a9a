//! [`Bytes`]: the memory behind a slot, of a VMM that keeps it mapped or of one that may not. [`Ahead`] reads it in order.

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
            Self::Promised { .. } => self.read_some(offset, to) == to.len(),
        }
    }

    /// Copies from an offset on as much as is there before the first byte that is not.
    fn read_some(&self, offset: usize, to: &mut [u8]) -> usize {
        match self {
            Self::Kept(span) => {
                if span.read(offset, to) {
                    to.len()
                } else {
                    0
                }
            }
            #[cfg(target_os = "linux")]
            Self::Promised { start, len } => {
                place(*start, *len, offset, to.len()).map_or(0, |place| copied::from(place, to))
            }
        }
    }

    /// How much is best read at once: a call of the kernel's is worth more than a piece.
    fn at_once(&self, piece: usize) -> usize {
        match self {
            Self::Kept(_) => piece,
            #[cfg(target_os = "linux")]
            Self::Promised { .. } => piece * 32,
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

/// Reads memory piece by piece, and more of it than the next piece where that is cheaper.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// What was read last, at this offset, as much as was there.
    buffer: Vec<u8>,
    offset: usize,
    there: usize,
}

impl Ahead {
    /// The `piece` bytes at an offset, of `len` bytes in all; nothing when they are not there. Other memory than before
    /// begins at offset 0.
    pub(super) fn read(
        &mut self,
        bytes: &Bytes,
        offset: usize,
        piece: usize,
        len: usize,
    ) -> Option<&[u8]> {
        let known = |ahead: &Self| {
            let start = offset.checked_sub(ahead.offset)?;
            let end = start.checked_add(piece)?;
            (end <= ahead.there).then_some(start..end)
        };
        let range = match known(self).filter(|_| offset != 0) {
            Some(range) => range,
            None => {
                let room = bytes.at_once(piece).min(len.saturating_sub(offset));
                self.buffer.resize(self.buffer.len().max(room), 0);
                self.offset = offset;
                self.there = bytes.read_some(offset, self.buffer.get_mut(..room)?);
                known(self)?
            }
        };
        self.buffer.get(range)
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

    /// Gives how many bytes there are before the first that is not.
    pub(super) fn from(start: usize, to: &mut [u8]) -> usize {
        let (ours, theirs) = (
            range(to.as_mut_ptr().expose_provenance(), to.len()),
            range(start, to.len()),
        );
        // SAFETY: takes nothing.
        let process = unsafe { libc::getpid() };
        // SAFETY: the kernel writes to `to` only, as much as it has; it looks at the other address itself.
        let n = unsafe { libc::process_vm_readv(process, &ours, 1, &theirs, 1, 0) };
        usize::try_from(n).unwrap_or(0)
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
    use std::ptr::with_exposed_provenance_mut;

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

    #[test]
    #[expect(unsafe_code, reason = "takes a page of its own memory away")]
    fn what_is_behind_a_hole_is_read_all_the_same() {
        const PIECE: usize = 4096;
        const PIECES: usize = 100;
        const HOLE: usize = 40;
        // SAFETY: takes integers.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap();
        let len = PIECES * page;
        let memory = kvm_core::Memory::from(kvm_core::AnonymousMemory::new(len).unwrap());
        for page_number in 0..PIECES {
            assert!(memory.write(page_number * page, &page_number.to_le_bytes()));
        }
        let access = |access| {
            let hole = usize::try_from(memory.host_address()).unwrap() + HOLE * page;
            // SAFETY: a page of the memory, which nobody but the kernel looks at while it can't be accessed.
            let done = unsafe { libc::mprotect(with_exposed_provenance_mut(hole), page, access) };
            assert_eq!(done, 0);
        };
        access(libc::PROT_NONE);
        let bytes = Bytes::Promised {
            start: memory.host_address(),
            len,
        };
        let mut ahead = Ahead::default();
        for offset in (0..len).step_by(PIECE) {
            let piece = ahead.read(&bytes, offset, PIECE, len);
            let first = piece.map(|piece| usize::from_le_bytes(piece[..8].try_into().unwrap()));
            let expected = match (offset / page, offset % page) {
                (HOLE, _) => None,
                (number, 0) => Some(number),
                _ => Some(0),
            };
            assert_eq!(first, expected, "{offset:#x}");
        }
        access(libc::PROT_READ | libc::PROT_WRITE);
    }
}
