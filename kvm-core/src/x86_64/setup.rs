//! What is said of a VM before its first vCPU is there.

use crate::typed::Call;
use crate::{Error, Hypervisor, Vm};
use kvm_exit::X86_64;
use kvm_sys::x86_64;

const SET_TSS_ADDR: Call = Call::new(&x86_64::KVM_SET_TSS_ADDR);

impl<H: Hypervisor<Guest = X86_64>> Vm<H> {
    /// Gives KVM three pages of guest-physical address space, below 4 GiB and in no slot, that Intel
    /// CPUs need for real mode. Section 4.36; needs `KVM_CAP_SET_TSS_ADDR`.
    ///
    /// # Errors
    ///
    /// `EINVAL` when they reach past 4 GiB.
    pub fn set_tss_address(&self, address: u64) -> Result<(), Error> {
        SET_TSS_ADDR.with(self.backend(), address).map(|_| ())
    }
}
