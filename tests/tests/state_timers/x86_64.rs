//! The local APIC's timer, in both of its modes, and the PIT.

use std::time::Duration;

use kvm_core::device::Device;
use kvm_core::kvm_sys::{KVM_CAP_TSC_DEADLINE_TIMER, kvm_pit_config, kvm_regs};
use kvm_core::{Exit, Kvm, Vcpu, Vm};
use kvm_tests::checks::{self, Check, NotRun};
use kvm_tests::host::Host;

use super::{PERIOD, Told};

pub(super) const GUEST: &[u8] = include_bytes!("../../guests/x86_64/timer.bin");
pub(super) const RAM: u64 = 0;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Timer {
    Apic,
    TscDeadline,
    Pit,
}

pub(crate) const CHECKS: &[Check] = &[
    ("local_apic_timer", local_apic_timer),
    ("tsc_deadline_timer", tsc_deadline_timer),
    ("pit", pit),
];

/// How much later, or sooner, a timer may be.
const LATE: Duration = Duration::from_millis(100);

/// How long the PIT takes for its longest period: 65536 cycles of 1193182 a second.
const PIT_PERIOD: Duration = Duration::from_micros(54_925);
/// How many of them are the time for which the others are set.
const PIT_PERIODS: u64 = 18;

fn local_apic_timer() -> Result<(), NotRun> {
    super::goes_on(Timer::Apic, LATE)
}

fn tsc_deadline_timer() -> Result<(), NotRun> {
    let host = Host::new();
    let runs_for = || Ok(super::runs_for(&checks::kvm()?, Timer::TscDeadline).0);
    if host.is_software() {
        // It has the processor's TSC, which can't be set: the time away counts.
        let ran = runs_for()?;
        assert!(ran < PERIOD - LATE, "{ran:?}: it works here now");
    } else if host.has_kernel("6.1") {
        // It takes the TSC to be that of the new VM, which has just begun.
        let ran = runs_for()?;
        assert!(ran > PERIOD + LATE, "{ran:?}: it works here now");
    } else {
        super::goes_on(Timer::TscDeadline, LATE)?;
    }
    Ok(())
}

fn pit() -> Result<(), NotRun> {
    // KVM begins the period anew.
    super::goes_on(Timer::Pit, LATE + PIT_PERIOD)
}

pub(super) fn has(kvm: &Kvm, timer: Timer) -> Result<(), NotRun> {
    if timer == Timer::TscDeadline && kvm.check_extension(KVM_CAP_TSC_DEADLINE_TIMER).unwrap() == 0
    {
        return Err(NotRun::because("this host has no TSC deadline timer"));
    }
    Ok(())
}

pub(super) fn prepare(vm: &Vm) {
    vm.set_tss_address(0xfffb_d000).unwrap();
    vm.create_irq_chip().unwrap();
    vm.create_pit2(&kvm_pit_config::default()).unwrap();
}

pub(super) fn start(kvm: &Kvm, _: &Vm, vcpu: &Vcpu, code: u64, timer: Timer) {
    /// In ecx of leaf 1.
    const X2APIC: u32 = 1 << 21;
    const TSC_DEADLINE: u32 = 1 << 24;
    /// In the base of the local APIC.
    const ENABLED_IN_MSRS: u64 = 1 << 11 | 1 << 10;

    let mut cpuid = kvm.get_supported_cpuid().unwrap();
    for leaf in cpuid.iter_mut().filter(|leaf| leaf.function == 1) {
        leaf.ecx |= X2APIC | TSC_DEADLINE;
    }
    vcpu.set_cpuid2(&cpuid).unwrap();
    let mut sregs = vcpu.get_sregs().unwrap();
    (sregs.cs.base, sregs.cs.selector) = (0, 0);
    sregs.apic_base |= ENABLED_IN_MSRS;
    vcpu.set_sregs(&sregs).unwrap();
    let (which, count) = match timer {
        // In nanoseconds.
        Timer::Apic => (0, PERIOD.as_secs() * 1_000_000_000),
        Timer::TscDeadline => (1, PERIOD.as_secs() * 1000 * tsc_khz(vcpu)),
        Timer::Pit => (2, PIT_PERIODS),
    };
    assert!(u32::try_from(count).is_ok(), "the guest adds 32 bits");
    let regs = kvm_regs {
        rip: code,
        rsp: 0x8000,
        rbx: which,
        rsi: count,
        rflags: 2,
        ..Default::default()
    };
    vcpu.set_regs(&regs).unwrap();
}

fn tsc_khz(vcpu: &Vcpu) -> u64 {
    vcpu.get_tsc_khz().unwrap().into()
}

pub(super) fn controller(_: &Vm) -> Option<Device> {
    None
}

pub(super) fn told(exit: &Exit<'_>) -> Option<Told> {
    match exit {
        Exit::IoOut(io) if io.port == 0x80 => Some(Told::Armed),
        Exit::IoOut(io) if io.port == 0x81 => Some(Told::Over),
        _ => None,
    }
}
