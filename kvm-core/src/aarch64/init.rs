//! What a vCPU is: its processor and features.

use kvm_exit::Aarch64;
use kvm_sys::aarch64::{
    KVM_ARM_PREFERRED_TARGET, KVM_ARM_VCPU_FINALIZE, KVM_ARM_VCPU_INIT, kvm_vcpu_init,
};

use zerocopy::{FromBytes, IntoBytes};

use crate::typed::{Get, Set};
use crate::{Error, Hypervisor, Registers, Vm};

const PREFERRED_TARGET: Get<kvm_vcpu_init> = Get::new(&KVM_ARM_PREFERRED_TARGET);
const VCPU_INIT: Set<kvm_vcpu_init> = Set::new(&KVM_ARM_VCPU_INIT);
const VCPU_FINALIZE: Set<u32> = Set::new(&KVM_ARM_VCPU_FINALIZE);

impl<H: Hypervisor<Guest = Aarch64>> Vm<H> {
    /// The processor that vCPUs on this host are best initialised as, without features. Section 4.83.
    ///
    /// # Errors
    ///
    /// `ENODEV` when the host's processor has none.
    pub fn get_preferred_target(&self) -> Result<kvm_vcpu_init, Error> {
        PREFERRED_TARGET.call(self.backend())
    }
}

impl<H: Hypervisor<Guest = Aarch64>> Registers<H> {
    /// Makes the vCPU a processor with certain features and resets its registers; a further call with the
    /// same arguments does that again. Before it, hardly another call is answered, and the vCPU can't run.
    /// Section 4.82.
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_core::kvm_exit::Aarch64;
    /// use kvm_mock::Model;
    ///
    /// use kvm_core::aarch64::register;
    /// use kvm_core::kvm_sys::aarch64::KVM_ARM_VCPU_PSCI_0_2;
    ///
    /// let vm = Kvm::with(Model::<Aarch64>::default())?.create_vm()?;
    /// let vcpu = vm.create_vcpu(0)?;
    /// let mut init = vm.get_preferred_target()?;
    /// init.features[0] |= 1 << KVM_ARM_VCPU_PSCI_0_2;
    /// vcpu.vcpu_init(&init)?;
    /// vcpu.set_reg(register::PC, &0x4008_0000u64)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the target is unknown, the features don't go together, or the vCPU or another one of the VM
    /// has others already; `ENOENT` when a feature is unknown.
    pub fn vcpu_init(&self, init: &kvm_vcpu_init) -> Result<(), Error> {
        VCPU_INIT.call(self.backend(), init)?;
        *self.setup().lock() = FromBytes::read_from_bytes(init.as_bytes()).ok();
        Ok(())
    }

    /// What [`vcpu_init`](Self::vcpu_init) made the vCPU; KVM does not tell.
    pub(super) fn initialised_as(&self) -> Option<kvm_vcpu_init> {
        let setup = *self.setup().lock();
        FromBytes::read_from_bytes(setup?.as_bytes()).ok()
    }

    /// Ends the configuration of a feature that has one: of
    /// [`KVM_ARM_VCPU_SVE`](kvm_sys::aarch64::KVM_ARM_VCPU_SVE) the vector lengths, in the register
    /// [`KVM_REG_ARM64_SVE_VLS`](kvm_sys::aarch64::KVM_REG_ARM64_SVE_VLS). Until then the vCPU has not all
    /// registers, and can't run. Section 4.119; needs `KVM_CAP_ARM_SVE`.
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_core::kvm_exit::Aarch64;
    /// use kvm_mock::Model;
    ///
    /// use kvm_core::kvm_sys::aarch64::{KVM_ARM_VCPU_SVE, KVM_REG_ARM64_SVE_VLS};
    ///
    /// let vm = Kvm::with(Model::<Aarch64>::default())?.create_vm()?;
    /// let vcpu = vm.create_vcpu(0)?;
    /// let mut init = vm.get_preferred_target()?;
    /// init.features[0] |= 1 << KVM_ARM_VCPU_SVE;
    /// vcpu.vcpu_init(&init)?;
    /// // One bit for each length: here 128 bits only.
    /// vcpu.set_reg(KVM_REG_ARM64_SVE_VLS, &[1u64, 0, 0, 0, 0, 0, 0, 0])?;
    /// vcpu.vcpu_finalize(KVM_ARM_VCPU_SVE)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when there is no such feature to finalize; `EPERM` when the vCPU has it not, or finalized it
    /// already; `ENOEXEC` before the vCPU is initialised.
    pub fn vcpu_finalize(&self, feature: u32) -> Result<(), Error> {
        VCPU_FINALIZE.call(self.backend(), &feature).map(|_| ())
    }
}
