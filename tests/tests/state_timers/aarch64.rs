//! The virtual timer, with a vGIC of version 3.

use std::time::Duration;

use kvm_core::aarch64::register;
use kvm_core::device::Device;
use kvm_core::kvm_sys::KVM_DEV_TYPE_ARM_VGIC_V3;
use kvm_core::kvm_sys::aarch64::KVM_ARM_VCPU_PSCI_0_2;
use kvm_core::{Exit, Kvm, Vcpu, Vm};
use kvm_tests::checks::{Check, NotRun};
use kvm_tests::vgic::vgic_v3;

use super::Told;

pub(super) const GUEST: &[u8] = include_bytes!("../../guests/aarch64/timer.bin");
pub(super) const RAM: u64 = 0x4000_0000;
const MMIO: u64 = 0x900_0000;

#[derive(Clone, Copy, Debug)]
pub(super) enum Timer {
    Virtual,
}

pub(crate) const CHECKS: &[Check] = &[("virtual_timer", virtual_timer)];

fn virtual_timer() -> Result<(), NotRun> {
    super::goes_on(Timer::Virtual, Duration::from_millis(100))
}

pub(super) fn has(kvm: &Kvm, _: Timer) -> Result<(), NotRun> {
    let vm = kvm.create_vm().unwrap();
    if vm.has_device(KVM_DEV_TYPE_ARM_VGIC_V3).unwrap() {
        Ok(())
    } else {
        Err(NotRun::because("this host has no GICv3"))
    }
}

pub(super) fn prepare(_: &Vm) {}

pub(super) fn start(_: &Kvm, vm: &Vm, vcpu: &Vcpu, code: u64, _: Timer) {
    let mut init = vm.get_preferred_target().unwrap();
    init.features[0] |= 1 << KVM_ARM_VCPU_PSCI_0_2;
    vcpu.vcpu_init(&init).unwrap();
    vcpu.set_reg(register::PC, &code).unwrap();
}

pub(super) fn controller(vm: &Vm) -> Option<Device> {
    Some(vgic_v3(vm).unwrap())
}

pub(super) fn told(exit: &Exit<'_>) -> Option<Told> {
    match exit {
        Exit::MmioWrite(write) if write.addr == MMIO => Some(Told::Armed),
        Exit::MmioWrite(write) if write.addr == MMIO + 8 => Some(Told::Over),
        _ => None,
    }
}
