//! [`DevKvm`] on Linux.
#![expect(unsafe_code, reason = "makes system calls")]

use alloc::sync::Arc;
use core::ptr::{self, NonNull};

use kvm_exit::Native;
use kvm_sys::op::{Op, Returns};
use kvm_sys::{KVM_DIRTY_LOG_PAGE_OFFSET, KVM_RUN};

use super::kick::{self, Entered, Entry};
use crate::{Arg, Errno, Error, Guard, Hypervisor, Mapping, Part, PartBytes, Region, ops};

/// An open object of the kernel's KVM: `/dev/kvm`, a VM or a vCPU. Its descriptor is closed when it is
/// dropped.
#[derive(Debug)]
pub struct DevKvm {
    fd: Fd,
    entry: Entry,
}

impl DevKvm {
    /// Opens `/dev/kvm`. [`Kvm::open`](crate::Kvm::open) also looks at its version.
    ///
    /// # Errors
    ///
    /// As [`Kvm::open`](crate::Kvm::open).
    pub fn open() -> Result<Self, Error> {
        let flags = libc::O_RDWR | libc::O_CLOEXEC;
        // SAFETY: the path is a C string.
        let fd = unsafe { libc::open(c"/dev/kvm".as_ptr(), flags) };
        match Fd::new(fd) {
            Some(fd) => Ok(Self::new(fd)),
            None => Err(Error::new(&ops::OPEN, errno())),
        }
    }

    fn new(fd: Fd) -> Self {
        Self {
            fd,
            entry: Entry::default(),
        }
    }

    /// Makes the call with one machine word as its argument.
    ///
    /// # Safety
    ///
    /// `request` is the number of a row. Where the row takes a pointer, `arg` is one to bytes that outlive the call and are all
    /// that it reads or writes, but for what [`Hypervisor::ioctl`]'s caller promises.
    #[inline(always)]
    unsafe fn call(&self, request: u32, arg: usize) -> Result<u32, Errno> {
        // C libraries differ in the type they declare for the request's 32 bits.
        // SAFETY: as the caller promises.
        let returned = unsafe { libc::ioctl(self.fd.0, request as _, arg) };
        u32::try_from(returned).map_err(|_| errno())
    }

    /// Makes the call, with pointers put where the kernel wants them.
    ///
    /// # Safety
    ///
    /// As [`Hypervisor::ioctl`].
    unsafe fn call_with(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let word = match arg {
            Arg::None => 0,
            Arg::Value(value) => usize::try_from(*value).map_err(|_| Errno::EINVAL)?,
            Arg::In(bytes) => bytes.as_ptr().expose_provenance(),
            Arg::Mut(bytes) => bytes.as_mut_ptr().expose_provenance(),
            Arg::Parts { head, parts } => {
                for Part { offset, bytes } in parts.iter_mut() {
                    let pointer = match bytes {
                        PartBytes::In(bytes) | PartBytes::Opaque(bytes) => {
                            bytes.as_ptr().expose_provenance()
                        }
                        PartBytes::Mut(bytes) => bytes.as_mut_ptr().expose_provenance(),
                    };
                    let field = head.get_mut(*offset..).and_then(<[u8]>::first_chunk_mut);
                    *field.ok_or(Errno::EINVAL)? = (pointer as u64).to_ne_bytes();
                }
                head.as_mut_ptr().expose_provenance()
            }
        };
        // SAFETY: the caller promises that `arg` fits the row: the word is the number that it takes,
        // or a pointer to bytes borrowed until after the call, with pointers to such bytes inside.
        unsafe { self.call(op.request(), word) }
    }
}

// SAFETY: `map` gives the kernel's mapping of a vCPU, which nothing else in the process has: `Run`
// regions are mapped shared, and only the kernel, inside `KVM_RUN`, writes to the private bytes.
// The kernel touches guest memory as hardware does, from outside the program.
unsafe impl Hypervisor for DevKvm {
    type Guest = Native;

    unsafe fn ioctl(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        if op == &ops::PAGE_SIZE {
            return page_size();
        }
        // SAFETY: the caller's promise, passed on.
        unsafe { self.call_with(op, arg) }
    }

