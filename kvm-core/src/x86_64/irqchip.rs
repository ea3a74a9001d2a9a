//! The interrupt controllers in the kernel.

use kvm_exit::X86_64;
use kvm_sys::x86_64;
use kvm_sys::x86_64::kvm_irqchip;

use crate::typed::{Set, Update};
use crate::{Error, Hypervisor, Vm};

const GET_IRQCHIP: Update<kvm_irqchip> = Update::new(&x86_64::KVM_GET_IRQCHIP);
const SET_IRQCHIP: Set<kvm_irqchip> = Set::new(&x86_64::KVM_SET_IRQCHIP);

impl<H: Hypervisor<Guest = X86_64>> Vm<H> {
    /// The state of the interrupt controller that `chip.chip_id` names: 0 and 1 are the PICs, 2 is the
    /// I/O APIC. Section 4.26; needs `KVM_CAP_IRQCHIP`.
    ///
    /// # Errors
    ///
    /// `ENXIO` when the VM has none in the kernel, `EINVAL` when the number is unknown.
    pub fn get_irqchip(&self, chip: &mut kvm_irqchip) -> Result<(), Error> {
        GET_IRQCHIP.call(self.backend(), chip).map(|_| ())
    }

    /// Sets the state of the interrupt controller that `chip.chip_id` names. Section 4.27; needs
    /// `KVM_CAP_IRQCHIP`.
    ///
    /// ```
    /// use kvm_core::kvm_sys::x86_64::{KVM_IRQCHIP_IOAPIC, kvm_irqchip};
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.create_irq_chip()?;
    /// let mut chip = kvm_irqchip { chip_id: KVM_IRQCHIP_IOAPIC, ..Default::default() };
    /// vm.get_irqchip(&mut chip)?;
    /// vm.set_irqchip(&chip)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`get_irqchip`](Self::get_irqchip).
    pub fn set_irqchip(&self, chip: &kvm_irqchip) -> Result<(), Error> {
        SET_IRQCHIP.call(self.backend(), chip).map(|_| ())
    }
}
