//! [`Descriptor`]: an open file of the program's own that a call names.
#![expect(unsafe_code, reason = "says that descriptors are open")]

use core::fmt;
use core::marker::PhantomData;

/// An open file of the program's own, named in a call: an eventfd, a VFIO group.
///
/// Whatever implements `AsFd` makes one: `File` and `OwnedFd` of std, `EventFd` of rustix or nix. For a
/// type that has only `AsRawFd`, such as vmm-sys-util's `EventFd`, there is [`BorrowedFd::borrow_raw`] in
/// std, and without std [`borrow_raw`](Self::borrow_raw) here.
///
/// Calls borrow descriptors, and the kernel takes a reference of its own where it keeps the file: it may be
/// closed after the call. (A number that is open no longer can't be named, so keep what has to be
/// unregistered.)
///
/// ```
/// # #[cfg(unix)] {
/// use kvm_core::Descriptor;
///
/// let (one, _other) = std::os::unix::net::UnixStream::pair()?;
/// let descriptor = Descriptor::from(&one);
/// assert!(descriptor.number() >= 0);
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// It is open as long as what it is borrowed from:
///
/// ```compile_fail,E0505
/// let (one, _other) = std::os::unix::net::UnixStream::pair()?;
/// let descriptor = kvm_core::Descriptor::from(&one);
/// drop(one);
/// assert!(descriptor.number() >= 0);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// [`BorrowedFd::borrow_raw`]: https://doc.rust-lang.org/std/os/fd/struct.BorrowedFd.html#method.borrow_raw
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Descriptor<'fd> {
    number: i32,
    open: PhantomData<&'fd ()>,
}

impl Descriptor<'_> {
    /// The file with this number.
    ///
    /// ```
    /// use kvm_core::Descriptor;
    /// use std::os::fd::AsRawFd;
    ///
    /// let (one, _other) = std::os::unix::net::UnixStream::pair()?;
    /// // SAFETY: it is open as long as `one` lives.
    /// let descriptor = unsafe { Descriptor::borrow_raw(one.as_raw_fd()) };
    /// assert_eq!(descriptor.number(), one.as_raw_fd());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Safety
    ///
    /// It is open, and stays so as long as this value or a copy of it is used.
    pub const unsafe fn borrow_raw(number: i32) -> Self {
        Self {
            number,
            open: PhantomData,
        }
    }

    /// Its number.
    pub const fn number(self) -> i32 {
        self.number
    }
}

impl fmt::Debug for Descriptor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Descriptor").field(&self.number).finish()
    }
}

#[cfg(all(feature = "std", unix))]
mod with_std {
    extern crate std;

    use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

    use super::Descriptor;

    impl<'fd, T: AsFd + ?Sized> From<&'fd T> for Descriptor<'fd> {
        fn from(file: &'fd T) -> Self {
            file.as_fd().into()
        }
    }

    impl<'fd> From<BorrowedFd<'fd>> for Descriptor<'fd> {
        fn from(file: BorrowedFd<'fd>) -> Self {
            // SAFETY: a `BorrowedFd` is open as long as its lifetime, which the value keeps.
            unsafe { Self::borrow_raw(file.as_raw_fd()) }
        }
    }
}
