//! A guest in 64-bit mode, behind page tables that the VMM made, and a look at its memory afterwards.
//!
//! `cargo run --example long_mode` runs it on `/dev/kvm`, or replays a recording where there is none.

use std::io::Write;
use std::process::ExitCode;

use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::{kvm_segment, kvm_sregs};
use kvm_core::{AnonymousMemory, Error, Exit, GuestAddress, Hypervisor, Kvm, Slot, Vm};
use kvm_tests::{Example, ExitTable, Failure};

/// Assembled from `long_mode.S` in the same folder, which says what it does.
const GUEST: &[u8] = include_bytes!("../guests/x86_64/long_mode.bin");

/// Where the guest's three pages are for the guest: code, data and device.
const VIRTUAL: u64 = 0xffff_ffff_8000_0000;

const MEMORY_SIZE: usize = 0x8000;
/// One table of each level, one page each.
const TABLES: [u64; 4] = [0x1000, 0x2000, 0x3000, 0x4000];
const CODE: u64 = 0x5000;
const DATA: u64 = 0x6000;
/// No memory is there.
const DEVICE: u64 = 0xd000_0000;
const DEVICE_LAST: u64 = DEVICE + 8;

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;

const CR0_PROTECTION: u64 = 1 << 0;
const CR0_PAGING: u64 = 1 << 31;
const CR4_PAE: u64 = 1 << 5;
const EFER_LONG_MODE_ENABLE: u64 = 1 << 8;
const EFER_LONG_MODE_ACTIVE: u64 = 1 << 10;

/// A VMM with a device that says how many Fibonacci numbers it wants, and is told the last one.
#[derive(Debug)]
pub(crate) struct LongMode {
    /// How many it wants.
    pub(crate) count: u64,
}

impl Example for LongMode {
    const NAME: &'static str = "long_mode";
    type Guest = X86_64;

    fn run<H: Hypervisor<Guest = X86_64>>(
        &self,
        kvm: &Kvm<H>,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let vm = kvm.create_vm()?;
        vm.add_memory(Slot(0), GuestAddress(0), AnonymousMemory::new(MEMORY_SIZE)?)?;
        vm.write_memory(GuestAddress(CODE), GUEST)?;
        map_pages(&vm)?;

        let mut vcpu = vm.create_vcpu(0)?;
        vcpu.set_cpuid2(&kvm.get_supported_cpuid()?)?;
        let mut sregs = vcpu.get_sregs()?;
        enter_long_mode(&mut sregs);
        vcpu.set_sregs(&sregs)?;
        let mut regs = vcpu.get_regs()?;
        regs.rip = VIRTUAL;
        vcpu.set_regs(&regs)?;

        let mut exits = ExitTable::default();
        let mut last = 0;
        loop {
            let (exit, regs) = vcpu.run()?;
            exits.count(&exit);
            match exit {
                Exit::MmioRead(mmio) if mmio.addr == DEVICE => {
                    let answer: &mut [u8; 8] = mmio.data.try_into()?;
                    *answer = self.count.to_le_bytes();
                }
                Exit::MmioWrite(mmio) if mmio.addr == DEVICE_LAST => {
                    last = u64::from_le_bytes(mmio.data.try_into()?);
                }
                Exit::Hlt => break,
                other => return Err(format!("{other} at {:#x}", regs.get_regs()?.rip).into()),
            }
        }

        let found = read_numbers(&vm, self.count)?;
        if !found.iter().copied().eq(fibonacci().take(found.len())) || found.last() != Some(&last) {
            return Err(format!("the guest left {found:?} and said {last}").into());
        }
        writeln!(
            out,
            "{} numbers in guest memory, the last one {last}\n",
            found.len()
        )?;
        writeln!(out, "{exits}")?;
        Ok(())
    }
}

/// Maps the guest's three pages through four levels of tables.
fn map_pages<H: Hypervisor<Guest = X86_64>>(vm: &Vm<H>) -> Result<(), Error> {
    let [pml4, pdpt, pd, pt] = TABLES;
    let entry = |table, level: u32, address, target: u64| {
        let index = (address >> (12 + 9 * level)) & 0x1ff;
        let value = target | PRESENT | WRITABLE;
        vm.write_memory(GuestAddress(table + index * 8), &value.to_le_bytes())
    };
    entry(pml4, 3, VIRTUAL, pdpt)?;
    entry(pdpt, 2, VIRTUAL, pd)?;
    entry(pd, 1, VIRTUAL, pt)?;
    entry(pt, 0, VIRTUAL, CODE)?;
    entry(pt, 0, VIRTUAL + 0x1000, DATA)?;
    entry(pt, 0, VIRTUAL + 0x2000, DEVICE)
}

/// What the processor would have after a boot loader's way through protected mode.
fn enter_long_mode(sregs: &mut kvm_sregs) {
    let [pml4, ..] = TABLES;
    sregs.cr3 = pml4;
    sregs.cr4 |= CR4_PAE;
    sregs.cr0 |= CR0_PROTECTION | CR0_PAGING;
    sregs.efer |= EFER_LONG_MODE_ENABLE | EFER_LONG_MODE_ACTIVE;
    // In 64-bit mode bases and limits of these segments count for nothing, but KVM checks them.
    let data = kvm_segment {
        limit: 0xffff_ffff,
        selector: 2 << 3,
        type_: 0b0011, // writable, accessed
        present: 1,
        s: 1,
        g: 1,
        ..Default::default()
    };
    sregs.cs = kvm_segment {
        selector: 1 << 3,
        type_: 0b1011, // code, readable, accessed
        l: 1,
        ..data
    };
    for segment in [
        &mut sregs.ds,
        &mut sregs.es,
        &mut sregs.fs,
        &mut sregs.gs,
        &mut sregs.ss,
    ] {
        *segment = data;
    }
}

/// What the guest wrote to its page of data.
fn read_numbers<H: Hypervisor<Guest = X86_64>>(vm: &Vm<H>, count: u64) -> Result<Vec<u64>, Error> {
    (0..count)
        .map(|index| {
            let mut bytes = [0; 8];
            vm.read_memory(GuestAddress(DATA + index * 8), &mut bytes)?;
            Ok(u64::from_le_bytes(bytes))
        })
        .collect()
}

fn fibonacci() -> impl Iterator<Item = u64> {
    std::iter::successors(Some((0, 1)), |&(this, next): &(u64, u64)| {
        Some((next, this.wrapping_add(next)))
    })
    .map(|(this, _)| this)
}

fn main() -> ExitCode {
    kvm_tests::main(&LongMode { count: 50 })
}
