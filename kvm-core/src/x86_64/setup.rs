//! What is said of a VM before its first vCPU is there.

use crate::typed::Call;
use crate::{Error, Hypervisor, Vm};

const SET_TSS_ADDR: Call = Call::new(&kvm_sys::KVM_SET_TSS_ADDR);

impl<H: Hypervisor> Vm<H> {
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
