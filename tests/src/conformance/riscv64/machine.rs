//! riscv64 as a [`Machine`]: in supervisor mode, without translation; t0 is the address, t1 the value.

use kvm_core::kvm_exit::Riscv64;
use kvm_core::kvm_sys::riscv64::KVM_MP_STATE_RUNNABLE;
use kvm_core::riscv64::register;
use kvm_core::{Error, Hypervisor, Registers, Vcpu, Vm};

use crate::conformance::common::machine::{CODE, Machine};

impl Machine for Riscv64 {
    fn address(code: &mut Vec<u8>, address: u64) {
        constant(code, T0, address);
    }

    fn value(code: &mut Vec<u8>, value: u64) {
        constant(code, T1, value);
    }

    fn store(code: &mut Vec<u8>, len: usize) {
        instruction(
            code,
            match len {
                1 => 0x0062_8023, // sb t1, 0(t0)
                2 => 0x0062_9023, // sh t1, 0(t0)
                4 => 0x0062_a023, // sw t1, 0(t0)
                _ => 0x0062_b023, // sd t1, 0(t0)
            },
        );
    }

    fn load(code: &mut Vec<u8>, len: usize) {
        instruction(
            code,
            match len {
                1 => 0x0002_c303, // lbu t1, 0(t0)
                2 => 0x0002_d303, // lhu t1, 0(t0)
                4 => 0x0002_e303, // lwu t1, 0(t0)
                _ => 0x0002_b303, // ld t1, 0(t0)
            },
        );
    }

    fn spin(code: &mut Vec<u8>) {
        instruction(code, 0x0000_006f); // j .
    }

    fn set_up<H: Hypervisor<Guest = Self>>(_: &Vm<H>) -> Result<(), Error> {
        Ok(())
    }

    fn vcpu<H: Hypervisor<Guest = Self>>(vm: &Vm<H>, id: u64) -> Result<Vcpu<H>, Error> {
        let vcpu = vm.create_vcpu(id)?;
        vcpu.set_reg(register::PC, &CODE)?;
        // All but the first wait for the guest to start them.
        vcpu.set_mp_state(KVM_MP_STATE_RUNNABLE)?;
        Ok(vcpu)
    }

    fn pc<H: Hypervisor<Guest = Self>>(of: &Registers<H>) -> Result<u64, Error> {
        of.get_reg(register::PC)
    }
}

const T0: u32 = 5;
const T1: u32 = 6;

/// Sets the register xN, 11 bits at a time: the 12th of an immediate is its sign.
fn constant(code: &mut Vec<u8>, n: u32, value: u64) {
    let part = |shift: u32| ((value >> shift & 0x7ff) as u32) << 20;
    instruction(code, 0x0000_0013 | part(55) | n << 7); // addi xN, zero, part
    for shift in [44, 33, 22, 11, 0] {
        instruction(code, 0x00b0_1013 | n << 15 | n << 7); // slli xN, xN, 11
        instruction(code, 0x0000_0013 | part(shift) | n << 15 | n << 7); // addi xN, xN, part
    }
}

/// Adds one instruction.
pub(crate) fn instruction(code: &mut Vec<u8>, word: u32) {
    code.extend(word.to_le_bytes());
}
