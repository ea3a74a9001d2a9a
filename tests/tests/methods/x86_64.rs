//! x86_64: what the guest is told it runs on, and what KVM does for it.

use kvm_core::device::{DeviceAttributes, x86_64::vcpu as attributes};
use kvm_core::kvm_sys::x86_64::{
    KVM_CAP_HYPERV_ENFORCE_CPUID, KVM_CAP_HYPERV_EVENTFD, KVM_CAP_HYPERV_SYNIC2,
    KVM_CAP_PMU_CAPABILITY, KVM_CAP_SYS_HYPERV_CPUID, KVM_PMU_CAP_DISABLE, KVM_VCPU_TSC_CTRL,
    KVM_VCPU_TSC_OFFSET, KVM_X2APIC_API_USE_32BIT_IDS, KVM_X86_QUIRK_LINT0_REENABLED, X2apicFlags,
    kvm_pit_config,
};
use kvm_core::kvm_sys::{KVM_CAP_PRE_FAULT_MEMORY, KVM_CAP_TSC_CONTROL};
use kvm_core::{Errno, GuestAddress, Vcpu, Vm};
use kvm_tests::checks::{self, Check, NotRun};

use super::{RAM, errno, event, guest, xen};

/// 16-bit code, whose data segment begins at the address.
pub(super) const CODE: &[u32] = &[
    0x6607_8966, // mov [bx], eax; and the prefix of what follows
    0xfeeb_078b, // mov eax, [bx]; jmp .
];
pub(super) const WIDTH: usize = 4;

pub(super) const CHECKS: &[Check] = &[
    ("emulated_features", emulated_features),
    ("queued_interrupt", queued_interrupt),
    ("pre_faulted", pre_faulted),
    ("frequency", frequency),
    ("attribute_by_bytes", attribute_by_bytes),
    ("task_priority", task_priority),
    ("timer", timer),
    ("quirks", quirks),
    ("wide_apic_ids", wide_apic_ids),
    ("before_vcpus", before_vcpus),
    ("hyperv_features", hyperv_features),
    ("hyperv_connections", hyperv_connections),
    ("hyperv_interrupts", hyperv_interrupts),
    ("xen_attributes", xen::attributes),
    ("xen_events", xen::events),
];

pub(super) fn start(_: &Vm, vcpu: &Vcpu) {
    let mut sregs = vcpu.get_sregs().unwrap();
    (sregs.cs.base, sregs.cs.selector) = (RAM, 0);
    vcpu.set_sregs(&sregs).unwrap();
    let mut regs = vcpu.get_regs().unwrap();
    (regs.rip, regs.rbx) = (0, 0);
    vcpu.set_regs(&regs).unwrap();
}

pub(super) fn set(vcpu: &Vcpu, address: u64, value: u64) {
    let mut sregs = vcpu.get_sregs().unwrap();
    sregs.ds.base = address;
    vcpu.set_sregs(&sregs).unwrap();
    let mut regs = vcpu.get_regs().unwrap();
    regs.rax = value;
    vcpu.set_regs(&regs).unwrap();
}

pub(super) fn value(vcpu: &Vcpu) -> u64 {
    vcpu.get_regs().unwrap().rax
}

/// Section 4.88: MOVBE is among them on every kernel.
fn emulated_features() -> Result<(), NotRun> {
    let leaves = checks::kvm()?.get_emulated_cpuid().unwrap();
    let features = leaves.iter().find(|leaf| leaf.function == 1);
    let features = features.unwrap_or_else(|| panic!("{leaves:?}"));
    assert_ne!(features.ecx & 1 << 22, 0, "{features:?}");
    Ok(())
}

/// Section 4.16: what was queued is in the vCPU's state.
fn queued_interrupt() -> Result<(), NotRun> {
    let (_vm, vcpu) = guest()?;
    assert_eq!(errno(vcpu.interrupt(256)), Errno::EINVAL);
    vcpu.interrupt(0x41).unwrap();
    let bitmap = vcpu.get_sregs().unwrap().interrupt_bitmap;
    assert_eq!(bitmap, [0, 1 << 1, 0, 0]);
    Ok(())
}

