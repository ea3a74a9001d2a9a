//! riscv64, with an AIA.

use std::mem::offset_of;

use kvm_core::device::riscv64::aia;
use kvm_core::device::{Device, DeviceAttributes};
use kvm_core::kvm_sys::riscv64::{kvm_riscv_core, user_regs_struct};
use kvm_core::kvm_sys::{KVM_DEV_TYPE_RISCV_AIA, KVM_DEV_TYPE_VFIO, kvm_msi};
use kvm_core::riscv64::register;
use kvm_core::{Errno, IrqStatus, Route, RoutingEntry, Vcpu, Vm};
use kvm_tests::checks::{Check, NotRun};

use super::by_number::register_by_bytes;
pub(super) use super::by_number::{WIDTH, set, value};
use super::{errno, event, guest};

pub(super) const CODE: &[u32] = &[
    0x00b5_3023, // sd a1, 0(a0)
    0x0005_3583, // ld a1, 0(a0)
    0x0000_006f, // j .
];
pub(super) const ADDRESS: u64 = register::A0;
pub(super) const VALUE: u64 = register::A1;

pub(super) const CHECKS: &[Check] = &[
    ("register_by_bytes", register_by_bytes),
    ("other_registers", other_registers),
    ("interrupts", interrupts),
    ("message", message),
    ("attribute_by_bytes", attribute_by_bytes),
    ("devices", devices),
];

pub(super) fn start(_: &Vm, vcpu: &Vcpu) {
    vcpu.set_reg(register::PC, &super::RAM).unwrap();
}

/// All that programs keep can be set.
fn other_registers() -> Result<(), NotRun> {
    let (_vm, vcpu) = guest()?;
    let s11 = offset_of!(kvm_riscv_core, regs) + offset_of!(user_regs_struct, s11);
    let s11 = register::core(s11);
    assert_eq!(vcpu.set_one_reg(s11, &7_u64.to_ne_bytes()).unwrap(), 8);
    assert_eq!(vcpu.get_reg::<u64>(s11).unwrap(), 7);
    Ok(())
}

const APLIC: u64 = 0xd00_0000;
const IMSIC: u64 = 0x2800_0000;

/// A VM with a vCPU and the controller, with 8 wired interrupts.
fn with_controller() -> Result<(Vm, Vcpu, Device), NotRun> {
    let (vm, vcpu) = guest()?;
    let device = vm.create_device(KVM_DEV_TYPE_RISCV_AIA).unwrap();
    assert!(device.has_device_attr(&aia::SRCS).unwrap());
    device.set_device_attr(&aia::SRCS, &8).unwrap();
    assert_eq!(device.get_device_attr(&aia::SRCS).unwrap(), 8);
    device.set_device_attr(&aia::IDS, &63).unwrap();
    device.set_device_attr(&aia::ADDR_APLIC, &APLIC).unwrap();
    device.set_device_attr(&aia::addr_imsic(0), &IMSIC).unwrap();
    device.set_device_attr(&aia::INIT, &()).unwrap();
    Ok((vm, vcpu, device))
}

/// Sections 4.25, 4.52 and 4.75: lines, by routes and by eventfds.
fn interrupts() -> Result<(), NotRun> {
    let (vm, _vcpu, _device) = with_controller()?;
    vm.set_irq_line(3, true).unwrap();
    vm.set_irq_line(3, false).unwrap();
    let status = vm.set_irq_line_status(3, true).unwrap();
    assert!(
        matches!(status, IrqStatus::Delivered(_) | IrqStatus::Coalesced),
        "{status:?}"
    );
    let route = Route::Irqchip { irqchip: 0, pin: 3 };
    vm.set_gsi_routing(&[RoutingEntry { gsi: 3, route }])
        .unwrap();
    let signal = event();
    vm.register_irqfd(&signal, 3).unwrap();
    assert_eq!(errno(vm.register_irqfd(&signal, 3)), Errno::EBUSY);
    vm.unregister_irqfd(&signal, 3).unwrap();
    vm.register_irqfd(&signal, 3).unwrap();
    Ok(())
}

/// Section 4.71: a message to the vCPU's IMSIC is pending there, whatever is said of it.
fn message() -> Result<(), NotRun> {
    let (vm, _vcpu, device) = with_controller()?;
    let pending = aia::imsic(0, 0x80);
    assert_eq!(device.get_device_attr(&pending).unwrap(), 0);
    let message = kvm_msi {
        address_lo: u32::try_from(IMSIC).unwrap(),
        data: 5,
        ..kvm_msi::default()
    };
    assert!(!vm.signal_msi(&message).unwrap());
    assert_eq!(device.get_device_attr(&pending).unwrap(), 1 << 5);
    Ok(())
}

/// Attributes whose value is in bytes, or says what is asked for.
fn attribute_by_bytes() -> Result<(), NotRun> {
    use kvm_core::kvm_sys::riscv64::{KVM_DEV_RISCV_AIA_CONFIG_SRCS, KVM_DEV_RISCV_AIA_GRP_CONFIG};
    let (vm, _vcpu) = guest()?;
    let device = vm.create_device(KVM_DEV_TYPE_RISCV_AIA).unwrap();
    let (group, sources) = (
        KVM_DEV_RISCV_AIA_GRP_CONFIG,
        u64::from(KVM_DEV_RISCV_AIA_CONFIG_SRCS),
    );
    #[expect(unsafe_code, reason = "attributes by number")]
    // SAFETY: the number of sources has 4 bytes.
    unsafe { device.set_device_attr_raw(group, sources, &4_u32.to_ne_bytes()) }.unwrap();
    let mut bytes = [0; 4];
    #[expect(unsafe_code, reason = "attributes by number")]
    // SAFETY: as before.
    unsafe { device.get_device_attr_raw(group, sources, &mut bytes) }.unwrap();
    assert_eq!(u32::from_ne_bytes(bytes), 4);
    let with = device.get_device_attr_with(&aia::SRCS, 0);
    assert_eq!(with.unwrap(), 4);
    Ok(())
}

/// Section 4.79.
fn devices() -> Result<(), NotRun> {
    let (vm, _vcpu) = guest()?;
    assert!(vm.has_device(KVM_DEV_TYPE_RISCV_AIA).unwrap());
    let vfio = vm.create_device(KVM_DEV_TYPE_VFIO);
    assert_eq!(vfio.is_ok(), vm.has_device(KVM_DEV_TYPE_VFIO).unwrap());
    Ok(())
}
