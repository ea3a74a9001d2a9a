//! Macros with parameters, as functions.

use super::{
    KVM_REG_PPC_FPR0, KVM_REG_PPC_TM_GPR0, KVM_REG_PPC_TM_VSR0, KVM_REG_PPC_VR0, KVM_REG_PPC_VSR0,
};

/// The vendor in the tokens of KVM's own hypercalls.
const EV_KVM_VENDOR_ID: u32 = 42;

/// The token of one of KVM's own hypercalls.
pub const fn KVM_HCALL_TOKEN(number: u32) -> u32 {
    EV_KVM_VENDOR_ID << 16 | number
}

/// The id of a floating-point register.
pub const fn KVM_REG_PPC_FPR(n: u64) -> u64 {
    KVM_REG_PPC_FPR0 + n
}

/// The id of a vector register.
pub const fn KVM_REG_PPC_VR(n: u64) -> u64 {
    KVM_REG_PPC_VR0 + n
}

/// The id of a vector-scalar register.
pub const fn KVM_REG_PPC_VSR(n: u64) -> u64 {
    KVM_REG_PPC_VSR0 + n
}

/// The id of a general register as a transaction will restore it.
pub const fn KVM_REG_PPC_TM_GPR(n: u64) -> u64 {
    KVM_REG_PPC_TM_GPR0 + n
}

/// The id of a vector-scalar register as a transaction will restore it.
pub const fn KVM_REG_PPC_TM_VSR(n: u64) -> u64 {
    KVM_REG_PPC_TM_VSR0 + n
}
