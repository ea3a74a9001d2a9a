//! Changing, moving and logging memory slots: sections 4.8, 4.35, 4.117 and 7.18.

use kvm_core::kvm_sys::{
    KVM_DIRTY_LOG_INITIALLY_SET, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE, KVM_MEM_LOG_DIRTY_PAGES,
    KVM_MEM_READONLY, MemFlags,
};
use kvm_core::{
    AnonymousMemory, Cause, Errno, Error, GuestAddress, Hypervisor, Kvm, Memory, Slot, Vm,
};

use kvm_mock::Model;

use super::Outcome;
use super::machine::{Guest, MMIO, Machine, RAM};
use super::program::{Op, play};

/// Behind the memory of the guests, of which only data are logged.
const DATA: Slot = Slot(1);
/// As many pages as make a word of the bitmap and a part of one.
const PAGES: usize = 80;

fn why(refused: Result<impl Sized, Error>) -> Option<(Errno, Cause)> {
    refused.err().map(|error| (error.errno(), error.cause()))
}

/// Where the guest stops between its writes.
const PAUSE: u64 = MMIO;

/// Writes a byte to pages 0 and 3, stops, and writes one to page 3 and one to page 9.
const WRITER: &[Op] = &[
    Op::Poke(RAM, &[1]),
    Op::Poke(RAM + 0x3008, &[2]),
    Op::Write(PAUSE, &[1]),
    Op::Poke(RAM + 0x3008, &[3]),
    Op::Poke(RAM + 0x9fff, &[4]),
];

pub(crate) fn writer_script<G: Machine>(model: &Model<G>) {
    play(model, WRITER);
}

fn writer<H: Hypervisor<Guest: Machine>>(
    system: H,
    flags: MemFlags,
) -> Result<Guest<H>, Box<dyn std::error::Error>> {
    let guest = Guest::new(system, WRITER)?;
    let ram = AnonymousMemory::new(PAGES * 0x1000)?;
    guest
        .vm
        .add_memory_with(DATA, GuestAddress(RAM), ram, flags)?;
    Ok(guest)
}

fn dirty<H: Hypervisor>(vm: &Vm<H>) -> Result<Vec<u64>, Error> {
    Ok(vm.get_dirty_log(DATA)?.iter().collect())
}

/// Section 4.8: the log tells the pages written since it was got last.
pub(crate) fn dirty_log<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    let mut guest = writer(system, KVM_MEM_LOG_DIRTY_PAGES)?;
    assert_eq!(dirty(&guest.vm)?, [0_u64; 0], "nothing ran");
    guest.writes(PAUSE, &[1])?;
    let log = guest.vm.get_dirty_log(DATA)?;
    assert_eq!((log.pages(), log.words().len(), log.slot()), (80, 2, DATA));
    assert!(log.is_dirty(3) && !log.is_dirty(4) && !log.is_dirty(1 << 40));
    assert_eq!(log.iter().collect::<Vec<_>>(), [0, 3]);
    assert_eq!(dirty(&guest.vm)?, [0_u64; 0], "begun anew");
    guest.ends()?;
    assert_eq!(dirty(&guest.vm)?, [3, 9]);

    let missing = guest.vm.get_dirty_log(Slot(7));
    assert_eq!(why(missing), Some((Errno::EINVAL, Cause::SlotEmpty)));
    let unlogged = guest.vm.get_dirty_log(Slot(0));
    assert_eq!(why(unlogged), Some((Errno::ENOENT, Cause::Backend)));
    Ok(())
}

/// Section 4.35: logging is turned on and off on a slot that is there.
pub(crate) fn flags<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    let mut guest = writer(system, MemFlags::empty())?;
    guest.writes(PAUSE, &[1])?;
    let off = Some((Errno::ENOENT, Cause::Backend));
    assert_eq!(why(guest.vm.get_dirty_log(DATA)), off);
    guest.vm.set_memory_flags(DATA, KVM_MEM_LOG_DIRTY_PAGES)?;
    assert_eq!(
        dirty(&guest.vm)?,
        [0_u64; 0],
        "what came before is not logged"
    );
    guest.ends()?;
    assert_eq!(dirty(&guest.vm)?, [3, 9]);
    guest.vm.set_memory_flags(DATA, MemFlags::empty())?;
    assert_eq!(why(guest.vm.get_dirty_log(DATA)), off);

    let read_only = guest.vm.set_memory_flags(DATA, KVM_MEM_READONLY);
    assert_eq!(why(read_only), Some((Errno::EINVAL, Cause::ReadOnly)));
    let missing = guest.vm.set_memory_flags(Slot(7), MemFlags::empty());
    assert_eq!(why(missing), Some((Errno::EINVAL, Cause::SlotEmpty)));
    Ok(())
}