/// Section 4.143: as far as there is memory. Where pages are shadowed, or the kernel is older, there is no such call.
fn pre_faulted() -> Result<(), NotRun> {
    let (vm, vcpu) = guest()?;
    let mut range = GuestAddress(RAM)..GuestAddress(RAM + 0x2_0000);
    let stopped = errno(vcpu.pre_fault_memory(&mut range));
    match vm.check_extension(KVM_CAP_PRE_FAULT_MEMORY).unwrap() {
        0 => assert!(
            [Errno::EOPNOTSUPP, Errno::ENOTTY, Errno::EINVAL].contains(&stopped),
            "{stopped}"
        ),
        _ => {
            assert_eq!(stopped, Errno::ENOENT);
            assert_eq!(range.start, GuestAddress(RAM + 0x1_0000));
        }
    }
    Ok(())
}

/// Sections 4.55 and 4.56: to what it is already a counter can always be set.
fn frequency() -> Result<(), NotRun> {
    let (vm, vcpu) = guest()?;
    let khz = vcpu.get_tsc_khz().unwrap();
    vcpu.set_tsc_khz(khz).unwrap();
    assert_eq!(vcpu.get_tsc_khz().unwrap(), khz);
    let half = vcpu.set_tsc_khz(khz / 2);
    let scales = vm.check_extension(KVM_CAP_TSC_CONTROL).unwrap() != 0;
    assert_eq!(half.is_ok(), scales, "{half:?}");
    Ok(())
}

/// An attribute whose value is in bytes, those that its type has. A KVM in software has offsets of its own making.
fn attribute_by_bytes() -> Result<(), NotRun> {
    let (_vm, vcpu) = guest()?;
    let offset = vcpu.get_device_attr(&attributes::TSC_OFFSET).unwrap();
    let mut bytes = [0; 8];
    #[expect(unsafe_code, reason = "attributes by number")]
    // SAFETY: the offset has 8 bytes.
    unsafe { vcpu.get_device_attr_raw(KVM_VCPU_TSC_CTRL, KVM_VCPU_TSC_OFFSET, &mut bytes) }
        .unwrap();
    assert_eq!(u64::from_ne_bytes(bytes), offset);
    #[expect(unsafe_code, reason = "attributes by number")]
    // SAFETY: as before.
    unsafe { vcpu.set_device_attr_raw(KVM_VCPU_TSC_CTRL, KVM_VCPU_TSC_OFFSET, &bytes) }.unwrap();
    Ok(())
}

/// Its place is in a slot, or nowhere.
fn task_priority() -> Result<(), NotRun> {
    let vm = checks::kvm()?.create_vm().unwrap();
    vm.create_irq_chip().unwrap();
    let vcpu = vm.create_vcpu(0).unwrap();
    let refused = vcpu.set_vapic_addr(GuestAddress(RAM));
    assert_eq!(errno(refused), Errno::EINVAL);
    vcpu.set_vapic_addr(GuestAddress(0)).unwrap();
    Ok(())
}

/// Sections 4.71 to 4.73: a channel's count stays as it was set.
fn timer() -> Result<(), NotRun> {
    let vm = checks::kvm()?.create_vm().unwrap();
    vm.create_irq_chip().unwrap();
    vm.create_pit2(&kvm_pit_config::default()).unwrap();
    let mut state = vm.get_pit2().unwrap();
    state.channels[2].count = 0x1234;
    vm.set_pit2(&state).unwrap();
    assert_eq!(vm.get_pit2().unwrap().channels[2].count, 0x1234);
    Ok(())
}

/// A quirk that every kernel with the call can turn off.
fn quirks() -> Result<(), NotRun> {
    let (vm, _vcpu) = guest()?;
    vm.disable_quirks(KVM_X86_QUIRK_LINT0_REENABLED).unwrap();
    Ok(())
}

