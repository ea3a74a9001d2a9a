//! Greetings from a guest of aarch64 or riscv64, by MMIO both ways.
//!
//! `cargo run --example uart` runs the one of this host on `/dev/kvm`; on a host of neither it replays a recording
//! of aarch64.

use std::io::Write;
use std::marker::PhantomData;
use std::process::ExitCode;

use kvm_core::kvm_exit::{Aarch64, Riscv64};
use kvm_core::{
    AnonymousMemory, Error, Exit, GuestAddress, Hypervisor, Kvm, Slot, Vcpu, Vm, aarch64, riscv64,
};
use kvm_mock::ModelGuest;
use kvm_tests::{Example, Failure};

const LOAD_ADDRESS: u64 = 0x1000;

const CONSOLE: u64 = 0x1000_0000;
const KEYBOARD: u64 = CONSOLE + 4;
const DOUBLER_IN: u64 = CONSOLE + 0x100;
const DOUBLER_OUT: u64 = CONSOLE + 0x104;
const END: u64 = CONSOLE + 0x200;

/// An architecture that there is a guest for.
pub(crate) trait Board: ModelGuest {
    /// What it runs: it writes the text behind it to the console, and a key; has a number doubled, and says what it
    /// got.
    const CODE: &'static [u32];
    /// Ended by a zero byte.
    const TEXT: &'static [u8];

    /// A vCPU about to run it.
    fn vcpu<H: Hypervisor<Guest = Self>>(vm: &Vm<H>) -> Result<Vcpu<H>, Error>;
}

impl Board for Aarch64 {
    #[rustfmt::skip]
    const CODE: &'static [u32] = &[
        0xd2a2_0004, //    mov x4, #0x10000000
        0x1000_0182, //    adr x2, text
        0x3840_1441, // 1: ldrb w1, [x2], #1
        0x3400_0061, //    cbz w1, 2f
        0x3900_0081, //    strb w1, [x4]
        0x17ff_fffd, //    b 1b
        0x3940_1081, // 2: ldrb w1, [x4, #4]
        0x3900_0081, //    strb w1, [x4]
        0x5280_02a1, //    mov w1, #21
        0xb901_0081, //    str w1, [x4, #0x100]
        0xb941_0481, //    ldr w1, [x4, #0x104]
        0xb902_0081, //    str w1, [x4, #0x200]
        0x1400_0000, //    b .
    ];
    const TEXT: &'static [u8] = b"Hello from aarch64, key \0";

    fn vcpu<H: Hypervisor<Guest = Self>>(vm: &Vm<H>) -> Result<Vcpu<H>, Error> {
        let vcpu = vm.create_vcpu(0)?;
        vcpu.vcpu_init(&vm.get_preferred_target()?)?;
        vcpu.set_reg(aarch64::register::PC, &LOAD_ADDRESS)?;
        Ok(vcpu)
    }
}

impl Board for Riscv64 {
    #[rustfmt::skip]
    const CODE: &'static [u32] = &[
        0x1000_02b7, //    lui t0, 0x10000
        0x0000_0397, //    auipc t2, 0
        0x0383_8393, //    addi t2, t2, text - .
        0x0003_c303, // 1: lbu t1, 0(t2)
        0x0003_0863, //    beqz t1, 2f
        0x0062_8023, //    sb t1, 0(t0)
        0x0013_8393, //    addi t2, t2, 1
        0xff1f_f06f, //    j 1b
        0x0042_c303, // 2: lbu t1, 4(t0)
        0x0062_8023, //    sb t1, 0(t0)
        0x0150_0313, //    li t1, 21
        0x1062_a023, //    sw t1, 0x100(t0)
        0x1042_e303, //    lwu t1, 0x104(t0)
        0x2062_a023, //    sw t1, 0x200(t0)
        0x0000_006f, //    j .
    ];
    const TEXT: &'static [u8] = b"Hello from riscv64, key \0";

    fn vcpu<H: Hypervisor<Guest = Self>>(vm: &Vm<H>) -> Result<Vcpu<H>, Error> {
        let vcpu = vm.create_vcpu(0)?;
        vcpu.set_reg(riscv64::register::PC, &LOAD_ADDRESS)?;
        Ok(vcpu)
    }
}

/// A VMM with a console, a keyboard and a device that doubles numbers.
#[derive(Debug)]
pub(crate) struct Uart<G> {
    /// The key that the guest finds pressed.
    key: u8,
    guest: PhantomData<G>,
}

impl<G> Uart<G> {
    pub(crate) const fn new(key: u8) -> Self {
        Self {
            key,
            guest: PhantomData,
        }
    }
}

impl<G: Board> Example for Uart<G> {
    const NAME: &'static str = "uart";
    type Guest = G;

    fn run<H: Hypervisor<Guest = G>>(
        &self,
        kvm: &Kvm<H>,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let vm = kvm.create_vm()?;
        vm.add_memory(Slot(0), GuestAddress(0), AnonymousMemory::new(0x2000)?)?;
        let code = G::CODE.iter().flat_map(|word| word.to_le_bytes());
        let guest: Vec<u8> = code.chain(G::TEXT.iter().copied()).collect();
        vm.write_memory(GuestAddress(LOAD_ADDRESS), &guest)?;

        let mut vcpu = G::vcpu(&vm)?;
        let mut doubled = [0; 4];
        loop {
            match vcpu.run()?.0 {
                Exit::MmioWrite(mmio) if mmio.addr == CONSOLE => out.write_all(mmio.data)?,
                Exit::MmioRead(mmio) if mmio.addr == KEYBOARD => mmio.data.fill(self.key),
                Exit::MmioWrite(mmio) if mmio.addr == DOUBLER_IN => {
                    let number = u32::from_le_bytes(mmio.data.try_into()?);
                    doubled = number.wrapping_mul(2).to_le_bytes();
                }
                Exit::MmioRead(mmio) if mmio.addr == DOUBLER_OUT => {
                    let answer: &mut [u8; 4] = mmio.data.try_into()?;
                    *answer = doubled;
                }
                Exit::MmioWrite(mmio) if mmio.addr == END => {
                    let number = u32::from_le_bytes(mmio.data.try_into()?);
                    writeln!(out, "\n2 * 21 = {number}")?;
                    return Ok(());
                }
                other => return Err(other.to_string().into()),
            }
        }
    }
}

fn main() -> ExitCode {
    const KEY: u8 = b'K';
    if cfg!(target_arch = "riscv64") {
        kvm_tests::main(&Uart::<Riscv64>::new(KEY))
    } else {
        kvm_tests::main(&Uart::<Aarch64>::new(KEY))
    }
}
