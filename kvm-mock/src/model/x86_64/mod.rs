//! What a model does as KVM does on x86_64.

mod attributes;
mod capability;
mod capture;
mod clock;
mod cpuid;
mod events;
mod hyperv;
pub(super) mod irqchip;
mod lapic;
mod mce;
mod msr_filter;
mod msrs;
pub(super) mod nested;
mod pmu;
mod setup;
mod sregs;
mod sync_regs;
mod synthetic;
mod translate;
mod tsc;
mod vcpu;
mod vm;
mod xcrs;
mod xen;
mod xsave;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use kvm_core::kvm_sys::Arch;
use kvm_core::kvm_sys::x86_64::*;
use kvm_core::{Errno, Error, Hypervisor, Kvm};
use kvm_exit::X86_64;

use super::calls::Call;
use super::guest::{Platform, Rules};
use super::host::Host;
use super::system::System;
use super::vcpu::Vcpu;
use super::vm::Vm;

impl Rules for X86_64 {
    fn platform() -> &'static Platform {
        &PLATFORM
    }

    fn capture<H: Hypervisor<Guest = Self>>(kvm: &Kvm<H>, host: &mut Host) -> Result<(), Error> {
        capture::capture(kvm, host)
    }
}

static PLATFORM: Platform = Platform {
    arch: Arch::X86_64,
    rows: ALL,
    host: synthetic::host,
    system: SYSTEM,
    vm: VM,
    vcpu: VCPU,
    lacks: &[],
    unknown_on_vm: Errno::ENOTTY,
    devices: &[],
    create_device: |_, _| Err(Errno::ENODEV),
    knows_vm_type: vm::knows_type,
    // No processor has an address of so many bits.
    memory_end: |_, _| (1 << 52, Errno::EINVAL),
    start: vcpu::start,
    takes_routes: irqchip::takes_routes,
    takes_irqfd: irqchip::takes_irqfd,
    check_vm: vm::check,
    check_vcpu: vcpu::check,
    before_enter: vcpu::enter,
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
    Call(&KVM_GET_EMULATED_CPUID, System::get_emulated_cpuid),
    Call(&KVM_GET_SUPPORTED_HV_CPUID, System::get_supported_hv_cpuid),
    Call(
        &KVM_X86_GET_MCE_CAP_SUPPORTED,
        System::get_mce_cap_supported,
    ),
    Call(&KVM_HAS_DEVICE_ATTR, System::has_attr),
    Call(&KVM_GET_DEVICE_ATTR, System::get_attr),
];

static VM: &[Call<Vm>] = &[
    Call(&KVM_IRQ_LINE, Vm::irq_line),
    Call(&KVM_IRQ_LINE_STATUS, Vm::irq_line_status),
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
    Call(&KVM_SET_NR_MMU_PAGES, Vm::set_nr_mmu_pages),
    Call(&KVM_CREATE_PIT, Vm::create_pit),
    Call(&KVM_REINJECT_CONTROL, Vm::reinject_control),
    Call(&KVM_GET_CLOCK, Vm::get_clock),
    Call(&KVM_SET_CLOCK, Vm::set_clock),
    Call(&KVM_X86_SET_MSR_FILTER, Vm::set_msr_filter),
    Call(&KVM_SET_PMU_EVENT_FILTER, Vm::set_pmu_event_filter),
    Call(&KVM_XEN_HVM_CONFIG, Vm::xen_hvm_config),
    Call(&KVM_XEN_HVM_GET_ATTR, Vm::xen_hvm_get_attr),
    Call(&KVM_XEN_HVM_SET_ATTR, Vm::xen_hvm_set_attr),
    Call(&KVM_XEN_HVM_EVTCHN_SEND, Vm::xen_hvm_evtchn_send),
    Call(&KVM_HYPERV_EVENTFD, Vm::hyperv_eventfd),
];

