//! Debugging: section 4.87.

use kvm_core::kvm_exit::{NoDebug, Riscv64};
use kvm_core::kvm_sys::riscv64::{KVM_GUESTDBG_ENABLE, kvm_guest_debug};
use kvm_core::riscv64::register;
use kvm_core::{Exit, Hypervisor};

use super::guest::guest;
use super::{Model, Outcome, Step, unexpected};
use crate::conformance::common::machine::{CODE, MMIO};

/// A breakpoint, and a write.
#[rustfmt::skip]
const BREAK: &[u32] = &[
    0x0010_0073, // ebreak
    0x1000_02b7, // lui t0, 0x10000
    0x0002_8023, // sb zero, 0(t0)
    0x0000_006f, // j .
];

pub(crate) fn breakpoint_script(model: &Model) {
    model.script(
        0,
        [
            Step::debug(NoDebug).with_register(register::PC, CODE),
            Step::mmio_write(MMIO, [0]),
        ],
    );
}

/// The guest stops at the instruction, and goes on where the VMM says.
pub(crate) fn breakpoint<H: Hypervisor<Guest = Riscv64>>(system: H) -> Outcome {
    let mut guest = guest(system, BREAK, &[])?;
    guest.vcpu.set_guest_debug(&kvm_guest_debug {
        control: KVM_GUESTDBG_ENABLE,
        ..Default::default()
    })?;
    match guest.vcpu.run()? {
        (Exit::Debug(_), regs) => assert_eq!(regs.get_reg::<u64>(register::PC)?, CODE),
        (other, _) => return unexpected("a breakpoint", other),
    }
    guest.vcpu.set_reg(register::PC, &(CODE + 4))?;
    guest.writes(MMIO, &[0])
}
