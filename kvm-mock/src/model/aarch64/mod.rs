//! What a model does as KVM does on aarch64.

use kvm_core::Errno;
use kvm_core::kvm_sys::Arch;
use kvm_core::kvm_sys::aarch64::*;
use kvm_exit::Aarch64;

use super::guest::{Platform, Rules};
use super::host::Host;

impl Rules for Aarch64 {
    fn platform() -> &'static Platform {
        &PLATFORM
    }
}

static PLATFORM: Platform = Platform {
    arch: Arch::Aarch64,
    host,
    system: &[],
    vm: &[],
    vcpu: &[],
    lacks: LACKS,
    unknown_on_vm: Errno::EINVAL,
    knows_vm_type: |_, vm_type| vm_type == 0,
    start: |_, _, _| {},
    check_vm: |_, _, _| Ok(()),
    check_vcpu: |_, _, _| Ok(()),
    before_enter: |_, _, _| Ok(()),
    after_enter: |_, _| {},
    tell_state: |_, _, _| {},
};

/// The kernel's handlers of these only say `EINVAL`: registers are had one by one.
const LACKS: &[&str] = &["regs", "sregs", "fpu"];

/// What [`Profile::synthetic`](crate::Profile::synthetic) gives.
fn host() -> Host {
    Host {
        caps: CAPS.iter().copied().collect(),
        ..Host::synthetic("synthetic aarch64")
    }
}

/// Only what the model also does: a capability here is a promise.
const CAPS: [(Cap, u32); 13] = [
    (KVM_CAP_USER_MEMORY, 1),
    (KVM_CAP_NR_VCPUS, 8),
    (KVM_CAP_NR_MEMSLOTS, 32767),
    (KVM_CAP_MP_STATE, 1),
    // The page of the mapping that the ring is on.
    (KVM_CAP_COALESCED_MMIO, 1),
    (KVM_CAP_SYNC_MMU, 1),
    (KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1),
    (KVM_CAP_ONE_REG, 1),
    (KVM_CAP_MAX_VCPUS, 512),
    (KVM_CAP_READONLY_MEM, 1),
    (KVM_CAP_CHECK_EXTENSION_VM, 1),
    (KVM_CAP_MAX_VCPU_ID, 512),
    (KVM_CAP_IMMEDIATE_EXIT, 1),
];
