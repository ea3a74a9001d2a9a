//! Interrupts that the VMM's own controller gives to a vCPU.

use kvm_sys::kvm_interrupt;

use crate::typed::Set;
use crate::{Error, Hypervisor, Registers};

const INTERRUPT: Set<kvm_interrupt> = Set::new(&kvm_sys::KVM_INTERRUPT);

impl<H: Hypervisor> Registers<H> {
    /// Gives the vCPU an interrupt from a controller that the VMM emulates. Section 4.16.
    ///
    /// On x86_64 `irq` is the vector, to be queued when the guest can take one: when the page's
    /// `ready_for_interrupt_injection` says so. Elsewhere it raises or lowers the external interrupt:
    /// [`KVM_INTERRUPT_SET`](kvm_sys::riscv64::KVM_INTERRUPT_SET) or
    /// [`KVM_INTERRUPT_UNSET`](kvm_sys::riscv64::KVM_INTERRUPT_UNSET) on riscv64.
    ///
    /// ```
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// vcpu.interrupt(0x20)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `ENXIO` when the VM has an interrupt controller in the kernel, `EINVAL` when `irq` is unknown,
    /// `EEXIST` when one is queued that the guest has not taken (x86_64 with a split interrupt controller).
    pub fn interrupt(&self, irq: u32) -> Result<(), Error> {
        INTERRUPT
            .call(self.backend(), &kvm_interrupt { irq })
            .map(|_| ())
    }
}