static VCPU: &[Call<Vcpu>] = &[
    Call(&KVM_SET_REGS, Vcpu::set_regs),
    Call(&KVM_SET_SREGS, Vcpu::set_sregs),
    Call(&KVM_SET_SREGS2, Vcpu::set_sregs2),
    Call(&KVM_SET_MP_STATE, Vcpu::set_mp_state),
    Call(&KVM_SET_LAPIC, Vcpu::set_lapic),
    Call(&KVM_SET_FPU, Vcpu::set_fpu),
    Call(&KVM_SET_DEBUGREGS, Vcpu::set_debugregs),
    Call(&KVM_SET_XCRS, Vcpu::set_xcrs),
    Call(&KVM_GET_CPUID2, Vcpu::get_cpuid2),
    Call(&KVM_SET_CPUID2, Vcpu::set_cpuid2),
    Call(&KVM_GET_MSRS, Vcpu::get_vcpu_msrs),
    Call(&KVM_SET_MSRS, Vcpu::set_msrs),
    Call(&KVM_SET_GUEST_DEBUG, Vcpu::set_guest_debug),
    Call(&KVM_ENABLE_CAP, Vcpu::enable_cap),
    Call(&KVM_GET_TSC_KHZ, Vcpu::get_tsc_khz),
    Call(&KVM_SET_TSC_KHZ, Vcpu::set_tsc_khz),
    Call(&KVM_NMI, Vcpu::nmi),
    Call(&KVM_INTERRUPT, Vcpu::interrupt),
    Call(&KVM_SET_CPUID, Vcpu::set_cpuid),
    Call(&KVM_GET_SUPPORTED_HV_CPUID, Vcpu::get_supported_hv_cpuid),
    Call(&KVM_TRANSLATE, Vcpu::translate),
    Call(&KVM_GET_XSAVE2, Vcpu::get_xsave2),
    Call(&KVM_SET_XSAVE, Vcpu::set_xsave),
    Call(&KVM_GET_NESTED_STATE, Vcpu::get_nested_state),
    Call(&KVM_SET_NESTED_STATE, Vcpu::set_nested_state),
    Call(&KVM_GET_VCPU_EVENTS, Vcpu::get_vcpu_events),
    Call(&KVM_SET_VCPU_EVENTS, Vcpu::set_vcpu_events),
    Call(&KVM_SMI, Vcpu::smi),
    Call(&KVM_TPR_ACCESS_REPORTING, Vcpu::tpr_access_reporting),
    Call(&KVM_SET_VAPIC_ADDR, Vcpu::set_vapic_addr),
    Call(&KVM_KVMCLOCK_CTRL, Vcpu::kvmclock_ctrl),
    Call(&KVM_X86_SETUP_MCE, Vcpu::setup_mce),
    Call(&KVM_X86_SET_MCE, Vcpu::set_mce),
    Call(&KVM_XEN_VCPU_GET_ATTR, Vcpu::xen_vcpu_get_attr),
    Call(&KVM_XEN_VCPU_SET_ATTR, Vcpu::xen_vcpu_set_attr),
    Call(&KVM_HAS_DEVICE_ATTR, Vcpu::has_attr),
    Call(&KVM_GET_DEVICE_ATTR, Vcpu::get_attr),
    Call(&KVM_SET_DEVICE_ATTR, Vcpu::set_attr),
];

/// What a VM has on x86_64 only.
#[derive(Debug)]
pub(super) struct VmState {
    /// The frequency of the time stamp counters of vCPUs made from now on.
    tsc_khz: u32,
    xen: xen::VmAttributes,
    /// When its clock was what it was set to.
    clock_since: Instant,
    /// Whether guests are nested by SVM.
    svm: bool,
    /// The Hyper-V connections that have one.
    hyperv_eventfds: BTreeSet<u32>,
    /// What `KVM_CAP_MAX_VCPU_ID` was enabled with.
    pub(super) most_vcpu_ids: Option<u64>,
    /// What `KVM_GET_VCPU_EVENTS` also gives since `KVM_CAP_EXCEPTION_PAYLOAD` and
    /// `KVM_CAP_X86_TRIPLE_FAULT_EVENT` were enabled.
    more_events: VcpuEventFlags,
    /// Of the MSRs that all vCPUs share, those that one of them has set.
    msrs: BTreeMap<u32, u64>,
}

impl VmState {
    pub(super) fn new(host: &Host) -> Self {
        Self {
            tsc_khz: host.tsc_khz,
            svm: nested::by_svm(host),
            xen: xen::VmAttributes::default(),
            clock_since: Instant::now(),
            hyperv_eventfds: BTreeSet::new(),
            most_vcpu_ids: None,
            more_events: VcpuEventFlags::empty(),
            msrs: BTreeMap::new(),
        }
    }

    /// The state of a new vCPU.
    pub(super) fn vcpu(&self) -> VcpuState {
        VcpuState {
            tsc_khz: self.tsc_khz,
            mcg_cap: mce::MOST_BANKS,
            tsc_offset: 0,
            external_interrupt: false,
            smi_asked: false,
            xen: xen::VcpuAttributes::default(),
        }
    }
}

/// What a vCPU has on x86_64 only.
#[derive(Debug)]
pub(super) struct VcpuState {
    tsc_khz: u32,
    mcg_cap: u64,
    tsc_offset: u64,
    xen: xen::VcpuAttributes,
    /// Whether one from the VMM's own controller waits.
    external_interrupt: bool,
    /// Whether `KVM_SMI` asked for an interrupt that nobody has looked for since.
    smi_asked: bool,
}
