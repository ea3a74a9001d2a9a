//! With a vGIC of version 3.

use kvm_core::aarch64::register;
use kvm_core::device::Device;
use kvm_core::kvm_sys::aarch64::{
    KVM_ARM_IRQ_TYPE_SHIFT, KVM_ARM_IRQ_TYPE_SPI, KVM_ARM_VCPU_PSCI_0_2, KVM_REG_ARM_PTIMER_CNT,
    KVM_REG_ARM_TIMER_CNT,
};
use kvm_core::kvm_sys::{KVM_DEV_TYPE_ARM_VGIC_V3, aarch64};
use kvm_core::{Kvm, Vcpu, Vm};
use kvm_tests::checks::NotRun;
use kvm_tests::vgic::vgic_v3;

pub(super) const GUEST: &[u8] = include_bytes!("../../guests/aarch64/state.bin");
pub(super) const RAM: u64 = 0x4000_0000;
pub(super) const MMIO: u64 = 0x900_0000;
/// Shared interrupt 40.
pub(super) const INTERRUPT: u32 = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | 40;
pub(super) const CLOCKS: [u64; 2] = [KVM_REG_ARM_TIMER_CNT, KVM_REG_ARM_PTIMER_CNT];

pub(super) fn has_controller(kvm: &Kvm) -> Result<(), NotRun> {
    let vm = kvm.create_vm().unwrap();
    if vm.has_device(KVM_DEV_TYPE_ARM_VGIC_V3).unwrap() {
        Ok(())
    } else {
        Err(NotRun::because("this host has no GICv3"))
    }
}

pub(super) fn start(vm: &Vm, vcpu: &Vcpu, code: u64) {
    let mut init = vm.get_preferred_target().unwrap();
    init.features[0] |= 1 << KVM_ARM_VCPU_PSCI_0_2;
    vcpu.vcpu_init(&init).unwrap();
    vcpu.set_reg(register::PC, &code).unwrap();
}

pub(super) fn controller(vm: &Vm) -> Device {
    vgic_v3(vm).unwrap()
}

/// Whether an attribute is the register of shared interrupts that are pending, and one is.
pub(super) fn is_pending(attribute: &[u8]) -> bool {
    let group = aarch64::KVM_DEV_ARM_VGIC_GRP_DIST_REGS.to_ne_bytes();
    let is = |offset: u64| attribute.starts_with(&[&group[..], &offset.to_ne_bytes()].concat());
    is(0x204) && attribute.get(12..).is_some_and(|value| value != [0; 4])
}

pub(super) fn place(vcpu: &Vcpu) -> u64 {
    vcpu.get_reg(register::PC).unwrap()
}
