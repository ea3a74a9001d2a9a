//! What is said of a VM before its guest runs.

use crate::typed::{Call, Set};
use crate::{Error, Hypervisor, Vm};
use kvm_exit::X86_64;
use kvm_sys::x86_64;

const SET_TSS_ADDR: Call = Call::new(&x86_64::KVM_SET_TSS_ADDR);
const SET_IDENTITY_MAP_ADDR: Set<u64> = Set::new(&x86_64::KVM_SET_IDENTITY_MAP_ADDR);
const SET_BOOT_CPU_ID: Call = Call::new(&x86_64::KVM_SET_BOOT_CPU_ID);
const SET_NR_MMU_PAGES: Call = Call::new(&x86_64::KVM_SET_NR_MMU_PAGES);

impl<H: Hypervisor<Guest = X86_64>> Vm<H> {
    /// Gives KVM three pages of guest-physical address space, below 4 GiB and in no slot, that Intel
    /// CPUs need for real mode. Section 4.36; needs `KVM_CAP_SET_TSS_ADDR`.
    ///
    /// ```
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.set_identity_map_address(0xfeff_c000)?;
    /// vm.set_tss_address(0xfeff_d000)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when they reach past 4 GiB.
    pub fn set_tss_address(&self, address: u64) -> Result<(), Error> {
        SET_TSS_ADDR.with(self.backend(), address).map(|_| ())
    }

    /// Gives KVM a page of guest-physical address space, below 4 GiB and in no slot, that Intel CPUs need for real
    /// mode; 0 is the default, 0xfffbc000. Section 4.40; needs `KVM_CAP_SET_IDENTITY_MAP_ADDR`.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the VM has a vCPU.
    pub fn set_identity_map_address(&self, address: u64) -> Result<(), Error> {
        SET_IDENTITY_MAP_ADDR
            .call(self.backend(), &address)
            .map(|_| ())
    }

    /// Says which vCPU boots, by its id; without this, 0 does. Section 4.41; needs
    /// `KVM_CAP_SET_BOOT_CPU_ID`.
    ///
    /// ```
    /// use kvm_core::kvm_sys::{KVM_MP_STATE_RUNNABLE, KVM_MP_STATE_UNINITIALIZED};
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.create_irq_chip()?;
    /// vm.set_boot_cpu_id(1)?;
    /// assert_eq!(vm.create_vcpu(0)?.get_mp_state()?, KVM_MP_STATE_UNINITIALIZED);
    /// assert_eq!(vm.create_vcpu(1)?.get_mp_state()?, KVM_MP_STATE_RUNNABLE);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EBUSY` when the VM has a vCPU.
    pub fn set_boot_cpu_id(&self, id: u32) -> Result<(), Error> {
        SET_BOOT_CPU_ID.with(self.backend(), id.into()).map(|_| ())
    }

    /// Bounds the number of pages that shadow page tables may take. Needs
    /// `KVM_CAP_MMU_SHADOW_CACHE_CONTROL`; the API document has no section on it.
    ///
    /// ```
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.set_nr_mmu_pages(1024)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` for fewer than 64.
    pub fn set_nr_mmu_pages(&self, pages: u32) -> Result<(), Error> {
        SET_NR_MMU_PAGES
            .with(self.backend(), pages.into())
            .map(|_| ())
    }
}
