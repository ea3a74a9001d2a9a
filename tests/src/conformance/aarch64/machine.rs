//! aarch64 as a [`Machine`]: at EL1, with the MMU off; x0 is the address, x1 the value.

use kvm_core::aarch64::register;
use kvm_core::kvm_exit::Aarch64;
use kvm_core::{Error, Hypervisor, Registers, Vcpu, Vm};

use crate::conformance::common::machine::{CODE, Machine};

impl Machine for Aarch64 {
    fn address(code: &mut Vec<u8>, address: u64) {
        constant(code, 0, address);
    }

    fn value(code: &mut Vec<u8>, value: u64) {
        constant(code, 1, value);
    }

    fn store(code: &mut Vec<u8>, len: usize) {
        instruction(
            code,
            match len {
                1 => 0x3900_0001, // strb w1, [x0]
                2 => 0x7900_0001, // strh w1, [x0]
                4 => 0xb900_0001, // str w1, [x0]
                _ => 0xf900_0001, // str x1, [x0]
            },
        );
    }

    fn load(code: &mut Vec<u8>, len: usize) {
        instruction(
            code,
            match len {
                1 => 0x3940_0001, // ldrb w1, [x0]
                2 => 0x7940_0001, // ldrh w1, [x0]
                4 => 0xb940_0001, // ldr w1, [x0]
                _ => 0xf940_0001, // ldr x1, [x0]
            },
        );
    }

    fn spin(code: &mut Vec<u8>) {
        instruction(code, 0x1400_0000); // b .
    }

    fn set_up<H: Hypervisor<Guest = Self>>(_: &Vm<H>) -> Result<(), Error> {
        Ok(())
    }

    fn vcpu<H: Hypervisor<Guest = Self>>(vm: &Vm<H>, id: u64) -> Result<Vcpu<H>, Error> {
        let vcpu = vm.create_vcpu(id)?;
        vcpu.vcpu_init(&vm.get_preferred_target()?)?;
        vcpu.set_reg(register::PC, &CODE)?;
        Ok(vcpu)
    }

    fn pc<H: Hypervisor<Guest = Self>>(of: &Registers<H>) -> Result<u64, Error> {
        of.get_reg(register::PC)
    }
}

/// Sets the register xN, 16 bits at a time.
fn constant(code: &mut Vec<u8>, n: u32, value: u64) {
    let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
    let parts = [[a, b], [c, d], [e, f], [g, h]].map(u16::from_le_bytes);
    for (shift, part) in (0..).zip(parts) {
        let opcode: u32 = match shift {
            0 => 0xd280_0000, // movz xN, part
            _ => 0xf280_0000, // movk xN, part, lsl 16 * shift
        };
        instruction(code, opcode | shift << 21 | u32::from(part) << 5 | n);
    }
}

/// Adds one instruction.
pub(crate) fn instruction(code: &mut Vec<u8>, word: u32) {
    code.extend(word.to_le_bytes());
}
