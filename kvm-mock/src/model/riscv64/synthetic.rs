//! The synthetic riscv64 host.

use kvm_core::kvm_sys::riscv64::*;

use crate::model::host::Host;

/// What [`Profile::default`](crate::Profile) gives for riscv64.
pub(super) fn host() -> Host {
    Host {
        caps: CAPS.iter().copied().collect(),
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
    (KVM_CAP_MAX_VCPUS, 1024),
    (KVM_CAP_ONE_REG, 1),
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
