//! The system, VMs and vCPUs: sections 4.1 to 4.7.

use kvm_core::kvm_exit::RunPage;
use kvm_core::kvm_sys::{
    Cap, KVM_CAP_IMMEDIATE_EXIT, KVM_CAP_MAX_VCPU_ID, KVM_CAP_MAX_VCPUS, KVM_CAP_NR_MEMSLOTS,
    KVM_CAP_NR_VCPUS, KVM_CAP_USER_MEMORY,
};
use kvm_core::{Cause, Errno, Hypervisor, Kvm};

use super::Outcome;

/// The numbers every KVM has fit together.
pub(crate) fn system<H: Hypervisor>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    assert_eq!(kvm.get_api_version()?, 12);
    assert!(kvm.page_size().is_power_of_two());
    assert!(kvm.get_vcpu_mmap_size()? >= RunPage::STRUCT_LEN);
    assert!(kvm.check_extension(KVM_CAP_USER_MEMORY)? > 0);
    assert!(kvm.check_extension(KVM_CAP_IMMEDIATE_EXIT)? > 0);
    assert!(kvm.check_extension(KVM_CAP_NR_MEMSLOTS)? >= 32);
    let recommended = kvm.check_extension(KVM_CAP_NR_VCPUS)?;
    let most = kvm.check_extension(KVM_CAP_MAX_VCPUS)?;
    let ids = most_ids(most, kvm.check_extension(KVM_CAP_MAX_VCPU_ID)?);
    assert!(0 < recommended && recommended <= most && most <= ids);
    Ok(())
}

/// Section 4.7: "If the KVM_CAP_MAX_VCPU_ID does not exist, you should assume that the maximum id is the same as the
/// value returned from KVM_CAP_MAX_VCPUS."
fn most_ids(most_vcpus: u32, most_ids: u32) -> u32 {
    match most_ids {
        0 => most_vcpus,
        ids => ids,
    }
}

/// Section 4.4: what KVM does not know it does not have; it is no error.
pub(crate) fn unknown_capability<H: Hypervisor>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    assert_eq!(kvm.check_extension(Cap(0x00ff_ffff))?, 0);
    assert_eq!(kvm.create_vm()?.check_extension(Cap(0x00ff_ffff))?, 0);
    Ok(())
}

/// A VM type that no architecture has. (KVM on riscv64 does not look at it.)
pub(crate) fn unknown_vm_type<H: Hypervisor>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let error = kvm.create_vm_with_type(0x4000_0000).err();
    let error = error.ok_or("a VM of an unknown type")?;
    assert_eq!(
        (error.errno(), error.cause()),
        (Errno::EINVAL, Cause::Backend)
    );
    assert_eq!(error.op().name, "KVM_CREATE_VM");
    Ok(())
}

/// VMs don't share their vCPU ids, and live as long as a handle does.
pub(crate) fn several_vms<H: Hypervisor>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let (one, two) = (kvm.create_vm()?, kvm.create_vm()?);
    let first = one.create_vcpu(0)?;
    let second = two.create_vcpu(0)?;
    drop((kvm, one));
    assert_eq!(first.get_mp_state()?, second.get_mp_state()?);
    assert!(two.create_vcpu(1).is_ok());
    Ok(())
}

/// Section 4.7: an id names one vCPU of the VM, even after that was closed; ids may have gaps.
pub(crate) fn vcpu_ids<H: Hypervisor>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let vm = kvm.create_vm()?;
    let vcpus = [0, 1, 2, 3, 5, 7].map(|id| vm.create_vcpu(id));
    assert!(vcpus.iter().all(Result::is_ok));
    let again = |id| vm.create_vcpu(id).err().map(|error| error.errno());
    assert_eq!(again(5), Some(Errno::EEXIST));
    drop(vcpus);
    assert_eq!(again(5), Some(Errno::EEXIST));
    assert_eq!(again(4), None);
    let most = vm.check_extension(KVM_CAP_MAX_VCPUS)?;
    let ids = most_ids(most, vm.check_extension(KVM_CAP_MAX_VCPU_ID)?);
    assert_eq!(again(ids.into()), Some(Errno::EINVAL));
    Ok(())
}

/// What an error tells people.
pub(crate) fn messages<H: Hypervisor>(system: H) -> Outcome {
    let vm = Kvm::with(system)?.create_vm()?;
    let _vcpu = vm.create_vcpu(0)?;
    let error = vm.create_vcpu(0).err().ok_or("the same id twice")?;
    let text = error.to_string();
    assert!(text.starts_with("KVM_CREATE_VCPU: EEXIST"), "{text}");
    assert!(text.contains("a vCPU with this id"), "{text}");
    Ok(())
}
