//! The guest's calls of the firmware, PSCI: section 5, `KVM_EXIT_SYSTEM_EVENT`.

use kvm_core::kvm_exit::{Aarch64, SystemEvent};
use kvm_core::kvm_sys::SystemEvent as Kind;
use kvm_core::kvm_sys::aarch64::{
    KVM_ARM_VCPU_POWER_OFF, KVM_MP_STATE_STOPPED, KVM_SYSTEM_EVENT_RESET, KVM_SYSTEM_EVENT_SHUTDOWN,
};
use kvm_core::{Exit, Hypervisor};

use super::guest::{vcpu_with, vm};
use super::{Model, Outcome, Step, unexpected};
use crate::conformance::common::machine::{self, Guest, MMIO};

#[rustfmt::skip]
const OFF: &[u32] = &[
    0xd2b0_8000, // mov x0, #0x84000000
    0xf280_0100, // movk x0, #8: SYSTEM_OFF
    0xd400_0002, // hvc #0
    0x1400_0000, // b .
];

#[rustfmt::skip]
const RESET: &[u32] = &[
    0xd2b0_8000, // mov x0, #0x84000000
    0xf280_0120, // movk x0, #9: SYSTEM_RESET
    0xd400_0002, // hvc #0
    0x1400_0000, // b .
];

fn tells(kind: Kind) -> Step {
    Step::exit(move |page| page.encode(&Exit::SystemEvent(SystemEvent { kind, data: &[0] })))
}

pub(crate) fn off_script(model: &Model) {
    model.script(0, [tells(KVM_SYSTEM_EVENT_SHUTDOWN)]);
}

/// The guest turns the machine off.
pub(crate) fn off<H: Hypervisor<Guest = Aarch64>>(system: H) -> Outcome {
    asks(system, OFF, KVM_SYSTEM_EVENT_SHUTDOWN)
}

pub(crate) fn reset_script(model: &Model) {
    model.script(0, [tells(KVM_SYSTEM_EVENT_RESET)]);
}

/// The guest resets the machine.
pub(crate) fn reset<H: Hypervisor<Guest = Aarch64>>(system: H) -> Outcome {
    asks(system, RESET, KVM_SYSTEM_EVENT_RESET)
}

fn asks<H: Hypervisor<Guest = Aarch64>>(system: H, code: &[u32], kind: Kind) -> Outcome {
    let vm = vm(system, code, &[])?;
    let mut vcpu = vcpu_with(&vm, 0, 0)?;
    match vcpu.run()?.0 {
        Exit::SystemEvent(event) if event.kind == kind => Ok(()),
        other => unexpected(&format!("the event {kind:?}"), other),
    }
}

/// Starts vCPU 1, and writes the answer.
#[rustfmt::skip]
const START: &[u32] = &[
    0xd2b8_8000, // mov x0, #0xc4000000
    0xf280_0060, // movk x0, #3: CPU_ON
    0xd280_0021, // mov x1, #1: which
    0xd292_0002, // mov x2, #0x9000: where
    0xd280_0843, // mov x3, #0x42: with what in x0
    0xd400_0002, // hvc #0
    0xd2a2_0004, // mov x4, #0x10000000
    0xf900_0080, // str x0, [x4]
    0x1400_0000, // b .
];

/// Writes what it was given.
#[rustfmt::skip]
const STARTED: &[u32] = &[
    0xd2a2_0004, // mov x4, #0x10000000
    0xf900_0080, // str x0, [x4]
    0x1400_0000, // b .
];

pub(crate) fn cpu_on_script(model: &Model) {
    model.script(0, [Step::mmio_write(MMIO, 0_u64.to_le_bytes())]);
    model.script(1, [Step::mmio_write(MMIO, 0x42_u64.to_le_bytes())]);
}

/// A vCPU that was created off runs once the guest has started it.
pub(crate) fn cpu_on<H: Hypervisor<Guest = Aarch64>>(system: H) -> Outcome {
    let vm = vm(system, START, STARTED)?;
    let vcpu = vcpu_with(&vm, 0, 0)?;
    let mut other = vcpu_with(&vm, 1, 1 << KVM_ARM_VCPU_POWER_OFF)?;
    assert_eq!(other.get_mp_state()?, KVM_MP_STATE_STOPPED);
    let mut guest = Guest { vm, vcpu };
    guest.writes(MMIO, &0_u64.to_le_bytes())?;
    machine::writes(&mut other, MMIO, &0x42_u64.to_le_bytes())?;
    Ok(())
}
