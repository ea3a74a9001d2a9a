//! `KVM_ENABLE_CAP`, section 4.37, with chapters 6 and 7.

use kvm_core::kvm_sys::x86_64::{
    KVM_CAP_DIRTY_LOG_RING, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, KVM_CAP_DISABLE_QUIRKS,
    KVM_CAP_DISABLE_QUIRKS2, KVM_CAP_ENFORCE_PV_FEATURE_CPUID, KVM_CAP_EXCEPTION_PAYLOAD,
    KVM_CAP_EXIT_HYPERCALL, KVM_CAP_EXIT_ON_EMULATION_FAILURE, KVM_CAP_HALT_POLL,
    KVM_CAP_HYPERV_SYNIC, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, KVM_CAP_MAX_VCPU_ID,
    KVM_CAP_MSR_PLATFORM_INFO, KVM_CAP_PMU_CAPABILITY, KVM_CAP_SPLIT_IRQCHIP,
    KVM_CAP_VM_DISABLE_NX_HUGE_PAGES, KVM_CAP_X2APIC_API, KVM_CAP_X86_APIC_BUS_CYCLES_NS,
    KVM_CAP_X86_DISABLE_EXITS, KVM_CAP_X86_TRIPLE_FAULT_EVENT, KVM_CAP_X86_USER_SPACE_MSR,
    KVM_MSR_EXIT_REASON_VALID_MASK, KVM_VCPUEVENT_VALID_PAYLOAD, KVM_VCPUEVENT_VALID_TRIPLE_FAULT,
    kvm_enable_cap,
};
use kvm_core::{Arg, Errno};

use crate::model::vcpu::Vcpu;
use crate::model::vm::Vm;
use crate::model::{args, lock};

/// The most interrupt routes that a VM has, and so the most that a split controller reserves.
const MOST_ROUTES: u64 = 4096;

impl Vm {
    pub(super) fn enable_cap(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let kvm_enable_cap {
            cap, flags, args, ..
        } = args::read(arg)?;
        let [value, ..] = args;
        let offered = self.cap(cap);
        if flags != 0 || offered == 0 {
            return Err(Errno::EINVAL);
        }
        match cap {
            KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 => return self.protect_dirty_log(value),
            KVM_CAP_DIRTY_LOG_RING | KVM_CAP_DIRTY_LOG_RING_ACQ_REL => {
                return self.enable_dirty_ring(value);
            }
            _ => {}
        }
        let mut state = lock(&self.state);
        let has_vcpus = !state.vcpus.is_empty();
        let refused = match cap {
            KVM_CAP_X86_USER_SPACE_MSR => {
                value & !u64::from(KVM_MSR_EXIT_REASON_VALID_MASK.bits()) != 0
            }
            // The answer to `KVM_CHECK_EXTENSION` is a mask of what can be asked for.
            KVM_CAP_EXIT_HYPERCALL | KVM_CAP_DISABLE_QUIRKS2 | KVM_CAP_X2APIC_API => {
                value & !u64::from(offered) != 0
            }
            // As well, and before the first vCPU.
            KVM_CAP_X86_DISABLE_EXITS | KVM_CAP_PMU_CAPABILITY => {
                value & !u64::from(offered) != 0 || has_vcpus
            }
            // Needs the local APICs, before the first of them; never 0, nor so long that a timer's greatest count
            // is more nanoseconds than a number has.
            KVM_CAP_X86_APIC_BUS_CYCLES_NS => {
                if value == 0 || value.checked_mul(u64::from(u32::MAX) * 128).is_none() {
                    return Err(Errno::EINVAL);
                }
                if !state.irqchips.exist() {
                    return Err(Errno::ENXIO);
                }
                has_vcpus
            }
            // Once, or the same again; 0 stands for not at all.
            KVM_CAP_MAX_VCPU_ID => {
                let settled = state.x86.most_vcpu_ids;
                let refused = value > u64::from(offered)
                    || value < state.boot_cpu
                    || settled.is_some_and(|settled| settled != value);
                if !refused && value != 0 {
                    state.x86.most_vcpu_ids = Some(value);
                }
                refused
            }
            // Instead of `KVM_CREATE_IRQCHIP`, so before the first vCPU, and once.
            KVM_CAP_SPLIT_IRQCHIP => {
                if value > MOST_ROUTES {
                    return Err(Errno::EINVAL);
                }
                // Observed: not `EINVAL` when there is a vCPU.
                if state.irqchips.exist() || has_vcpus {
                    return Err(Errno::EEXIST);
                }
                state.irqchips.split();
                false
            }
            KVM_CAP_EXIT_ON_EMULATION_FAILURE => value > 1,
            // Before the first vCPU, by who may restart the machine: which is not asked here.
            KVM_CAP_VM_DISABLE_NX_HUGE_PAGES => value != 0 || has_vcpus,
            // Nanoseconds, in 32 bits.
            KVM_CAP_HALT_POLL => u32::try_from(value).is_err(),
            KVM_CAP_EXCEPTION_PAYLOAD => {
                let on = value != 0;
                state.x86.more_events.set(KVM_VCPUEVENT_VALID_PAYLOAD, on);
                false
            }
            KVM_CAP_X86_TRIPLE_FAULT_EVENT => {
                let on = value != 0;
                state
                    .x86
                    .more_events
                    .set(KVM_VCPUEVENT_VALID_TRIPLE_FAULT, on);
                false
            }
            // The kernel takes any value.
            KVM_CAP_MSR_PLATFORM_INFO | KVM_CAP_DISABLE_QUIRKS => false,
            _ => true,
        };
        if refused { Err(Errno::EINVAL) } else { Ok(0) }
    }
}

impl Vcpu {
    pub(super) fn enable_cap(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let kvm_enable_cap { cap, flags, .. } = args::read(arg)?;
        // What a guest then sees, its script says.
        let allowed = match cap {
            KVM_CAP_ENFORCE_PV_FEATURE_CPUID => true,
            KVM_CAP_HYPERV_SYNIC => self.vm().has_irqchip(),
            _ => false,
        };
        if flags == 0 && allowed && self.vm().cap(cap) != 0 {
            Ok(0)
        } else {
            Err(Errno::EINVAL)
        }
    }
}
