//! With an advanced interrupt architecture.

use std::mem::offset_of;

use kvm_core::device::riscv64::aia;
use kvm_core::device::{Device, DeviceAttributes};
use kvm_core::kvm_sys::KVM_DEV_TYPE_RISCV_AIA;
use kvm_core::kvm_sys::riscv64::{self, kvm_riscv_timer};
use kvm_core::riscv64::register;
use kvm_core::{Kvm, Vcpu, Vm};
use kvm_tests::checks::NotRun;

pub(super) const GUEST: &[u8] = include_bytes!("../../guests/riscv64/state.bin");
pub(super) const RAM: u64 = 0x8000_0000;
pub(super) const MMIO: u64 = 0x1000_0000;
/// Source 3.
pub(super) const INTERRUPT: u32 = 3;
pub(super) const CLOCKS: [u64; 1] = [register::timer(offset_of!(kvm_riscv_timer, time))];

pub(super) fn has_controller(kvm: &Kvm) -> Result<(), NotRun> {
    let vm = kvm.create_vm().unwrap();
    if vm.has_device(KVM_DEV_TYPE_RISCV_AIA).unwrap() {
        Ok(())
    } else {
        Err(NotRun::because("this host has no AIA"))
    }
}

pub(super) fn start(_: &Vm, vcpu: &Vcpu, code: u64) {
    vcpu.set_reg(register::PC, &code).unwrap();
}

pub(super) fn controller(vm: &Vm) -> Device {
    let device = vm.create_device(KVM_DEV_TYPE_RISCV_AIA).unwrap();
    device.set_device_attr(&aia::SRCS, &8).unwrap();
    device.set_device_attr(&aia::IDS, &63).unwrap();
    device
        .set_device_attr(&aia::ADDR_APLIC, &0xd00_0000)
        .unwrap();
    device
        .set_device_attr(&aia::addr_imsic(0), &0x2800_0000)
        .unwrap();
    device.set_device_attr(&aia::INIT, &()).unwrap();
    device
}

/// Whether an attribute is the register of messages that are pending, and one is.
pub(super) fn is_pending(attribute: &[u8]) -> bool {
    let group = riscv64::KVM_DEV_RISCV_AIA_GRP_IMSIC.to_ne_bytes();
    let eip = riscv64::KVM_DEV_RISCV_AIA_IMSIC_MKATTR(0, 0x80).to_ne_bytes();
    let is = attribute.starts_with(&[&group[..], &eip].concat());
    is && attribute.get(12..).is_some_and(|value| value != [0; 8])
}

pub(super) fn place(vcpu: &Vcpu) -> u64 {
    vcpu.get_reg(register::PC).unwrap()
}
