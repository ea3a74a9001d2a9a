//! Interrupt controllers in the kernel.

use crate::typed::Call;
use crate::{Error, Hypervisor, Vm};

const CREATE_IRQCHIP: Call = Call::new(&kvm_sys::KVM_CREATE_IRQCHIP);

impl<H: Hypervisor> Vm<H> {
    /// Creates interrupt controllers in the kernel. On x86_64 these are two PICs, an I/O APIC, and a local APIC for
    /// each vCPU created after; on aarch64 a GICv2, where other programs than old ones create a device. Section
    /// 4.24; needs `KVM_CAP_IRQCHIP`.
    ///
    /// ```
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.create_irq_chip()?;
    /// assert_eq!(vm.create_irq_chip().unwrap_err().errno(), kvm_core::Errno::EEXIST);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EEXIST` when the VM has them. On x86_64 `EINVAL` when it has a vCPU. On aarch64 `ENODEV` when the host's
    /// controller can be no GICv2, `EBUSY` when a vCPU has run. On riscv64 there is no such call.
    pub fn create_irq_chip(&self) -> Result<(), Error> {
        CREATE_IRQCHIP.call(self.backend()).map(|_| ())
    }
}
