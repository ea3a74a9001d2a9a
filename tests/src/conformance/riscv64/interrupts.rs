//! Interrupts: of the timer, and from the VMM by section 4.16.

use kvm_core::Hypervisor;
use kvm_core::kvm_exit::Riscv64;
use kvm_core::kvm_sys::riscv64::{KVM_INTERRUPT_SET, KVM_INTERRUPT_UNSET};

use super::guest::guest;
use super::{Model, Outcome, Step};
use crate::conformance::common::machine::MMIO;

/// What `scause` says of an interrupt, beside which.
const INTERRUPT: u64 = 1 << 63;
const TIMER: u64 = INTERRUPT | 5;
const EXTERNAL: u64 = INTERRUPT | 9;

/// Sets the timer, and runs on.
#[rustfmt::skip]
const TIMED: &[u32] = &[
    0x1000_02b7, // lui t0, 0x10000
    0x0000_9337, // lui t1, 9
    0x1053_1073, // csrw stvec, t1
    0x0200_0313, // li t1, 0x20
    0x1043_1073, // csrw sie, t1
    0x1001_6073, // csrsi sstatus, 2
    0xc010_2573, // rdtime a0
    0x0645_0513, // addi a0, a0, 100
    0x5449_58b7, // lui a7, 0x54495
    0xd458_8893, // addi a7, a7, -0x2bb: TIME
    0x0000_0813, // li a6, 0: set_timer
    0x0000_0073, // ecall
    0x0000_006f, // j .
];

/// Writes the cause, with interrupts off.
#[rustfmt::skip]
const TIME_UP: &[u32] = &[
    0x1420_2373, // csrr t1, scause
    0x1040_1073, // csrw sie, zero
    0x0062_b023, // sd t1, 0(t0)
    0x0000_006f, // j .
];

pub(crate) fn timer_script(model: &Model) {
    model.script(0, [Step::mmio_write(MMIO, TIMER.to_le_bytes())]);
}

/// The timer that the guest asks the firmware for interrupts it, without the VMM.
pub(crate) fn timer<H: Hypervisor<Guest = Riscv64>>(system: H) -> Outcome {
    let mut guest = guest(system, TIMED, TIME_UP)?;
    guest.writes(MMIO, &TIMER.to_le_bytes())
}

/// Waits for interrupts of devices.
#[rustfmt::skip]
const WAIT: &[u32] = &[
    0x1000_02b7, // lui t0, 0x10000
    0x0000_9337, // lui t1, 9
    0x1053_1073, // csrw stvec, t1
    0x2000_0313, // li t1, 0x200
    0x1043_1073, // csrw sie, t1
    0x1001_6073, // csrsi sstatus, 2
    0x1050_0073, // wfi
    0xffdf_f06f, // j to the wfi
];

/// Writes the cause, and goes back.
#[rustfmt::skip]
const HANDLE: &[u32] = &[
    0x1420_2373, // csrr t1, scause
    0x0062_b023, // sd t1, 0(t0)
    0x1020_0073, // sret
];

pub(crate) fn external_script(model: &Model) {
    let write = || Step::mmio_write(MMIO, EXTERNAL.to_le_bytes());
    model.script(0, [write(), write()]);
}

/// The VMM raises the line of devices, and lowers it.
pub(crate) fn external<H: Hypervisor<Guest = Riscv64>>(system: H) -> Outcome {
    let mut guest = guest(system, WAIT, HANDLE)?;
    for _ in 0..2 {
        guest.vcpu.interrupt(KVM_INTERRUPT_SET)?;
        guest.writes(MMIO, &EXTERNAL.to_le_bytes())?;
        guest.vcpu.interrupt(KVM_INTERRUPT_UNSET)?;
    }
    Ok(())
}
