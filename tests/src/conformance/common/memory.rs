//! Memory slots through the typed layer, section 4.35.

use kvm_core::kvm_sys::KVM_CAP_NR_MEMSLOTS;
use kvm_core::{
    AnonymousMemory, Cause, Errno, Error, GuestAddress, Hypervisor, Kvm, Memory, Slot, Vm,
};

use super::Outcome;
use crate::conformance::raw::NoMemory;

fn memory(pages: u64, page: u64) -> Result<Memory, Box<dyn std::error::Error>> {
    Ok(AnonymousMemory::new(usize::try_from(pages * page)?)?.into())
}

fn why(refused: Result<impl Sized, Error>) -> Option<(Errno, Cause)> {
    refused.err().map(|error| (error.errno(), error.cause()))
}

/// Memory that no VM can have.
pub(crate) fn refused<H: Hypervisor>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let vm = kvm.create_vm()?;
    let page = kvm.page_size();
    let add = |slot: u32, address: u64, memory: Memory| {
        why(vm.add_memory(Slot(slot), GuestAddress(address), memory))
    };
    vm.add_memory(Slot(0), GuestAddress(4 * page), memory(4, page)?)?;

    let unaligned = Some((Errno::EINVAL, Cause::Unaligned));
    assert_eq!(add(1, page / 2, memory(1, page)?), unaligned);
    let half = AnonymousMemory::new(usize::try_from(page / 2)?)?;
    assert_eq!(add(1, 0, half.into()), unaligned);
    let empty = Some((Errno::EINVAL, Cause::Empty));
    assert_eq!(add(1, 0, NoMemory.into()), empty);
    let overlap = Some((Errno::EEXIST, Cause::Overlap));
    assert_eq!(add(1, 0, memory(5, page)?), overlap);
    assert_eq!(add(1, 7 * page, memory(1, page)?), overlap);
    assert_eq!(add(1, 5 * page, memory(1, page)?), overlap);
    let taken = Some((Errno::EEXIST, Cause::SlotTaken));
    assert_eq!(add(0, 0, memory(1, page)?), taken);
    let high = Some((Errno::EINVAL, Cause::TooHigh));
    assert_eq!(add(1, 0_u64.wrapping_sub(page), memory(1, page)?), high);
    let slots = kvm.check_extension(KVM_CAP_NR_MEMSLOTS)?;
    let no_such_slot = Some((Errno::EINVAL, Cause::Backend));
    assert_eq!(add(slots, 0, memory(1, page)?), no_such_slot);
    let nothing_there = Some((Errno::EINVAL, Cause::SlotEmpty));
    assert_eq!(why(vm.remove_memory(Slot(1))), nothing_there);

    assert_eq!(add(1, 0, memory(4, page)?), None, "up to the other slot");
    assert_eq!(add(2, 8 * page, memory(1, page)?), None, "from its end on");
    Ok(())
}

/// Memory that was taken back can be added elsewhere, with what is in it.
pub(crate) fn taken_back<H: Hypervisor>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let vm = kvm.create_vm()?;
    let page = kvm.page_size();
    vm.add_memory(Slot(3), GuestAddress(0), memory(1, page)?)?;
    vm.write_memory(GuestAddress(5), b"kept")?;

    let back: Result<AnonymousMemory, _> = vm.remove_memory(Slot(3))?.try_into_inner();
    let back = back.map_err(|_| "a handle is left")?;
    assert_eq!(back.as_slice().get(5..9), Some(&b"kept"[..]));
    let gone = Some((Errno::EFAULT, Cause::NotMemory));
    assert_eq!(why(vm.read_memory(GuestAddress(5), &mut [0; 4])), gone);

    vm.add_memory(Slot(4), GuestAddress(page), back)?;
    assert_eq!(bytes(&vm, page + 5)?, *b"kept");
    vm.remove_memory(Slot(4))?;
    vm.add_memory(Slot(4), GuestAddress(0), memory(1, page)?)?;
    Ok(())
}

/// Many slots, side by side, each removed and filled again.
pub(crate) fn many_slots<H: Hypervisor>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let vm = kvm.create_vm()?;
    let page = kvm.page_size();
    for slot in 0..32 {
        vm.add_memory(Slot(slot), at(slot, page), memory(1, page)?)?;
    }
    vm.write_memory(GuestAddress(page - 2), b"over")?;
    for slot in 0..32 {
        let memory = vm.remove_memory(Slot(slot))?;
        vm.add_memory(Slot(slot + 32), at(slot, page), memory)?;
    }
    assert_eq!(bytes(&vm, page - 2)?, *b"over");
    Ok(())
}

fn at(slot: u32, page: u64) -> GuestAddress {
    GuestAddress(u64::from(slot) * page)
}

fn bytes<H: Hypervisor>(vm: &Vm<H>, address: u64) -> Result<[u8; 4], Error> {
    let mut bytes = [0; 4];
    vm.read_memory(GuestAddress(address), &mut bytes)?;
    Ok(bytes)
}
