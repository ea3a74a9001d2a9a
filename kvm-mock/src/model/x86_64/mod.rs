//! What a model does as KVM does on x86_64.

mod capability;
mod cpuid;
pub(super) mod irqchip;
mod msrs;
mod sync_regs;
mod synthetic;
mod tsc;
mod vcpu;
mod vm;

use kvm_core::Errno;
use kvm_core::kvm_sys::Arch;
use kvm_core::kvm_sys::x86_64::*;
use kvm_exit::X86_64;

use super::calls::Call;
use super::guest::{Platform, Rules};
use super::system::System;
use super::vcpu::Vcpu;
use super::vm::Vm;

impl Rules for X86_64 {
    fn platform() -> &'static Platform {
        &PLATFORM
    }
}

static PLATFORM: Platform = Platform {
    arch: Arch::X86_64,
    host: synthetic::host,
    system: SYSTEM,
    vm: VM,
    vcpu: VCPU,
    lacks: &[],
    unknown_on_vm: Errno::ENOTTY,
    knows_vm_type: vm::knows_type,
    start: vcpu::start,
    check_vm: vm::check,
    check_vcpu: vcpu::check,
    before_enter: sync_regs::take,
    after_enter: sync_regs::give,
    tell_state: vcpu::tell_state,
};

static SYSTEM: &[Call<System>] = &[
    Call(&KVM_GET_SUPPORTED_CPUID, System::get_supported_cpuid),
    Call(&KVM_GET_MSR_INDEX_LIST, System::get_msr_index_list),
    Call(
        &KVM_GET_MSR_FEATURE_INDEX_LIST,
        System::get_msr_feature_index_list,
    ),
    Call(&KVM_GET_MSRS, System::get_msrs),
];

static VM: &[Call<Vm>] = &[
    Call(&KVM_SET_TSS_ADDR, Vm::set_tss_addr),
    Call(&KVM_SET_IDENTITY_MAP_ADDR, Vm::set_identity_map_addr),
    Call(&KVM_SET_BOOT_CPU_ID, Vm::set_boot_cpu_id),
    Call(&KVM_CREATE_IRQCHIP, Vm::create_irqchip),
    Call(&KVM_GET_IRQCHIP, Vm::get_irqchip),
    Call(&KVM_SET_IRQCHIP, Vm::set_irqchip),
    Call(&KVM_ENABLE_CAP, Vm::enable_cap),
    Call(&KVM_GET_TSC_KHZ, Vm::get_tsc_khz),
    Call(&KVM_SET_TSC_KHZ, Vm::set_tsc_khz),
    Call(&KVM_CREATE_PIT2, Vm::create_pit2),
];

static VCPU: &[Call<Vcpu>] = &[
    Call(&KVM_GET_CPUID2, Vcpu::get_cpuid2),
    Call(&KVM_SET_CPUID2, Vcpu::set_cpuid2),
    Call(&KVM_GET_MSRS, Vcpu::get_vcpu_msrs),
    Call(&KVM_SET_MSRS, Vcpu::set_msrs),
    Call(&KVM_SET_GUEST_DEBUG, Vcpu::accept),
    Call(&KVM_ENABLE_CAP, Vcpu::enable_cap),
    Call(&KVM_GET_TSC_KHZ, Vcpu::get_tsc_khz),
    Call(&KVM_SET_TSC_KHZ, Vcpu::set_tsc_khz),
    Call(&KVM_NMI, Vcpu::accept),
    Call(&KVM_INTERRUPT, Vcpu::interrupt),
];
