//! Private memory: sections 4.140 and 4.142.

use kvm_core::kvm_sys::{GuestMemfdFlags, KVM_MEM_LOG_DIRTY_PAGES, MemFlags};
use kvm_core::{AnonymousMemory, Cause, Errno, Error, GuestAddress, Hypervisor, Kvm, Memory, Slot};

use super::Outcome;

fn why(refused: Result<impl Sized, Error>) -> Option<(Errno, Cause)> {
    refused.err().map(|error| (error.errno(), error.cause()))
}

fn memory(pages: u64, page: u64) -> Result<Memory, Box<dyn std::error::Error>> {
    Ok(AnonymousMemory::new(usize::try_from(pages * page)?)?.into())
}

/// The sizes and flags that a file can have.
pub(crate) fn files<H: Hypervisor>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let vm = kvm.create_vm()?;
    let page = kvm.page_size();
    let create = |size, flags| vm.create_guest_memfd(size, flags);
    let none = GuestMemfdFlags::empty();
    assert_eq!(create(3 * page, none)?.len(), 3 * page);
    assert_eq!(why(create(0, none)), Some((Errno::EINVAL, Cause::Empty)));
    let half = create(page / 2, none);
    assert_eq!(why(half), Some((Errno::EINVAL, Cause::Unaligned)));
    let unknown = create(page, GuestMemfdFlags(1 << 63));
    assert_eq!(why(unknown), Some((Errno::EINVAL, Cause::Backend)));
    Ok(())
}

/// A slot with private memory can be removed, and not changed; no two slots have the same part of a file.
pub(crate) fn slots<H: Hypervisor>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let vm = kvm.create_vm()?;
    let page = kvm.page_size();
    let file = vm.create_guest_memfd(4 * page, GuestMemfdFlags::empty())?;
    let add = |slot: u32, at: u64, pages: u64, offset: u64| {
        let at = GuestAddress(at * page);
        let memory = memory(pages, page).map_err(|_| None)?;
        let added = vm.add_private_memory(Slot(slot), at, memory, &file, offset * page);
        added.map_err(|error| Some((error.errno(), error.cause())))
    };
    let invalid = |cause| Some((Errno::EINVAL, cause));
    assert_eq!(add(0, 0, 5, 0).err(), Some(invalid(Cause::OutOfBounds)));
    assert_eq!(add(0, 0, 1, 4).err(), Some(invalid(Cause::OutOfBounds)));
    assert!(add(0, 0, 2, 0).is_ok());
    assert_eq!(
        add(1, 8, 2, 1).err(),
        Some(invalid(Cause::Backend)),
        "bound"
    );
    assert_eq!(
        add(1, 1, 2, 2).err(),
        Some(Some((Errno::EEXIST, Cause::Overlap)))
    );
    assert!(add(1, 8, 2, 2).is_ok());
    let odd = vm.add_private_memory(Slot(2), GuestAddress(16 * page), memory(1, page)?, &file, 8);
    assert_eq!(why(odd), invalid(Cause::Unaligned));

    let moved = vm.move_memory(Slot(0), GuestAddress(32 * page));
    assert_eq!(why(moved), invalid(Cause::Private));
    for flags in [KVM_MEM_LOG_DIRTY_PAGES, MemFlags::empty()] {
        let changed = vm.set_memory_flags(Slot(0), flags);
        assert_eq!(why(changed), invalid(Cause::Private));
    }
    let unlogged = vm.get_dirty_log(Slot(0));
    assert_eq!(why(unlogged), Some((Errno::ENOENT, Cause::Backend)));

    // The slots keep the file.
    drop(file);
    vm.write_memory(GuestAddress(7), b"shared")?;
    let back: Result<AnonymousMemory, _> = vm.remove_memory(Slot(0))?.try_into_inner();
    let back = back.map_err(|_| "a handle is left")?;
    assert_eq!(back.as_slice().get(7..13), Some(&b"shared"[..]));
    vm.add_memory(Slot(0), GuestAddress(0), back)?;
    Ok(())
}

/// A file belongs to one VM.
pub(crate) fn other_vm<H: Hypervisor>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let (one, other) = (kvm.create_vm()?, kvm.create_vm()?);
    let page = kvm.page_size();
    let file = one.create_guest_memfd(page, GuestMemfdFlags::empty())?;
    let foreign = other.add_private_memory(Slot(0), GuestAddress(0), memory(1, page)?, &file, 0);
    assert_eq!(why(foreign), Some((Errno::EINVAL, Cause::OtherVm)));
    drop(one);
    let orphan = other.add_private_memory(Slot(0), GuestAddress(0), memory(1, page)?, &file, 0);
    assert_eq!(why(orphan), Some((Errno::EINVAL, Cause::OtherVm)));
    Ok(())
}
