//! CPUID: what there can be, and what the guest sees.

use alloc::vec::Vec;

use kvm_exit::X86_64;
use kvm_sys::x86_64;
use kvm_sys::x86_64::{CpuidFlags, kvm_cpuid_entry, kvm_cpuid_entry2};

use crate::typed::{SetList, UpdateList};
use crate::{Error, Hypervisor, Kvm, Registers};

const GET_SUPPORTED_CPUID: UpdateList<kvm_cpuid_entry2> =
    UpdateList::new(&x86_64::KVM_GET_SUPPORTED_CPUID);
const GET_EMULATED_CPUID: UpdateList<kvm_cpuid_entry2> =
    UpdateList::new(&x86_64::KVM_GET_EMULATED_CPUID);
const GET_SUPPORTED_HV_CPUID: UpdateList<kvm_cpuid_entry2> =
    UpdateList::new(&x86_64::KVM_GET_SUPPORTED_HV_CPUID);
const SET_CPUID: SetList<kvm_cpuid_entry> = SetList::new(&x86_64::KVM_SET_CPUID);
const GET_CPUID2: UpdateList<kvm_cpuid_entry2> = UpdateList::new(&x86_64::KVM_GET_CPUID2);
const SET_CPUID2: SetList<kvm_cpuid_entry2> = SetList::new(&x86_64::KVM_SET_CPUID2);

/// No leaf: there is no such flag.
const UNWRITTEN: kvm_cpuid_entry2 = kvm_cpuid_entry2 {
    function: u32::MAX,
    index: u32::MAX,
    flags: CpuidFlags::from_bits_retain(u32::MAX),
    eax: u32::MAX,
    ebx: u32::MAX,
    ecx: u32::MAX,
    edx: u32::MAX,
    padding: [u32::MAX; 3],
};

impl<H: Hypervisor<Guest = X86_64>> Kvm<H> {
    /// The CPUID leaves that the CPU and KVM both support, to give to
    /// [`set_cpuid2`](Registers::set_cpuid2), whole or in part. Section 4.46; needs `KVM_CAP_EXT_CPUID`.
    ///
    /// ```
    /// let kvm = kvm_core::Kvm::with(kvm_mock::Model::new())?;
    /// let vcpu = kvm.create_vm()?.create_vcpu(0)?;
    /// let leaves = kvm.get_supported_cpuid()?;
    /// vcpu.set_cpuid2(&leaves)?;
    /// assert_eq!(vcpu.get_cpuid2()?.len(), leaves.len());
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_supported_cpuid(&self) -> Result<Vec<kvm_cpuid_entry2>, Error> {
        GET_SUPPORTED_CPUID.get(self.system())
    }

    /// The CPUID leaves with the features that KVM emulates where the CPU lacks them. A guest that uses one pays for it, so
    /// they are not among the [supported](Self::get_supported_cpuid) ones. Section 4.88; needs
    /// `KVM_CAP_EXT_EMUL_CPUID`.
    ///
    /// ```
    /// let kvm = kvm_core::Kvm::with(kvm_mock::Model::new())?;
    /// let features = kvm.get_emulated_cpuid()?;
    /// assert!(features.iter().all(|leaf| leaf.function != 0x8000_0001));
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_emulated_cpuid(&self) -> Result<Vec<kvm_cpuid_entry2>, Error> {
        GET_EMULATED_CPUID.get(self.system())
    }

    /// The CPUID leaves, from 0x40000000 on, with the Hyper-V features that KVM can show to guests. Section 4.118; needs
    /// `KVM_CAP_SYS_HYPERV_CPUID`.
    ///
    /// ```
    /// let kvm = kvm_core::Kvm::with(kvm_mock::Model::new())?;
    /// let leaves = kvm.get_supported_hv_cpuid()?;
    /// assert!(leaves.iter().any(|leaf| leaf.function == 0x4000_0001));
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_supported_hv_cpuid(&self) -> Result<Vec<kvm_cpuid_entry2>, Error> {
        GET_SUPPORTED_HV_CPUID.get(self.system())
    }
}

impl<H: Hypervisor<Guest = X86_64>> Registers<H> {
    /// The CPUID leaves that the guest sees. Needs `KVM_CAP_EXT_CPUID`.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_cpuid2(&self) -> Result<Vec<kvm_cpuid_entry2>, Error> {
        // Older kernels, such as 6.1, leave the count as it was.
        GET_CPUID2.get_written(self.backend(), UNWRITTEN)
    }

    /// As [`Kvm::get_supported_hv_cpuid`], with what depends on the vCPU: whether it has enlightened VMCS. Section
    /// 4.118; needs `KVM_CAP_HYPERV_CPUID`.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_supported_hv_cpuid(&self) -> Result<Vec<kvm_cpuid_entry2>, Error> {
        GET_SUPPORTED_HV_CPUID.get(self.backend())
    }

    /// Sets the CPUID leaves that the guest sees, in the form without subleaves.
    /// [`set_cpuid2`](Self::set_cpuid2) is its successor. Section 4.20.
    ///
    /// ```
    /// use kvm_core::kvm_sys::kvm_cpuid_entry;
    ///
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// let leaf = kvm_cpuid_entry { function: 0, eax: 1, ..Default::default() };
    /// vcpu.set_cpuid(&[leaf])?;
    /// assert_eq!(vcpu.get_cpuid2()?[0].eax, 1);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`set_cpuid2`](Self::set_cpuid2).
    pub fn set_cpuid(&self, entries: &[kvm_cpuid_entry]) -> Result<(), Error> {
        SET_CPUID.call(self.backend(), entries).map(|_| ())
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
