//! The frequency of the time stamp counters.

use crate::typed::Call;
use crate::{Error, Hypervisor, Registers, Vm};
use kvm_exit::X86_64;
use kvm_sys::x86_64;

const GET_TSC_KHZ: Call = Call::new(&x86_64::KVM_GET_TSC_KHZ);
const SET_TSC_KHZ: Call = Call::new(&x86_64::KVM_SET_TSC_KHZ);

impl<H: Hypervisor<Guest = X86_64>> Vm<H> {
    /// The frequency in kHz of the time stamp counters of vCPUs created from now on. Section 4.56; needs
    /// `KVM_CAP_VM_TSC_CONTROL`.
    ///
    /// # Errors
    ///
    /// `ENOTTY` when the kernel is older than the capability.
    pub fn get_tsc_khz(&self) -> Result<u32, Error> {
        GET_TSC_KHZ.call(self.backend())
    }

    /// Sets the frequency in kHz of the time stamp counters of vCPUs created from now on; 0 is the host's.
    /// Section 4.55; needs `KVM_CAP_VM_TSC_CONTROL`.
    ///
    /// ```
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.set_tsc_khz(1_000_000)?;
    /// assert_eq!(vm.create_vcpu(0)?.get_tsc_khz()?, 1_000_000);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the processor can't scale so far, or the VM has a vCPU already.
    pub fn set_tsc_khz(&self, khz: u32) -> Result<(), Error> {
        SET_TSC_KHZ.with(self.backend(), khz.into()).map(|_| ())
    }
}

impl<H: Hypervisor<Guest = X86_64>> Registers<H> {
    /// The frequency in kHz of the vCPU's time stamp counter. Section 4.56; needs
    /// `KVM_CAP_GET_TSC_KHZ`.
    ///
    /// # Errors
    ///
    /// `EIO` when the host's own counter is unstable.
    pub fn get_tsc_khz(&self) -> Result<u32, Error> {
        GET_TSC_KHZ.call(self.backend())
    }

    /// Sets the frequency in kHz of the vCPU's time stamp counter; 0 is the host's. Section 4.55; needs
    /// `KVM_CAP_TSC_CONTROL`.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the processor can't scale so far, `EPERM` when it can't scale at all.
    pub fn set_tsc_khz(&self, khz: u32) -> Result<(), Error> {
        SET_TSC_KHZ.with(self.backend(), khz.into()).map(|_| ())
    }
}