/// Flags that the kernel does not know are refused.
fn wide_apic_ids() -> Result<(), NotRun> {
    let vm = checks::kvm()?.create_vm().unwrap();
    vm.enable_x2apic_api(KVM_X2APIC_API_USE_32BIT_IDS).unwrap();
    let unknown = vm.enable_x2apic_api(X2apicFlags::from_bits_retain(1 << 20));
    assert_eq!(errno(unknown), Errno::EINVAL);
    Ok(())
}

/// What is the VM's from the start can't be changed once it has a vCPU.
fn before_vcpus() -> Result<(), NotRun> {
    let vm = checks::kvm()?.create_vm().unwrap();
    let pmu = vm.set_pmu_capability(KVM_PMU_CAP_DISABLE);
    match vm.check_extension(KVM_CAP_PMU_CAPABILITY).unwrap() {
        0 => assert_eq!(errno(pmu), Errno::EINVAL),
        _ => pmu.unwrap(),
    }
    // It takes the privilege to reboot the host.
    if let Err(error) = vm.disable_nx_huge_pages() {
        assert_eq!(error.errno(), Errno::EPERM);
    }
    let _vcpu = vm.create_vcpu(0).unwrap();
    let late = vm.set_pmu_capability(KVM_PMU_CAP_DISABLE);
    assert_eq!(errno(late), Errno::EINVAL);
    let late = errno(vm.disable_nx_huge_pages());
    assert!([Errno::EPERM, Errno::EINVAL].contains(&late), "{late}");
    Ok(())
}

/// Section 4.118: the leaves begin with the one that says which is the last.
fn hyperv_features() -> Result<(), NotRun> {
    const VENDOR_AND_MAX: u32 = 0x4000_0000;
    let kvm = checks::kvm()?;
    let (vm, vcpu) = guest()?;
    let system = kvm.get_supported_hv_cpuid();
    if kvm.check_extension(KVM_CAP_SYS_HYPERV_CPUID).unwrap() == 0 {
        assert!(system.is_err(), "{system:?}");
        return Ok(());
    }
    for leaves in [system, vcpu.get_supported_hv_cpuid()] {
        let leaves = leaves.unwrap();
        let first = leaves.first().unwrap();
        assert_eq!(first.function, VENDOR_AND_MAX);
        let has_last = leaves.iter().any(|leaf| leaf.function == first.eax);
        assert!(has_last, "{leaves:?}");
    }
    let enforced = vcpu.enforce_hyperv_features(true);
    match vm.check_extension(KVM_CAP_HYPERV_ENFORCE_CPUID).unwrap() {
        0 => assert_eq!(errno(enforced), Errno::EINVAL),
        _ => enforced.unwrap(),
    }
    Ok(())
}

/// Section 4.113.
fn hyperv_connections() -> Result<(), NotRun> {
    let vm = checks::kvm()?.create_vm().unwrap();
    let signal = event();
    let registered = vm.register_hyperv_eventfd(0x10, &signal);
    if vm.check_extension(KVM_CAP_HYPERV_EVENTFD).unwrap() == 0 {
        assert_eq!(errno(registered), Errno::ENOTTY);
        assert_eq!(errno(vm.unregister_hyperv_eventfd(0x10)), Errno::ENOTTY);
        return Ok(());
    }
    registered.unwrap();
    let again = vm.register_hyperv_eventfd(0x10, &signal);
    assert_eq!(errno(again), Errno::EEXIST);
    vm.unregister_hyperv_eventfd(0x10).unwrap();
    assert_eq!(errno(vm.unregister_hyperv_eventfd(0x10)), Errno::ENOENT);
    Ok(())
}

/// The controller stands beside the local APIC.
fn hyperv_interrupts() -> Result<(), NotRun> {
    let (vm, without) = guest()?;
    assert_eq!(errno(without.enable_hyperv_synic()), Errno::EINVAL);
    let vm = match vm.check_extension(KVM_CAP_HYPERV_SYNIC2).unwrap() {
        0 => return Ok(()),
        _ => checks::kvm()?.create_vm().unwrap(),
    };
    vm.create_irq_chip().unwrap();
    vm.create_vcpu(0).unwrap().enable_hyperv_synic().unwrap();
    Ok(())
}
