//! Exceptions and interrupts that are pending: sections 4.31, 4.32, 4.64 and 4.96.

use kvm_core::kvm_sys::x86_64::{
    KVM_CAP_X86_SMM, KVM_GUESTDBG_INJECT_BP, KVM_GUESTDBG_INJECT_DB, KVM_MP_STATE_INIT_RECEIVED,
    KVM_VCPUEVENT_VALID_NMI_PENDING, KVM_VCPUEVENT_VALID_PAYLOAD, KVM_VCPUEVENT_VALID_SHADOW,
    KVM_VCPUEVENT_VALID_SIPI_VECTOR, KVM_VCPUEVENT_VALID_SMM, KVM_VCPUEVENT_VALID_TRIPLE_FAULT,
    VcpuEventFlags, kvm_guest_debug, kvm_mp_state, kvm_vcpu_events, kvm_vcpu_events_exception,
};
use kvm_core::{Arg, Errno};

use crate::model::vcpu::Vcpu;
use crate::model::{args, lock};

const BANK: &str = "vcpu_events";

/// What `KVM_GET_VCPU_EVENTS` always gives.
pub(super) const GIVEN: VcpuEventFlags = KVM_VCPUEVENT_VALID_NMI_PENDING
    .union(KVM_VCPUEVENT_VALID_SHADOW)
    .union(KVM_VCPUEVENT_VALID_SMM);

/// What `KVM_SET_VCPU_EVENTS` takes without capabilities.
const KNOWN: VcpuEventFlags = GIVEN.union(KVM_VCPUEVENT_VALID_SIPI_VECTOR);

/// The non-maskable interrupt has a vector, but is no exception.
const NMI_VECTOR: u8 = 2;
const LAST_EXCEPTION: u8 = 31;

/// Those of the instructions INT3 and INTO.
const SOFTWARE_EXCEPTIONS: [u8; 2] = [3, 4];
const DEBUG_VECTOR: u8 = 1;
const BREAKPOINT_VECTOR: u8 = 3;

impl Vcpu {
    /// Section 4.87. What it does to a guest, a script says; but an exception that is to be injected is pending, and
    /// while one is, there can be no other.
    pub(super) fn set_guest_debug(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let kvm_guest_debug { control, .. } = args::read(arg)?;
        let nr = if control.contains(KVM_GUESTDBG_INJECT_DB) {
            DEBUG_VECTOR
        } else if control.contains(KVM_GUESTDBG_INJECT_BP) {
            BREAKPOINT_VECTOR
        } else {
            return Ok(0);
        };
        let mut state = lock(&self.state);
        let mut events: kvm_vcpu_events = state.banks.get(BANK);
        if events.exception.pending != 0 {
            return Err(Errno::EBUSY);
        }
        events.exception = kvm_vcpu_events_exception {
            nr,
            pending: 1,
            ..Default::default()
        };
        state.banks.set(BANK, &events);
        Ok(0)
    }

    /// Without `KVM_CAP_EXCEPTION_PAYLOAD`, an exception that is pending is given as one that is injected.
    pub(super) fn get_vcpu_events(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let mut state = lock(&self.state);
        let mut events: kvm_vcpu_events = state.banks.get(BANK);
        if std::mem::take(&mut state.x86.smi_asked) {
            events.smi.pending = 1;
        }
        hold(&mut events);
        state.banks.set(BANK, &events);
        drop(state);
        let more = lock(&self.vm().state).x86.more_events;
        events.flags = GIVEN | more;
        let exception = &mut events.exception;
        if !more.contains(KVM_VCPUEVENT_VALID_PAYLOAD) {
            exception.injected |= exception.pending;
        }
        // The call can't tell how long the instruction is that raised it, so the kernel keeps these to itself.
        if SOFTWARE_EXCEPTIONS.contains(&exception.nr) {
            (exception.injected, exception.pending) = (0, 0);
        }
        args::write(arg, &events)?;
        Ok(0)
    }

    /// Flags say which of the fields that were added later count; what they leave out stays as it is.
    pub(super) fn set_vcpu_events(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let mut events: kvm_vcpu_events = args::read(arg)?;
        let more = lock(&self.vm().state).x86.more_events;
        let flags = events.flags;
        if (KNOWN | more).complement().intersects(flags) {
            return Err(Errno::EINVAL);
        }
        let exception = &mut events.exception;
        if !flags.contains(KVM_VCPUEVENT_VALID_PAYLOAD) {
            exception.pending = 0;
            events.exception_has_payload = 0;
        } else if exception.pending != 0 {
            exception.injected = 0;
        } else {
            events.exception_has_payload = 0;
        }
        let is_exception = exception.nr <= LAST_EXCEPTION && exception.nr != NMI_VECTOR;
        if exception.injected | exception.pending != 0 && !is_exception {
            return Err(Errno::EINVAL);
        }
        let mut state = lock(&self.state);
        let mut before: kvm_vcpu_events = state.banks.get(BANK);
        hold(&mut before);
        let kvm_mp_state { mp_state } = state.banks.get("mp_state");
        // In this mode INIT waits, so it can't have been received.
        if flags.contains(KVM_VCPUEVENT_VALID_SMM)
            && events.smi.smm | events.smi.pending != 0
            && mp_state == KVM_MP_STATE_INIT_RECEIVED
        {
            return Err(Errno::EINVAL);
        }
        if !flags.contains(KVM_VCPUEVENT_VALID_NMI_PENDING) {
            events.nmi.pending = before.nmi.pending;
        }
        if !flags.contains(KVM_VCPUEVENT_VALID_SHADOW) {
            events.interrupt.shadow = before.interrupt.shadow;
        }
        if !flags.contains(KVM_VCPUEVENT_VALID_SMM) {
            events.smi = before.smi;
        }
        if !flags.contains(KVM_VCPUEVENT_VALID_TRIPLE_FAULT) {
            events.triple_fault = before.triple_fault;
        }
        // "never valid when reporting to user space".
        events.sipi_vector = 0;
        events.reserved = [0; 26];
        state.banks.set(BANK, &events);
        Ok(0)
    }

    pub(super) fn nmi(&self, _: &mut Arg<'_>) -> Result<u32, Errno> {
        let mut state = lock(&self.state);
        let mut events: kvm_vcpu_events = state.banks.get(BANK);
        events.nmi.pending = events.nmi.pending.saturating_add(1);
        state.banks.set(BANK, &events);
        Ok(0)
    }

    /// Section 4.96 needs `KVM_CAP_X86_SMM`.
    pub(super) fn smi(&self, _: &mut Arg<'_>) -> Result<u32, Errno> {
        if self.vm().cap(KVM_CAP_X86_SMM) == 0 {
            return Err(Errno::ENOTTY);
        }
        // Pending once the vCPU looks: when it runs, or is asked for its events.
        lock(&self.state).x86.smi_asked = true;
        Ok(0)
    }
}

/// A processor holds one non-maskable interrupt beside the one that it handles.
fn hold(events: &mut kvm_vcpu_events) {
    let handles = events.nmi.masked | events.nmi.injected != 0;
    let most = if handles { 1 } else { 2 };
    events.nmi.pending = events.nmi.pending.min(most);
}
