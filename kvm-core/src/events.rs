//! Exceptions and interrupts that are pending.

use kvm_exit::GuestArch;
use kvm_sys::{KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::typed::{Get, Set};
use crate::{Error, Hypervisor, Registers};

/// An architecture that tells which exceptions are pending: x86_64 or aarch64. It is one of
/// [`kvm_exit`]'s types.
pub trait EventsGuest: GuestArch {
    /// Its `kvm_vcpu_events`.
    type Events: FromBytes + IntoBytes + Immutable;
}

impl<H: Hypervisor> Registers<H>
where
    H::Guest: EventsGuest,
{
    const GET_VCPU_EVENTS: Get<<H::Guest as EventsGuest>::Events> = Get::new(&KVM_GET_VCPU_EVENTS);
    const SET_VCPU_EVENTS: Set<<H::Guest as EventsGuest>::Events> = Set::new(&KVM_SET_VCPU_EVENTS);

    /// What is pending or being delivered: exceptions, interrupts, NMIs and SMIs on x86_64, an SError on aarch64.
    /// Section 4.31; needs `KVM_CAP_VCPU_EVENTS`.
    ///
    /// # Errors
    ///
    /// What the backend answers; on aarch64 `ENOEXEC` before the vCPU is initialised.
    pub fn get_vcpu_events(&self) -> Result<<H::Guest as EventsGuest>::Events, Error> {
        Self::GET_VCPU_EVENTS.call(self.backend())
    }

    /// Sets what is pending or being delivered. Section 4.32; needs `KVM_CAP_VCPU_EVENTS`.
    ///
    /// On x86_64 `flags` says which of the optional fields count. On aarch64 this injects an SError, with a syndrome
    /// if `KVM_CAP_ARM_INJECT_SERROR_ESR` is there, or ends the access of the last exit in an external abort
    /// (`KVM_CAP_ARM_INJECT_EXT_DABT`).
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
    /// `EINVAL` for what the architecture knows nothing of: unknown flags, an exception that does not exist, flags
    /// that need a capability to be enabled; a syndrome without an SError, or with bits that it can't have. `ENOEXEC`
    /// before a vCPU of aarch64 is initialised.
    pub fn set_vcpu_events(&self, events: &<H::Guest as EventsGuest>::Events) -> Result<(), Error> {
        Self::SET_VCPU_EVENTS
            .call(self.backend(), events)
            .map(|_| ())
    }
}
