//! What a model does as KVM does on riscv64.

mod aia;
mod aplic;
mod capture;
mod imsic;
mod registers;
mod synthetic;

use kvm_core::kvm_sys::Arch;
use kvm_core::kvm_sys::riscv64::*;
use kvm_core::{Errno, Error, Hypervisor, Kvm};
use kvm_exit::Riscv64;

use super::calls::Call;
use super::guest::{Platform, Rules};
use super::host::Host;
use super::vcpu::Vcpu;
use super::vm::Vm;

pub(super) use aia::VmState;

impl Rules for Riscv64 {
    fn platform() -> &'static Platform {
        &PLATFORM
    }

    fn capture<H: Hypervisor<Guest = Self>>(kvm: &Kvm<H>, host: &mut Host) -> Result<(), Error> {
        capture::capture(kvm, host)
    }
}

static PLATFORM: Platform = Platform {
    arch: Arch::Riscv64,
    rows: ALL,
    host: synthetic::host,
    system: &[],
    vm: VM,
    vcpu: VCPU,
    lacks: &["regs", "sregs", "fpu"],
    unknown_on_vm: Errno::EINVAL,
    devices: &[KVM_DEV_TYPE_RISCV_AIA],
    create_device: aia::create,
    // The kernel does not look at it.
    knows_vm_type: |_, _| true,
    memory_end: |host, _| {
        let bits = match host.cap_of_vm(KVM_CAP_VM_GPA_BITS) {
            // Those of Sv39x4, which no host is without.
            0 => 41,
            bits => bits,
        };
        // The last byte can't be had.
        let end = 1_u64.checked_shl(bits).unwrap_or(u64::MAX) - 1;
        (end, Errno::EFAULT)
    },
    start: registers::start,
    takes_routes: |vm, entries| vm.riscv.takes_routes(entries),
    // The kernel does not ask for a controller.
    takes_irqfd: |_, _| Ok(()),
    check_vm: |_, _, _| Ok(()),
    check_vcpu: registers::check,
    before_enter: |_, _, _| Ok(false),
    after_enter: |_, _| {},
    tell_state: |_, _, _| {},
};

static VM: &[Call<Vm>] = &[
    Call(&KVM_ENABLE_CAP, Vm::riscv_enable_cap),
    Call(&KVM_IRQ_LINE, Vm::riscv_irq_line),
    // KVM leaves the argument as it is.
    Call(&KVM_IRQ_LINE_STATUS, Vm::riscv_irq_line),
];

static VCPU: &[Call<Vcpu>] = &[
    Call(&KVM_GET_ONE_REG, Vcpu::riscv_get_one_reg),
    Call(&KVM_SET_ONE_REG, Vcpu::riscv_set_one_reg),
    Call(&KVM_GET_REG_LIST, Vcpu::riscv_get_reg_list),
    Call(&KVM_INTERRUPT, Vcpu::riscv_interrupt),
    Call(&KVM_SET_GUEST_DEBUG, Vcpu::accept),
];
