//! Steps a guest instruction by instruction, and prints where it is and which bytes it runs.
//!
//! `cargo run --example single_step` runs it on `/dev/kvm`, or replays a recording where there is none.

use std::collections::BTreeSet;
use std::io::Write;
use std::ops::Bound;
use std::process::ExitCode;

use kvm_core::kvm_exit::X86_64;
use kvm_core::{AnonymousMemory, Error, Exit, GuestAddress, Hypervisor, Kvm, Slot, Vm};
use kvm_tests::{Example, ExitTable, Failure};

/// Assembled from `single_step.S` in the same folder, which says what it does.
const GUEST: &[u8] = include_bytes!("../guests/x86_64/single_step.bin");
const LOAD_ADDRESS: u64 = 0x1000;
/// The guest's last instruction.
const HALT: u64 = LOAD_ADDRESS + GUEST.len() as u64 - 1;
const RESULT: u64 = 0x2000;

/// A debugger.
#[derive(Debug)]
pub(crate) struct SingleStep;

/// Where the guest stopped, and what was in its registers then.
struct Stop {
    rip: u64,
    ax: u64,
    cx: u64,
}

impl Example for SingleStep {
    const NAME: &'static str = "single_step";
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
        vcpu.set_regs(&regs)?;
        vcpu.set_single_step(true)?;

        let mut exits = ExitTable::default();
        let mut stops = vec![Stop {
            rip: regs.rip,
            ax: regs.rax,
            cx: regs.rcx,
        }];
        loop {
            let (exit, registers) = vcpu.run()?;
            exits.count(&exit);
            match exit {
                Exit::Debug(debug) => {
                    let regs = registers.get_regs()?;
                    stops.push(Stop {
                        rip: debug.pc,
                        ax: regs.rax,
                        cx: regs.rcx,
                    });
                    // Whether a step over `hlt` ends as a debug exit or as a halt differs between
                    // kinds of KVM, so it isn't made.
                    if debug.pc == HALT {
                        registers.set_single_step(false)?;
                    }
                }
                Exit::Hlt => break,
                other => return Err(format!("{other} at {:#x}", registers.get_regs()?.rip).into()),
            }
        }

        print(&vm, &stops, out)?;
        let mut result = [0; 2];
        vm.read_memory(GuestAddress(RESULT), &mut result)?;
        writeln!(out, "\n6 * 7 = {}\n\n{exits}", u16::from_le_bytes(result))?;
        Ok(())
    }
}

/// Prints each stop with the instruction that comes next there. As the guest ran all its instructions,
/// each one ends where the next stop in memory, or the guest, begins or ends.
fn print<H: Hypervisor<Guest = X86_64>>(
    vm: &Vm<H>,
    stops: &[Stop],
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut starts: BTreeSet<u64> = stops.iter().map(|stop| stop.rip).collect();
    starts.insert(LOAD_ADDRESS + GUEST.len() as u64);
    writeln!(out, "step  rip     bytes      ax      cx")?;
    for (step, Stop { rip, ax, cx }) in stops.iter().enumerate() {
        let bytes = instruction(vm, *rip, &starts)?;
        writeln!(out, "{step:4}  {rip:#06x}  {bytes:9}  {ax:#06x}  {cx:#06x}")?;
    }
    Ok(())
}

/// The bytes from `rip` to the next start, in hexadecimal.
fn instruction<H: Hypervisor<Guest = X86_64>>(
    vm: &Vm<H>,
    rip: u64,
    starts: &BTreeSet<u64>,
) -> Result<String, Error> {
    let mut after = starts.range((Bound::Excluded(rip), Bound::Unbounded));
    let next = after.next().copied().unwrap_or(rip);
    (rip..next)
        .map(|address| {
            let mut byte = [0];
            vm.read_memory(GuestAddress(address), &mut byte)?;
            let [byte] = byte;
            Ok(format!("{byte:02x} "))
        })
        .collect()
}

fn main() -> ExitCode {
    kvm_tests::main(&SingleStep)
}
