//! Exceptions and interrupts that are pending: sections 4.31, 4.32, 4.64 and 4.96.

use kvm_core::kvm_sys::x86_64::{
    KVM_VCPUEVENT_VALID_NMI_PENDING, KVM_VCPUEVENT_VALID_SHADOW, KVM_VCPUEVENT_VALID_SIPI_VECTOR,
    KVM_VCPUEVENT_VALID_SMM, VcpuEventFlags, kvm_vcpu_events,
};
use kvm_core::{Arg, Errno};

use crate::model::vcpu::Vcpu;
use crate::model::{args, lock};

const BANK: &str = "vcpu_events";

/// What `KVM_GET_VCPU_EVENTS` always gives.
pub(super) const GIVEN: VcpuEventFlags = KVM_VCPUEVENT_VALID_NMI_PENDING
    .union(KVM_VCPUEVENT_VALID_SHADOW)
    .union(KVM_VCPUEVENT_VALID_SMM);

/// Others go with capabilities that have no effect on the model.
const KNOWN: VcpuEventFlags = GIVEN.union(KVM_VCPUEVENT_VALID_SIPI_VECTOR);

/// The non-maskable interrupt has a vector, but is no exception.
const NMI_VECTOR: u8 = 2;
const LAST_EXCEPTION: u8 = 31;

impl Vcpu {
    pub(super) fn get_vcpu_events(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let mut events: kvm_vcpu_events = lock(&self.state).banks.get(BANK);
        events.flags = GIVEN;
        args::write(arg, &events)?;
        Ok(0)
    }

    /// Flags say which of the fields that were added later count; what they leave out stays as it is.
    pub(super) fn set_vcpu_events(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let mut events: kvm_vcpu_events = args::read(arg)?;
        let (flags, exception) = (events.flags, events.exception);
        let is_exception = exception.nr <= LAST_EXCEPTION && exception.nr != NMI_VECTOR;
        let any = exception.injected | exception.pending != 0;
        if KNOWN.complement().intersects(flags) || any && !is_exception {
            return Err(Errno::EINVAL);
        }
        let mut state = lock(&self.state);
        let before: kvm_vcpu_events = state.banks.get(BANK);
        if !flags.contains(KVM_VCPUEVENT_VALID_NMI_PENDING) {
            events.nmi.pending = before.nmi.pending;
        }
        if !flags.contains(KVM_VCPUEVENT_VALID_SHADOW) {
            events.interrupt.shadow = before.interrupt.shadow;
        }
        if !flags.contains(KVM_VCPUEVENT_VALID_SMM) {
            events.smi = before.smi;
        }
        state.banks.set(BANK, &events);
        Ok(0)
    }

    pub(super) fn nmi(&self, _: &mut Arg<'_>) -> Result<u32, Errno> {
        self.queue(|events| events.nmi.pending = 1)
    }

    pub(super) fn smi(&self, _: &mut Arg<'_>) -> Result<u32, Errno> {
        self.queue(|events| events.smi.pending = 1)
    }

    /// What a guest does about it, its script says.
    fn queue(&self, change: fn(&mut kvm_vcpu_events)) -> Result<u32, Errno> {
        let mut state = lock(&self.state);
        let mut events: kvm_vcpu_events = state.banks.get(BANK);
        change(&mut events);
        state.banks.set(BANK, &events);
        Ok(0)
    }
}
