//! Attributes of aarch64.

/// Of a generic interrupt controller version 2, `KVM_DEV_TYPE_ARM_VGIC_V2`:
/// `Documentation/virt/kvm/devices/arm-vgic.rst`.
pub mod vgic_v2 {
    #![expect(unsafe_code, reason = "a table of attributes with their types")]

    use kvm_sys::KVM_DEV_TYPE_ARM_VGIC_V2;
    use kvm_sys::aarch64::{
        KVM_DEV_ARM_VGIC_CPUID_SHIFT, KVM_DEV_ARM_VGIC_CTRL_INIT, KVM_DEV_ARM_VGIC_GRP_ADDR,
        KVM_DEV_ARM_VGIC_GRP_CPU_REGS, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
        KVM_DEV_ARM_VGIC_GRP_NR_IRQS, KVM_VGIC_V2_ADDR_TYPE_CPU, KVM_VGIC_V2_ADDR_TYPE_DIST,
    };

    use crate::device::attr::attributes;
    use crate::device::{Attr, On};

    attributes! { On::Device(KVM_DEV_TYPE_ARM_VGIC_V2);
        /// Guest-physical address of the distributor: of 4 KiB, aligned to them.
        ADDR_DIST: u64 = KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_DIST;
        /// Guest-physical address of the CPU interface: of 8 KiB, aligned to 4 KiB.
        ADDR_CPU: u64 = KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_CPU;
        /// How many interrupts there are, private ones included: from 64 to 1024, a multiple of 32. Before
        /// `INIT`.
        NR_IRQS: u32 = KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0;
        /// Makes it work, once the vCPUs are there.
        INIT: () = KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT;

        {
        /// A register of the distributor as this vCPU sees it, by its offset in bytes.
        fn dist(vcpu: u8, offset: u32) -> u32 = KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
            (vcpu as u64) << KVM_DEV_ARM_VGIC_CPUID_SHIFT | offset as u64;
        /// A register of a vCPU's interface, by its offset in bytes.
        fn cpu(vcpu: u8, offset: u32) -> u32 = KVM_DEV_ARM_VGIC_GRP_CPU_REGS,
            (vcpu as u64) << KVM_DEV_ARM_VGIC_CPUID_SHIFT | offset as u64;
        }
    }
}

/// Of a generic interrupt controller version 3, `KVM_DEV_TYPE_ARM_VGIC_V3`:
/// `Documentation/virt/kvm/devices/arm-vgic-v3.rst`.
///
/// vCPUs are named by the four affinities of their `MPIDR_EL1`, lowest first in the bytes of a `u32`.
pub mod vgic_v3 {
    #![expect(unsafe_code, reason = "a table of attributes with their types")]

    use kvm_sys::KVM_DEV_TYPE_ARM_VGIC_V3;
    use kvm_sys::aarch64::{
        KVM_DEV_ARM_VGIC_CTRL_INIT, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
        KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO,
        KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ, KVM_DEV_ARM_VGIC_GRP_NR_IRQS,
        KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT,
        KVM_DEV_ARM_VGIC_LINE_LEVEL_INTID_MASK, KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES,
        KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT, KVM_VGIC_V3_ADDR_TYPE_DIST, KVM_VGIC_V3_ADDR_TYPE_REDIST,
        KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, VGIC_LEVEL_INFO_LINE_LEVEL,
    };

    use crate::device::attr::attributes;
    use crate::device::{Attr, On};

