//! Interrupt lines.

use kvm_sys::kvm_irq_level;

use crate::typed::{Set, Update};
use crate::{Error, Hypervisor, Vm};

const IRQ_LINE: Set<kvm_irq_level> = Set::new(&kvm_sys::KVM_IRQ_LINE);
const IRQ_LINE_STATUS: Update<kvm_irq_level> = Update::new(&kvm_sys::KVM_IRQ_LINE_STATUS);

/// What became of an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IrqStatus {
    /// It was masked, or nobody takes it.
    Ignored,
    /// One was pending already: the guest sees the two as one.
    Coalesced,
    /// So many vCPUs got it.
    Delivered(u32),
}

impl<H: Hypervisor> Vm<H> {
    /// Sets the level of an interrupt line of the in-kernel controllers. Section 4.25; needs
    /// `KVM_CAP_IRQCHIP`.
    ///
    /// `irq` is the GSI; on aarch64 bits 24 to 31 say the kind of interrupt, 16 to 23 (and 28 to 31) the
    /// vCPU and 0 to 15 the number.
    ///
    /// ```
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.create_irq_chip()?;
    /// vm.set_irq_line(4, true)?;
    /// vm.set_irq_line(4, false)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `ENXIO` when the VM has no interrupt controller in the kernel.
    pub fn set_irq_line(&self, irq: u32, active: bool) -> Result<(), Error> {
        IRQ_LINE
            .call(self.backend(), &level(irq, active))
            .map(|_| ())
    }

    /// As [`set_irq_line`](Self::set_irq_line), and says what became of it: how timers find out that the
    /// guest misses ticks. Needs `KVM_CAP_IRQ_INJECT_STATUS`.
    ///
    /// ```
    /// use kvm_core::IrqStatus;
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.create_irq_chip()?;
    /// assert_eq!(vm.set_irq_line_status(4, true)?, IrqStatus::Delivered(1));
    /// vm.set_irq_line(4, false)?;
    /// assert_eq!(vm.set_irq_line_status(4, true)?, IrqStatus::Coalesced);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`set_irq_line`](Self::set_irq_line).
    pub fn set_irq_line_status(&self, irq: u32, active: bool) -> Result<IrqStatus, Error> {
        let mut level = level(irq, active);
        IRQ_LINE_STATUS.call(self.backend(), &mut level)?;
        // The answer is a signed number in the same place.
        Ok(match i32::from_ne_bytes(level.irq.to_ne_bytes()) {
            ..0 => IrqStatus::Ignored,
            0 => IrqStatus::Coalesced,
            _ => IrqStatus::Delivered(level.irq),
        })
    }
}

fn level(irq: u32, active: bool) -> kvm_irq_level {
    kvm_irq_level {
        irq,
        level: active.into(),
    }
}
