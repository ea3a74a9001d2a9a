//! What x86_64 VMs can be told: timers, clocks, capabilities, filters.

use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::x86_64::{
    Cap, ClockFlags, DisableExits, KVM_CAP_EXIT_HYPERCALL, KVM_CAP_HYPERV_ENLIGHTENED_VMCS,
    KVM_CAP_SGX_ATTRIBUTE, KVM_CAP_SW_TLB, KVM_CAP_VM_COPY_ENC_CONTEXT_FROM,
    KVM_CAP_X86_DISABLE_EXITS, KVM_IRQCHIP_IOAPIC, KVM_PMU_EVENT_DENY, KVM_XEN_ATTR_TYPE_EVTCHN,
    KVM_XEN_ATTR_TYPE_SHARED_INFO_HVA, KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO_HVA, MsrExitReason,
    kvm_enable_cap, kvm_irqchip, kvm_pit_config, kvm_pmu_event_filter, kvm_xen_hvm_attr,
    kvm_xen_hvm_config, kvm_xen_vcpu_attr,
};
use kvm_core::{Cause, Errno, Hypervisor, Kvm};

use super::Outcome;

fn errno<T>(refused: Result<T, kvm_core::Error>) -> Option<Errno> {
    refused.err().map(|error| error.errno())
}

/// The timer of before `KVM_CREATE_PIT2`, and its ticks: section 4.99.
pub(crate) fn first_timer<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vm = Kvm::with(system)?.create_vm()?;
    assert_eq!(errno(vm.set_pit_reinject(false)), Some(Errno::ENXIO));
    assert_eq!(errno(vm.get_pit()), Some(Errno::ENXIO));
    assert_eq!(errno(vm.create_pit()), Some(Errno::ENOENT));
    vm.create_irq_chip()?;
    vm.create_pit()?;
    let config = kvm_pit_config::default();
    assert_eq!(errno(vm.create_pit2(&config)), Some(Errno::EEXIST));
    let mut timer = vm.get_pit()?;
    timer.channels[2].count = 0x4a9;
    timer.channels[2].mode = 3;
    vm.set_pit(&timer)?;
    let (got, successor) = (vm.get_pit()?.channels[2], vm.get_pit2()?.channels[2]);
    assert_eq!((got.count, got.mode), (0x4a9, 3));
    assert_eq!((successor.count, successor.mode), (0x4a9, 3));
    vm.set_pit_reinject(false)?;
    vm.set_pit_reinject(true)?;
    Ok(())
}

/// Sections 4.29, 4.30 and 4.70.
pub(crate) fn clock<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    const HOUR: u64 = 3_600_000_000_000;

    let vm = Kvm::with(system)?.create_vm()?;
    let mut clock = vm.get_clock()?;
    clock.clock = HOUR;
    clock.flags = ClockFlags::empty();
    vm.set_clock(&clock)?;
    let got = vm.get_clock()?.clock;
    assert!((HOUR..2 * HOUR).contains(&got), "{got}");
    clock.flags = ClockFlags::from_bits_retain(1 << 7);
    assert_eq!(errno(vm.set_clock(&clock)), Some(Errno::EINVAL));
    let vcpu = vm.create_vcpu(0)?;
    let not_set_up = vcpu.kvmclock_ctrl();
    assert_eq!(errno(not_set_up), Some(Errno::EINVAL));
    Ok(())
}

/// Section 4.37 and chapters 6 and 7: local APICs alone.
pub(crate) fn split_irqchip<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let vm = kvm.create_vm()?;
    assert_eq!(errno(vm.enable_split_irqchip(1 << 20)), Some(Errno::EINVAL));
    vm.enable_split_irqchip(24)?;
    assert_eq!(errno(vm.enable_split_irqchip(24)), Some(Errno::EEXIST));
    assert_eq!(errno(vm.create_irq_chip()), Some(Errno::EEXIST));
    let mut ioapic = kvm_irqchip {
        chip_id: KVM_IRQCHIP_IOAPIC,
        ..Default::default()
    };
    assert_eq!(errno(vm.get_irqchip(&mut ioapic)), Some(Errno::ENXIO));
    let timer = vm.create_pit2(&kvm_pit_config::default());
    assert_eq!(errno(timer), Some(Errno::ENOENT));
    vm.create_vcpu(0)?.get_lapic()?;

    let late = kvm.create_vm()?;
    let _vcpu = late.create_vcpu(0)?;
    assert_eq!(errno(late.enable_split_irqchip(24)), Some(Errno::EEXIST));
    Ok(())
}

/// What is asked of a capability has to be what the host has of it.
pub(crate) fn capabilities<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let vm = kvm.create_vm()?;
    let invalid = Some(Errno::EINVAL);
    vm.enable_msr_exits(MsrExitReason::empty())?;
    let unknown = MsrExitReason::from_bits_retain(1 << 20);
    assert_eq!(errno(vm.enable_msr_exits(unknown)), invalid);

    let hypercalls = vm.check_extension(KVM_CAP_EXIT_HYPERCALL)?.into();
    vm.enable_hypercall_exits(hypercalls)?;
    assert_eq!(errno(vm.enable_hypercall_exits(!hypercalls)), invalid);

    vm.exit_on_emulation_failure(true)?;
    vm.enable_exception_payload(true)?;
    vm.enable_exception_payload(false)?;
    vm.enable_triple_fault_event(true)?;

    assert_eq!(errno(vm.set_apic_bus_cycle(40)), Some(Errno::ENXIO));
    vm.create_irq_chip()?;
    assert_eq!(errno(vm.set_apic_bus_cycle(0)), invalid);
    vm.set_apic_bus_cycle(40)?;

    let exits =
        DisableExits::from_bits_retain(vm.check_extension(KVM_CAP_X86_DISABLE_EXITS)?.into());
    vm.disable_exits(exits)?;
    let vcpu = vm.create_vcpu(0)?;
    assert_eq!(errno(vm.set_apic_bus_cycle(40)), invalid, "too late");
    vcpu.enforce_pv_features(true)?;
    Ok(())
}

