//! The guest's calls of the firmware, SBI: section 5, `KVM_EXIT_RISCV_SBI` and `KVM_EXIT_SYSTEM_EVENT`.

use kvm_core::kvm_exit::{Riscv64, RiscvSbi, SystemEvent};
use kvm_core::kvm_sys::SystemEvent as Kind;
use kvm_core::kvm_sys::riscv64::{
    KVM_MP_STATE_STOPPED, KVM_RISCV_SBI_EXT_DBCN, KVM_SYSTEM_EVENT_RESET, KVM_SYSTEM_EVENT_SHUTDOWN,
};
use kvm_core::riscv64::register;
use kvm_core::{Exit, GuestAddress, Hypervisor};

use super::guest::{guest, vm};
use super::{Model, Outcome, Step, unexpected};
use crate::conformance::common::machine::{self, Guest, INPUT, MMIO, Machine};

#[rustfmt::skip]
const SHUTDOWN: &[u32] = &[
    0x5352_58b7, // lui a7, 0x53525
    0x3548_8893, // addi a7, a7, 0x354: SRST
    0x0000_0813, // li a6, 0: system_reset
    0x0000_0513, // li a0, 0: shutdown
    0x0000_0593, // li a1, 0: no reason
    0x0000_0073, // ecall
    0x0000_006f, // j .
];

#[rustfmt::skip]
const RESET: &[u32] = &[
    0x5352_58b7, // lui a7, 0x53525
    0x3548_8893, // addi a7, a7, 0x354: SRST
    0x0000_0813, // li a6, 0: system_reset
    0x0010_0513, // li a0, 1: cold reboot
    0x0010_0593, // li a1, 1: system failure
    0x0000_0073, // ecall
    0x0000_006f, // j .
];

fn tells(kind: Kind, reason: u64) -> Step {
    Step::exit(move |page| {
        let data = &[reason];
        page.encode(&Exit::SystemEvent(SystemEvent { kind, data }))
    })
}

pub(crate) fn shutdown_script(model: &Model) {
    model.script(0, [tells(KVM_SYSTEM_EVENT_SHUTDOWN, 0)]);
}

/// The guest turns the machine off.
pub(crate) fn shutdown<H: Hypervisor<Guest = Riscv64>>(system: H) -> Outcome {
    asks(system, SHUTDOWN, KVM_SYSTEM_EVENT_SHUTDOWN, 0)
}

pub(crate) fn reset_script(model: &Model) {
    model.script(0, [tells(KVM_SYSTEM_EVENT_RESET, 1)]);
}

/// The guest resets the machine, and says why.
pub(crate) fn reset<H: Hypervisor<Guest = Riscv64>>(system: H) -> Outcome {
    asks(system, RESET, KVM_SYSTEM_EVENT_RESET, 1)
}

fn asks<H: Hypervisor<Guest = Riscv64>>(
    system: H,
    code: &[u32],
    kind: Kind,
    reason: u64,
) -> Outcome {
    let mut guest = guest(system, code, &[])?;
    match guest.vcpu.run()?.0 {
        Exit::SystemEvent(event) if event.kind == kind => {
            assert_eq!(event.data.first(), Some(&reason));
            Ok(())
        }
        other => unexpected(&format!("the event {kind:?}"), other),
    }
}

/// Writes to the console, then writes the answer.
#[rustfmt::skip]
const CONSOLE: &[u32] = &[
    0x4442_48b7, // lui a7, 0x44424
    0x34e8_8893, // addi a7, a7, 0x34e: DBCN
    0x0000_0813, // li a6, 0: console_write
    0x0050_0513, // li a0, 5: bytes
    0x0000_25b7, // lui a1, 2: from 0x2000
    0x0000_0613, // li a2, 0
    0x0000_0073, // ecall
    0x1000_02b7, // lui t0, 0x10000
    0x00a2_b023, // sd a0, 0(t0)
    0x00b2_b423, // sd a1, 8(t0)
    0x0000_006f, // j .
];

const DBCN: u64 = 0x4442_434e;
/// What KVM has put into the answer: -2.
const NOT_SUPPORTED: u64 = 2_u64.wrapping_neg();

pub(crate) fn console_script(model: &Model) {
    let call = Step::exit(|page| {
        page.encode(&Exit::RiscvSbi(RiscvSbi {
            extension_id: DBCN,
            function_id: 0,
            args: &[5, INPUT, 0, 0, 0, 0],
            ret: &mut [NOT_SUPPORTED, 0],
        }))
    });
    let call = call.finds_memory(INPUT, *b"Hello");
    model.script(
        0,
        [
            call.answered(|exit| matches!(exit, Exit::RiscvSbi(sbi) if *sbi.ret == [0, 5])),
            Step::mmio_write(MMIO, 0_u64.to_le_bytes()),
            Step::mmio_write(MMIO + 8, 5_u64.to_le_bytes()),
        ],
    );
}

