//! Rings that tell the pages that a vCPU writes to: section 8.29. No recording has the ring.

use std::collections::BTreeSet;

use kvm_core::kvm_sys::KVM_MEM_LOG_DIRTY_PAGES;
use kvm_core::{AnonymousMemory, Exit, GuestAddress, Hypervisor, Kvm, Slot};
use kvm_mock::{Model, Step};

use super::machine::{Guest, Machine, RAM, add_memory};
use super::program::{DONE, Op, code};
use super::{Outcome, unexpected};

/// More pages than a ring of the smallest size has entries, with KVM's reserve of each kind.
const PAGES: u64 = 280;
const RING: u32 = 0x1000;
const LOGGED: Slot = Slot(1);

/// A byte to each page.
fn writer() -> Vec<Op> {
    (0..PAGES).map(|page| Op::Poke(RAM + page * 0x1000, &[1])).collect()
}

pub(crate) fn full_script<G: Machine>(model: &Model<G>) {
    // Each step may tell of no more pages than the ring has room for, and the guest can stop between any two.
    let writes = |from, to| {
        (from..to).fold(Step::mmio_write(DONE, [0]), |step, page| {
            step.writes_memory(RAM + page * 0x1000, [1])
        })
    };
    model.script(0, [writes(0, PAGES / 2), writes(PAGES / 2, PAGES)]);
}

/// A vCPU whose ring is full exits, and goes on once there is room. No page is left out.
pub(crate) fn full<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    let vm = Kvm::with(system)?.create_vm()?;
    vm.enable_dirty_ring(RING)?;
    add_memory(&vm, &code::<H::Guest>(&writer()))?;
    let ram = AnonymousMemory::new(usize::try_from(PAGES * 0x1000)?)?;
    vm.add_memory_with(LOGGED, GuestAddress(RAM), ram, KVM_MEM_LOG_DIRTY_PAGES)?;
    let vcpu = H::Guest::vcpu(&vm, 0)?;
    let mut ring = vcpu.take_dirty_ring()?;
    let mut guest = Guest { vm, vcpu };
    let (mut told, mut full) = (BTreeSet::new(), 0);
    while told.len() < usize::try_from(PAGES)? {
        match guest.vcpu.run()?.0 {
            Exit::DirtyRingFull => full += 1,
            Exit::MmioWrite(write) if write.addr == DONE => {}
            other => return unexpected("a full ring or the end", other),
        }
        let pages = guest.vm.harvest_dirty_rings([&mut ring])?;
        assert!(!pages.is_empty(), "told {} pages, {full} times full", told.len());
        told.extend(pages.iter().map(|page| page.page));
    }
    assert!(full > 0, "the ring was never full");
    assert!(told.into_iter().eq(0..PAGES));
    Ok(())
}
