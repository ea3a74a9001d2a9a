//! The synthetic riscv64 host.

use std::collections::BTreeSet;
use std::mem::offset_of;

use kvm_core::kvm_sys::riscv64::*;
use kvm_core::riscv64::register;

use crate::model::host::Host;
use crate::model::one_reg::OneRegs;

/// What [`Profile::default`](crate::Profile) gives for riscv64.
pub(super) fn host() -> Host {
    Host {
        caps: CAPS.iter().copied().collect(),
        devices: BTreeSet::from([KVM_DEV_TYPE_VFIO, KVM_DEV_TYPE_RISCV_AIA]),
        registers: registers(),
        ..Host::synthetic("synthetic riscv64")
    }
}

/// Only what the model also does: a capability here is a promise.
const CAPS: &[(Cap, u32)] = &[
    (KVM_CAP_USER_MEMORY, 1),
    (KVM_CAP_NR_VCPUS, 8),
    (KVM_CAP_NR_MEMSLOTS, 32767),
    (KVM_CAP_MP_STATE, 1),
    // The page of the mapping that the ring is on.
    (KVM_CAP_COALESCED_MMIO, 1),
    (KVM_CAP_SYNC_MMU, 1),
    (KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1),
    (KVM_CAP_SET_GUEST_DEBUG, 1),
    (KVM_CAP_IOEVENTFD, 1),
    (KVM_CAP_IOEVENTFD_ANY_LENGTH, 1),
    (KVM_CAP_BINARY_STATS_FD, 1),
    (KVM_CAP_MAX_VCPUS, 1024),
    (KVM_CAP_ONE_REG, 1),
    (KVM_CAP_DEVICE_CTRL, 1),
    (KVM_CAP_READONLY_MEM, 1),
    (KVM_CAP_CHECK_EXTENSION_VM, 1),
    (KVM_CAP_ENABLE_CAP, 1),
    (KVM_CAP_ENABLE_CAP_VM, 1),
    (KVM_CAP_MAX_VCPU_ID, 1024),
    (KVM_CAP_IMMEDIATE_EXIT, 1),
    (KVM_CAP_PPC_UNSET_IRQ, 1),
    // Both flags.
    (KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 3),
];

/// Extensions A, C, D, F, I and M, by their letters.
const ISA: u64 = 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 8 | 1 << 12;

/// Extensions, and whether a vCPU has them at first. (I can't be taken away.)
const EXTENSIONS: [(RiscvIsaExt, u64); 7] = [
    (KVM_RISCV_ISA_EXT_A, 1),
    (KVM_RISCV_ISA_EXT_C, 1),
    (KVM_RISCV_ISA_EXT_D, 1),
    (KVM_RISCV_ISA_EXT_F, 1),
    (KVM_RISCV_ISA_EXT_I, 1),
    (KVM_RISCV_ISA_EXT_M, 1),
    (KVM_RISCV_ISA_EXT_SVPBMT, 1),
];

const SBI: [(RiscvSbiExt, u64); 7] = [
    (KVM_RISCV_SBI_EXT_V01, 1),
    (KVM_RISCV_SBI_EXT_TIME, 1),
    (KVM_RISCV_SBI_EXT_IPI, 1),
    (KVM_RISCV_SBI_EXT_RFENCE, 1),
    (KVM_RISCV_SBI_EXT_SRST, 1),
    (KVM_RISCV_SBI_EXT_HSM, 1),
    (KVM_RISCV_SBI_EXT_DBCN, 0),
];

const CONFIG_ISA: u64 = register::config(offset_of!(kvm_riscv_config, isa));
const FREQUENCY: u64 = register::timer(offset_of!(kvm_riscv_timer, frequency));

/// What the host has.
const HOSTS: [(u64, u64); 2] = [
    (FREQUENCY, 10_000_000),
    // Paging of three levels.
    (register::config(offset_of!(kvm_riscv_config, satp_mode)), 8),
];

fn registers() -> OneRegs {
    let mut registers = OneRegs::default();
    for offset in (0..size_of::<kvm_riscv_core>()).step_by(8) {
        registers.put(register::core(offset), &0u64);
    }
    registers.put(register::MODE, &u64::from(KVM_RISCV_MODE_S));
    for offset in (0..size_of::<kvm_riscv_csr>()).step_by(8) {
        registers.put(register::csr(offset), &0u64);
    }
    for offset in (0..size_of::<kvm_riscv_timer>()).step_by(8) {
        registers.put(register::timer(offset), &0u64);
    }
    for id in [
        offset_of!(kvm_riscv_config, mvendorid),
        offset_of!(kvm_riscv_config, marchid),
        offset_of!(kvm_riscv_config, mimpid),
    ] {
        registers.put(register::config(id), &0u64);
    }
    registers.put(CONFIG_ISA, &ISA);
    for (id, value) in HOSTS {
        registers.put(id, &value);
    }
    for n in 0..32 {
        registers.put(register::fp_f(n), &0u32);
        registers.put(register::fp_d(n), &0u64);
    }
    registers.put(register::FP_F_FCSR, &0u32);
    registers.put(register::FP_D_FCSR, &0u32);
    for (extension, has) in EXTENSIONS {
        registers.put(register::isa_ext(extension), &has);
    }
    for (extension, has) in SBI {
        registers.put(register::sbi_ext(extension), &has);
    }
    registers
}
