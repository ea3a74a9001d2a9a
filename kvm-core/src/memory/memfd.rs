//! [`MemfdMemory`]: memory in a file, to share with other processes.
#![expect(
    unsafe_code,
    reason = "makes system calls, and owns memory by its address"
)]

use core::fmt;
use core::ptr::{self, NonNull};

use super::Backing;
use crate::dev_kvm::errno;
use crate::error::Cause;
use crate::{Errno, Error, ops};

/// Memory in a file without a name (`memfd_create`), which other processes can map too: device back ends, say.
///
/// The file is sealed against shrinking, so no byte of it can go away. As others may write to it at any time,
/// its bytes are never slices: put it into a [`Memory`](super::Memory) to copy them.
///
/// ```
/// use kvm_core::{MemfdMemory, Memory};
///
/// let memory = Memory::from(MemfdMemory::new(0x10000)?);
/// assert!(memory.write(0x10, b"seen by all"));
/// # Ok::<(), kvm_core::Error>(())
/// ```
pub struct MemfdMemory {
    start: NonNull<u8>,
    len: usize,
    fd: Fd,
}

/// An open descriptor that this value owns.
struct Fd(libc::c_int);

impl Drop for Fd {
    fn drop(&mut self) {
        // SAFETY: the descriptor is owned, so it is open, and nobody else closes it.
        let _ = unsafe { libc::close(self.0) };
    }
}

// SAFETY: `start` is an address whose bytes this value keeps mapped; it makes no reference to them.
unsafe impl Send for MemfdMemory {}
// SAFETY: as for `Send`.
unsafe impl Sync for MemfdMemory {}

impl MemfdMemory {
    /// `len` bytes, all zero. Guests get whole pages only, so `len` should be a multiple of the page size.
    ///
    /// # Errors
    ///
    /// `EINVAL` when `len` is 0 or no multiple of 8, `ENOMEM`, `EMFILE`.
    pub fn new(len: usize) -> Result<Self, Error> {
        let failed = || Error::new(&ops::MMAP_MEMORY, errno());
        let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
        // SAFETY: the name is a C string.
        let fd = unsafe { libc::memfd_create(c"guest memory".as_ptr(), flags) };
        if fd < 0 {
            return Err(failed());
        }
        let fd = Fd(fd);
        let size = libc::off_t::try_from(len);
        let size = size.map_err(|_| Error::new(&ops::MMAP_MEMORY, Errno::ENOMEM))?;
        // SAFETY: touches no memory of this process: the file is not mapped yet.
        if unsafe { libc::ftruncate(fd.0, size) } != 0 {
            return Err(failed());
        }
        // SAFETY: takes an integer.
        if unsafe { libc::fcntl(fd.0, libc::F_ADD_SEALS, libc::F_SEAL_SHRINK) } != 0 {
            return Err(failed());
        }
        Self::map(fd, len)
    }

    /// Maps the first `len` bytes of the file, which has to be sealed.
    fn map(fd: Fd, len: usize) -> Result<Self, Error> {
        let refuse = |errno, cause| Err(Error::with(&ops::MMAP_MEMORY, errno, cause, 0));
        // SAFETY: takes nothing.
        let seals = unsafe { libc::fcntl(fd.0, libc::F_GET_SEALS) };
        if seals < 0 || seals & libc::F_SEAL_SHRINK == 0 {
            return refuse(Errno::EINVAL, Cause::NotSealed);
        }
        // SAFETY: touches no memory of this process.
        let size = unsafe { libc::lseek(fd.0, 0, libc::SEEK_END) };
        // Sealed before this was asked, so it stays at least as long.
        if usize::try_from(size).map_or(true, |size| size < len) {
            return refuse(Errno::EINVAL, Cause::OutOfBounds);
        }
        if len == 0 || len % 8 != 0 {
            return refuse(Errno::EINVAL, Cause::Unaligned);
        }
        let (access, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        // SAFETY: at an address of the kernel's choice, so no memory in use is touched.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, access, shared, fd.0, 0) };
        if start == libc::MAP_FAILED {
            return Err(Error::new(&ops::MMAP_MEMORY, errno()));
        }
        match NonNull::new(start.cast()) {
            Some(start) => Ok(Self { start, len, fd }),
            None => refuse(Errno::ENOMEM, Cause::Backend),
        }
    }
}

impl Drop for MemfdMemory {
    fn drop(&mut self) {
        // SAFETY: mapped in `map`, unmapped here only; nobody has a reference to the bytes.
        let _ = unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}

// SAFETY: `start` and `len` never change; the bytes are mapped, readable and writable until the value is
// dropped, and inside the file, which is sealed against shrinking. No method touches them.
unsafe impl Backing for MemfdMemory {
    fn start(&self) -> NonNull<u8> {
        self.start
    }

