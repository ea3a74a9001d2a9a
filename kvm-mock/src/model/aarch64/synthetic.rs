//! The synthetic aarch64 host.

use std::collections::{BTreeMap, BTreeSet};

use kvm_core::aarch64::register;
use kvm_core::kvm_sys::aarch64::*;

use super::registers::{MPIDR, PFR0, PFR0_SVE};
use crate::model::host::Host;
use crate::model::one_reg::OneRegs;

/// What [`Profile::default`](crate::Profile) gives for aarch64.
pub(super) fn host() -> Host {
    let mut events = kvm_vcpu_events::default();
    // As `KVM_CAP_ARM_INJECT_SERROR_ESR` says.
    events.exception.serror_has_esr = 1;
    let host = Host {
        caps: CAPS.iter().copied().collect(),
        devices: BTreeSet::from([
            KVM_DEV_TYPE_VFIO,
            KVM_DEV_TYPE_ARM_VGIC_V2,
            KVM_DEV_TYPE_ARM_VGIC_V3,
            KVM_DEV_TYPE_ARM_VGIC_ITS,
        ]),
        target: kvm_vcpu_init {
            target: KVM_ARM_TARGET_GENERIC_V8,
            ..Default::default()
        },
        registers: registers(),
        writable: BTreeMap::from([(PFR0, PFR0_SVE)]),
        ..Host::synthetic("synthetic aarch64")
    };
    host.reset(&KVM_GET_VCPU_EVENTS, &events)
}

/// Only what the model also does: a capability here is a promise.
const CAPS: &[(Cap, u32)] = &[
    (KVM_CAP_IRQCHIP, 1),
    (KVM_CAP_USER_MEMORY, 1),
    (KVM_CAP_NR_VCPUS, 8),
    (KVM_CAP_NR_MEMSLOTS, 32767),
    (KVM_CAP_MP_STATE, 1),
    // The page of the mapping that the ring is on.
    (KVM_CAP_COALESCED_MMIO, 1),
    (KVM_CAP_SYNC_MMU, 1),
    (KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1),
    (KVM_CAP_SET_GUEST_DEBUG, 1),
    (KVM_CAP_VCPU_EVENTS, 1),
    // So many entries.
    (KVM_CAP_IRQ_ROUTING, 4096),
    (KVM_CAP_IRQFD, 1),
    (KVM_CAP_IRQFD_RESAMPLE, 1),
    (KVM_CAP_IOEVENTFD, 1),
    (KVM_CAP_IOEVENTFD_ANY_LENGTH, 1),
    (KVM_CAP_BINARY_STATS_FD, 1),
    (KVM_CAP_MAX_VCPUS, 512),
    (KVM_CAP_ONE_REG, 1),
    (KVM_CAP_DEVICE_CTRL, 1),
    (KVM_CAP_ARM_SET_DEVICE_ADDR, 1),
    (KVM_CAP_READONLY_MEM, 1),
    (KVM_CAP_CHECK_EXTENSION_VM, 1),
    (KVM_CAP_ARM_PSCI, 1),
    (KVM_CAP_ARM_PSCI_0_2, 1),
    (KVM_CAP_MAX_VCPU_ID, 512),
    (KVM_CAP_IMMEDIATE_EXIT, 1),
    (KVM_CAP_ENABLE_CAP, 1),
    (KVM_CAP_ENABLE_CAP_VM, 1),
    // Bits of a guest-physical address.
    (KVM_CAP_ARM_VM_IPA_SIZE, 40),
    // Both flags.
    (KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 3),
    (KVM_CAP_DIRTY_LOG_RING_ACQ_REL, 1 << 20),
    (KVM_CAP_ARM_NISV_TO_USER, 1),
    (KVM_CAP_ARM_SVE, 1),
    (KVM_CAP_ARM_MTE, 1),
    (KVM_CAP_ARM_INJECT_SERROR_ESR, 1),
    (KVM_CAP_ARM_INJECT_EXT_DABT, 1),
    (KVM_CAP_COUNTER_OFFSET, 1),
    (
        KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES,
        1 << KVM_ARM_FEATURE_ID_RANGE,
    ),
];

/// Vectors of 128 and of 256 bits.
const LENGTHS: u64 = 0b11;

/// AArch64, EL1 with its own stack pointer; all interrupts masked.
const PSTATE: u64 = 0x3c5;

/// System registers and their values at reset.
const SYSTEM: [(u64, u64); 14] = [
    (PFR0, 0x11),                                // EL0 and EL1, in AArch64 only
    (ARM64_SYS_REG(3, 0, 0, 0, 0), 0x410f_d0f0), // MIDR_EL1
    (ARM64_SYS_REG(3, 0, 1, 0, 0), 0x00c5_0078), // SCTLR_EL1
    (ARM64_SYS_REG(3, 0, 1, 0, 2), 0),           // CPACR_EL1
    (ARM64_SYS_REG(3, 0, 2, 0, 0), 0),           // TTBR0_EL1
    (ARM64_SYS_REG(3, 0, 2, 0, 1), 0),           // TTBR1_EL1
    (ARM64_SYS_REG(3, 0, 2, 0, 2), 0),           // TCR_EL1
    (ARM64_SYS_REG(3, 0, 10, 2, 0), 0),          // MAIR_EL1
    (ARM64_SYS_REG(3, 0, 12, 0, 0), 0),          // VBAR_EL1
    (MPIDR, 1 << 31),
    // Version 1.3.
    (KVM_REG_ARM_PSCI_VERSION, 0x1_0003),
    (KVM_REG_ARM_TIMER_CTL, 0),
    (KVM_REG_ARM_TIMER_CVAL, 0),
    (KVM_REG_ARM_TIMER_CNT, 0),
];

fn registers() -> OneRegs {
    let mut registers = OneRegs::default();
    for n in 0..31 {
        registers.put(register::x(n), &0u64);
    }
    for id in [
        register::SP_EL0,
        register::PC,
        register::SP_EL1,
        register::ELR_EL1,
    ] {
        registers.put(id, &0u64);
    }
    registers.put(register::PSTATE, &PSTATE);
    for n in 0..register::SPSRS {
        registers.put(register::spsr(n), &0u64);
    }
    registers.put(register::FPSR, &0u32);
    registers.put(register::FPCR, &0u32);
    for n in 0..32 {
        registers.put(register::v(n), &0u128);
    }
    for (id, value) in SYSTEM {
        registers.put(id, &value);
    }
    registers.put(KVM_REG_ARM64_SVE_VLS, &[LENGTHS, 0, 0, 0, 0, 0, 0, 0]);
    registers
}