    unsafe fn create(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<Self, Errno> {
        // SAFETY: the caller's promise, passed on.
        let returned = unsafe { self.call_with(op, arg) }?;
        let fd = match op.returns {
            Returns::Descriptor => i32::try_from(returned).map_err(|_| Errno::EBADF)?,
            Returns::DescriptorAt(offset) => match arg {
                Arg::Mut(bytes) => bytes
                    .get(offset as usize..)
                    .and_then(<[u8]>::first_chunk)
                    .map(|field| i32::from_ne_bytes(*field))
                    .ok_or(Errno::EINVAL)?,
                _ => return Err(Errno::EINVAL),
            },
            Returns::Nothing | Returns::Number => return Err(Errno::EINVAL),
        };
        Fd::new(fd).map(Self::new).ok_or(Errno::EBADF)
    }

    fn map(&self, region: Region) -> Result<Mapping, Errno> {
        let (len, private, offset) = match region {
            Region::Run { len, private } => (len, private.min(len), 0),
            Region::DirtyRing { len } => (len, 0, dirty_ring_offset()?),
            Region::GuestMemfd { len } => (len, 0, 0),
        };
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let shared = libc::MAP_SHARED;
        // SAFETY: at an address of the kernel's choice, so no memory in use is touched.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, access, shared, self.fd.0, offset) };
        if start == libc::MAP_FAILED {
            return Err(errno());
        }
        let start = NonNull::new(start.cast::<u8>()).ok_or(Errno::ENOMEM)?;
        kick::install();
        let guard = Arc::new(Unmap {
            start,
            len,
            entered: self.entry.entered(),
        });
        // SAFETY: mapped just now: aligned to a page, `len` bytes, readable and writable until the guard
        // unmaps them, known to nobody else.
        Ok(unsafe { Mapping::new(start, len, private, guard) })
    }

    #[inline(always)]
    unsafe fn enter(&self) -> Result<(), Errno> {
        /// A constant, so that nothing is looked up in the table.
        const RUN: u32 = KVM_RUN.request();

        self.entry.note();
        // SAFETY: `KVM_RUN` takes nothing. That the kernel writes to the run page is what the caller's
        // promise allows.
        unsafe { self.call(RUN, 0) }.map(|_| ())
    }

    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize, Errno> {
        let offset = offset.try_into().map_err(|_| Errno::EINVAL)?;
        // SAFETY: the buffer is ours to write, for its whole length.
        let n = unsafe { libc::pread(self.fd.0, buf.as_mut_ptr().cast(), buf.len(), offset) };
        usize::try_from(n).map_err(|_| errno())
    }

    fn number(&self) -> i32 {
        self.fd.0
    }
}

/// An open descriptor that this value owns.
#[derive(Debug)]
struct Fd(libc::c_int);

impl Fd {
    /// Takes over a descriptor that a call returned; nothing when it is none.
    fn new(fd: libc::c_int) -> Option<Self> {
        // Made only if it is one: dropping another would close it, and so replace `errno`.
        (fd >= 0).then(|| Self(fd))
    }
}

impl Drop for Fd {
    fn drop(&mut self) {
        // SAFETY: the descriptor is owned, so it is open, and nobody else closes it.
        let _ = unsafe { libc::close(self.0) };
    }
}

struct Unmap {
    start: NonNull<u8>,
    len: usize,
    entered: Arc<Entered>,
}

// SAFETY: `start` is only an address here; unmapping may happen on any thread.
unsafe impl Send for Unmap {}
// SAFETY: as for `Send`.
unsafe impl Sync for Unmap {}

impl Guard for Unmap {
    fn wake(&self) {
        self.entered.interrupt();
    }
}

impl Drop for Unmap {
    fn drop(&mut self) {
        // SAFETY: mapped in `map`, and nothing uses the bytes after the guard, by `Mapping::new`'s
        // contract.
        let _ = unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}

/// Where in a vCPU's file its dirty ring is. Architectures without one have no number for it.
fn dirty_ring_offset() -> Result<libc::off_t, Errno> {
    let pages = libc::off_t::try_from(KVM_DIRTY_LOG_PAGE_OFFSET).map_err(|_| Errno::ENODEV)?;
    let page_size = libc::off_t::from(page_size()?);
    match pages.checked_mul(page_size) {
        None | Some(0) => Err(Errno::ENODEV),
        Some(offset) => Ok(offset),
    }
}

fn page_size() -> Result<u32, Errno> {
    // SAFETY: touches no memory of ours.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u32::try_from(size).map_err(|_| Errno::EINVAL)
}

/// The calling thread's last error.
#[cold]
pub(crate) fn errno() -> Errno {
    // SAFETY: gives a pointer to the calling thread's own variable.
    let location = unsafe { libc::__errno_location() };
    // SAFETY: the C library keeps it valid as long as the thread lives.
    let number = unsafe { *location };
    Errno(u16::try_from(number).unwrap_or(Errno::EINVAL.0))
}

#[cfg(feature = "std")]
mod with_std {
    extern crate std;

    use core::mem::ManuallyDrop;
    use std::os::fd::{AsFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};

    use super::{DevKvm, Fd};
    use crate::{Kvm, Registers, Vm};

    impl DevKvm {
        /// Takes over an open descriptor of `/dev/kvm`, such as a jailed process was given.
        ///
        /// ```
        /// use kvm_core::{DevKvm, Error, Kvm};
        /// use std::os::fd::OwnedFd;
        ///
        /// fn in_jail(kvm: OwnedFd) -> Result<Kvm, Error> {
        ///     // SAFETY: what makes the jail opens `/dev/kvm` for it.
        ///     Kvm::with(unsafe { DevKvm::from_fd(kvm) })
        /// }
        /// ```
        ///
        /// # Safety
        ///
        /// The descriptor is one of `/dev/kvm`: on another kind of file the same request numbers may
        /// mean calls that write more bytes than KVM's.
        pub unsafe fn from_fd(fd: OwnedFd) -> Self {
            Self::new(Fd(fd.into_raw_fd()))
        }
    }

    impl AsFd for DevKvm {
        fn as_fd(&self) -> BorrowedFd<'_> {
            // SAFETY: owned by `self`, so open as long as `self` is borrowed.
            unsafe { BorrowedFd::borrow_raw(self.fd.0) }
        }
    }

    /// Hands the descriptor over, to be passed on or kept.
    impl From<DevKvm> for OwnedFd {
        fn from(object: DevKvm) -> Self {
            let DevKvm { fd, .. } = object;
            let fd = ManuallyDrop::new(fd);
            // SAFETY: owned by `fd`, so open, and as that is not dropped nobody else closes it.
            unsafe { Self::from_raw_fd(fd.0) }
        }
    }

    /// The descriptor of `/dev/kvm`.
    impl AsFd for Kvm {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.system().as_fd()
        }
    }

    /// The descriptor of the VM.
    impl AsFd for Vm {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.backend().as_fd()
        }
    }

    /// The descriptor of the vCPU.
    impl AsFd for Registers {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.backend().as_fd()
        }
    }
}
