//! Writes that wait in a ring in place of exits: section 4.116.

use kvm_core::kvm_exit::{MmioWrite, X86_64};
use kvm_core::{Exit, Hypervisor, IoEventAddress, Kvm};

use super::guest::{Guest, MMIO, vcpu, vm_with};
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
