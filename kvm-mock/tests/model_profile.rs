//! What a profile says, and what follows from it.

use kvm_core::kvm_sys::{
    KVM_CAP_CHECK_EXTENSION_VM, KVM_CAP_IRQCHIP, KVM_CAP_MAX_VCPU_ID, KVM_CAP_MAX_VCPUS,
    KVM_CAP_MP_STATE, KVM_CAP_MULTI_ADDRESS_SPACE, KVM_CAP_NR_MEMSLOTS, KVM_CAP_NR_VCPUS,
    KVM_CAP_READONLY_MEM, KVM_CAP_VM_TYPES, KVM_MEM_READONLY, kvm_cpuid_entry2, kvm_msr_entry,
};
use kvm_core::{AnonymousMemory, Cause, Errno, GuestAddress, Kvm, Slot};
use kvm_mock::{Model, Profile};

fn kvm(profile: Profile) -> Result<Kvm<Model>, kvm_core::Error> {
    Kvm::with(Model::with_profile(profile))
}

fn errno<T>(result: Result<T, kvm_core::Error>) -> Option<Errno> {
    result.err().map(|error| error.errno())
}

#[test]
fn the_synthetic_host_says_that_it_is_one() {
    let profile = Profile::synthetic();
    assert!(profile.is_synthetic());
    assert_eq!(profile.name(), "synthetic x86_64");
    assert_eq!(kvm(profile).unwrap().get_vcpu_mmap_size(), Ok(12288));
}

#[test]
fn another_api_version_is_refused_with_its_number() {
    let model = Model::with_profile(Profile::synthetic().api_version(11));
    let error = Kvm::with(model).unwrap_err();
    assert_eq!((error.cause(), error.detail()), (Cause::ApiVersion, 11));
}

#[test]
fn the_page_size_is_a_value() {
    let profile = Profile::synthetic()
        .page_size(0x1_0000)
        .vcpu_mmap_size(0x3_0000);
    let kvm = kvm(profile).unwrap();
    assert_eq!(kvm.page_size(), 0x1_0000);
    let vm = kvm.create_vm().unwrap();
    let small = AnonymousMemory::new(0x1000).unwrap();
    let refused = vm.add_memory(Slot(0), GuestAddress(0), small);
    assert_eq!(refused.unwrap_err().cause(), Cause::Unaligned);
    let large = AnonymousMemory::new(0x1_0000).unwrap();
    vm.add_memory(Slot(0), GuestAddress(0x1_0000), large)
        .unwrap();
    vm.create_vcpu(0).unwrap();
}

#[test]
fn capabilities_differ_between_system_and_vm_where_the_profile_says_so() {
    let profile = Profile::synthetic().vm_cap(KVM_CAP_MP_STATE, 7);
    let kvm_one = kvm(profile.clone()).unwrap();
    assert_eq!(kvm_one.check_extension(KVM_CAP_MP_STATE), Ok(1));
    let vm = kvm_one.create_vm().unwrap();
    assert_eq!(vm.check_extension(KVM_CAP_MP_STATE), Ok(7));
    let vm = kvm(profile.cap(KVM_CAP_MP_STATE, 2))
        .unwrap()
        .create_vm()
        .unwrap();
    assert_eq!(vm.check_extension(KVM_CAP_MP_STATE), Ok(2));
}

#[test]
fn calls_whose_capability_is_missing_do_not_exist() {
    let profile = Profile::synthetic()
        .cap(KVM_CAP_IRQCHIP, 0)
        .cap(KVM_CAP_MP_STATE, 0)
        .cap(KVM_CAP_CHECK_EXTENSION_VM, 0);
    let vm = kvm(profile).unwrap().create_vm().unwrap();
    assert_eq!(errno(vm.create_irq_chip()), Some(Errno::ENOTTY));
    assert_eq!(
        errno(vm.check_extension(KVM_CAP_IRQCHIP)),
        Some(Errno::ENOTTY)
    );
    let vcpu = vm.create_vcpu(0).unwrap();
    assert_eq!(errno(vcpu.get_mp_state()), Some(Errno::EINVAL));
}

