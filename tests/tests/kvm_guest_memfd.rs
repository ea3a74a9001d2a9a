//! The descriptor of a guest_memfd, on `/dev/kvm`: open as long as the handle or a slot has it, and no longer.
#![allow(
    clippy::unwrap_used,
    reason = "a test without libtest, which is what clippy looks for"
)]

use kvm_core::kvm_sys::{
    GUEST_MEMFD_FLAG_INIT_SHARED, GUEST_MEMFD_FLAG_MMAP, GuestMemfdFlags, KVM_CAP_GUEST_MEMFD,
    KVM_CAP_GUEST_MEMFD_FLAGS,
};
use kvm_core::{AnonymousMemory, Errno, GuestAddress, Slot};
use kvm_tests::checks::{self, NotRun};

/// The open descriptors of this process, and the one that counts them.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn guest_memfd_is_not_leaked() -> Result<(), NotRun> {
    let kvm = checks::kvm()?;
    let vm = kvm.create_vm().unwrap();
    if vm.check_extension(KVM_CAP_GUEST_MEMFD).unwrap() == 0 {
        return Err(NotRun::because("this kernel has no guest_memfd"));
    }
    let size = usize::try_from(4 * kvm.page_size()).unwrap();
    let before = descriptors();
    let create = || {
        let created = vm.create_guest_memfd(size as u64, GuestMemfdFlags::empty());
        created.unwrap()
    };
    let file = create();
    assert_eq!(descriptors(), before + 1);
    drop(file);
    assert_eq!(descriptors(), before);

    let file = create();
    let shared = AnonymousMemory::new(size).unwrap();
    let at = GuestAddress(0);
    vm.add_private_memory(Slot(0), at, shared, &file, 0)
        .unwrap();
    drop(file);
    assert_eq!(descriptors(), before + 1, "the slot has it");
    vm.remove_memory(Slot(0)).unwrap();
    assert_eq!(descriptors(), before);
    Ok(())
}

/// What is written to the memory of a slot that a mapping backs is in the file: another mapping has it.
fn mappings_of_a_guest_memfd_are_one() -> Result<(), NotRun> {
    let kvm = checks::kvm()?;
    let vm = kvm.create_vm().unwrap();
    let flags = GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED;
    let known = vm.check_extension(KVM_CAP_GUEST_MEMFD_FLAGS).unwrap();
    let created = vm.create_guest_memfd(4 * kvm.page_size(), flags);
    if u64::from(known) & flags.bits() != flags.bits() {
        let refused = created.err().map(|error| error.errno());
        assert!(
            [Some(Errno::EINVAL), Some(Errno::ENOTTY)].contains(&refused),
            "{refused:?}"
        );
        return Ok(());
    }
    let file = created.unwrap();
    let memory = file.map().unwrap();
    let at = GuestAddress(0);
    let memory = vm
        .add_private_memory(Slot(0), at, memory, &file, 0)
        .unwrap();
    assert!(memory.write(0x1000, b"kept"));
    // As another mapping of the file sees it.
    let again = file.map().unwrap();
    let mut found = [0; 4];
    assert!(again.read(0x1000, &mut found));
    assert_eq!(&found, b"kept");
    Ok(())
}

fn main() {
    checks::main(&[
        ("guest_memfd_is_not_leaked", guest_memfd_is_not_leaked),
        (
            "mappings_of_a_guest_memfd_are_one",
            mappings_of_a_guest_memfd_are_one,
        ),
    ]);
}