/// Section 7.13: which exits there are is settled before the first vCPU.
pub(crate) fn exits_disabled_too_late<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vm = Kvm::with(system)?.create_vm()?;
    let exits =
        DisableExits::from_bits_retain(vm.check_extension(KVM_CAP_X86_DISABLE_EXITS)?.into());
    let _vcpu = vm.create_vcpu(0)?;
    assert_eq!(errno(vm.disable_exits(exits)), Some(Errno::EINVAL));
    Ok(())
}

/// The kernel writes to the address that `KVM_CAP_HYPERV_ENLIGHTENED_VMCS` is given, and to those of some of Xen's
/// attributes as long as the VM lives; other arguments are descriptors. Safe calls pass on none of that.
pub(crate) fn kernel_writes_through_caller_pointers_need_unsafe<H: Hypervisor<Guest = X86_64>>(
    system: H,
) -> Outcome {
    let vm = Kvm::with(system)?.create_vm()?;
    let vcpu = vm.create_vcpu(0)?;
    let refused = Err((Errno::EINVAL, Cause::NotPlain));
    let outcome = |result: Result<(), kvm_core::Error>| {
        result.map_err(|error| (error.errno(), error.cause()))
    };
    let mut word = 0_u64;
    let address = (&raw mut word).expose_provenance() as u64;
    for cap in [
        KVM_CAP_HYPERV_ENLIGHTENED_VMCS,
        KVM_CAP_SW_TLB,
        KVM_CAP_SGX_ATTRIBUTE,
        KVM_CAP_VM_COPY_ENC_CONTEXT_FROM,
        // One that no header has yet.
        Cap(0x7fff_ffff),
    ] {
        let enable = kvm_enable_cap {
            cap,
            args: [address, 0, 0, 0],
            ..Default::default()
        };
        assert_eq!(outcome(vm.enable_cap(&enable)), refused, "{cap:?}");
        assert_eq!(outcome(vcpu.enable_cap(&enable)), refused, "{cap:?}");
    }

    let mut attr = kvm_xen_hvm_attr {
        type_: KVM_XEN_ATTR_TYPE_SHARED_INFO_HVA,
        ..Default::default()
    };
    *attr.u.as_shared_info_mut().as_hva_mut() = address;
    assert_eq!(outcome(vm.xen_hvm_set_attr(&attr)), refused);
    attr.type_ = KVM_XEN_ATTR_TYPE_EVTCHN;
    attr.u = Default::default();
    assert_eq!(outcome(vm.xen_hvm_set_attr(&attr)), refused, "an eventfd");
    attr.type_ = u16::MAX;
    assert_eq!(outcome(vm.xen_hvm_set_attr(&attr)), refused, "unknown");

    let mut attr = kvm_xen_vcpu_attr {
        type_: KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO_HVA,
        ..Default::default()
    };
    *attr.u.as_hva_mut() = address;
    assert_eq!(outcome(vcpu.xen_vcpu_set_attr(&attr)), refused);

    let config = kvm_xen_hvm_config {
        blob_addr_64: address,
        blob_size_64: 1,
        ..Default::default()
    };
    assert_eq!(outcome(vm.xen_hvm_config(&config)), refused);
    assert_eq!(word, 0);
    Ok(())
}

/// Section 4.120.
pub(crate) fn pmu_events<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vm = Kvm::with(system)?.create_vm()?;
    let deny = kvm_pmu_event_filter {
        action: KVM_PMU_EVENT_DENY,
        ..Default::default()
    };
    let unknown = kvm_pmu_event_filter {
        action: KVM_PMU_EVENT_DENY + 1,
        ..deny
    };
    vm.set_pmu_event_filter(&deny, &[0x412e, 0x4f2e])?;
    // The header's own count is filled in.
    vm.set_pmu_event_filter(&kvm_pmu_event_filter { nevents: 7, ..deny }, &[])?;
    assert_eq!(
        errno(vm.set_pmu_event_filter(&unknown, &[])),
        Some(Errno::EINVAL)
    );
    assert_eq!(
        errno(vm.set_pmu_event_filter(&deny, &[0; 301])),
        Some(Errno::E2BIG)
    );
    Ok(())
}

/// Sections 4.36, 4.40 and 4.41: before the first vCPU.
pub(crate) fn set_up<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vm = Kvm::with(system)?.create_vm()?;
    vm.set_identity_map_address(0xfeff_c000)?;
    vm.set_boot_cpu_id(1)?;
    assert_eq!(errno(vm.set_nr_mmu_pages(63)), Some(Errno::EINVAL));
    vm.set_nr_mmu_pages(64)?;
    let _vcpu = vm.create_vcpu(0)?;
    assert_eq!(errno(vm.set_boot_cpu_id(0)), Some(Errno::EBUSY));
    assert_eq!(errno(vm.set_identity_map_address(0)), Some(Errno::EINVAL));
    Ok(())
}