#[test]
fn vcpu_limits_fall_back_as_documented() {
    let small = Profile::synthetic().cap(KVM_CAP_MAX_VCPUS, 2);
    let vm = kvm(small.clone()).unwrap().create_vm().unwrap();
    assert!(vm.create_vcpu(0).is_ok() && vm.create_vcpu(4095).is_ok());
    assert_eq!(errno(vm.create_vcpu(1)), Some(Errno::EINVAL), "full");

    let vm = kvm(small.cap(KVM_CAP_MAX_VCPU_ID, 0))
        .unwrap()
        .create_vm()
        .unwrap();
    assert_eq!(
        errno(vm.create_vcpu(2)),
        Some(Errno::EINVAL),
        "as many ids as vCPUs"
    );

    let unsaid = Profile::synthetic()
        .cap(KVM_CAP_MAX_VCPUS, 0)
        .cap(KVM_CAP_NR_VCPUS, 0);
    let vm = kvm(unsaid).unwrap().create_vm().unwrap();
    let made = (0..9).filter(|id| vm.create_vcpu(*id).is_ok()).count();
    assert_eq!(made, 4, "without any word on it");
}

#[test]
fn vm_types_are_the_bits_of_their_capability() {
    let kvm = kvm(Profile::synthetic().cap(KVM_CAP_VM_TYPES, 0b11)).unwrap();
    assert!(kvm.create_vm_with_type(1).is_ok());
    assert_eq!(errno(kvm.create_vm_with_type(2)), Some(Errno::EINVAL));
    assert_eq!(
        errno(kvm.create_vm_with_type(u64::MAX)),
        Some(Errno::EINVAL)
    );
}

#[test]
fn memory_limits_and_flags_come_from_capabilities() {
    let profile = Profile::synthetic()
        .cap(KVM_CAP_NR_MEMSLOTS, 2)
        .cap(KVM_CAP_MULTI_ADDRESS_SPACE, 1)
        .cap(KVM_CAP_READONLY_MEM, 0);
    let vm = kvm(profile).unwrap().create_vm().unwrap();
    let page = || AnonymousMemory::new(0x1000).unwrap();
    vm.add_memory(Slot(1), GuestAddress(0), page()).unwrap();
    let behind = vm.add_memory(Slot(2), GuestAddress(0x1000), page());
    assert_eq!(errno(behind), Some(Errno::EINVAL));
    let rom = vm.add_memory_with(Slot(0), GuestAddress(0x1000), page(), KVM_MEM_READONLY);
    assert_eq!(errno(rom), Some(Errno::EINVAL));
    let other_space = vm.add_memory(Slot(1 << 16), GuestAddress(0x1000), page());
    assert_eq!(errno(other_space), Some(Errno::EINVAL));
}

#[test]
fn lists_are_what_the_profile_lists() {
    let leaf = |function| kvm_cpuid_entry2 {
        function,
        ..Default::default()
    };
    let many: Vec<_> = (0..100).map(leaf).collect();
    let profile = Profile::synthetic()
        .cpuid(many.clone())
        .without_msr(0x10)
        .msr(0x9999, 5);
    let kvm = kvm(profile).unwrap();
    assert_eq!(kvm.get_supported_cpuid(), Ok(many));
    let msrs = kvm.get_msr_index_list().unwrap();
    assert!(msrs.contains(&0x9999) && !msrs.contains(&0x10));
    let vcpu = kvm.create_vm().unwrap().create_vcpu(0).unwrap();
    let mut entries = [0x9999, 0x10].map(|index| kvm_msr_entry {
        index,
        ..Default::default()
    });
    let error = vcpu.get_msrs(&mut entries).unwrap_err();
    assert_eq!((error.cause(), error.detail()), (Cause::Msr, 0x10));
    assert_eq!(entries[0].data, 5);
}