/// The console is the VMM's once it has said so, and the guest gets what the VMM answers.
pub(crate) fn console<H: Hypervisor<Guest = Riscv64>>(system: H) -> Outcome {
    let mut guest = guest(system, CONSOLE, &[])?;
    guest.vm.write_memory(GuestAddress(INPUT), b"Hello")?;
    let console = register::sbi_ext(KVM_RISCV_SBI_EXT_DBCN);
    guest.vcpu.set_reg(console, &1_u64)?;
    match guest.vcpu.run()?.0 {
        Exit::RiscvSbi(call) => {
            assert_eq!((call.extension_id, call.function_id), (DBCN, 0));
            assert_eq!(call.args.get(..3), Some(&[5, INPUT, 0][..]));
            *call.ret = [0, 5];
        }
        other => return unexpected("a write to the console", other),
    }
    guest.writes(MMIO, &0_u64.to_le_bytes())?;
    guest.writes(MMIO + 8, &5_u64.to_le_bytes())
}

/// Starts vCPU 1, and writes the answer.
#[rustfmt::skip]
const START: &[u32] = &[
    0x0048_58b7, // lui a7, 0x485
    0x34d8_8893, // addi a7, a7, 0x34d: HSM
    0x0000_0813, // li a6, 0: hart_start
    0x0010_0513, // li a0, 1: which
    0x0000_95b7, // lui a1, 9: where, 0x9000
    0x0420_0613, // li a2, 0x42: with what in a1
    0x0000_0073, // ecall
    0x1000_02b7, // lui t0, 0x10000
    0x00a2_b023, // sd a0, 0(t0)
    0x0000_006f, // j .
];

/// Writes its number and what it was given.
#[rustfmt::skip]
const STARTED: &[u32] = &[
    0x1000_02b7, // lui t0, 0x10000
    0x00a2_b023, // sd a0, 0(t0)
    0x00b2_b423, // sd a1, 8(t0)
    0x0000_006f, // j .
];

pub(crate) fn start_script(model: &Model) {
    model.script(0, [Step::mmio_write(MMIO, 0_u64.to_le_bytes())]);
    model.script(
        1,
        [
            Step::mmio_write(MMIO, 1_u64.to_le_bytes()),
            Step::mmio_write(MMIO + 8, 0x42_u64.to_le_bytes()),
        ],
    );
}

/// All vCPUs but the first wait until the guest starts them.
pub(crate) fn start<H: Hypervisor<Guest = Riscv64>>(system: H) -> Outcome {
    let vm = vm(system, START, STARTED)?;
    let vcpu = Riscv64::vcpu(&vm, 0)?;
    let mut other = vm.create_vcpu(1)?;
    assert_eq!(other.get_mp_state()?, KVM_MP_STATE_STOPPED);
    let mut guest = Guest { vm, vcpu };
    guest.writes(MMIO, &0_u64.to_le_bytes())?;
    machine::writes(&mut other, MMIO, &1_u64.to_le_bytes())?;
    machine::writes(&mut other, MMIO + 8, &0x42_u64.to_le_bytes())?;
    Ok(())
}

/// A call of the first version of SBI.
#[rustfmt::skip]
const PUT: &[u32] = &[
    0x0010_0893, // li a7, 1: console_putchar
    0x0410_0513, // li a0, 'A'
    0x0000_0073, // ecall
    0x1000_02b7, // lui t0, 0x10000
    0x00a2_b023, // sd a0, 0(t0)
    0x0000_006f, // j .
];

pub(crate) fn put_script(model: &Model) {
    let call = Step::exit(|page| {
        page.encode(&Exit::RiscvSbi(RiscvSbi {
            extension_id: 1,
            function_id: 0,
            args: &[0x41, 0, 0, 0, 0, 0],
            ret: &mut [NOT_SUPPORTED, 0],
        }))
    });
    let call = call.answered(|exit| matches!(exit, Exit::RiscvSbi(sbi) if *sbi.ret == [0, 0]));
    model.script(0, [call, Step::mmio_write(MMIO, 0_u64.to_le_bytes())]);
}

/// Where the kernel knows that version, its console is the VMM's.
pub(crate) fn put<H: Hypervisor<Guest = Riscv64>>(system: H) -> Outcome {
    let mut guest = guest(system, PUT, &[])?;
    match guest.vcpu.run()?.0 {
        Exit::RiscvSbi(call) => {
            assert_eq!((call.extension_id, call.args.first()), (1, Some(&0x41)));
            *call.ret = [0, 0];
        }
        other => return unexpected("a character for the console", other),
    }
    guest.writes(MMIO, &0_u64.to_le_bytes())
}