    fn len(&self) -> usize {
        self.len
    }
}

impl fmt::Debug for MemfdMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemfdMemory")
            .field("len", &self.len)
            .field("fd", &self.fd.0)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "std")]
mod with_std {
    extern crate std;

    use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};

    use super::{Fd, MemfdMemory};
    use crate::Error;

    impl MemfdMemory {
        /// The first `len` bytes of a file that another process gave.
        ///
        /// ```
        /// use kvm_core::MemfdMemory;
        /// use std::os::fd::AsFd;
        ///
        /// let memory = MemfdMemory::new(0x2000)?;
        /// let sent = memory.as_fd().try_clone_to_owned()?;
        /// let same = MemfdMemory::from_fd(sent, 0x2000)?;
        /// let other = std::fs::File::open("/dev/null")?;
        /// assert!(MemfdMemory::from_fd(other.into(), 0x2000).is_err());
        /// # drop(same);
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        ///
        /// # Errors
        ///
        /// [`Cause::NotSealed`](crate::Cause::NotSealed) (`EINVAL`) unless it is a memfd sealed against
        /// shrinking: of any other file, bytes could go away while they are mapped.
        /// [`Cause::OutOfBounds`](crate::Cause::OutOfBounds) (`EINVAL`) when it is shorter; `EINVAL` when `len`
        /// is 0 or no multiple of 8; what `mmap` answers.
        pub fn from_fd(fd: OwnedFd, len: usize) -> Result<Self, Error> {
            Self::map(Fd(fd.into_raw_fd()), len)
        }
    }

    /// The file, to give to another process.
    impl AsFd for MemfdMemory {
        fn as_fd(&self) -> BorrowedFd<'_> {
            // SAFETY: owned by `self`, so open as long as `self` is borrowed.
            unsafe { BorrowedFd::borrow_raw(self.fd.0) }
        }
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::os::fd::AsFd;

    use super::*;
    use crate::Memory;

    #[test]
    fn two_mappings_are_the_same_memory() {
        let one = MemfdMemory::new(0x2000).unwrap();
        let fd = one.as_fd().try_clone_to_owned().unwrap();
        let two = Memory::from(MemfdMemory::from_fd(fd, 0x1000).unwrap());
        assert!(Memory::from(one).write(8, b"shared"));
        let mut bytes = [0; 6];
        assert!(two.read(8, &mut bytes));
        assert_eq!(&bytes, b"shared");
    }

    #[test]
    fn memory_that_could_go_away_is_refused() {
        let cause = |fd, len| MemfdMemory::from_fd(fd, len).unwrap_err().cause();
        let file = std::fs::File::open("/dev/zero").unwrap();
        assert_eq!(cause(file.into(), 0x1000), Cause::NotSealed);
        let sealed = MemfdMemory::new(0x1000).unwrap();
        let fd = || sealed.as_fd().try_clone_to_owned().unwrap();
        assert_eq!(cause(fd(), 0x1008), Cause::OutOfBounds);
        assert_eq!(cause(fd(), 4), Cause::Unaligned);
        assert!(std::fs::File::from(fd()).set_len(0).is_err(), "sealed");
    }
}
