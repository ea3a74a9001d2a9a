//! aarch64, with a vGIC of version 3 and an ITS.

use kvm_core::aarch64::register;
use kvm_core::device::aarch64::{vcpu as attributes, vgic_its, vgic_v3};
use kvm_core::device::{Device, DeviceAttributes};
use kvm_core::kvm_sys::aarch64::{
    KVM_ARM_DEVICE_VGIC_V2, KVM_ARM_IRQ_TYPE_SHIFT, KVM_ARM_IRQ_TYPE_SPI, KVM_ARM_VCPU_SVE,
    KVM_VGIC_V2_ADDR_TYPE_DIST, kvm_arm_device_addr,
};
use kvm_core::kvm_sys::{
    KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES, KVM_CAP_COUNTER_OFFSET,
    KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP, KVM_DEV_TYPE_ARM_VGIC_ITS, KVM_DEV_TYPE_ARM_VGIC_V2,
    KVM_DEV_TYPE_ARM_VGIC_V3, KVM_MP_STATE_RUNNABLE, KVM_MP_STATE_STOPPED, KVM_MSI_VALID_DEVID,
    kvm_msi,
};
use kvm_core::{Errno, GuestAddress, Route, RoutingEntry, Vcpu, Vm};
use kvm_tests::checks::{self, Check, NotRun};

use super::by_number::register_by_bytes;
pub(super) use super::by_number::{WIDTH, set, value};
use super::{errno, event, guest};

pub(super) const CODE: &[u32] = &[
    0xf900_0001, // str x1, [x0]
    0xf940_0001, // ldr x1, [x0]
    0x1400_0000, // b .
];
pub(super) const ADDRESS: u64 = register::x(0);
pub(super) const VALUE: u64 = register::x(1);

pub(super) const CHECKS: &[Check] = &[
    ("register_by_bytes", register_by_bytes),
    ("debug_registers", debug_registers),
    ("address_bits", address_bits),
    ("events", events),
    ("stopped", stopped),
    ("no_sve", no_sve),
    ("no_tags", no_tags),
    ("no_vgic_v2", no_vgic_v2),
    ("counter_offset", counter_offset),
    ("id_registers", id_registers),
    ("ring_bitmap", ring_bitmap),
    ("interrupts", interrupts),
    ("regions", regions),
    ("messages", messages),
];

pub(super) fn start(vm: &Vm, vcpu: &Vcpu) {
    vcpu.vcpu_init(&vm.get_preferred_target().unwrap()).unwrap();
    vcpu.set_reg(register::PC, &super::RAM).unwrap();
}

/// A processor has at least 2 of each.
fn debug_registers() -> Result<(), NotRun> {
    let kvm = checks::kvm()?;
    assert!(kvm.get_guest_debug_hw_bps().unwrap() >= 2);
    assert!(kvm.get_guest_debug_hw_wps().unwrap() >= 2);
    Ok(())
}

/// Section 4.2: as many bits as the host can have, and no more.
fn address_bits() -> Result<(), NotRun> {
    let kvm = checks::kvm()?;
    let bits = kvm.get_host_ipa_limit().unwrap();
    assert!((32..=52).contains(&bits), "{bits}");
    kvm.create_vm_with_type(bits.into()).unwrap();
    let more = kvm.create_vm_with_type(u64::from(bits) + 1);
    assert_eq!(errno(more), Errno::EINVAL);
    Ok(())
}

/// Sections 4.31 and 4.32: nothing is pending in a new vCPU, and setting that changes nothing.
fn events() -> Result<(), NotRun> {
    let (_vm, vcpu) = guest()?;
    let events = vcpu.get_vcpu_events().unwrap();
    assert_eq!(events.exception.serror_pending, 0);
    vcpu.set_vcpu_events(&events).unwrap();
    let again = vcpu.get_vcpu_events().unwrap();
    assert_eq!(again.exception.serror_pending, 0);
    Ok(())
}

/// Sections 4.38 and 4.39.
fn stopped() -> Result<(), NotRun> {
    let (_vm, vcpu) = guest()?;
    for state in [KVM_MP_STATE_STOPPED, KVM_MP_STATE_RUNNABLE] {
        vcpu.set_mp_state(state).unwrap();
        assert_eq!(vcpu.get_mp_state().unwrap(), state);
    }
    Ok(())
}

/// Section 4.119: what a vCPU does not have can't be finalized.
fn no_sve() -> Result<(), NotRun> {
    let (_vm, vcpu) = guest()?;
    let refused = vcpu.vcpu_finalize(KVM_ARM_VCPU_SVE);
    assert_eq!(errno(refused), Errno::EINVAL);
    Ok(())
}

/// Section 4.130: without the capability there are no tags.
fn no_tags() -> Result<(), NotRun> {
    let (vm, _vcpu) = guest()?;
    let address = GuestAddress(super::RAM);
    let mut tags = [0; 256];
    assert_eq!(errno(vm.get_mte_tags(address, &mut tags)), Errno::EINVAL);
    assert_eq!(errno(vm.set_mte_tags(address, &tags)), Errno::EINVAL);
    Ok(())
}

/// Sections 4.24 and 4.85: a host whose GICv3 does not stand in for version 2 refuses it.
fn no_vgic_v2() -> Result<(), NotRun> {
    let vm = checks::kvm()?.create_vm().unwrap();
    assert!(vm.has_device(KVM_DEV_TYPE_ARM_VGIC_V3).unwrap());
    assert!(!vm.has_device(KVM_DEV_TYPE_ARM_VGIC_V2).unwrap());
    assert_eq!(errno(vm.create_irq_chip()), Errno::ENODEV);
    let address = vm.set_device_addr(&kvm_arm_device_addr {
        id: u64::from(KVM_ARM_DEVICE_VGIC_V2) << 16 | KVM_VGIC_V2_ADDR_TYPE_DIST,
        addr: 0x800_0000,
    });
    assert_eq!(errno(address), Errno::ENODEV);
    Ok(())
}