    attributes! { On::Device(KVM_DEV_TYPE_ARM_VGIC_V3);
        /// Guest-physical address of the distributor: of 64 KiB, aligned to them.
        ADDR_DIST: u64 = KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST;
        /// Guest-physical address of all redistributors, one behind the other: two times 64 KiB for each
        /// vCPU.
        ADDR_REDIST: u64 = KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST;
        /// A region of redistributors: its index in bits 0 to 11, its address in 16 to 51, how many in 52
        /// to 63. To get one, give the index.
        ADDR_REDIST_REGION: u64 = KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION;
        /// How many interrupts there are, private ones included: from 64 to 1024, a multiple of 32. Before
        /// `INIT`.
        NR_IRQS: u32 = KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0;
        /// Makes it work, once the vCPUs are there.
        INIT: () = KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT;
        /// Writes what LPIs are pending to the tables in guest memory.
        SAVE_PENDING_TABLES: () = KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES;
        /// The private interrupt that tells a guest hypervisor of its own guest's.
        MAINT_IRQ: u32 = KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ, 0;

        {
        /// A register of the distributor, by its offset in bytes; of 64-bit ones, one half.
        fn dist(offset: u32) -> u32 = KVM_DEV_ARM_VGIC_GRP_DIST_REGS, offset as u64;
        /// A register of a vCPU's redistributor, by its offset in bytes; of 64-bit ones, one half.
        fn redist(mpidr: u32, offset: u32) -> u32 = KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
            (mpidr as u64) << KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT | offset as u64;
        /// A system register of a vCPU's interface, by how its instruction encodes it: op0 in bits 14 and
        /// 15, op1 in 11 to 13, CRn in 7 to 10, CRm in 3 to 6, op2 in 0 to 2.
        fn cpu_sysreg(mpidr: u32, instruction: u16) -> u64 = KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
            (mpidr as u64) << KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT | instruction as u64;
        /// The levels of 32 interrupt lines, from this one on.
        fn line_levels(mpidr: u32, first: u16) -> u32 = KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO,
            (mpidr as u64) << KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT
                | (VGIC_LEVEL_INFO_LINE_LEVEL as u64) << KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT
                | first as u64 & KVM_DEV_ARM_VGIC_LINE_LEVEL_INTID_MASK;
        }
    }
}

/// Of an interrupt translation service, `KVM_DEV_TYPE_ARM_VGIC_ITS`:
/// `Documentation/virt/kvm/devices/arm-vgic-its.rst`.
pub mod vgic_its {
    #![expect(unsafe_code, reason = "a table of attributes with their types")]

    use kvm_sys::KVM_DEV_TYPE_ARM_VGIC_ITS;
    use kvm_sys::aarch64::{
        KVM_DEV_ARM_ITS_CTRL_RESET, KVM_DEV_ARM_ITS_RESTORE_TABLES, KVM_DEV_ARM_ITS_SAVE_TABLES,
        KVM_DEV_ARM_VGIC_CTRL_INIT, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_DEV_ARM_VGIC_GRP_CTRL,
        KVM_DEV_ARM_VGIC_GRP_ITS_REGS, KVM_VGIC_ITS_ADDR_TYPE,
    };

    use crate::device::attr::attributes;
    use crate::device::{Attr, On};

    attributes! { On::Device(KVM_DEV_TYPE_ARM_VGIC_ITS);
        /// Guest-physical address: of 128 KiB, aligned to 64 KiB.
        ADDR: u64 = KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE;
        /// Makes it work, once its address is set.
        INIT: () = KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT;
        /// Back to how it was when it was created.
        RESET: () = KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_CTRL_RESET;
        /// Writes its tables to guest memory.
        SAVE_TABLES: () = KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_SAVE_TABLES;
        /// Reads its tables from guest memory.
        RESTORE_TABLES: () = KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_RESTORE_TABLES;

        {
        /// A register, by its offset in bytes.
        fn register(offset: u64) -> u64 = KVM_DEV_ARM_VGIC_GRP_ITS_REGS, offset;
        }
    }
}

/// Of a vCPU: `Documentation/virt/kvm/devices/vcpu.rst`. Needs `KVM_CAP_VCPU_ATTRIBUTES`.
pub mod vcpu {
    #![expect(unsafe_code, reason = "a table of attributes with their types")]