/// Section 7.18: the log stays until it is cleared, and section 4.117: in whole words.
pub(crate) fn manual_protect<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let vm = super::machine::vm_with(&kvm, WRITER)?;
    let alone = vm.enable_manual_dirty_log_protect(KVM_DIRTY_LOG_INITIALLY_SET);
    assert_eq!(why(alone), Some((Errno::EINVAL, Cause::Backend)));
    vm.enable_manual_dirty_log_protect(KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)?;
    let ram = AnonymousMemory::new(PAGES * 0x1000)?;
    vm.add_memory_with(DATA, GuestAddress(RAM), ram, KVM_MEM_LOG_DIRTY_PAGES)?;
    let vcpu = H::Guest::vcpu(&vm, 0)?;
    let mut guest = Guest { vm, vcpu };
    guest.writes(PAUSE, &[1])?;
    let log = guest.vm.get_dirty_log(DATA)?;
    assert_eq!(log.iter().collect::<Vec<_>>(), [0, 3]);
    assert_eq!(dirty(&guest.vm)?, [0, 3], "getting does not clear");

    for pages in [1..64, 0..63, 64..81, 64..64, 0..128] {
        let refused = guest.vm.clear_dirty_log(&log, pages);
        assert_eq!(why(refused), Some((Errno::EINVAL, Cause::Pages)));
    }
    guest.vm.clear_dirty_log(&log, 64..80)?;
    assert_eq!(dirty(&guest.vm)?, [0, 3], "other pages");
    guest.vm.clear_dirty_log(&log, 0..80)?;
    assert_eq!(dirty(&guest.vm)?, [0_u64; 0]);
    guest.ends()?;
    assert_eq!(dirty(&guest.vm)?, [3, 9], "watched again");
    Ok(())
}

/// Section 7.18: all bits may be set from the start.
pub(crate) fn initially_set<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    let vm = Kvm::with(system)?.create_vm()?;
    let both = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET;
    vm.enable_manual_dirty_log_protect(both)?;
    let ram = AnonymousMemory::new(PAGES * 0x1000)?;
    vm.add_memory_with(DATA, GuestAddress(0), ram, KVM_MEM_LOG_DIRTY_PAGES)?;
    let log = vm.get_dirty_log(DATA)?;
    assert!(log.iter().eq(0..80));
    assert_eq!(log.count(), 80);
    vm.clear_dirty_log(&log, 64..80)?;
    assert!(vm.get_dirty_log(DATA)?.iter().eq(0..64));
    Ok(())
}

/// Section 4.35: "it may be moved in the guest physical memory space".
pub(crate) fn moved<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let vm = kvm.create_vm()?;
    let page = kvm.page_size();
    let two = || -> Result<Memory, Box<dyn std::error::Error>> {
        Ok(AnonymousMemory::new(usize::try_from(2 * page)?)?.into())
    };
    vm.add_memory(Slot(0), GuestAddress(0), two()?)?;
    vm.add_memory(Slot(1), GuestAddress(8 * page), two()?)?;
    vm.write_memory(GuestAddress(7), b"moved")?;

    let to = |address| why(vm.move_memory(Slot(0), GuestAddress(address)));
    assert_eq!(to(7 * page), Some((Errno::EEXIST, Cause::Overlap)));
    assert_eq!(to(page / 2), Some((Errno::EINVAL, Cause::Unaligned)));
    assert_eq!(
        to(0_u64.wrapping_sub(page)),
        Some((Errno::EINVAL, Cause::TooHigh))
    );
    let missing = vm.move_memory(Slot(2), GuestAddress(0));
    assert_eq!(why(missing), Some((Errno::EINVAL, Cause::SlotEmpty)));
    // Over its own old place.
    assert_eq!(to(page), None);
    assert_eq!(to(6 * page), None);

    let mut bytes = [0; 5];
    vm.read_memory(GuestAddress(6 * page + 7), &mut bytes)?;
    assert_eq!(&bytes, b"moved");
    let gone = vm.read_memory(GuestAddress(7), &mut bytes);
    assert_eq!(why(gone), Some((Errno::EFAULT, Cause::NotMemory)));
    vm.add_memory(Slot(2), GuestAddress(0), two()?)?;
    let back: Result<AnonymousMemory, _> = vm.remove_memory(Slot(0))?.try_into_inner();
    let back = back.map_err(|_| "a handle is left")?;
    assert_eq!(back.as_slice().get(7..12), Some(&b"moved"[..]));
    Ok(())
}

/// The log moves with the slot.
pub(crate) fn moved_log<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    let mut guest = writer(system, KVM_MEM_LOG_DIRTY_PAGES)?;
    guest.writes(PAUSE, &[1])?;
    guest.vm.move_memory(DATA, GuestAddress(0x10_0000))?;
    guest.vm.move_memory(DATA, GuestAddress(RAM))?;
    guest.ends()?;
    assert_eq!(dirty(&guest.vm)?, [0, 3, 9]);
    Ok(())
}

/// Stops twice.
const STOPS: &[Op] = &[Op::Write(PAUSE, &[1])];

pub(crate) fn moved_code_script<G: Machine>(model: &Model<G>) {
    play(model, STOPS);
}

/// A guest that runs sees memory where it is now.
pub(crate) fn moved_code<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, STOPS)?;
    guest.writes(PAUSE, &[1])?;
    guest.vm.move_memory(Slot(0), GuestAddress(0x10_0000))?;
    guest.vm.move_memory(Slot(0), GuestAddress(0))?;
    guest.ends()
}
