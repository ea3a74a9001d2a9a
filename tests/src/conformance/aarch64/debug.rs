//! Debugging: section 4.87.

use kvm_core::aarch64::register;
use kvm_core::kvm_exit::{Aarch64, Aarch64Debug};
use kvm_core::kvm_sys::aarch64::{
    GuestDebugFlags, KVM_GUESTDBG_ENABLE, KVM_GUESTDBG_USE_HW, KVM_GUESTDBG_USE_SW_BP,
    kvm_guest_debug, kvm_guest_debug_arch,
};
use kvm_core::{Exit, Hypervisor};

use super::guest::guest;
use super::{Model, Outcome, Step, unexpected};
use crate::conformance::common::machine::{CODE, Guest, MMIO};

/// What the syndrome says in its upper 6 bits: which kind of event it was.
const BREAKPOINT: u32 = 0x30;
const SINGLE_STEP: u32 = 0x32;
const WATCHPOINT: u32 = 0x34;
const BRK: u32 = 0x3c;

fn event(class: u32, rest: u32, far: u64, pc: u64) -> Step {
    let hsr = class << 26 | rest;
    let event = Aarch64Debug {
        hsr,
        hsr_high: 0,
        far,
    };
    Step::debug(event).with_register(register::PC, pc)
}

/// Runs the guest up to an event of this kind at this address, and gives the event.
fn stops<H: Hypervisor<Guest = Aarch64>>(
    guest: &mut Guest<H>,
    class: u32,
    pc: u64,
) -> Result<Aarch64Debug, Box<dyn std::error::Error>> {
    let (exit, regs) = guest.vcpu.run()?;
    match exit {
        Exit::Debug(event) if event.hsr >> 26 == class => {
            assert_eq!(regs.get_reg::<u64>(register::PC)?, pc);
            Ok(event)
        }
        other => unexpected(&format!("an event of class {class:#x}"), other),
    }
}

/// Ends the debugging, and runs on to the write.
fn goes_on<H: Hypervisor<Guest = Aarch64>>(guest: &mut Guest<H>) -> Outcome {
    guest.vcpu.set_guest_debug(&kvm_guest_debug::default())?;
    guest.writes(MMIO, &8_u32.to_le_bytes())
}

/// Writes a sum.
#[rustfmt::skip]
const SUM: &[u32] = &[
    0xd2a2_0004, // mov x4, #0x10000000
    0xd280_00e2, // mov x2, #7
    0x9100_0442, // add x2, x2, #1
    0xb900_0082, // str w2, [x4]
    0x1400_0000, // b .
];

pub(crate) fn single_step_script(model: &Model) {
    let steps = [4, 8, 12].map(|offset| event(SINGLE_STEP, 0, 0, CODE + offset));
    model.script(0, steps);
    model.script(0, [Step::mmio_write(MMIO, 8_u32.to_le_bytes())]);
}

/// Each instruction is an exit, and the program counter is where the next one is. Without it the guest runs on.
pub(crate) fn single_step<H: Hypervisor<Guest = Aarch64>>(system: H) -> Outcome {
    let mut guest = guest(system, SUM)?;
    guest.vcpu.set_single_step(true)?;
    for offset in [4, 8, 12] {
        stops(&mut guest, SINGLE_STEP, CODE + offset)?;
    }
    goes_on(&mut guest)
}

/// A breakpoint, and a sum.
#[rustfmt::skip]
const BREAK: &[u32] = &[
    0xd420_00e0, // brk #7
    0xd2a2_0004, // mov x4, #0x10000000
    0xd280_0102, // mov x2, #8
    0xb900_0082, // str w2, [x4]
    0x1400_0000, // b .
];

pub(crate) fn software_breakpoint_script(model: &Model) {
    model.script(
        0,
        [
            event(BRK, 7, 0, CODE),
            Step::mmio_write(MMIO, 8_u32.to_le_bytes()),
        ],
    );
}

/// The guest stops at the instruction, whose number is told, and goes on where the VMM says.
pub(crate) fn software_breakpoint<H: Hypervisor<Guest = Aarch64>>(system: H) -> Outcome {
    let mut guest = guest(system, BREAK)?;
    guest.vcpu.set_guest_debug(&kvm_guest_debug {
        control: KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP,
        ..Default::default()
    })?;
    let event = stops(&mut guest, BRK, CODE)?;
    assert_eq!(event.hsr & 0xffff, 7);
    guest.vcpu.set_reg(register::PC, &(CODE + 4))?;
    goes_on(&mut guest)
}

/// What an address register and a control register of the first breakpoint or watchpoint are.
fn hardware(arch: kvm_guest_debug_arch) -> kvm_guest_debug {
    let control: GuestDebugFlags = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW;
    kvm_guest_debug {
        control,
        arch,
        ..Default::default()
    }
}

fn first(value: u64) -> [u64; 16] {
    std::array::from_fn(|n| if n == 0 { value } else { 0 })
}

pub(crate) fn breakpoint_script(model: &Model) {
    model.script(
        0,
        [
            event(BREAKPOINT, 0, 0, CODE + 8),
            Step::mmio_write(MMIO, 8_u32.to_le_bytes()),
        ],
    );
}

/// The guest stops before the instruction at the address.
pub(crate) fn breakpoint<H: Hypervisor<Guest = Aarch64>>(system: H) -> Outcome {
    /// All 4 bytes, at EL1 and EL0, on.
    const CONTROL: u64 = 0xf << 5 | 0b11 << 1 | 1;
    let mut guest = guest(system, SUM)?;
    guest.vcpu.set_guest_debug(&hardware(kvm_guest_debug_arch {
        dbg_bvr: first(CODE + 8),
        dbg_bcr: first(CONTROL),
        ..Default::default()
    }))?;
    stops(&mut guest, BREAKPOINT, CODE + 8)?;
    goes_on(&mut guest)
}

/// Writes to memory, then the number of the access.
#[rustfmt::skip]
const TOUCH: &[u32] = &[
    0xd2a2_0004, // mov x4, #0x10000000
    0xd286_0001, // mov x1, #0x3000
    0xd280_0102, // mov x2, #8
    0xf900_0022, // str x2, [x1]
    0xb900_0082, // str w2, [x4]
    0x1400_0000, // b .
];

pub(crate) fn watchpoint_script(model: &Model) {
    let write = Step::mmio_write(MMIO, 8_u32.to_le_bytes());
    model.script(0, [event(WATCHPOINT, 0, 0x3000, CODE + 12), write]);
}

/// The guest stops before it writes to the address, which is told.
pub(crate) fn watchpoint<H: Hypervisor<Guest = Aarch64>>(system: H) -> Outcome {
    /// All 8 bytes, stores, at EL1 and EL0, on.
    const CONTROL: u64 = 0xff << 5 | 0b10 << 3 | 0b11 << 1 | 1;
    let mut guest = guest(system, TOUCH)?;
    guest.vcpu.set_guest_debug(&hardware(kvm_guest_debug_arch {
        dbg_wvr: first(0x3000),
        dbg_wcr: first(CONTROL),
        ..Default::default()
    }))?;
    let event = stops(&mut guest, WATCHPOINT, CODE + 12)?;
    assert_eq!(event.far, 0x3000);
    goes_on(&mut guest)
}
