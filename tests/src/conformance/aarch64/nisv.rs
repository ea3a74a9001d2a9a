//! Accesses that the processor does not describe: section 5, `KVM_EXIT_ARM_NISV`, and 7.22.

use kvm_core::aarch64::register;
use kvm_core::kvm_exit::{Aarch64, ArmNisv};
use kvm_core::kvm_sys::KVM_CAP_ARM_NISV_TO_USER;
use kvm_core::kvm_sys::kvm_enable_cap;
use kvm_core::{Errno, Exit, Hypervisor};

use super::guest::guest;
use super::{Model, Outcome, Step, unexpected};
use crate::conformance::common::machine::{CODE, MMIO};

/// A store that also changes its address, and a plain one.
#[rustfmt::skip]
const STORE: &[u32] = &[
    0xd2a2_0000, // mov x0, #0x10000000
    0xd280_0101, // mov x1, #8
    0xb800_4401, // str w1, [x0], #4
    0xb900_0001, // str w1, [x0]
    0x1400_0000, // b .
];

pub(crate) fn told_script(model: &Model) {
    let nisv = ArmNisv {
        esr_iss: 0x46,
        fault_ipa: MMIO,
    };
    model.script(
        0,
        [
            Step::exit(move |page| page.encode(&Exit::ArmNisv(nisv)))
                .with_register(register::PC, CODE + 8),
            Step::mmio_write(MMIO, 8_u32.to_le_bytes()),
        ],
    );
}

/// With the capability, the VMM gets the address of the access and does it by itself.
pub(crate) fn told<H: Hypervisor<Guest = Aarch64>>(system: H) -> Outcome {
    let mut guest = guest(system, STORE)?;
    guest.vm.enable_cap(&kvm_enable_cap {
        cap: KVM_CAP_ARM_NISV_TO_USER,
        ..Default::default()
    })?;
    let (exit, regs) = guest.vcpu.run()?;
    match exit {
        Exit::ArmNisv(nisv) => {
            assert_eq!(nisv.fault_ipa, MMIO);
            assert_eq!(nisv.esr_iss >> 24 & 1, 0, "the syndrome is not valid");
        }
        other => return unexpected("an access that is not described", other),
    }
    assert_eq!(regs.get_reg::<u64>(register::PC)?, CODE + 8);
    guest.vcpu.set_reg(register::PC, &(CODE + 12))?;
    guest.writes(MMIO, &8_u32.to_le_bytes())
}

pub(crate) fn refused_script(model: &Model) {
    model.script(0, [Step::errno(Errno::ENOSYS)]);
}

/// Without it, entering fails.
pub(crate) fn refused<H: Hypervisor<Guest = Aarch64>>(system: H) -> Outcome {
    let mut guest = guest(system, STORE)?;
    let refused = guest.vcpu.run().err().map(|error| error.errno());
    assert_eq!(refused, Some(Errno::ENOSYS));
    Ok(())
}
