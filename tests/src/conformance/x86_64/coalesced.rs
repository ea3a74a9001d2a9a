//! Writes that wait in a ring in place of exits: section 4.116. No recording has the ring.

use std::collections::BTreeSet;
use std::thread;

use kvm_core::kvm_exit::{CoalescedRing, MmioWrite, X86_64};
use kvm_core::{Error, Exit, GuestAddress, Hypervisor, IoEventAddress, Kvm};

use super::guest::{CODE, Guest, MMIO, vcpu, vm_with};
use super::{Model, Outcome, Step, unexpected};

const ZONE: IoEventAddress = IoEventAddress::Mmio(MMIO);

/// Two writes to memory, one to a port, all coalesced; one beside the zone.
#[rustfmt::skip]
const MIXED: &[u8] = &[
    0xb8, 0x00, 0x20, // mov ax, 0x2000
    0x8e, 0xd8,       // mov ds, ax
    0xb8, 0x34, 0x12, // mov ax, 0x1234
    0xa3, 0x00, 0x00, // mov [0], ax
    0xe6, 0x80,       // out 0x80, al
    0xa2, 0x0f, 0x00, // mov [0xf], al
    0xa3, 0x0f, 0x00, // mov [0xf], ax
    0xa2, 0x00, 0x00, // mov [0], al
    0xf4,             // hlt
];

pub(crate) fn in_order_script(model: &Model) {
    model.script(
        0,
        [
            Step::mmio_write(MMIO, [0x34, 0x12]).in_kernel(),
            Step::io_out(0x80, [0x34]).in_kernel(),
            Step::mmio_write(MMIO + 0xf, [0x34]).in_kernel(),
            Step::mmio_write(MMIO + 0xf, [0x34, 0x12]),
            Step::mmio_write(MMIO, [0x34]),
            Step::hlt(),
        ],
    );
}

/// Writes that are wholly in a zone wait, in their order; others exit, as do all when the zone is gone. A
/// zone can be there before a vCPU.
pub(crate) fn in_order<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vm = vm_with(&Kvm::with(system)?, MIXED)?;
    vm.register_coalesced_mmio(ZONE, 0x10)?;
    vm.register_coalesced_mmio(IoEventAddress::Pio(0x80), 1)?;
    assert!(vm.drain_coalesced()?.is_empty(), "no vCPU, no ring");
    let vcpu = vcpu(&vm, 0)?;
    let mut guest = Guest { vm, vcpu };

    writes(&mut guest, MMIO + 0xf, &[0x34, 0x12])?;
    let waiting = guest.vm.drain_coalesced()?;
    let seen: Vec<_> = waiting
        .iter()
        .map(|write| (write.is_pio, write.addr, write.data()))
        .collect();
    let expected = [
        (false, MMIO, &[0x34, 0x12][..]),
        (true, 0x80, &[0x34]),
        (false, MMIO + 0xf, &[0x34]),
    ];
    assert_eq!(seen, expected);
    assert!(guest.vm.drain_coalesced()?.is_empty());

    guest.vm.unregister_coalesced_mmio(ZONE, 0x10)?;
    writes(&mut guest, MMIO, &[0x34])?;
    guest.halts()
}

fn writes<H: Hypervisor<Guest = X86_64>>(guest: &mut Guest<H>, addr: u64, data: &[u8]) -> Outcome {
    match guest.vcpu.run()?.0 {
        Exit::MmioWrite(write) if write == (MmioWrite { addr, data }) => Ok(()),
        other => unexpected("a write that is not coalesced", other),
    }
}

/// Writes 0, 1, 2 and so on.
#[rustfmt::skip]
const COUNT: &[u8] = &[
    0xb8, 0x00, 0x20, // mov ax, 0x2000
    0x8e, 0xd8,       // mov ds, ax
    0x30, 0xc0,       // xor al, al
    0xb9, 0xc8, 0x00, // mov cx, 200
    0xa2, 0x00, 0x00, // mov [0], al
    0xfe, 0xc0,       // inc al
    0xe2, 0xf9,       // loop to the mov
    0xf4,             // hlt
];
const COUNTED: u8 = 200;

pub(crate) fn full_script(model: &Model) {
    let writes = (0..COUNTED).map(|byte| Step::mmio_write(MMIO, [byte]));
    model.script(0, writes.chain([Step::hlt()]));
}

/// When the ring is full the next write exits.
pub(crate) fn full<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let page = usize::try_from(kvm.page_size())?;
    let vm = vm_with(&kvm, COUNT)?;
    vm.register_coalesced_mmio(ZONE, 1)?;
    let vcpu = vcpu(&vm, 0)?;
    let mut guest = Guest { vm, vcpu };
    let ring = CoalescedRing::new(page).ok_or("no room for a ring")?;
    let room = u8::try_from(ring.capacity() - 1)?;

    writes(&mut guest, MMIO, &[room])?;
    let first = bytes(&guest)?;
    assert!(first.into_iter().eq(0..room));
    guest.halts()?;
    let rest = bytes(&guest)?;
    assert!(rest.into_iter().eq(room + 1..COUNTED));
    Ok(())
}

/// The first byte of each write that waits.
fn bytes<H: Hypervisor<Guest = X86_64>>(guest: &Guest<H>) -> Result<Vec<u8>, Error> {
    let waiting = guest.vm.drain_coalesced()?;
    Ok(waiting
        .iter()
        .filter_map(|write| write.data().first().copied())
        .collect())
}

pub(crate) fn one_consumer_script(model: &Model) {
    let writes = (0..100).map(|byte| Step::mmio_write(MMIO, [byte]).in_kernel());
    model.script(0, writes.chain([Step::hlt()]));
}

/// All vCPUs' mappings show the one ring of the VM. However many threads take from it, through whichever
/// handle, each write is given once, and to each thread in order.
pub(crate) fn coalesced_ring_has_one_consumer<H: Hypervisor<Guest = X86_64> + 'static>(
    system: H,
) -> Outcome {
    let vm = vm_with(&Kvm::with(system)?, COUNT)?;
    // 100 times: the ring has room for more.
    vm.write_memory(GuestAddress(CODE + 8), &[100])?;
    vm.register_coalesced_mmio(ZONE, 1)?;
    let vcpu_0 = vcpu(&vm, 0)?;
    let _other = vcpu(&vm, 1)?;
    let mut guest = Guest { vm, vcpu: vcpu_0 };
    let vm = guest.vm.clone();
    guest.halts()?;

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
    assert!(all.into_iter().eq(0..100));
    Ok(())
}
