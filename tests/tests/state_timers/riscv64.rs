//! The timer that the firmware sets, which is KVM here.

use std::mem::offset_of;
use std::time::Duration;

use kvm_core::device::Device;
use kvm_core::kvm_sys::riscv64::kvm_riscv_timer;
use kvm_core::riscv64::register;
use kvm_core::{Exit, Kvm, Vcpu, Vm};
use kvm_tests::checks::{Check, NotRun};

use super::{PERIOD, Told};

pub(super) const GUEST: &[u8] = include_bytes!("../../guests/riscv64/timer.bin");
pub(super) const RAM: u64 = 0x8000_0000;
const MMIO: u64 = 0x1000_0000;

#[derive(Clone, Copy, Debug)]
pub(super) enum Timer {
    Sbi,
}

pub(crate) const CHECKS: &[Check] = &[("sbi_timer", sbi_timer)];

fn sbi_timer() -> Result<(), NotRun> {
    super::goes_on(Timer::Sbi, Duration::from_millis(100))
}

pub(super) fn has(_: &Kvm, _: Timer) -> Result<(), NotRun> {
    Ok(())
}

pub(super) fn prepare(_: &Vm) {}

pub(super) fn start(_: &Kvm, _: &Vm, vcpu: &Vcpu, code: u64, _: Timer) {
    let frequency = register::timer(offset_of!(kvm_riscv_timer, frequency));
    let frequency: u64 = vcpu.get_reg(frequency).unwrap();
    vcpu.set_reg(register::PC, &code).unwrap();
    vcpu.set_reg(register::A0, &(frequency * PERIOD.as_secs()))
        .unwrap();
}

pub(super) fn controller(_: &Vm) -> Option<Device> {
    None
}

pub(super) fn told(exit: &Exit<'_>) -> Option<Told> {
    match exit {
        Exit::MmioWrite(write) if write.addr == MMIO => Some(Told::Armed),
        Exit::MmioWrite(write) if write.addr == MMIO + 8 => Some(Told::Over),
        _ => None,
    }
}
