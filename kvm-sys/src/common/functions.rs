//! Macros with parameters, as functions.

use super::{KVM_REG_SIZE_MASK, KVM_REG_SIZE_SHIFT, KVM_VM_TYPE_ARM_IPA_SIZE_MASK};

/// The size in bytes of the register with this id.
///
/// ```
/// # use kvm_sys::*;
/// assert_eq!(KVM_REG_SIZE(KVM_REG_ARM64 | KVM_REG_SIZE_U128 | 4), 16);
/// ```
pub const fn KVM_REG_SIZE(id: u64) -> u64 {
    1 << ((id & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT)
}

/// The argument of `KVM_CREATE_VM` on arm64 for guest addresses of `bits` bits.
pub const fn KVM_VM_TYPE_ARM_IPA_SIZE(bits: u64) -> u64 {
    bits & KVM_VM_TYPE_ARM_IPA_SIZE_MASK
}
