//! Macros with parameters, as functions.

use super::{
    KVM_PSCI_FN_BASE, KVM_REG_ARM_FW, KVM_REG_ARM_FW_FEAT_BMAP, KVM_REG_ARM64, KVM_REG_ARM64_SVE,
    KVM_REG_ARM64_SVE_FFR_BASE, KVM_REG_ARM64_SVE_PREG_BASE, KVM_REG_ARM64_SVE_ZREG_BASE,
    KVM_REG_ARM64_SYSREG, KVM_REG_ARM64_SYSREG_CRM_MASK, KVM_REG_ARM64_SYSREG_CRM_SHIFT,
    KVM_REG_ARM64_SYSREG_CRN_MASK, KVM_REG_ARM64_SYSREG_CRN_SHIFT, KVM_REG_ARM64_SYSREG_OP0_MASK,
    KVM_REG_ARM64_SYSREG_OP0_SHIFT, KVM_REG_ARM64_SYSREG_OP1_MASK, KVM_REG_ARM64_SYSREG_OP1_SHIFT,
    KVM_REG_ARM64_SYSREG_OP2_MASK, KVM_REG_ARM64_SYSREG_OP2_SHIFT, KVM_REG_SIZE_U64,
    KVM_REG_SIZE_U256, KVM_REG_SIZE_U2048,
};

/// The id of the system register with this encoding.
///
/// ```
/// # use kvm_sys::aarch64::*;
/// // CNTV_CTL_EL0
/// assert_eq!(ARM64_SYS_REG(3, 3, 14, 3, 1), 0x6030_0000_0013_df19);
/// ```
pub const fn ARM64_SYS_REG(op0: u64, op1: u64, crn: u64, crm: u64, op2: u64) -> u64 {
    KVM_REG_ARM64
        | KVM_REG_SIZE_U64
        | KVM_REG_ARM64_SYSREG
        | op0 << KVM_REG_ARM64_SYSREG_OP0_SHIFT & KVM_REG_ARM64_SYSREG_OP0_MASK
        | op1 << KVM_REG_ARM64_SYSREG_OP1_SHIFT & KVM_REG_ARM64_SYSREG_OP1_MASK
        | crn << KVM_REG_ARM64_SYSREG_CRN_SHIFT & KVM_REG_ARM64_SYSREG_CRN_MASK
        | crm << KVM_REG_ARM64_SYSREG_CRM_SHIFT & KVM_REG_ARM64_SYSREG_CRM_MASK
        | op2 << KVM_REG_ARM64_SYSREG_OP2_SHIFT & KVM_REG_ARM64_SYSREG_OP2_MASK
}

/// The low part of the id of a core register, by its offset in `kvm_regs`. `KVM_REG_ARM64`, its
/// size and `KVM_REG_ARM_CORE` come beside.
pub const fn KVM_REG_ARM_CORE_REG(offset: usize) -> u64 {
    offset as u64 / 4
}

/// The id of a firmware register.
pub const fn KVM_REG_ARM_FW_REG(number: u64) -> u64 {
    KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_FW | number & 0xffff
}

/// The id of a bitmap of firmware features.
pub const fn KVM_REG_ARM_FW_FEAT_BMAP_REG(number: u64) -> u64 {
    KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_FW_FEAT_BMAP | number & 0xffff
}

/// The id of a slice of the vector register Z`n`.
pub const fn KVM_REG_ARM64_SVE_ZREG(n: u64, slice: u64) -> u64 {
    sve(
        KVM_REG_ARM64_SVE_ZREG_BASE | KVM_REG_SIZE_U2048,
        n & 31,
        slice,
    )
}

/// The id of a slice of the predicate register P`n`.
pub const fn KVM_REG_ARM64_SVE_PREG(n: u64, slice: u64) -> u64 {
    sve(
        KVM_REG_ARM64_SVE_PREG_BASE | KVM_REG_SIZE_U256,
        n & 15,
        slice,
    )
}

/// The id of a slice of the first-fault register.
pub const fn KVM_REG_ARM64_SVE_FFR(slice: u64) -> u64 {
    sve(KVM_REG_ARM64_SVE_FFR_BASE | KVM_REG_SIZE_U256, 0, slice)
}

const fn sve(base: u64, n: u64, slice: u64) -> u64 {
    KVM_REG_ARM64 | KVM_REG_ARM64_SVE | base | n << 5 | slice & 31
}

/// The number of one of the PSCI functions that KVM had before the standard's.
pub const fn KVM_PSCI_FN(number: u32) -> u32 {
    KVM_PSCI_FN_BASE.wrapping_add(number)
}

/// Where the masks of an id register are in what `KVM_ARM_GET_REG_WRITABLE_MASKS` writes.
pub const fn KVM_ARM_FEATURE_ID_RANGE_IDX(
    _op0: u64,
    op1: u64,
    _crn: u64,
    crm: u64,
    op2: u64,
) -> u64 {
    // Of the values that id registers have, 0, 1 and 3, the last comes third.
    let op1 = match op1 & 3 {
        3 => 2,
        op1 => op1,
    };
    op1 << 6 | (crm & 7) << 3 | op2
}
