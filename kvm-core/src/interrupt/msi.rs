//! Message signalled interrupts.

use kvm_sys::kvm_msi;

use crate::typed::Set;
use crate::{Error, Hypervisor, Vm};

const SIGNAL_MSI: Set<kvm_msi> = Set::new(&kvm_sys::KVM_SIGNAL_MSI);

impl<H: Hypervisor> Vm<H> {
    /// Delivers a message signalled interrupt. Says whether it was delivered; if not, the guest blocks it. On riscv64
    /// KVM never says that it was.
    /// Section 4.71; needs `KVM_CAP_SIGNAL_MSI`.
    ///
    /// Where `KVM_CAP_MSI_DEVID` says so (arm64 with an ITS), `devid` has to hold, with
    /// [`KVM_MSI_VALID_DEVID`](kvm_sys::KVM_MSI_VALID_DEVID) in the flags.
    ///
    /// ```
    /// use kvm_sys::kvm_msi;
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.create_irq_chip()?;
    /// let _vcpu = vm.create_vcpu(0)?;
    /// let msi = kvm_msi { address_lo: 0xfee0_0000, data: 0x41, ..Default::default() };
    /// assert!(vm.signal_msi(&msi)?);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the VM has no interrupt controller in the kernel that takes messages, or for flags
    /// that the kernel does not know.
    pub fn signal_msi(&self, msi: &kvm_msi) -> Result<bool, Error> {
        Ok(SIGNAL_MSI.call(self.backend(), msi)? > 0)
    }
}