    use kvm_sys::Arch;
    use kvm_sys::aarch64::{
        KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_FILTER, KVM_ARM_VCPU_PMU_V3_INIT,
        KVM_ARM_VCPU_PMU_V3_IRQ, KVM_ARM_VCPU_PMU_V3_SET_NR_COUNTERS, KVM_ARM_VCPU_PMU_V3_SET_PMU,
        KVM_ARM_VCPU_PVTIME_CTRL, KVM_ARM_VCPU_PVTIME_IPA, KVM_ARM_VCPU_TIMER_CTRL,
        KVM_ARM_VCPU_TIMER_IRQ_HPTIMER, KVM_ARM_VCPU_TIMER_IRQ_HVTIMER,
        KVM_ARM_VCPU_TIMER_IRQ_PTIMER, KVM_ARM_VCPU_TIMER_IRQ_VTIMER, kvm_pmu_event_filter,
    };

    use crate::device::attr::attributes;
    use crate::device::{Attr, On};

    attributes! { On::Vcpu(Arch::Aarch64);
        /// The interrupt of the performance monitors.
        PMU_IRQ: i32 = KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_IRQ;
        /// Makes the performance monitors work, once their interrupt is set.
        PMU_INIT: () = KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_INIT;
        /// Allows the guest to count some events, or denies it. Can only be set, before `PMU_INIT`.
        PMU_FILTER: kvm_pmu_event_filter = KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_FILTER;
        /// Which of the host's performance monitors it uses, by the kernel's number. Can only be set.
        PMU_SET_PMU: i32 = KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_SET_PMU;
        /// How many event counters the guest has. Can only be set.
        PMU_SET_NR_COUNTERS: u32 = KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_SET_NR_COUNTERS;
        /// The interrupt of the virtual timer. For all vCPUs, before one runs; so are the others.
        TIMER_IRQ_VTIMER: i32 = KVM_ARM_VCPU_TIMER_CTRL, KVM_ARM_VCPU_TIMER_IRQ_VTIMER;
        /// The interrupt of the physical timer.
        TIMER_IRQ_PTIMER: i32 = KVM_ARM_VCPU_TIMER_CTRL, KVM_ARM_VCPU_TIMER_IRQ_PTIMER;
        /// The interrupt of the virtual timer at EL2.
        TIMER_IRQ_HVTIMER: i32 = KVM_ARM_VCPU_TIMER_CTRL, KVM_ARM_VCPU_TIMER_IRQ_HVTIMER;
        /// The interrupt of the physical timer at EL2.
        TIMER_IRQ_HPTIMER: i32 = KVM_ARM_VCPU_TIMER_CTRL, KVM_ARM_VCPU_TIMER_IRQ_HPTIMER;
        /// Guest-physical address of the vCPU's stolen time: of 64 bytes, aligned to them, in a slot.
        PVTIME_IPA: u64 = KVM_ARM_VCPU_PVTIME_CTRL, KVM_ARM_VCPU_PVTIME_IPA;
    }
}

/// Of a VM: `Documentation/virt/kvm/devices/vm.rst`. Needs `KVM_CAP_VM_ATTRIBUTES`.
pub mod vm {
    #![expect(unsafe_code, reason = "a table of attributes with their types")]

    use kvm_sys::Arch;
    use kvm_sys::aarch64::{KVM_ARM_VM_SMCCC_CTRL, KVM_ARM_VM_SMCCC_FILTER, kvm_smccc_filter};

    use crate::device::attr::attributes;
    use crate::device::{Attr, On};

    attributes! { On::Vm(Arch::Aarch64);
        /// What becomes of a range of the guest's calls: handled by KVM, denied, or an exit. Can only be
        /// set, before a vCPU runs.
        SMCCC_FILTER: kvm_smccc_filter = KVM_ARM_VM_SMCCC_CTRL, KVM_ARM_VM_SMCCC_FILTER;
    }
}
