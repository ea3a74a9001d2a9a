//! Greetings from a guest in real mode: string output to a port, input from a port, MMIO both ways.
//!
//! `cargo run --example hello` runs it on `/dev/kvm`, or replays a recording where there is none.

use std::io::Write;
use std::process::ExitCode;

use kvm_core::kvm_exit::X86_64;
use kvm_core::{AnonymousMemory, Exit, GuestAddress, Hypervisor, Kvm, Slot};
use kvm_tests::{Example, ExitTable, Failure};

/// Assembled from `hello.S` in the same folder, which says what it does.
const GUEST: &[u8] = include_bytes!("../guests/x86_64/hello.bin");
const LOAD_ADDRESS: u64 = 0x1000;
const STACK_END: u64 = 0x4000;

const CONSOLE: u16 = 0x3f8;
const KEYBOARD: u16 = 0x60;
const DOUBLER_IN: u64 = 0x8000;
const DOUBLER_OUT: u64 = 0x8004;

/// A VMM with a console, a keyboard and a device that doubles numbers.
#[derive(Debug)]
pub(crate) struct Hello {
    /// The key that the guest finds pressed.
    pub(crate) key: u8,
}

impl Example for Hello {
    const NAME: &'static str = "hello";
    type Guest = X86_64;

    fn run<H: Hypervisor<Guest = X86_64>>(
        &self,
        kvm: &Kvm<H>,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let vm = kvm.create_vm()?;
        // Intel CPUs need three pages of addresses for real mode: anywhere below 4 GiB, in no slot.
        vm.set_tss_address(0xfffb_d000)?;
        vm.add_memory(Slot(0), GuestAddress(0), AnonymousMemory::new(0x4000)?)?;
        vm.write_memory(GuestAddress(LOAD_ADDRESS), GUEST)?;

        let mut vcpu = vm.create_vcpu(0)?;
        // A new vCPU is in real mode, with its code segment at the reset vector.
        let mut sregs = vcpu.get_sregs()?;
        sregs.cs.base = 0;
        sregs.cs.selector = 0;
        vcpu.set_sregs(&sregs)?;
        let mut regs = vcpu.get_regs()?;
        regs.rip = LOAD_ADDRESS;
        regs.rsp = STACK_END;
        vcpu.set_regs(&regs)?;

        let mut exits = ExitTable::default();
        let mut doubled = [0; 4];
        loop {
            let (exit, regs) = vcpu.run()?;
            exits.count(&exit);
            match exit {
                Exit::IoOut(io) if io.port == CONSOLE => out.write_all(io.data)?,
                Exit::IoIn(io) if io.port == KEYBOARD => io.data.fill(self.key),
                Exit::MmioWrite(mmio) if mmio.addr == DOUBLER_IN => {
                    let number = u32::from_le_bytes(mmio.data.try_into()?);
                    doubled = number.wrapping_mul(2).to_le_bytes();
                }
                Exit::MmioRead(mmio) if mmio.addr == DOUBLER_OUT => {
                    let answer: &mut [u8; 4] = mmio.data.try_into()?;
                    *answer = doubled;
                }
                Exit::Hlt => break,
                other => return Err(format!("{other} at {:#x}", regs.get_regs()?.rip).into()),
            }
        }
        writeln!(out, "\n{exits}")?;
        Ok(())
    }
}

fn main() -> ExitCode {
    kvm_tests::main(&Hello { key: b'K' })
}
