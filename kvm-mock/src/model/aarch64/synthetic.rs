//! The synthetic aarch64 host.

use kvm_core::kvm_sys::aarch64::*;

use crate::model::host::Host;

/// What [`Profile::default`](crate::Profile) gives for aarch64.
pub(super) fn host() -> Host {
    Host {
        caps: CAPS.iter().copied().collect(),
        ..Host::synthetic("synthetic aarch64")
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
    (KVM_CAP_VCPU_EVENTS, 1),
    (KVM_CAP_MAX_VCPUS, 512),
    (KVM_CAP_ONE_REG, 1),
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