/// Section 4.138: from then on a vCPU's own counter can't be set.
fn counter_offset() -> Result<(), NotRun> {
    let (vm, _vcpu) = guest()?;
    let set = vm.set_counter_offset(1 << 20);
    match vm.check_extension(KVM_CAP_COUNTER_OFFSET).unwrap() {
        0 => assert!(set.is_err()),
        _ => set.unwrap(),
    }
    Ok(())
}

/// Section 4.139: bits that the register has not can't be changed.
fn id_registers() -> Result<(), NotRun> {
    let (vm, _vcpu) = guest()?;
    let masks = vm.get_reg_writable_masks();
    match vm
        .check_extension(KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES)
        .unwrap()
    {
        0 => assert!(masks.is_err()),
        _ => {
            let masks = masks.unwrap();
            // ID_AA64DFR0_EL1: the number of breakpoints can be.
            assert_ne!(masks.of(3, 0, 0, 5, 0), 0, "{masks:?}");
            assert_eq!(masks.of(2, 0, 0, 5, 0), 0);
        }
    }
    Ok(())
}

/// Section 8.29: a bitmap goes with rings, not without.
fn ring_bitmap() -> Result<(), NotRun> {
    let kvm = checks::kvm()?;
    let without = kvm.create_vm().unwrap().enable_dirty_ring_bitmap();
    assert_eq!(errno(without), Errno::EINVAL);
    let vm = kvm.create_vm().unwrap();
    vm.enable_dirty_ring(0x1_0000).unwrap();
    let with = vm.enable_dirty_ring_bitmap();
    match vm
        .check_extension(KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP)
        .unwrap()
    {
        0 => assert_eq!(errno(with), Errno::EINVAL),
        _ => with.unwrap(),
    }
    Ok(())
}

/// A VM with a vCPU and the controller, with room for 32 shared interrupts.
fn with_controller() -> Result<(Vm, Vcpu, Device), NotRun> {
    let (vm, vcpu) = guest()?;
    let gic = kvm_tests::vgic::vgic_v3(&vm).unwrap();
    assert!(gic.has_device_attr(&vgic_v3::ADDR_REDIST).unwrap());
    Ok((vm, vcpu, gic))
}

/// Sections 4.25, 4.52 and 4.75: lines by routes and by eventfds.
fn interrupts() -> Result<(), NotRun> {
    let (vm, _vcpu, gic) = with_controller()?;
    // Levels are kept of those that are triggered by them: GICD_ICFGR2.
    gic.set_device_attr(&vgic_v3::dist(0xc08), &0).unwrap();
    let line = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | 33;
    vm.set_irq_line_status(line, true).unwrap();
    assert_eq!(
        gic.get_device_attr(&vgic_v3::line_levels(0, 32)).unwrap(),
        1 << 1
    );
    let route = Route::Irqchip { irqchip: 0, pin: 1 };
    vm.set_gsi_routing(&[RoutingEntry { gsi: 1, route }])
        .unwrap();
    let (signal, resample) = (event(), event());
    vm.register_irqfd_with_resample(&signal, &resample, 1)
        .unwrap();
    let again = vm.register_irqfd(&signal, 1);
    assert_eq!(errno(again), Errno::EBUSY);
    vm.unregister_irqfd(&signal, 1).unwrap();
    vm.register_irqfd(&signal, 1).unwrap();
    Ok(())
}

/// Regions of redistributors, of which the value says which is asked for; and an attribute as bytes.
fn regions() -> Result<(), NotRun> {
    let (vm, _vcpu) = guest()?;
    let gic = vm.create_device(KVM_DEV_TYPE_ARM_VGIC_V3).unwrap();
    let region = 1 << 52 | 0x80a_0000;
    gic.set_device_attr(&vgic_v3::ADDR_REDIST_REGION, &region)
        .unwrap();
    let got = gic.get_device_attr_with(&vgic_v3::ADDR_REDIST_REGION, 0);
    assert_eq!(got.unwrap(), region);
    let (group, distributor) = (0, 2);
    let mut address = [0; 8];
    #[expect(unsafe_code, reason = "attributes by number")]
    // SAFETY: the address of the distributor has 8 bytes, and is one of the guest's.
    unsafe { gic.set_device_attr_raw(group, distributor, &0x800_0000_u64.to_ne_bytes()) }.unwrap();
    #[expect(unsafe_code, reason = "attributes by number")]
    // SAFETY: as before.
    unsafe { gic.get_device_attr_raw(group, distributor, &mut address) }.unwrap();
    assert_eq!(u64::from_ne_bytes(address), 0x800_0000);
    Ok(())
}

/// Section 4.71: a translation service that is off takes no messages.
fn messages() -> Result<(), NotRun> {
    const DOORBELL: u32 = 0x808_0000 + 0x1_0040;
    let (vm, vcpu, _gic) = with_controller()?;
    assert!(!vcpu.has_device_attr(&attributes::PMU_IRQ).unwrap());
    let its = vm.create_device(KVM_DEV_TYPE_ARM_VGIC_ITS).unwrap();
    its.set_device_attr(&vgic_its::ADDR, &0x808_0000).unwrap();
    its.set_device_attr(&vgic_its::INIT, &()).unwrap();
    let refused = vm.signal_msi(&kvm_msi {
        address_lo: DOORBELL,
        flags: KVM_MSI_VALID_DEVID,
        ..kvm_msi::default()
    });
    assert_eq!(errno(refused), Errno::EBUSY);
    Ok(())
}
