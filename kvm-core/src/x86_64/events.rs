//! Exceptions and interrupts: what is pending, and non-maskable ones to be queued.

use kvm_exit::X86_64;
use kvm_sys::x86_64;
use kvm_sys::x86_64::kvm_vcpu_events;

use crate::typed::{Call, Get, Set};
use crate::{Error, Hypervisor, Registers};

const GET_VCPU_EVENTS: Get<kvm_vcpu_events> = Get::new(&x86_64::KVM_GET_VCPU_EVENTS);
const SET_VCPU_EVENTS: Set<kvm_vcpu_events> = Set::new(&x86_64::KVM_SET_VCPU_EVENTS);
const NMI: Call = Call::new(&x86_64::KVM_NMI);
const SMI: Call = Call::new(&x86_64::KVM_SMI);

impl<H: Hypervisor<Guest = X86_64>> Registers<H> {
    /// Exceptions, interrupts, NMIs and SMIs that are pending or being delivered. Section 4.31; needs
    /// `KVM_CAP_VCPU_EVENTS`.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_vcpu_events(&self) -> Result<kvm_vcpu_events, Error> {
        GET_VCPU_EVENTS.call(self.backend())
    }

    /// Sets what is pending or being delivered; `flags` says which of the optional fields count. Section 4.32; needs
    /// `KVM_CAP_VCPU_EVENTS`.
    ///
    /// ```
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// let mut events = vcpu.get_vcpu_events()?;
    /// events.nmi.masked = 1;
    /// vcpu.set_vcpu_events(&events)?;
    /// assert_eq!(vcpu.get_vcpu_events()?.nmi.masked, 1);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` for unknown flags, an exception that does not exist, or flags that need a capability to
    /// be enabled.
    pub fn set_vcpu_events(&self, events: &kvm_vcpu_events) -> Result<(), Error> {
        SET_VCPU_EVENTS.call(self.backend(), events).map(|_| ())
    }

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
