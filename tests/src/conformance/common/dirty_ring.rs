//! Rings that tell the pages that a vCPU writes to: section 8.29.

use std::collections::BTreeSet;
use std::ops::Range;

use kvm_core::kvm_sys::KVM_MEM_LOG_DIRTY_PAGES;
use kvm_core::{AnonymousMemory, Exit, GuestAddress, Hypervisor, Kvm, Slot};
use kvm_mock::Model;

use super::machine::{Guest, MMIO, Machine, RAM, add_memory};
use super::program::{DONE, Op, code, play};
use super::{Outcome, unexpected};

/// More pages than a ring of the smallest size has entries, with KVM's reserve of each kind.
const PAGES: u64 = 280;
const RING: u32 = 0x1000;
const LOGGED: Slot = Slot(1);

/// Writes a byte to each page, and stops now and then: a script can't stop within a step, so what each writes
/// has to fit into KVM's reserve.
fn writer() -> Vec<Op> {
    let writes: Vec<_> = pages(0..PAGES).map(|page| Op::Poke(page, &[1])).collect();
    writes
        .chunks(40)
        .flat_map(|some| some.iter().copied().chain([Op::Write(MMIO, &[1])]))
        .collect()
}

fn pages(pages: Range<u64>) -> impl Iterator<Item = u64> {
    pages.map(|page| RAM + page * 0x1000)
}

pub(crate) fn full_script<G: Machine>(model: &Model<G>) {
    play(model, &writer());
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
    loop {
        let done = match guest.vcpu.run()?.0 {
            Exit::DirtyRingFull => false,
            Exit::MmioWrite(write) if write.addr == MMIO => continue,
            Exit::MmioWrite(write) if write.addr == DONE => true,
            other => return unexpected("a full ring or the end", other),
        };
        let pages = guest.vm.harvest_dirty_rings([&mut ring])?;
        told.extend(pages.iter().map(|page| page.page));
        if done {
            break;
        }
        full += 1;
        assert!(
            full < PAGES,
            "full again and again, {} pages told",
            told.len()
        );
    }
    assert!(full > 0, "the ring was never full");
    assert!(told.into_iter().eq(0..PAGES));
    Ok(())
}
