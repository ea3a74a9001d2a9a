//! Non-maskable interrupts.

use kvm_exit::X86_64;
use kvm_sys::x86_64;
use kvm_sys::x86_64::kvm_vcpu_events;

use crate::typed::Call;
use crate::{Error, EventsGuest, Hypervisor, Registers};

const NMI: Call = Call::new(&x86_64::KVM_NMI);
const SMI: Call = Call::new(&x86_64::KVM_SMI);

impl EventsGuest for X86_64 {
    type Events = kvm_vcpu_events;
}

impl<H: Hypervisor<Guest = X86_64>> Registers<H> {
    /// Queues a non-maskable interrupt. Section 4.64; needs `KVM_CAP_USER_NMI`.
    ///
    /// ```
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// vcpu.nmi()?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn nmi(&self) -> Result<(), Error> {
        NMI.call(self.backend()).map(|_| ())
    }

    /// Queues a system management interrupt. Section 4.96; needs `KVM_CAP_X86_SMM`.
    ///
    /// ```
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// vcpu.smi()?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `ENOTTY` when the kernel is built without it.
    pub fn smi(&self) -> Result<(), Error> {
        SMI.call(self.backend()).map(|_| ())
    }
}
