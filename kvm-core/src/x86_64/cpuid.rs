//! CPUID: what there can be, and what the guest sees.

use alloc::vec::Vec;

use kvm_exit::X86_64;
use kvm_sys::x86_64;
use kvm_sys::x86_64::kvm_cpuid_entry2;

use crate::typed::{SetList, UpdateList};
use crate::{Error, Hypervisor, Kvm, Registers};

const GET_SUPPORTED_CPUID: UpdateList<kvm_cpuid_entry2> =
    UpdateList::new(&x86_64::KVM_GET_SUPPORTED_CPUID);
const GET_CPUID2: UpdateList<kvm_cpuid_entry2> = UpdateList::new(&x86_64::KVM_GET_CPUID2);
const SET_CPUID2: SetList<kvm_cpuid_entry2> = SetList::new(&x86_64::KVM_SET_CPUID2);

impl<H: Hypervisor<Guest = X86_64>> Kvm<H> {
    /// The CPUID leaves that the CPU and KVM both support, to give to
    /// [`set_cpuid2`](Registers::set_cpuid2), whole or in part. Section 4.46; needs `KVM_CAP_EXT_CPUID`.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_supported_cpuid(&self) -> Result<Vec<kvm_cpuid_entry2>, Error> {
        GET_SUPPORTED_CPUID.get(self.system())
    }
}

impl<H: Hypervisor<Guest = X86_64>> Registers<H> {
    /// The CPUID leaves that the guest sees. Needs `KVM_CAP_EXT_CPUID`.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_cpuid2(&self) -> Result<Vec<kvm_cpuid_entry2>, Error> {
        GET_CPUID2.get(self.backend())
    }

    /// Sets the CPUID leaves that the guest sees; before the first run. Needs `KVM_CAP_EXT_CPUID`.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the vCPU has run and the leaves differ, or KVM can't serve them; `E2BIG` when
    /// there are more than 256.
    pub fn set_cpuid2(&self, entries: &[kvm_cpuid_entry2]) -> Result<(), Error> {
        SET_CPUID2.call(self.backend(), entries).map(|_| ())
    }
}
