//! Writes that wait in a ring in place of exits: section 4.116.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::thread;

use kvm_core::kvm_exit::CoalescedRing;
use kvm_core::{Error, Hypervisor, IoEventAddress, Kvm};
use kvm_mock::Model;

use super::Outcome;
use super::machine::{self, Guest, MMIO, Machine};
use super::program::{Op, play};

const ZONE: IoEventAddress = IoEventAddress::Mmio(MMIO);

/// 0, 1, 2 and so on, each as the bytes of a write.
static NUMBERS: LazyLock<Vec<u8>> = LazyLock::new(|| (0..=u8::MAX).collect());

/// Writes each to the zone, up to `count` of them.
fn counting(op: fn(u64, &'static [u8]) -> Op, count: u8) -> Vec<Op> {
    let numbers = NUMBERS.chunks(1).take(count.into());
    numbers.map(|number| op(MMIO, number)).collect()
}

/// More than there is room for.
const COUNTED: u8 = 200;

pub(crate) fn full_script<G: Machine>(model: &Model<G>) {
    play(model, &counting(Op::Write, COUNTED));
}

/// When the ring is full the next write exits.
pub(crate) fn full<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let page = usize::try_from(kvm.page_size())?;
    let vm = machine::vm_with(&kvm, &counting(Op::Write, COUNTED))?;
    vm.register_coalesced_mmio(ZONE, 1)?;
    let vcpu = H::Guest::vcpu(&vm, 0)?;
    let mut guest = Guest { vm, vcpu };
    let ring = CoalescedRing::new(page).ok_or("no room for a ring")?;
    let room = u8::try_from(ring.capacity() - 1)?;

    guest.writes(MMIO, &[room])?;
    let first = bytes(&guest)?;
    assert!(first.into_iter().eq(0..room));
    guest.ends()?;
    let rest = bytes(&guest)?;
    assert!(rest.into_iter().eq(room + 1..COUNTED));
    Ok(())
}

/// The first byte of each write that waits.
fn bytes<H: Hypervisor>(guest: &Guest<H>) -> Result<Vec<u8>, Error> {
    let waiting = guest.vm.drain_coalesced()?;
    Ok(waiting
        .iter()
        .filter_map(|write| write.data().first().copied())
        .collect())
}

/// As many as there is room for.
const FEW: u8 = 100;

pub(crate) fn one_consumer_script<G: Machine>(model: &Model<G>) {
    play(model, &counting(Op::Notify, FEW));
}

/// All vCPUs' mappings show the one ring of the VM. However many threads take from it, through whichever
/// handle, each write is given once, and to each thread in order.
pub(crate) fn coalesced_ring_has_one_consumer<H: Hypervisor<Guest: Machine> + 'static>(
    system: H,
) -> Outcome {
    let vm = machine::vm_with(&Kvm::with(system)?, &counting(Op::Notify, FEW))?;
    vm.register_coalesced_mmio(ZONE, 1)?;
    let vcpu = H::Guest::vcpu(&vm, 0)?;
    let _other = H::Guest::vcpu(&vm, 1)?;
    let mut guest = Guest { vm, vcpu };
    let vm = guest.vm.clone();
    guest.ends()?;

    let drain = || {
        let vm = vm.clone();
        thread::spawn(move || vm.drain_coalesced())
    };
    let threads = [drain(), drain(), drain()];
    let mut all = BTreeSet::new();
    for thread in threads {
        let taken = thread.join().map_err(|_| "a thread panicked")??;
        let bytes: Vec<u8> = taken
            .iter()
            .filter_map(|write| write.data().first().copied())
            .collect();
        assert!(bytes.is_sorted());
        for byte in bytes {
            assert!(all.insert(byte), "{byte} was given twice");
        }
    }
    assert!(all.into_iter().eq(0..FEW));
    Ok(())
}
