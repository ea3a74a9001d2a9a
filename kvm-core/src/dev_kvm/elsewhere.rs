//! [`DevKvm`] where there is none.
#![expect(unsafe_code, reason = "implements an unsafe trait")]

use core::convert::Infallible;

use kvm_exit::Native;
use kvm_sys::op::Op;

use crate::{Arg, Errno, Error, Hypervisor, Mapping, Region, ops};

/// An open object of the kernel's KVM, which exists on Linux only: here nothing makes one.
#[derive(Debug)]
pub struct DevKvm(Infallible);

impl DevKvm {
    /// Says that there is no KVM on this system.
    ///
    /// # Errors
    ///
    /// `ENOSYS`, always.
    pub fn open() -> Result<Self, Error> {
        Err(Error::new(&ops::OPEN, Errno::ENOSYS))
    }
}

// SAFETY: no value of this type exists.
unsafe impl Hypervisor for DevKvm {
    type Guest = Native;

    unsafe fn ioctl(&self, _: &'static Op, _: &mut Arg<'_>) -> Result<u32, Errno> {
        match self.0 {}
    }

    unsafe fn create(&self, _: &'static Op, _: &mut Arg<'_>) -> Result<Self, Errno> {
        match self.0 {}
    }

    fn map(&self, _: Region) -> Result<Mapping, Errno> {
        match self.0 {}
    }

    unsafe fn enter(&self) -> Result<(), Errno> {
        match self.0 {}
    }

    fn read(&self, _: u64, _: &mut [u8]) -> Result<usize, Errno> {
        match self.0 {}
    }

    fn number(&self) -> i32 {
        match self.0 {}
    }
}
