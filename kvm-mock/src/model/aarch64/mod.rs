//! What a model does as KVM does on aarch64.

mod attributes;
mod capture;
mod gic;
mod gic_cpu;
mod gic_files;
mod gic_live;
mod gic_tables;
mod init;
mod its;
mod lines;
mod memory_tags;
mod registers;
mod smccc;
mod synthetic;
mod vm;

use kvm_core::kvm_sys::Arch;
use kvm_core::kvm_sys::aarch64::*;
use kvm_core::{Errno, Error, Hypervisor, Kvm};
use kvm_exit::Aarch64;

use super::calls::Call;
use super::guest::{Platform, Rules};
use super::host::Host;
use super::vcpu::Vcpu;
use super::vm::Vm;

pub(super) use init::VcpuState;
pub(super) use vm::VmState;

impl Rules for Aarch64 {
    fn platform() -> &'static Platform {
        &PLATFORM
    }

    fn capture<H: Hypervisor<Guest = Self>>(kvm: &Kvm<H>, host: &mut Host) -> Result<(), Error> {
        capture::capture(kvm, host)
    }
}

static PLATFORM: Platform = Platform {
    arch: Arch::Aarch64,
    rows: ALL,
    host: synthetic::host,
    system: &[],
    vm: VM,
    vcpu: VCPU,
    lacks: &["regs", "sregs", "fpu"],
    unknown_on_vm: Errno::EINVAL,
    devices: gic::DEVICES,
    create_device: gic::create,
    knows_vm_type: vm::knows_type,
    memory_end: |_, vm_type| (vm::address_end(vm_type), Errno::EFAULT),
    start: |_, _, _| {},
    takes_routes: lines::takes_routes,
    takes_irqfd: lines::takes_irqfd,
    check_vm: |_, _, _| Ok(()),
    check_vcpu: registers::check,
    before_enter: init::check_enter,
    after_enter: |_, _| {},
    tell_state: |_, _, _| {},
};

static VM: &[Call<Vm>] = &[
    Call(&KVM_ARM_PREFERRED_TARGET, Vm::arm_preferred_target),
    Call(&KVM_ARM_SET_COUNTER_OFFSET, Vm::arm_set_counter_offset),
    Call(
        &KVM_ARM_GET_REG_WRITABLE_MASKS,
        Vm::arm_get_reg_writable_masks,
    ),
    Call(&KVM_ARM_MTE_COPY_TAGS, Vm::arm_mte_copy_tags),
    Call(&KVM_ENABLE_CAP, Vm::arm_enable_cap),
    Call(&KVM_CREATE_IRQCHIP, Vm::arm_create_irqchip),
    Call(&KVM_ARM_SET_DEVICE_ADDR, Vm::arm_set_device_addr),
    Call(&KVM_HAS_DEVICE_ATTR, Vm::arm_has_attr),
    Call(&KVM_SET_DEVICE_ATTR, Vm::arm_set_attr),
    Call(&KVM_IRQ_LINE, Vm::arm_irq_line),
    // KVM leaves the argument as it is.
    Call(&KVM_IRQ_LINE_STATUS, Vm::arm_irq_line),
];

static VCPU: &[Call<Vcpu>] = &[
    Call(&KVM_ARM_VCPU_INIT, Vcpu::arm_vcpu_init),
    Call(&KVM_ARM_VCPU_FINALIZE, Vcpu::arm_vcpu_finalize),
    Call(&KVM_GET_ONE_REG, Vcpu::arm_get_one_reg),
    Call(&KVM_SET_ONE_REG, Vcpu::arm_set_one_reg),
    Call(&KVM_GET_REG_LIST, Vcpu::arm_get_reg_list),
    Call(&KVM_SET_VCPU_EVENTS, Vcpu::arm_set_vcpu_events),
    Call(&KVM_SET_GUEST_DEBUG, Vcpu::arm_set_guest_debug),
    Call(&KVM_HAS_DEVICE_ATTR, Vcpu::arm_has_attr),
    Call(&KVM_GET_DEVICE_ATTR, Vcpu::arm_get_attr),
    Call(&KVM_SET_DEVICE_ATTR, Vcpu::arm_set_attr),
];
