//! Any call of the table on any handle: for those that have no method here.
#![expect(unsafe_code, reason = "the caller discharges the contract of the call")]

use kvm_sys::op::Op;

use crate::{Arg, Error, Hypervisor, Kvm, Registers, Vm};

/// # Safety
///
/// As [`Hypervisor::ioctl`].
unsafe fn ioctl<H: Hypervisor>(on: &H, op: &'static Op, arg: &mut Arg<'_>) -> Result<u32, Error> {
    // SAFETY: the caller's promise, passed on.
    unsafe { on.ioctl(op, arg) }.map_err(|errno| Error::new(op, errno))
}

impl<H: Hypervisor> Kvm<H> {
    /// Makes a call of the [table](kvm_sys::ioctl) on the system: as [`Vm::ioctl`].
    ///
    /// # Safety
    ///
    /// As [`Vm::ioctl`].
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub unsafe fn ioctl(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<u32, Error> {
        // SAFETY: the caller's promise, passed on.
        unsafe { ioctl(self.system(), op, arg) }
    }
}

impl<H: Hypervisor> Vm<H> {
    /// Makes a call of the [table](kvm_sys::ioctl) on the VM, and gives what it returned. For rows
    /// without a method: those of s390 and PowerPC, and calls whose arguments carry addresses that no type can
    /// vouch for.
    ///
    /// ```
    /// use kvm_core::{Arg, Kvm};
    /// use kvm_core::kvm_sys::KVM_GET_TSC_KHZ;
    ///
    /// let vm = Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// // SAFETY: the call takes nothing.
    /// let khz = unsafe { vm.ioctl(&KVM_GET_TSC_KHZ, &mut Arg::None) }?;
    /// assert_eq!(khz, vm.get_tsc_khz()?);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// ```compile_fail,E0133
    /// # let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// # use kvm_core::{Arg, kvm_sys::KVM_GET_CLOCK};
    /// vm.ioctl(&KVM_GET_CLOCK, &mut Arg::Value(0x1000))?; // the kernel would write there
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Safety
    ///
    /// * `arg` fits the row of `op` as [`Hypervisor::ioctl`] says. Where the row can't tell what an address,
    ///   a length or a command in it means, they are what the kernel documents for it, and stay so for as
    ///   long as it uses them.
    /// * Descriptors in it are open. One that the call returns is the caller's to close.
    /// * It breaks no promise of the typed methods: it changes no memory slot that the VM knows of.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub unsafe fn ioctl(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<u32, Error> {
        // SAFETY: the caller's promise, passed on.
        unsafe { ioctl(self.backend(), op, arg) }
    }
}

impl<H: Hypervisor> Registers<H> {
    /// Makes a call of the [table](kvm_sys::ioctl) on the vCPU: as [`Vm::ioctl`].
    ///
    /// # Safety
    ///
    /// As [`Vm::ioctl`], and the call is not `KVM_RUN`, which writes to the run page.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub unsafe fn ioctl(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<u32, Error> {
        // SAFETY: the caller's promise, passed on.
        unsafe { ioctl(self.backend(), op, arg) }
    }
}
